"""FactorAnalysis against scikit-learn's, SciPy, finite differences; its two solvers against each other."""

import numpy as np
import pytest
from scipy.optimize import approx_fprime
from scipy.stats import multivariate_normal
from sklearn.datasets import load_digits
from sklearn.decomposition import FactorAnalysis as Peer

from mutua.generative import FactorAnalysis
from mutua.generative.factor_analysis import ledermann, profile
from mutua.generative.gaussian import moments


def rows(n: int = 600, d: int = 8, q: int = 2, seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed)
    noise = random.normal(size=(n, d)) * random.uniform(0.5, 1.5, d)
    return (random.normal(size=(n, q)) @ random.normal(size=(q, d)) + noise) * np.geomspace(0.01, 100, d) + 3


def digits() -> np.ndarray:
    X = load_digits().data
    return X[:, X.std(0) > 0]


@pytest.mark.parametrize(("X", "q"), [(rows(), 2), (digits(), 10)], ids=["drawn", "digits"])
def test_likelihood_is_sklearns(X, q):
    ours = FactorAnalysis(q).fit(X)
    # scikit-learn's randomized SVD stops short of its own optimum on digits; lapack with a small tol reaches it.
    theirs = Peer(q, svd_method="lapack", tol=1e-8, max_iter=20_000).fit(X / X.std(0))
    score = theirs.score(X / X.std(0)) - np.log(X.std(0)).sum()
    assert ours.converged_
    assert ours.score(X) == pytest.approx(score, rel=1e-8)
    np.testing.assert_allclose(ours.noise_variance_ / X.var(0), theirs.noise_variance_, rtol=0.01)


@pytest.mark.parametrize(("n", "d"), [(600, 8), (30, 50)])
def test_em_reaches_the_quasi_newton_and_never_descends(n, d):
    X = rows(n, d)
    newton = FactorAnalysis(2).fit(X)
    em = FactorAnalysis(2, solver="em", tol=1e-9, max_iter=50_000).fit(X)
    assert em.converged_
    assert newton.converged_
    assert np.diff(em.loglike_).min() > -1e-9 * n
    assert np.diff(newton.loglike_).min() > -1e-9 * n
    assert em.score(X) == pytest.approx(newton.score(X), rel=1e-6)


@pytest.mark.parametrize("solver", ["em", "quasi-newton"])
def test_loglike_and_scores_are_scipys(solver):
    X = rows()
    model = FactorAnalysis(2, solver=solver).fit(X)
    assert model.loglike_[-1] == pytest.approx(len(X) * model.score(X), rel=1e-10)
    assert model.n_iter_ == len(model.loglike_)
    expected = multivariate_normal(model.mean_, model.get_covariance()).logpdf(X)
    # SciPy inverts the d x d covariance, here of condition 1e8: that is what it keeps.
    np.testing.assert_allclose(model.score_samples(X), expected, rtol=1e-7)


@pytest.mark.parametrize(("n", "d", "q"), [(200, 6, 2), (10, 14, 3), (200, 5, 4)])
def test_gradient_of_the_profile_is_that_of_finite_differences(n, d, q):
    random = np.random.default_rng(1)
    data = moments(random.normal(size=(n, 3)) @ random.normal(size=(3, d)) + random.normal(size=(n, d)))
    at = random.uniform(-1, 1, d)
    _, gradient, W = profile(at, data, q)
    np.testing.assert_allclose(gradient, approx_fprime(at, lambda x: profile(x, data, q)[0], 1e-6), atol=1e-5)

    def value(W: np.ndarray) -> float:
        C = W @ W.T + np.diag(np.exp(at))
        S = data.times(np.eye(d))
        return 0.5 * (d * np.log(2 * np.pi) + np.linalg.slogdet(C)[1] + np.trace(np.linalg.solve(C, S)))

    # f is the value at W, and W is its minimum for this noise.
    assert profile(at, data, q)[0] == pytest.approx(value(W))
    for _ in range(10):
        assert value(W + 1e-3 * random.normal(size=W.shape)) > value(W)


def test_gaps_climb_and_hardly_any_gap_changes_little():
    X = rows()
    X[0, 0] = np.nan
    few = FactorAnalysis(2, tol=1e-9, max_iter=20_000).fit(X)
    whole = FactorAnalysis(2).fit(rows())
    scale = np.sqrt(np.outer(*[rows().var(0)] * 2))
    np.testing.assert_allclose(few.get_covariance() / scale, whole.get_covariance() / scale, atol=0.01)
    X[np.random.default_rng(0).random(X.shape) < 0.3] = np.nan
    model = FactorAnalysis(2).fit(X[~np.isnan(X).all(1)])
    assert model.converged_
    assert np.diff(model.loglike_).min() > -1e-9 * len(X)


def test_equivariant_to_the_scale_of_features():
    X, scale = rows(), np.geomspace(1e-3, 1e3, 8)
    one, other = FactorAnalysis(2).fit(X), FactorAnalysis(2).fit(X * scale)
    np.testing.assert_allclose(np.abs(other.components_), np.abs(one.components_) * scale, rtol=1e-6)


def test_ledermann_is_the_largest_that_leaves_degrees_of_freedom():
    for d in range(3, 40):
        q = ledermann(d)
        assert (d - q) ** 2 >= d + q
        assert (d - q - 1) ** 2 < d + q + 1
    assert len(FactorAnalysis().fit(rows()).components_) == ledermann(8)
