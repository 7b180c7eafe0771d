"""What can be asked of vectors, and the files they are kept in."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save as packed

from mutua.types import InputError
from mutua.words import (
    UnknownWord,
    Vectors,
    Word2Vec,
    from_gensim,
    load_vectors,
    read_binary,
    read_safetensors,
    read_text,
    safetensors_format,
    stability,
    vectors,
    write_binary,
    write_safetensors,
    write_text,
)


def some(v: int = 50, d: int = 7, seed: int = 0) -> Vectors:
    matrix = np.random.default_rng(seed).normal(size=(v, d)).astype(np.float32)
    return Vectors([f"wörd{i}" for i in range(v)], matrix, 7 * np.arange(v)[::-1] + 1)


@pytest.mark.parametrize(("rows", "scores", "strides"), [(1 << 16, 1 << 24, 64), (7, 30, 64), (24, 100, 2)])
def test_search_is_exact_block_by_block(
    rows: int, scores: int, strides: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vectors, "_STRIDES", strides)
    monkeypatch.setattr(vectors, "_ROWS", rows)
    monkeypatch.setattr(vectors, "_SCORES", scores)
    them = some()
    queries = np.random.default_rng(1).normal(size=(9, 7)).astype(np.float32)
    unit = them.matrix / np.linalg.norm(them.matrix, axis=1)[:, None]
    cosines = queries / np.linalg.norm(queries, axis=1)[:, None] @ unit.T
    for k in (1, 5, 50, 99):
        index, score = them.nearest(queries, k)
        np.testing.assert_array_equal(index, np.argsort(-cosines, kind="stable")[:, :k])
        np.testing.assert_allclose(score, -np.sort(-cosines)[:, :k], rtol=1e-5, atol=1e-6)


def test_questions_on_a_plane() -> None:
    words = ["man", "king", "woman", "queen", "pear", "nought"]
    x = np.array([[1, 0, 0], [1, 1, 0], [1, 0, 1], [1, 1, 1], [-1, 0.1, 0.1], [0, 0, 0]], np.float32)
    them = Vectors(words, x)
    assert them.analogy("man", "king", "woman")[0][0] == "queen"
    assert them.most_similar("king", k=1) == [("queen", pytest.approx(2 / 6**0.5))]
    assert {word for word, _ in them.most_similar("king", k=9)} == set(words) - {"king"}
    assert them.doesnt_match(["man", "king", "pear", "queen"]) == "pear"
    assert them.similarity("man", "king") == pytest.approx(0.5**0.5)
    np.testing.assert_allclose(them.similarities(["man"], ["king", "nought"]), [[0.5**0.5, 0]], atol=1e-6)
    assert dict(them)["king"] is not None
    assert [*them] == words
    np.testing.assert_array_equal(them["king"], [1, 1, 0])
    for ask, named in (
        (lambda: them.doesnt_match(["man", "king"]), "three"),
        (lambda: them.most_similar([]), "no word"),
    ):
        with pytest.raises(InputError, match=named):
            ask()


def test_unknown_words_are_told_near_spellings() -> None:
    them = Vectors(["germany", "new_york", "Bonn", "berlin"], np.eye(4, dtype=np.float32))
    for word, near in (("gemrany", "germany"), ("Germany", "germany"), ("new york", "new_york"), ("bonn", "Bonn")):
        with pytest.raises(UnknownWord, match=f"did you mean {near}") as caught:
            them[word]
        assert str(caught.value).startswith(repr(word))
    with pytest.raises(KeyError, match="check its case"):
        them["qqqqq"]
    assert them.get("qqqqq") is None
    with pytest.raises(InputError):
        them.most_similar("qqqqq")


def test_spellings_in_another_alphabet() -> None:
    them = Vectors(["кошка", "дом"], np.eye(2, dtype=np.float32))
    with pytest.raises(UnknownWord, match="кошка"):
        them["коша"]
    with pytest.raises(UnknownWord) as caught:
        them["x" * 10_000]
    assert len(str(caught.value)) < 200


def test_words_and_rows_must_match() -> None:
    with pytest.raises(InputError, match="'a' stands there twice"):
        Vectors(["a", "a"], np.eye(2, dtype=np.float32))
    with pytest.raises(InputError, match="2 rows for 1 words"):
        Vectors(["a"], np.eye(2, dtype=np.float32))


FORMATS: dict[str, tuple[Callable, Callable]] = {
    "text": (write_text, read_text),
    "binary": (write_binary, read_binary),
    "safetensors": (write_safetensors, read_safetensors),
}


@pytest.mark.parametrize("name", FORMATS)
def test_files_give_back_what_was_written(name: str, tmp_path: Path) -> None:
    write, read = FORMATS[name]
    them, path = some(), tmp_path / "vectors"
    write(them, path)
    for found in (read(path), load_vectors(path)):
        assert found.words == them.words
        np.testing.assert_array_equal(found.matrix, them.matrix)
    if name == "safetensors":
        np.testing.assert_array_equal(read(path).counts, them.counts)
    assert [file.name for file in tmp_path.iterdir()] == ["vectors"]


@pytest.mark.parametrize("name", FORMATS)
def test_a_file_cut_anywhere_is_refused(name: str, tmp_path: Path) -> None:
    write, read = FORMATS[name]
    path = tmp_path / "vectors"
    write(some(6, 3), path)
    whole = path.read_bytes()
    # The last byte of the binary format is a new line that other writers leave out.
    for size in range(len(whole) - (name == "binary")):
        path.write_bytes(whole[:size])
        with pytest.raises(InputError) as caught:
            read(path)
        assert "\n" not in str(caught.value)


def test_foreign_files(tmp_path: Path) -> None:
    """As the C program writes them (a space ends the line), as gensim does (no newline after a vector); limits."""
    path = tmp_path / "c.txt"
    path.write_text("2 2\nnew york 1 2 \nb 3 4 \n")
    assert read_text(path).words == ["new york", "b"]
    assert read_text(path, limit=1).matrix.tolist() == [[1, 2]]
    x = np.array([[10.0, 2], [3, 4]], "<f4")
    for newline in (b"", b"\n"):
        path.write_bytes(b"2 2\n" + b"".join(b"ab"[i : i + 1] + b" " + x[i].tobytes() + newline for i in range(2)))
        assert read_binary(path).words == ["a", "b"]
        np.testing.assert_array_equal(load_vectors(path).matrix, x)
    path.write_bytes(b"2 1\nb\xe9 1\nb 2\n")
    with pytest.raises(InputError, match=r"word 0 \(b'b.xe9'\) is not UTF-8"):
        read_text(path)
    assert read_text(path, errors="ignore").words == ["b"]  # the first of two
    for text, named in (("hello\n", "begins with 'hello'"), ("0 3\n", "0 words"), ("2 2\na 1\n", "line 2")):
        path.write_text(text)
        with pytest.raises(InputError, match=named):
            read_text(path)
    path.write_text("1 2\na 1 2\nb 3 4\n")
    with pytest.raises(InputError, match="more than the 1 words it says"):
        read_text(path)
    path.write_bytes(b"1 2\n" + b"".join(b"ab"[i : i + 1] + b" " + x[i].tobytes() + b"\n" for i in range(2)))
    with pytest.raises(InputError, match="more than the 1 words it says"):
        read_binary(path)
    for text, words in (("2 1\na 0.5\nb 1\n", ["a", "b"]), ("1 3\n{ 1 2 3\n", ["{"]), ("9999 1\n{ 1\n", None)):
        path.write_text(text)
        if words is None:
            with pytest.raises(InputError, match="ends after 1 of 9,999 words"):
                load_vectors(path)
        else:
            assert load_vectors(path).words == words
    with pytest.raises(InputError, match="limit: 0"):
        load_vectors(path, limit=0)
    with pytest.raises(InputError, match="cannot be read"):
        load_vectors(tmp_path / "none")
    with pytest.raises(InputError, match="part words by spaces"):
        write_text(Vectors(["a b"], x[:1]), tmp_path / "spaced")
    assert not (tmp_path / "spaced").exists()


def test_gensims_object() -> None:
    them = some(3, 2)
    keyed = SimpleNamespace(
        index_to_key=them.words,
        vectors=them.matrix,
        get_vecattr=lambda word, _name: int(them.counts[them.index[word]]),
    )
    found = from_gensim(keyed)
    assert found.words == them.words
    np.testing.assert_array_equal(found.counts, them.counts)
    invented = SimpleNamespace(index_to_key=them.words, vectors=them.matrix)
    invented.get_vecattr = lambda word, _name: 3 - them.index[word]  # what gensim says of a file without counts
    assert from_gensim(invented).counts is None
    del keyed.get_vecattr
    assert from_gensim(SimpleNamespace(wv=keyed)).counts is None  # a whole model
    keyed.vectors_ngrams = np.zeros((1, 2), np.float32)
    keyed.get_vector = {"new": np.ones(2)}.__getitem__
    found = from_gensim(keyed)
    np.testing.assert_array_equal(found["new"], [1, 1])
    with pytest.raises(UnknownWord):
        found["newer"]


def test_safetensors_that_do_not_fit_together(tmp_path: Path) -> None:
    path, them = tmp_path / "v", some(3, 2)
    tensors = safetensors_format.word_tensors(them)
    for name, wrong in (
        ("counts", tensors["counts"][:2]),
        ("ends", tensors["ends"][:2]),
        ("words", tensors["words"][:-1]),
        ("words", tensors["words"] | 128),
    ):
        path.write_bytes(packed(tensors | {name: wrong}))
        with pytest.raises(InputError, match="damaged"):
            read_safetensors(path)
    write_safetensors(Vectors(["\udc80"], them.matrix[:1]), path)
    assert load_vectors(path).words == ["\udc80"]
    with pytest.raises(InputError, match="lone surrogate"):
        write_text(Vectors(["\udc80"], them.matrix[:1]), path)
    assert load_vectors(path, limit=1).words == ["\udc80"]


def test_files_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for place in (tmp_path, tmp_path / "file" / "v.txt"):
        for write, _ in FORMATS.values():
            with pytest.raises(InputError, match="cannot be written"):
                write(some(2, 2), place)


@pytest.mark.parametrize("k", [0, -1])
def test_k_is_a_number_of_words(k: object) -> None:
    them = some()
    for ask in (
        them.most_similar,
        lambda word, k: them.analogy(word, word, word, k),
        lambda word, k: them.nearest(them[word][None], k),
        lambda word, k: them.analogy_cosmul(word, word, word, k),
        lambda word, k: stability([them, them], [word], k),
    ):
        with pytest.raises(InputError, match="k: "):
            ask("wörd1", k=k)


def test_analogy_by_products_is_the_definition() -> None:
    them = some(30, 5)
    s = (1 + np.array([[them.similarity(x, y) for y in ("wörd1", "wörd2", "wörd3")] for x in them])) / 2
    score = s[:, 1] * s[:, 2] / (s[:, 0] + 1e-3)
    score[1:4] = -1
    found = them.analogy_cosmul("wörd1", "wörd2", "wörd3", k=40)
    assert [word for word, _ in found] == [them.words[i] for i in np.argsort(-score)[:27]]
    np.testing.assert_allclose([value for _, value in found], -np.sort(-score)[:27], rtol=1e-5)


def test_gensim_both_ways() -> None:
    pytest.importorskip("gensim")
    from mutua.words import to_gensim

    them = some()
    keyed = to_gensim(them)
    assert keyed.most_similar("wörd3", topn=1)[0][0] == them.most_similar("wörd3", k=1)[0][0]
    found = from_gensim(keyed)
    np.testing.assert_array_equal(found.matrix, them.matrix)
    np.testing.assert_array_equal(found.counts, them.counts)


@pytest.mark.parametrize("words", [3, 0.5, True, None, object()])
def test_what_is_no_list_of_words_is_refused(words: Any) -> None:
    vectors = Vectors(["a", "b", "c"], np.eye(3, dtype=np.float32))
    with pytest.raises(InputError, match="is no word; give one"):
        inspect.unwrap(Vectors.most_similar)(vectors, words)
    with pytest.raises(InputError, match="is no list; give a list of words"):
        vectors._units_of(words, "similarities")


@pytest.mark.parametrize("setting", ["subwords", "tokenizer", "on_epoch"])
def test_settings_that_are_no_objects_of_their_kind_are_refused_before_the_text_is_read(setting: str) -> None:
    model = Word2Vec().set_params(**{setting: 0.5})
    with pytest.raises(InputError, match=f"^{setting}: "):
        model.fit(["a b c"])
