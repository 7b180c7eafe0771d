"""The compiled reader against splitting in Python."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mutua.kernels.words.skipgram import BREAK
from mutua.kernels.words.tokenize import WordTable, compact
from mutua.words import Whitespace, Words

TOKENIZERS = [Words(), Words(lower=False), Whitespace(), Whitespace(lower=True)]


def read(text: str, tokenizer: Words | Whitespace, piece: int) -> list[list[str]]:
    data = text.encode()
    table = WordTable(*tokenizer.tables())
    cuts = [i for i in range(0, len(data), piece) if i == 0 or data[i] & 0xC0 != 0x80] + [len(data)]
    numbers = np.concatenate(list(table.stream(data[a:b] for a, b in pairwise(cuts))))
    words = table.spelled(np.arange(table.n_words))
    lines: list[list[str]] = [[]]
    for number in numbers.tolist():
        if number == BREAK:
            lines.append([])
        else:
            lines[-1].append(words[number])
    return [line for line in lines if line]


@pytest.mark.parametrize("tokenizer", TOKENIZERS)
@settings(deadline=None)
@given(text=st.text(max_size=60), piece=st.integers(1, 20))
def test_reader_is_the_tokeniser(tokenizer: Words | Whitespace, text: str, piece: int) -> None:
    expected = [tokenizer(line) for line in text.split("\n")]
    assert read(text, tokenizer, piece) == [line for line in expected if line]


def test_known_words() -> None:
    text = "Ἀθῆναι, naïve_Bayes: İs 3.5 हिन्दी don't\r\nÉCOLE 漢字"
    assert Words()(text) == ["ἀθῆναι", "naïve_bayes", "is", "3", "5", "हिन्दी", "don", "t", "école", "漢字"]
    assert read(text, Words(), 1000) == [Words()(line) for line in text.split("\n")]
    assert Whitespace()("a\u2003b \t c\u00a0d") == ["a", "b", "c", "d"]


def test_words_of_one_hash_are_told_apart() -> None:
    """Both of these have 9 letters and the same 32-bit FNV-1a."""
    assert read("declinate macallums declinate", Words(), 1000) == [["declinate", "macallums", "declinate"]]


def test_many_words_grow_the_table() -> None:
    words = [f"w{i}" for i in range(200_000)]
    table = WordTable(*Whitespace().tables())
    first = np.concatenate(list(table.stream([" ".join(words).encode()])))
    np.testing.assert_array_equal(first, np.arange(len(words)))
    again, _ = table.encode(" ".join(words[::-1]).encode(), True)
    np.testing.assert_array_equal(again, np.arange(len(words))[::-1])
    assert table.spelled(np.arange(len(words))) == words


def test_compact_drops_words_and_empty_sentences() -> None:
    b = BREAK
    tokens = np.array([b, 0, 1, b, 1, b, b, 2, 0, b, 1], np.int32)
    n = compact(tokens, np.array([5, b, 6], np.int32))
    assert tokens[:n].tolist() == [5, b, 6, 5, b]
