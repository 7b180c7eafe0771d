"""Vectors that would answer wrongly are refused wherever they come from, in one line that says what to do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from mutua.types import InputError
from mutua.words import (
    CBOW,
    DocumentVectors,
    Vectors,
    Word2Vec,
    load_vectors,
    read_binary,
    read_text,
    write_binary,
    write_safetensors,
    write_text,
)
from mutua.words.checks import checked_count

RANDOM = np.random.default_rng(0)


def refused(ask: Callable[[], object], named: str) -> str:
    with pytest.raises(InputError, match=named) as caught:
        ask()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def packed(words: Sequence[bytes], d: int, end: bytes) -> bytes:
    rows = RANDOM.normal(size=(len(words), d)).astype("<f4")
    lines = [word + b" " + row.tobytes() + end for word, row in zip(words, rows, strict=True)]
    return f"{len(words)} {d}\n".encode() + b"".join(lines)


@pytest.mark.parametrize("end", [b"\n", b""])
@pytest.mark.parametrize("second", [b" ", b"", b"new york", b"a b", b"x\ny", b"San Francisco Bay"])
def test_words_cut_in_the_wrong_place(second: bytes, end: bytes, tmp_path: Path) -> None:
    path = tmp_path / "v.bin"
    for place in range(4):
        words = [b"the", b"of", b"and"]
        words.insert(place, second)
        path.write_bytes(packed(words, 50, end))
        for errors in ("strict", "ignore", "replace"):
            said = refused(lambda errors=errors: read_binary(path, errors=errors), r"v\.bin: ")
            assert "ignore" not in said


def test_vectors_that_do_not_all_end_alike(tmp_path: Path) -> None:
    path, row = tmp_path / "v.bin", np.ones(2, "<f4").tobytes()
    for ends, good in (
        (("\n", "\n", "\n"), True),
        (("", "", ""), True),
        (("\n", "\n", ""), False),
        (("", "\n", ""), False),
    ):
        lines = [word.encode() + b" " + row + end.encode() for word, end in zip("abcd", (*ends, ""), strict=True)]
        path.write_bytes(b"4 2\n" + b"".join(lines))
        if good:
            assert read_binary(path).words == list("abcd")
        else:
            refused(lambda: read_binary(path), "cut in the wrong place")


def test_empty_words_of_text(tmp_path: Path) -> None:
    path = tmp_path / "v.txt"
    path.write_bytes(b"2 2\na 1 2\n 3 4\n")
    refused(lambda: read_text(path), "line 3 has no word before its 2 numbers")
    path.write_bytes(b"1 2\n\xe9 1 2\n")
    refused(lambda: read_text(path, errors="ignore"), "word 0 .* is empty in UTF-8")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 3e38])
@pytest.mark.parametrize("write", [write_text, write_binary, write_safetensors])
def test_rows_that_are_no_numbers(value: float, write: Callable, tmp_path: Path) -> None:
    path, words = tmp_path / "v", [f"w{k}" for k in range(20)]
    matrix = RANDOM.normal(size=(20, 4)).astype(np.float32)
    them = Vectors(words, matrix)
    matrix[7], matrix[9] = value, value  # kept, not copied
    write(them, path)
    refused(lambda: load_vectors(path), "w7" if write is not write_binary or value != 3e38 else "word 7")
    refused(lambda: Vectors(words, matrix), "vectors: NaN or infinity in the row of 'w7' and 1 more")


def test_lengths_that_float32_squares_cannot_hold() -> None:
    x = RANDOM.normal(size=(30, 5)).astype(np.float32)
    words = [f"w{k}" for k in range(30)]
    expected = Vectors(words, x).most_similar("w0", k=5)
    for scale in (1e-25, 1e25):
        found = Vectors(words, x * np.float32(scale)).most_similar("w0", k=5)
        assert [word for word, _ in found] == [word for word, _ in expected]
        np.testing.assert_allclose([s for _, s in found], [s for _, s in expected], rtol=1e-5)


def test_what_vectors_are_made_of() -> None:
    x = np.eye(2, dtype=np.float32)
    assert Vectors(["a", "b"], [[1, 0], [0, 2]])["b"].dtype == np.float32
    refused(
        lambda: Vectors.__init__.__wrapped__(Vectors(["a"], x[:1]), [3, "b"], x), "3 is a int; words are strings"
    )
    refused(lambda: Vectors(["a", "b"], x[0]), r"shape \(2,\)")
    refused(lambda: Vectors(["a", "b"], np.ma.masked_array(x, x > 0)), "masked")
    refused(lambda: Vectors(["a", "b"], x, np.array([1])), "counts: 1 rows for 2 words")


def test_glove_files(tmp_path: Path) -> None:
    path = tmp_path / "glove.txt"
    path.write_text("the 0.1 0.2 0.3\n. . . 0.5 0.6 0.7\n2 1 2 3\nthe 9 9 9\n")
    for read in (read_text, load_vectors):
        found = read(path)
        assert found.words == ["the", ". . .", "2"]
        np.testing.assert_allclose(found.matrix, [[0.1, 0.2, 0.3], [0.5, 0.6, 0.7], [1, 2, 3]], rtol=1e-6)
        assert "3 dimensions by its first word" in found.source
    assert load_vectors(path, limit=2).words == ["the", ". . ."]
    many = RANDOM.normal(size=(40_000, 2)).astype(np.float32)
    path.write_text("".join(f"w{i} {a} {b}\n" for i, (a, b) in enumerate(many)))
    np.testing.assert_array_equal(load_vectors(path).matrix, many)
    for text, named in (
        ("the 1 2\nof 1\n", "line 2 has not 2 numbers"),
        ("the 1 2\nof 1 2", "line 2 does not end"),
        ("the 1 2\n\nof 1 2\n", "line 2 is empty and others follow"),
        ("the 1 2\nof 1 nan\n", "'of'"),
        ("just some words\n", "neither 'WORDS DIMENSIONS' nor a word and its numbers"),
        ("", "is empty"),
    ):
        path.write_text(text)
        refused(lambda: load_vectors(path), named)


@pytest.mark.parametrize(
    ("data", "named"),
    [
        (b"\x80\x04\x95....", "a pickle, as gensim's.*from_gensim"),
        (b"\xba\x16\x4f\x2f\x0c\0\0\0", "fastText's own model"),
        (b"PK\x03\x04....", "zip archive; unpack it"),
        (b"\x93NUMPY\x01\0", "NumPy array without words"),
    ],
)
def test_files_of_other_programs(data: bytes, named: str, tmp_path: Path) -> None:
    (tmp_path / "v.kv").write_bytes(data)
    refused(lambda: load_vectors(tmp_path / "v.kv"), named)


def test_gensims_names_are_answered_with_ours() -> None:
    them = Vectors(["a", "b", "c"], np.eye(3, dtype=np.float32))
    refused(lambda: them.most_similar("a", topn=1), "topn: gensim's name; here it is k")
    refused(lambda: them.key_to_index, "key_to_index: gensim's name; here it is index")
    assert not hasattr(them, "index_to_key")
    with pytest.raises(AttributeError, match="no attribute 'colour'"):
        _ = them.colour
    for made in (Word2Vec, CBOW):
        refused(
            lambda made=made: made(sg=1), "sg: gensim's name; here it is Word2Vec, which is skip-gram, or CBOW"
        )
        refused(lambda made=made: made(workers=3), "n_jobs")
        refused(lambda made=made: made().fit(sentences=[["a"]]), r"here it is fit\(X\)")
        assert not hasattr(made(), "wv")
        assert made(window=3).get_params()["window"] == 3
    with pytest.raises(TypeError, match="colour"):
        Word2Vec(colour=3)


def test_text_where_a_setting_is_meant_is_not_printed_whole() -> None:
    assert len(refused(lambda: checked_count("vector_size", [["a", "b"]] * 99), "vector_size: ")) < 150


def test_pairs_and_strings_where_words_are_meant() -> None:
    them = Vectors(["a", "b", "c"], np.eye(3, dtype=np.float32))
    refused(lambda: them.similarities("ab"), r"'ab' is one string.*similarity\(a, b\)")
    refused(lambda: them.similarities("a", "b"), r"similarity\(a, b\)")
    refused(
        lambda: Vectors.similarities.__wrapped__(them, [("a", "b")]),
        r"\('a', 'b'\) is no word.*similarity\(a, b\)",
    )
    refused(lambda: them.similarities([]), "no words")
    refused(lambda: them.doesnt_match("a b c"), "one string")
    refused(lambda: them[3], "3 is a int, no word")
    refused(lambda: them[["a"]], "no word")
    refused(lambda: Vectors.nearest.__wrapped__(them, np.ones(3)), r"shape \(3,\); give numbers \(q, 3\)")
    refused(lambda: them.nearest(np.full((1, 3), np.nan, np.float32)), "queries: NaN")
    assert them.get(3) is None
    np.testing.assert_array_equal(them.similarities(("a", "b")), np.eye(2))


def test_invented_counts_weigh_no_documents() -> None:
    them = Vectors(["a", "b"], np.eye(2, dtype=np.float32))
    refused(lambda: DocumentVectors(them).fit(["a b"]), "no counts")
    them.counts = np.zeros(2, np.int64)
    refused(lambda: DocumentVectors(them).fit(["a b"]), "counts")
