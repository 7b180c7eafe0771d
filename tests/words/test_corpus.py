"""Reading corpora: every kind of source gives the same, and bad ones say what is wrong."""

from __future__ import annotations

import bz2
import gzip
import lzma
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from mutua.data.text import files
from mutua.kernels.words.skipgram import BREAK
from mutua.types import InputError
from mutua.words import Corpus, Whitespace, Words, corpus, read_corpus, read_sentences

TEXT = "The cat, the Dog.\n\nA dög and a cat!\r\nthe end"
SENTENCES = [["the", "cat", "the", "dog"], ["a", "dög", "and", "a", "cat"], ["the", "end"]]


def spelled(found: Corpus) -> list[list[str]]:
    return list(found.sentences())


def test_numbers_counts_and_order() -> None:
    found = read_corpus(SENTENCES, min_count=2)
    assert found.words == ["the", "cat", "a"]
    assert found.counts.tolist() == [3, 2, 2]
    assert found.tokens.tolist() == [0, 1, 0, BREAK, 2, 2, 1, BREAK, 0, BREAK]
    assert found.total == 11
    assert read_corpus(SENTENCES, min_count=1, max_words=2).words == ["the", "cat"]


def test_every_source_gives_the_same(tmp_path: Path) -> None:
    data = TEXT.encode()
    paths = []
    for name, pack in (("a", bytes), ("b.gz", gzip.compress), ("c", lzma.compress), ("d.bz2", bz2.compress)):
        paths.append(tmp_path / name)
        paths[-1].write_bytes(pack(data))
    (tmp_path / "bom").write_bytes(b"\xef\xbb\xbf" + data)
    sources = [*paths, str(paths[0]), tmp_path / "bom", [paths[0]], TEXT.split("\n"), iter(TEXT.splitlines(True))]
    for source in sources:
        found = read_corpus(source, min_count=1)
        assert spelled(found) == SENTENCES
        assert found.counts.sum() == found.total == 11
    assert spelled(read_corpus(paths[0], lambda line: line.lower().split(), min_count=1))[0][1] == "cat,"
    assert spelled(read_corpus(paths[0], Whitespace(), min_count=1))[0] == ["The", "cat,", "the", "Dog."]
    twice = read_corpus(paths[:2], min_count=1)
    assert spelled(twice) == SENTENCES * 2
    assert list(read_sentences(paths[1], Words())) == [*SENTENCES[:1], [], *SENTENCES[1:]]
    assert list(read_sentences(SENTENCES)) == SENTENCES


def test_zst(tmp_path: Path) -> None:
    path = tmp_path / "text.zst"
    try:
        import zstandard
    except ImportError:
        path.write_bytes(b"\x28\xb5\x2f\xfd....")
        with pytest.raises(InputError, match=r"zst.*pip install zstandard"):
            read_corpus(path)
    else:
        whole = zstandard.compress(TEXT.encode())
        path.write_bytes(whole)
        assert spelled(read_corpus(path, min_count=1)) == SENTENCES
        path.write_bytes(whole + zstandard.compress(b"\nmore words"))
        assert spelled(read_corpus(path, min_count=1)) == [*SENTENCES, ["more", "words"]]
        for damaged in (whole[:-2], whole[:9] + b"\xff" * 9):
            path.write_bytes(damaged)
            with pytest.raises(InputError, match="cut short"):
                read_corpus(path)


def test_pieces_cut_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "text"
    path.write_text(TEXT, encoding="utf-8", newline="")
    for size in range(1, 20):
        monkeypatch.setattr(files, "_PIECE", size)
        assert spelled(read_corpus(path, min_count=1)) == SENTENCES
        assert spelled(read_corpus(TEXT.split("\n"), min_count=1)) == SENTENCES


def test_a_large_corpus_goes_to_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [f"w{i % 97} w{i % 31} x" for i in range(5000)]
    held = read_corpus(lines, min_count=60)
    monkeypatch.setattr(corpus, "_IN_MEMORY", 1000)
    monkeypatch.setattr(files, "_PIECE", 512)
    kept = read_corpus(lines, min_count=60, folder=tmp_path)
    assert isinstance(kept.tokens.base, np.memmap) or isinstance(kept.tokens.base.base, np.memmap)
    np.testing.assert_array_equal(kept.tokens, held.tokens)
    assert kept.words == held.words
    assert not list(tmp_path.iterdir())  # the file has no name


