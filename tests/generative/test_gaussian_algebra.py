"""The q x q algebra against SciPy's d x d, and a case worked by hand."""

import math

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from mutua.generative.gaussian import (
    canonical,
    density,
    incomplete_posterior,
    moments,
    patterns,
    posterior_map,
    precision,
)

RANDOM = np.random.default_rng(3)
W, NOISE, MEAN = RANDOM.normal(size=(6, 2)), RANDOM.uniform(0.1, 2.0, 6), RANDOM.normal(size=6)
C = W @ W.T + np.diag(NOISE)
X = RANDOM.normal(size=(40, 6)) * 2


def slow_posterior(x: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """By conditioning the joint Gaussian of (z, x) on the features observed: no identity used."""
    o = ~np.isnan(x)
    gain = W[o].T @ np.linalg.inv(C[np.ix_(o, o)])
    loglike = multivariate_normal(MEAN[o], C[np.ix_(o, o)]).logpdf(x[o])
    return gain @ (x[o] - MEAN[o]), np.eye(2) - gain @ W[o], float(loglike)


def test_by_hand():
    # x = (z, z) + e, noise 1: C = [[2, 1], [1, 2]], |C| = 3, C^-1 = [[2, -1], [-1, 2]] / 3, M = 3.
    ones, x = np.ones((2, 1)), np.array([[1.0, 2.0]])
    B, covariance, logdet = posterior_map(ones, np.ones(2))
    np.testing.assert_allclose(B, [[1 / 3, 1 / 3]])
    assert (covariance[0, 0], logdet) == pytest.approx((1 / 3, math.log(3)))
    # x^T C^-1 x = (2 - 2 * 2 + 2 * 4) / 3 = 2
    assert density(x, ones, np.ones(2))[0] == pytest.approx(-math.log(2 * math.pi) - math.log(3) / 2 - 1)
    np.testing.assert_allclose(precision(ones, np.ones(2)), [[2 / 3, -1 / 3], [-1 / 3, 2 / 3]])


def test_density_and_precision_are_scipys():
    np.testing.assert_allclose(density(X - MEAN, W, NOISE), multivariate_normal(MEAN, C).logpdf(X), rtol=1e-12)
    np.testing.assert_allclose(precision(W, NOISE) @ C, np.eye(6), atol=1e-12)


@pytest.mark.parametrize("q", [1, 2, 4, 5])
def test_density_is_scipys_whichever_side_is_smaller(q):
    wide = RANDOM.normal(size=(6, q))
    expected = multivariate_normal(MEAN, wide @ wide.T + np.diag(NOISE)).logpdf(X)
    np.testing.assert_allclose(density(X - MEAN, wide, NOISE), expected, rtol=1e-12)


def test_small_noise_does_not_cancel():
    tiny = np.full(6, 1e-12)
    z = RANDOM.normal(size=(5, 2))
    # On the plane itself the quadratic form is z^T z up to 1e-12: x^T x / noise would be 1e12 and lose it.
    logdet = posterior_map(W, tiny)[2]
    form = -2 * density(z @ W.T, W, tiny) - 6 * math.log(2 * math.pi) - logdet
    np.testing.assert_allclose(form, (z**2).sum(1), rtol=1e-6)


@pytest.mark.parametrize("repeats", [1, 50])
def test_missing_values_are_marginalised(repeats):
    few = X.copy()
    few[RANDOM.random(few.shape) < 0.4] = np.nan
    few = few[~np.isnan(few).all(1)]
    few[-1] = X[-1]
    rows = np.tile(few, (repeats, 1))  # many rows a pattern take the other branch
    groups = patterns(~np.isnan(rows))
    assert groups.batched == (repeats == 1)
    centred = np.where(np.isnan(rows), 0.0, rows - MEAN)
    z, covariance, loglike = incomplete_posterior(centred, groups, W, NOISE)
    for i, row in enumerate(rows):
        mean, spread, value = slow_posterior(row)
        np.testing.assert_allclose(z[i], mean, atol=1e-12)
        np.testing.assert_allclose(covariance[groups.of[i]], spread, atol=1e-12)
        assert loglike[i] == pytest.approx(value, rel=1e-12)
    sums = groups.second_moments(z)
    for p, which in groups:
        np.testing.assert_allclose(sums[p], z[which].T @ z[which], atol=1e-12)
        np.testing.assert_array_equal(groups.observed[p], ~np.isnan(rows[which[0]]))


@pytest.mark.parametrize("shape", [(40, 6), (6, 40)])
def test_both_sides_have_the_same_moments(shape):
    A = RANDOM.normal(size=shape)
    data, S = moments(A), np.cov(A, rowvar=False, bias=True)
    assert (data.covariance is None) == (shape[0] < shape[1])
    B = RANDOM.normal(size=(shape[1], 3))
    np.testing.assert_allclose(data.times(B), S @ B, atol=1e-12)
    np.testing.assert_allclose(data.variance, S.diagonal())
    scale = RANDOM.uniform(0.5, 2, shape[1])
    scaled = S / np.outer(scale, scale)
    for k in (2, 5, None):
        values, vectors = data.scaled(scale).spectrum(k)
        np.testing.assert_allclose(values, np.linalg.eigvalsh(scaled)[::-1][: len(values)], atol=1e-12)
        np.testing.assert_allclose(scaled @ vectors, vectors * values, atol=1e-12)
        np.testing.assert_allclose(vectors.T @ vectors, np.diag((vectors**2).sum(0).round()), atol=1e-10)
        np.testing.assert_allclose((vectors**2).sum(0)[:5], 1)


def test_canonical_forgets_the_rotation():
    R = np.linalg.qr(RANDOM.normal(size=(2, 2)))[0]
    found = canonical(W @ R, NOISE)
    np.testing.assert_allclose(found, canonical(W, NOISE), atol=1e-12)
    np.testing.assert_allclose(found @ found.T, W @ W.T, atol=1e-12)
    inner = found.T @ (found / NOISE[:, None])
    assert inner[0, 0] > inner[1, 1]
    assert inner[0, 1] == pytest.approx(0, abs=1e-12)
