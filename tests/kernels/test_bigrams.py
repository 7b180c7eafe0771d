"""Counting and joining pairs against plain Python."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mutua.kernels.words import bigrams
from mutua.kernels.words.bigrams import count_bigrams, join_best, join_left
from mutua.kernels.words.skipgram import BREAK


@pytest.mark.parametrize(("tokens_at_once", "slots"), [(1 << 22, 1 << 21), (1000, 16)])
def test_counts_are_exact_however_many_parts(
    tokens_at_once: int, slots: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bigrams, "_TOKENS", tokens_at_once)
    monkeypatch.setattr(bigrams, "_SLOTS", slots)
    tokens = np.random.default_rng(0).zipf(1.3, 20_000).clip(0, 400).astype(np.int32) - 1
    pairs = Counter(pair for pair in pairwise(tokens.tolist()) if min(pair) >= 0)
    found = count_bigrams(tokens, 3)
    assert found.distinct == len(pairs)
    counted = zip(found.left.tolist(), found.right.tolist(), found.counts.tolist(), strict=True)
    assert {(a, b): n for a, b, n in counted} == {pair: n for pair, n in pairs.items() if n >= 3}


SENTENCE = st.lists(st.integers(-1, 3), max_size=14)
PAIRS = st.dictionaries(st.tuples(st.integers(0, 3), st.integers(0, 3)), st.integers(1, 9), max_size=8)


def arrays(pairs: dict[tuple[int, int], int]) -> tuple:
    both = np.array(list(pairs), np.int64).reshape(-1, 2)
    left, right = np.ascontiguousarray(both[:, 0]), np.ascontiguousarray(both[:, 1])
    return left, right, np.arange(10, 10 + len(pairs), dtype=np.int32), np.array(list(pairs.values()), float)


@settings(deadline=None)
@given(sentence=SENTENCE, pairs=PAIRS)
def test_left_to_right(sentence: list[int], pairs: dict[tuple[int, int], int]) -> None:
    number = {pair: 10 + i for i, pair in enumerate(pairs)}
    expected, i = [], 0
    while i < len(sentence):
        pair = tuple(sentence[i : i + 2])
        expected.append(number.get(pair, sentence[i]))
        i += 2 if pair in number else 1
    tokens = np.array(sentence, np.int32)
    assert tokens[: join_left(tokens, *arrays(pairs))].tolist() == expected


@settings(deadline=None)
@given(sentence=SENTENCE, pairs=PAIRS)
def test_best_is_the_best_of_all_segmentations(sentence: list[int], pairs: dict[tuple[int, int], int]) -> None:
    def best(i: int) -> float:
        if i >= len(sentence):
            return 0
        pair = tuple(sentence[i : i + 2])
        return max(best(i + 1), pairs[pair] + best(i + 2) if pair in pairs else 0)

    tokens = np.array(sentence, np.int32)
    joined = tokens[: join_best(tokens, *arrays(pairs))].tolist()
    back, score = list(pairs), 0
    unfolded: list[int] = []
    for token in joined:
        if token >= 10:
            score += pairs[back[token - 10]]
            unfolded += back[token - 10]
        else:
            unfolded.append(token)
    assert unfolded == sentence
    assert score == best(0)


def test_best_beats_left() -> None:
    pairs = {(0, 1): 2, (1, 2): 9}
    tokens = np.array([0, 1, 2, BREAK, 0, 1], np.int32)
    left, best = tokens.copy(), tokens.copy()
    assert left[: join_left(left, *arrays(pairs))].tolist() == [10, 2, BREAK, 10]
    assert best[: join_best(best, *arrays(pairs))].tolist() == [0, 11, BREAK, 10]