def test_one_long_line_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "long"
    path.write_text("one two three " * 500_000)
    found = read_corpus(path)
    assert found.total == 1_500_000
    assert (found.tokens == BREAK).sum() == 0


def test_counts_are_pythons() -> None:
    random = np.random.default_rng(0)
    words = [f"{'aé漢'[i % 3]}{i}" for i in random.zipf(1.2, 20_000) % 5000]
    found = read_corpus([" ".join(words)], min_count=1)
    assert dict(zip(found.words, found.counts.tolist(), strict=True)) == Counter(words)
    assert (np.diff(found.counts) <= 0).all()


def test_restricted_and_frequent() -> None:
    found = read_corpus(SENTENCES, min_count=1)
    assert found.frequent(1) is found
    few = found.frequent(2)
    assert few.words == ["the", "cat", "a"]
    np.testing.assert_array_equal(few.tokens, read_corpus(SENTENCES, min_count=2).tokens)
    assert spelled(found.restricted(["end", "cat"], np.array([1, 2]))) == [["cat"], ["cat"], ["end"]]
    with pytest.raises(InputError, match="lower min_count"):
        found.frequent(9)


def refused(source: object, named: str, **settings: object) -> None:
    with pytest.raises(InputError, match=named) as caught:
        read_corpus(source, **settings)
    assert "\n" not in str(caught.value)


def test_bad_input(tmp_path: Path) -> None:
    path = tmp_path / "bad"
    path.write_bytes(b"good text\nb\xe9ta " + b"x" * 3_000_000)
    refused(path, r"bad: not UTF-8 at line 2, byte 11 \(0xe9\).*errors='replace'")
    assert read_corpus(path, min_count=1, errors="ignore").words[2] == "bta"
    assert read_corpus(path, Whitespace(), min_count=1, errors="replace").words[2] == "b\ufffdta"
    path.write_bytes(b"a" * (1 << 20) + "é".encode() * 10 + b"\xc3")
    refused(path, f"at line 1, byte {(1 << 20) + 20:,}")
    refused(tmp_path / "none", "no such file")
    refused("some text that is no path", "no such file; give a path")
    refused([], "no words")
    path.write_bytes(b"")
    refused(path, "bad: no words")
    refused([path, path], "bad and 1 more: no words")
    refused(["", " . "], "no words")
    refused([["a", "b"]], r"no word of 2 occurs 5 times \(the most frequent 1\); lower min_count")
    refused([["a", 3]], "a token 3 of int")
    refused(["a", b"b"], "line 1: bytes")
    refused(["a"], "errors", errors="skip")
    refused([["a"], "b c"], "'b c' among lists of tokens")
    refused([["a"], 3], "3 among lists of tokens")
    refused([str(path)], "names a file; give Path")
    refused(tmp_path, "a folder, not a file")
    packed = bz2.compress(b"a b c " * 10_000)
    path.write_bytes(packed[:10] + b"xxxx" + packed[14:])
    refused(path, "damaged or cut short")
    whole = gzip.compress(b"a b c " * 10_000)
    path.write_bytes(whole[:-20])
    refused(path, "cut short")
    path.write_bytes(lzma.compress(b"a b c " * 10_000)[:60])
    refused(path, "cut short")


def test_a_function_and_a_word_of_many_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "_PIECE", 10)
    path = tmp_path / "t"
    path.write_text("a bc\n" + "d" * 95 + " a\n\nbc " + "e" * 33)
    expected = [["a", "bc"], ["d" * 95, "a"], ["bc", "e" * 33]]
    assert list(read_corpus(path, str.split, min_count=1).sentences()) == expected
    assert list(read_corpus(path, min_count=1).sentences()) == expected
    assert list(read_sentences(path, str.split)) == [*expected[:2], [], expected[2]]
