"""Steps whose input is a mean of rows, against the definition."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from mutua.kernels.words.cbow import Groups, bag_of_words, compose, ngram_groups, slow_bag_step, subword_skipgram
from mutua.kernels.words.sampling import alias_table, draw, mixed, noise_word, pass_key
from mutua.kernels.words.simd import aligned
from mutua.kernels.words.skipgram import BREAK, Noise


def test_ngrams_are_fasttexts() -> None:
    groups = ngram_groups(["éna", "a"], 3, 4, 1000, 7)
    assert groups.ends.tolist() == [0, 6, 8]

    def fnv(text: str) -> int:
        code = 2166136261
        for byte in text.encode():
            code = ((code ^ (byte - 256 if byte > 127 else byte) % 2**32) * 16777619) % 2**32
        return code

    expected = (
        [0] + [7 + fnv(gram) % 1000 for gram in ("<én", "<éna", "éna", "éna>", "na>")] + [1, 7 + fnv("<a>") % 1000]
    )
    assert groups.rows.tolist() == expected
    alone = ngram_groups(["a"], 1, 1, 50, 0, own=False)
    assert alone.rows.tolist() == [fnv("a") % 50]  # < and > alone are left out


@pytest.mark.parametrize("kernel", [bag_of_words, subword_skipgram])
def test_kernel_is_the_definition(kernel) -> None:
    random = np.random.default_rng(0)
    v, extra, d, window, k, rate = 50, 20, 12, 4, 3, 0.05
    tokens = random.integers(0, v, 400).astype(np.int32)
    tokens[30::31] = BREAK
    sizes = random.integers(1, 5, v)
    ends = np.concatenate([[0], np.cumsum(sizes)])
    groups = Groups(ends, random.integers(0, v + extra, ends[-1]).astype(np.int32))
    noise = Noise(np.ones(v, np.float32), *alias_table(random.uniform(0.1, 1, v)))
    x, y = aligned(v + extra, d), aligned(v, d)
    x[:, :d], y[:, :d] = random.normal(size=(v + extra, d)), random.normal(size=(v, d))
    slow_x, slow_y = x.copy(), y.copy()
    key = pass_key(5, 0)
    seen = kernel(tokens, 0, len(tokens), x, y, noise, groups=groups, window=window, negatives=k, rate=rate,
                  fall=0.0, key=key, ended=np.zeros(1, np.uint8))  # fmt: skip
    rows = [groups.rows[a:b].tolist() for a, b in pairwise(ends)]
    loss = 0.0
    for i, token in enumerate(tokens):
        if token == BREAK:
            continue
        bits = int(draw(key, i))
        reach = 1 + ((bits & 0xFFFF) * window >> 16)
        near = []
        for side in (range(i - 1, i - reach - 1, -1), range(i + 1, i + reach + 1)):
            for j in side:
                if j < 0 or j >= len(tokens) or tokens[j] == BREAK:
                    break
                near.append(int(tokens[j]))
        if not near:
            continue

        def noise_words(p: int, bits: int = bits) -> list[int]:
            seeds = [np.uint64((bits + p * (k + 1) + j) % 2**64) for j in range(1, k + 1)]
            return [int(noise_word(np.uint64(mixed(z)), noise.threshold, noise.other)) for z in seeds]

        if kernel is bag_of_words:
            bag, targets = [r for word in near for r in rows[word]], [[int(token), *noise_words(0)]]
        else:
            bag, targets = rows[token], [[word, *noise_words(p)] for p, word in enumerate(near)]
        loss += slow_bag_step(slow_x, slow_y, bag, targets, rate)
    assert seen.loss == pytest.approx(loss, rel=1e-6)
    np.testing.assert_allclose(x, slow_x, atol=1e-5)
    np.testing.assert_allclose(y, slow_y, atol=1e-5)


def test_compose_is_the_mean() -> None:
    inputs = np.arange(12, dtype=np.float32).reshape(4, 3)
    out = np.empty((2, 3), np.float32)
    compose(inputs, np.array([0, 2, 3]), np.array([0, 2, 3], np.int32), out)
    np.testing.assert_array_equal(out, [[3, 4, 5], [9, 10, 11]])
