"""ProbabilisticPCA against the sample covariance, scikit-learn's PCA and SciPy."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA

from mutua.generative import ProbabilisticPCA

RANDOM = np.random.default_rng(0)


def rows(n: int = 400, d: int = 6, q: int = 2, seed: int = 0, noise: float = 0.7) -> np.ndarray:
    random = np.random.default_rng(seed)
    return random.normal(size=(n, q)) @ random.normal(size=(q, d)) + noise * random.normal(size=(n, d)) + 3


def with_gaps(X: np.ndarray, share: float, seed: int = 0) -> np.ndarray:
    X = X.copy()
    X[np.random.default_rng(seed).random(X.shape) < share] = np.nan
    return X[~np.isnan(X).all(1)]


@pytest.mark.parametrize(("n", "d", "q"), [(1797, 64, 10), (400, 6, 2), (400, 6, 5)])
def test_likelihood_is_that_of_sklearn_or_higher(n, d, q):
    X = load_digits().data if d == 64 else rows(n, d)
    ours, theirs = ProbabilisticPCA(q).fit(X), PCA(q).fit(X)
    # PCA divides by n - 1, which is off the maximum by about d / 4 n^2 nats.
    if q < d - 1:
        assert 0 <= ours.score(X) - theirs.score(X) < 1e-5 * abs(theirs.score(X))
    shrunk = PCA(q).fit(np.vstack([X, X.mean(0)]))  # one row at the mean: divides the same scatter by n
    np.testing.assert_allclose(ours.get_covariance(), shrunk.get_covariance(), atol=1e-10 * d)
    np.testing.assert_allclose(ours.score_samples(X), shrunk.score_samples(X), rtol=1e-9)
    np.testing.assert_allclose(ours.get_precision(), shrunk.get_precision(), atol=1e-8)


def test_all_components_are_the_full_covariance():
    X = rows()
    model = ProbabilisticPCA().fit(X)
    assert model.components_.shape == (5, 6)
    np.testing.assert_allclose(model.get_covariance(), np.cov(X, rowvar=False, bias=True), atol=1e-12)


@pytest.mark.parametrize(("n", "d"), [(300, 8), (12, 30)])
def test_em_reaches_the_closed_form_and_never_descends(n, d):
    X = rows(n, d, 3)
    closed = ProbabilisticPCA(3).fit(X)
    em = ProbabilisticPCA(3, solver="em", random_state=0, tol=1e-10, max_iter=20_000).fit(X)
    assert em.converged_
    assert np.diff(em.loglike_).min() > -1e-9 * n
    assert em.score(X) == pytest.approx(closed.score(X), rel=1e-8)
    np.testing.assert_allclose(em.components_, closed.components_, atol=1e-3)
    assert em.noise_variance_ == pytest.approx(closed.noise_variance_, rel=1e-4)


@pytest.mark.parametrize("model", [ProbabilisticPCA(2), ProbabilisticPCA(2, solver="em", random_state=0)])
@pytest.mark.parametrize("share", [0.0, 0.2])
def test_loglike_is_that_of_the_fit_and_scores_are_scipys(model, share):
    X = rows()
    if share:
        X = with_gaps(X, share)
    model.fit(X)
    assert len(model.loglike_) == model.n_iter_
    assert model.loglike_[-1] == pytest.approx(len(X) * model.score(X), rel=1e-12)
    C = model.get_covariance()
    for row, value in zip(X[:50], model.score_samples(X), strict=False):
        o = ~np.isnan(row)
        expected = multivariate_normal(model.mean_[o], C[np.ix_(o, o)]).logpdf(row[o])
        assert value == pytest.approx(expected, rel=1e-10)


def test_em_with_gaps_climbs_to_a_stationary_point_of_the_marginal_likelihood():
    X = with_gaps(rows(150), 0.25)
    model = ProbabilisticPCA(2, tol=1e-11, max_iter=20_000).fit(X)
    assert model.converged_
    assert np.diff(model.loglike_).min() > -1e-9 * len(X)

    # Finite differences of SciPy's marginal densities in every parameter: none climbs further.
    def loglike(vector: np.ndarray) -> float:
        mean, W, noise = vector[:6], vector[6:18].reshape(6, 2), np.exp(vector[18])
        C = W @ W.T + noise * np.eye(6)
        present = ~np.isnan(X)
        return sum(
            multivariate_normal(mean[o], C[np.ix_(o, o)]).logpdf(x[o]) for x, o in zip(X, present, strict=True)
        ) / len(X)

    at = np.concatenate([model.mean_, model.mixing_.ravel(), [np.log(model.noise_variance_)]])
    gradient = [(loglike(at + step) - loglike(at - step)) / 2e-4 for step in 1e-4 * np.eye(len(at))]
    np.testing.assert_allclose(gradient, 0, atol=2e-5)


def test_em_with_gaps_agrees_with_the_closed_form_where_hardly_anything_is_missing():
    X = rows(400)
    gappy = X.copy()
    gappy[0, 0] = np.nan
    closed, em = ProbabilisticPCA(2).fit(X), ProbabilisticPCA(2, tol=1e-11).fit(gappy)
    np.testing.assert_allclose(em.get_covariance(), closed.get_covariance(), atol=0.02)


def test_imputation_is_the_conditional_mean_and_beats_the_mean():
    whole = rows(500)
    X = with_gaps(whole, 0.2)
    assert len(X) == len(whole)
    model = ProbabilisticPCA(2).fit(X)
    filled, gaps = model.impute(X), np.isnan(X)
    np.testing.assert_array_equal(filled[~gaps], X[~gaps])
    C, row = model.get_covariance(), int(gaps.any(1).argmax())
    o = ~gaps[row]
    gain = C[np.ix_(~o, o)] @ np.linalg.inv(C[np.ix_(o, o)])
    np.testing.assert_allclose(filled[row][~o], model.mean_[~o] + gain @ (X[row] - model.mean_)[o], atol=1e-10)
    error = ((filled - whole)[gaps] ** 2).mean()
    assert error < 0.7 * ((np.nanmean(X, axis=0) - whole)[gaps] ** 2).mean()
    np.testing.assert_array_equal(model.impute(whole), whole)


def test_posterior_of_complete_and_of_missing_rows():
    X = rows(200)
    model = ProbabilisticPCA(2).fit(X)
    mean, covariance = model.posterior(X[:5])
    np.testing.assert_array_equal(model.transform(X[:5]), mean)
    assert (mean.shape, covariance.shape) == ((5, 2), (5, 2, 2))
    joint = model.components_ @ np.linalg.inv(model.get_covariance())
    np.testing.assert_allclose(mean, (X[:5] - model.mean_) @ joint.T, atol=1e-12)
    np.testing.assert_allclose(covariance[3], np.eye(2) - joint @ model.mixing_, atol=1e-12)
    gap = X[:5].copy()
    gap[0, 1] = np.nan
    with_gap = model.posterior(gap)
    np.testing.assert_allclose(with_gap.mean[1:], mean[1:], atol=1e-12)
    assert np.linalg.eigvalsh(with_gap.covariance[0] - covariance[0]).max() > 1e-4  # knowing less, less certain


def test_sample_has_the_models_moments_and_a_seed():
    model = ProbabilisticPCA(2, random_state=1).fit(rows())
    drawn = model.sample(200_000)
    np.testing.assert_array_equal(drawn[:3], model.sample(200_000, random_state=1)[:3])
    np.testing.assert_allclose(drawn.mean(0), model.mean_, atol=0.03)
    np.testing.assert_allclose(np.cov(drawn, rowvar=False), model.get_covariance(), atol=0.08)


def test_inverse_transform_is_the_mean_given_the_latents():
    model = ProbabilisticPCA(2).fit(rows())
    np.testing.assert_allclose(model.inverse_transform([[0.0, 0.0]]), [model.mean_])
    np.testing.assert_allclose(model.inverse_transform([[1.0, 0.0]]) - model.mean_, model.components_[:1])
