"""Sources of changing loudness: the loss, its gradient, the exact answer where sources pause."""

from __future__ import annotations

import numpy as np
import pytest

from mutua.estimators.nonstationary import FLOOR, Loudness, loudness, modulated_objective, sharpened
from mutua.estimators.whitening import Whitening
from mutua.evaluation.sources.si_sdr import matched_si_sdr
from mutua.ica import LinearICA
from mutua.ica.linear.recording import Recording
from mutua.types import InputError


def sources(n: int = 6000, k: int = 3, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, k)) * np.repeat(np.exp(rng.normal(size=(n // 100, k))), 100, 0)


def plain(k: int) -> Whitening:
    return Whitening(np.zeros(k), np.eye(k), np.eye(k), k)


def blocks(x: np.ndarray, rows: int) -> Loudness:
    return loudness(Recording(x).chunks(), len(x), plain(x.shape[1]), rows, 1e9)


@pytest.mark.parametrize("n", [1000, 1037])
def test_covariances_of_blocks(n: int, monkeypatch: pytest.MonkeyPatch) -> None:
    x = np.random.default_rng(0).normal(size=(n, 3))
    monkeypatch.setattr(Recording, "chunk", property(lambda self: 333))  # blocks cross the chunks' edges
    found = blocks(x, 100)
    floor = FLOOR * x.T @ x / n
    assert found.shares.sum() == pytest.approx(1)
    for b in range(10):
        part = x[100 * b : n if b == 9 else 100 * b + 100]
        np.testing.assert_allclose(found.covariances[b], part.T @ part / len(part) + floor)
    assert (
        len(loudness(Recording(x).chunks(), n, plain(3), 100, 8 * 9 * 4).shares) <= 4
    )  # no more than memory has room for


def test_loss_is_the_slow_twins_and_its_gradient_is_relative() -> None:
    x = sources(600) @ np.random.default_rng(1).normal(size=(3, 3))
    found = blocks(x, 60)
    w = np.random.default_rng(2).normal(size=(3, 3))

    def loss(w: np.ndarray) -> float:
        total = -np.log(abs(np.linalg.det(w)))
        for share, c in zip(found.shares, found.covariances, strict=True):
            for row in w:
                total += share * 0.5 * np.log(2 * np.pi * np.e * row @ c @ row)
        return float(total)

    state = modulated_objective(found)(w)
    assert state.loss == pytest.approx(loss(w), rel=1e-12)
    for i in range(3):
        for j in range(3):
            nudge = np.zeros((3, 3))
            nudge[i, j] = 1e-6
            slope = (loss(w + nudge @ w) - loss(w - nudge @ w)) / 2e-6
            assert state.gradient[i, j] == pytest.approx(slope, abs=1e-6)


def test_curvature_is_the_second_derivative_where_sources_are_uncorrelated_in_every_block() -> None:
    rng = np.random.default_rng(3)
    covariances = np.stack([np.diag(v) for v in rng.uniform(0.2, 3, (7, 3))])
    evaluate = modulated_objective(Loudness(covariances, np.full(7, 1 / 7)))
    state = evaluate(np.eye(3))
    for i in range(3):
        for j in range(3):
            if i != j:
                nudge = np.zeros((3, 3))
                nudge[i, j] = 1e-5
                ahead, behind = (evaluate(np.eye(3) + sign * nudge).gradient for sign in (1, -1))
                assert state.curvature[i, j] == pytest.approx((ahead - behind)[i, j] / 2e-5, rel=1e-5)


def test_a_source_that_pauses_is_found_exactly() -> None:
    s = sources()
    s[:2000, 0] = 0
    s[2000:4000, 1] = 0
    s[4000:, 2] = 0
    mixing = np.random.default_rng(4).normal(size=(3, 3))
    solution = sharpened(blocks(s @ mixing.T, 200), np.linalg.inv(mixing) + 0.02, tol=1e-7)
    assert solution.converged
    assert matched_si_sdr(s, s @ mixing.T @ solution.state.w.T)[0].min() > 80


def test_gaussian_sources_of_changing_loudness() -> None:
    """Their densities' shape hardly tells them apart, their loudness does; likelihoods are the densities'."""
    s = sources(20_000, seed=5)
    mixing = np.random.default_rng(6).normal(size=(3, 3))
    x = s @ mixing.T
    by_shape, by_loudness = LinearICA().fit(x), LinearICA(modulation=100).fit(x)
    assert by_loudness.converged_
    before, after = (matched_si_sdr(s, ica.transform(x))[0].min() for ica in (by_shape, by_loudness))
    assert after > before + 5
    np.testing.assert_allclose(by_loudness.transform(x).std(0), 1, rtol=1e-6)
    assert by_loudness.score(x) == pytest.approx(by_loudness.log_likelihood_, rel=1e-9)
    assert by_loudness.log_likelihood_ == pytest.approx(by_shape.log_likelihood_, abs=1e-3)


@pytest.mark.parametrize("rows", [0, -3, 2.5, True])
def test_modulation_is_a_number_of_rows(rows: object) -> None:
    with pytest.raises(InputError, match="modulation"):
        LinearICA(modulation=rows).fit(sources(200))
