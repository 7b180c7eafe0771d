"""The compiled skip-gram against its slow twin, and against the logistic objective of `mutua.bounds`."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch

from mutua.bounds import logistic
from mutua.critics import Dot
from mutua.kernels.words.sampling import alias_table, draw, noise_word, pass_key
from mutua.kernels.words.simd import aligned
from mutua.kernels.words.skipgram import BREAK, Noise, fill_kept, losses, skipgram, slow_skipgram
from mutua.scores import Dense

GO = np.zeros(1, np.uint8)


def drawn(v: int, n: int, d: int, seed: int = 0, sentence: int = 9) -> tuple:
    random = np.random.default_rng(seed)
    p = 1 / (np.arange(v) + 2.0)
    tokens = random.choice(v, n, p=p / p.sum()).astype(np.int32)
    tokens[sentence :: sentence + 1] = BREAK
    noise = Noise(random.uniform(0.3, 1.2, v).astype(np.float32), *alias_table(random.uniform(0.1, 1, v)))
    x, y = aligned(v, d), aligned(v, d)
    x[:, :d], y[:, :d] = random.normal(size=(v, d)), random.normal(size=(v, d))
    return tokens, x, y, noise


@pytest.mark.parametrize(("d", "window", "negatives"), [(1, 1, 1), (10, 3, 4), (16, 2, 5), (40, 7, 6)])
def test_kernel_is_its_twin(d: int, window: int, negatives: int) -> None:
    tokens, x, y, noise = drawn(60, 6000, d)
    slow_x, slow_y = x.copy(), y.copy()
    settings = {"window": window, "negatives": negatives, "rate": 0.05, "fall": 5e-6, "key": pass_key(3, 1)}
    fast = skipgram(tokens, 0, len(tokens), x, y, noise, **settings, ended=GO)
    slow = slow_skipgram(tokens, slow_x, slow_y, noise, **settings)
    assert fast.pairs == slow.pairs > 3000
    assert fast.tokens == len(tokens)
    assert fast.loss == pytest.approx(slow.loss, rel=1e-6)
    np.testing.assert_allclose(x, slow_x, atol=2e-5)
    np.testing.assert_allclose(y, slow_y, atol=2e-5)
    assert not x[:, d:].any()


def test_a_step_is_the_gradient_of_the_logistic_objective() -> None:
    """What a window moves is the rate times the gradient of `logistic` of `Dot`, summed over its contexts."""
    tokens, x, y, noise = drawn(2000, 7, 24, sentence=100)
    noise = noise._replace(keep=np.ones(2000, np.float32))
    x, y = x / 4, y / 4
    for start in range(len(tokens)):
        before_x, before_y = x.copy(), y.copy()
        key, rate, window, k = pass_key(start, 0), 0.1, 3, 5
        # At rate 0 nothing moves: the window's draws are then read off the twin.
        seen = skipgram(tokens, start, start + 1, x, y, noise, window=window, negatives=k, rate=rate, fall=0.0,
                        key=key, ended=GO)  # fmt: skip
        bits = int(draw(key, start))
        reach = 1 + ((bits & 0xFFFF) * window >> 16)
        near = [i for i in range(max(start - reach, 0), min(start + reach + 1, len(tokens))) if i != start]
        words = [mixed_word(bits + j, noise) for j in range(1, k + 1)]
        assert tokens[start] not in words
        left = torch.tensor(before_x, dtype=torch.float64, requires_grad=True)
        right = torch.tensor(before_y, dtype=torch.float64, requires_grad=True)
        contexts = left[tokens[near].tolist()]  # (m, d)
        target, others = right[[int(tokens[start])] * len(near)], right[words].expand(len(near), -1, -1)
        scores = Dense(Dot()(contexts, target)[:, None], Dot()(contexts[:, None], others))
        value = logistic(scores) * len(near)
        value.backward()
        assert seen.loss == pytest.approx(-value.item(), abs=1e-6 * len(near) * 10)
        np.testing.assert_allclose((x - before_x) / rate, left.grad.numpy(), atol=1e-5)
        np.testing.assert_allclose(x - before_x, rate * left.grad.numpy(), atol=1e-6)
        np.testing.assert_allclose(y - before_y, rate * right.grad.numpy(), atol=1e-6)


def mixed_word(bits: int, noise: Noise) -> int:
    from mutua.kernels.words.sampling import mixed

    return int(noise_word(np.uint64(mixed(np.uint64(bits % 2**64))), noise.threshold, noise.other))


def test_the_cut_into_jobs_changes_no_window() -> None:
    """At rate 0 the loss of any cut is the loss of the whole: same words kept, same windows, same noise."""
    tokens, x, y, noise = drawn(60, 30_000, 8, sentence=2000)
    settings = {"window": 5, "negatives": 3, "rate": 0.0, "fall": 0.0, "key": pass_key(0, 0), "ended": GO}
    whole = skipgram(tokens, 0, len(tokens), x, y, noise, **settings)
    cuts = [0, 1, 7, 4099, 4100, 20_000, len(tokens)]
    parts = [skipgram(tokens, a, b, x, y, noise, **settings) for a, b in pairwise(cuts)]
    assert sum(part.pairs for part in parts) == whole.pairs
    assert sum(part.loss for part in parts) == pytest.approx(whole.loss, rel=1e-7)


def test_a_set_flag_stops_it() -> None:
    tokens, x, y, noise = drawn(60, 10_000, 8)
    before = x.copy()
    seen = skipgram(tokens, 0, len(tokens), x, y, noise, window=5, negatives=3, rate=0.1, fall=0.0,
                    key=pass_key(0, 0), ended=np.ones(1, np.uint8))  # fmt: skip
    assert seen == (0.0, 0, 0)
    np.testing.assert_array_equal(x, before)


def test_words_are_kept_as_often_as_asked() -> None:
    tokens = np.tile(np.arange(3, dtype=np.int32), 40_000)
    keep = np.array([0.1, 0.6, 1.0], np.float32)
    word, place = np.empty(len(tokens) + 20, np.int32), np.empty(len(tokens) + 20, np.int64)
    n, first, last = fill_kept(tokens, keep, pass_key(0, 0), 0, len(tokens), 5, word, place)
    assert (first, last) == (0, n)
    np.testing.assert_array_equal(tokens[place[:n]], word[:n])
    np.testing.assert_allclose(np.bincount(word[:n]) / 40_000, keep, atol=0.01)


def test_losses_are_softplus_and_sigmoid() -> None:
    t = np.concatenate([np.linspace(-80, 80, 61), [0.0, -1e4, 1e4]]).astype(np.float32)
    exact = t.astype(float)
    above, product = losses(t)
    expected = np.logaddexp(0, exact)
    assert above + np.log(float(product)) == pytest.approx(expected.sum(), rel=1e-6)
    np.testing.assert_allclose(t, np.exp(exact - expected), rtol=1e-5, atol=1e-37)


def test_noise_is_drawn_as_weighed() -> None:
    weights = np.array([1.0, 0.0, 5.0, 2.5, 0.001, 30.0])
    threshold, other = alias_table(weights)
    key = pass_key(1, 2)
    found = np.bincount(
        [noise_word(np.uint64(draw(key, i)), threshold, other) for i in range(60_000)], minlength=6
    )
    np.testing.assert_allclose(found / 60_000, weights / weights.sum(), atol=0.006)
    assert found[1] == 0


def test_keys_differ_by_seed_and_epoch() -> None:
    assert len({int(pass_key(seed, epoch)) for seed in (-1, 0, 1, 2**40) for epoch in range(5)}) == 20
