"""Gaussian and Student-t pairs against log-determinants, densities of scipy, and published values."""

import numpy as np
import pytest
from scipy import integrate, stats

from mutua.data.known import bivariate, dense, gaussian, normal, sparse, student, student_dispersed
from mutua.types import InputError


def covariance_of(d: int, seed: int = 0) -> np.ndarray:
    factor = np.random.default_rng(seed).standard_normal((d, d + 2))
    return factor @ factor.T


def test_normal_against_densities_and_entropies():
    covariance = covariance_of(5)
    pair = normal(covariance, 2)
    x, y = pair.sample(200, seed=0)
    joint = stats.multivariate_normal(cov=covariance)
    of_x, of_y = (stats.multivariate_normal(cov=block) for block in (covariance[:2, :2], covariance[2:, 2:]))
    slow = joint.logpdf(np.hstack([x, y])) - of_x.logpdf(x) - of_y.logpdf(y)
    assert pair.log_ratio is not None
    np.testing.assert_allclose(pair.log_ratio(x, y), slow, atol=1e-9)
    assert pair.information == pytest.approx(of_x.entropy() + of_y.entropy() - joint.entropy(), abs=1e-9)


def test_normal_draws_its_covariance():
    covariance = covariance_of(4)
    sample = np.hstack(normal(covariance, 1).sample(200_000, seed=1))
    np.testing.assert_allclose(np.cov(sample.T), covariance, atol=0.03 * np.abs(covariance).max())


@pytest.mark.parametrize(("d", "nats"), [(1, 0.5), (3, 2.0), (20, 10.0)])
def test_gaussian_is_the_normal_of_its_correlation(d: int, nats: float):
    rho = (1 - np.exp(-2 * nats / d)) ** 0.5
    covariance = np.block([[np.eye(d), rho * np.eye(d)], [rho * np.eye(d), np.eye(d)]])
    fast, slow = gaussian(d, information=nats), normal(covariance, d)
    assert fast.information == nats
    assert slow.information == pytest.approx(nats, abs=1e-9)
    assert gaussian(d, rho=rho).information == pytest.approx(nats, abs=1e-9)
    x, y = fast.sample(100, seed=0)
    assert fast.log_ratio is not None
    assert slow.log_ratio is not None
    np.testing.assert_allclose(fast.log_ratio(x, y), slow.log_ratio(x, y), atol=1e-8)


def test_gaussian_draws_its_correlation_of_either_sign():
    for rho in (-0.6, 0.0, 0.9):
        x, y = gaussian(2, rho=rho).sample(100_000, seed=2)
        together = np.corrcoef(x.T, y.T)
        assert together[0, 2] == pytest.approx(rho, abs=0.01)
        assert together[1, 3] == pytest.approx(rho, abs=0.01)
        assert together[0, 3] == pytest.approx(0, abs=0.02)
        assert np.hstack([x, y]).std() == pytest.approx(1, abs=0.01)


def test_twenty_nats_in_one_dimension_keep_their_residual():
    pair = gaussian(1, information=20.0)
    assert pair.log_ratio is not None
    ratios = pair.log_ratio(*pair.sample(20_000, seed=0))
    assert ratios.mean() == pytest.approx(20, abs=0.05)


def test_bivariate_dense_and_sparse_covariances():
    assert bivariate(0.75).information == pytest.approx(-0.5 * np.log(1 - 0.75**2))
    assert sparse(25, 25).information == pytest.approx(-np.log(1 - 0.8**2))
    assert sparse(4, 3, pairs=1, strength=1.0).information == pytest.approx(-0.5 * np.log(1 - 0.5**2))
    assert sparse(3, 3, pairs=0).information == 0
    assert dense(2, 3, rho=0.0).information == 0
    together = np.corrcoef(np.hstack(sparse(3, 3).sample(100_000, seed=0)).T)
    wanted = np.eye(6)
    wanted[0, 3] = wanted[3, 0] = wanted[1, 4] = wanted[4, 1] = 0.8
    np.testing.assert_allclose(together, wanted, atol=0.015)
    together = np.corrcoef(np.hstack(dense(2, 2).sample(100_000, seed=0)).T)
    np.testing.assert_allclose(together, 0.5 + 0.5 * np.eye(4), atol=0.015)


def test_student_density_against_scipy():
    dispersion = covariance_of(5)
    pair = student_dispersed(dispersion, 2, 2.5)
    x, y = pair.sample(200, seed=0)
    slow = (
        stats.multivariate_t(shape=dispersion, df=2.5).logpdf(np.hstack([x, y]))
        - stats.multivariate_t(shape=dispersion[:2, :2], df=2.5).logpdf(x)
        - stats.multivariate_t(shape=dispersion[2:, 2:], df=2.5).logpdf(y)
    )
    assert pair.log_ratio is not None
    np.testing.assert_allclose(pair.log_ratio(x, y), slow, atol=1e-9)


def test_student_information_against_integration():
    joint, alone = stats.multivariate_t(shape=np.eye(2), df=3), stats.t(3)

    def integrand(v: float, u: float) -> float:
        return float(joint.pdf([u, v]) * (joint.logpdf([u, v]) - alone.logpdf(u) - alone.logpdf(v)))

    quarter = integrate.dblquad(integrand, 0, np.inf, 0, np.inf, epsabs=1e-7)[0]
    assert student(1, 1, 3).information == pytest.approx(4 * quarter, abs=1e-6)


def test_student_draws_its_margins():
    x, y = student(2, 1, 2).sample(20_000, seed=0)
    for column in np.hstack([x, y]).T:
        assert stats.kstest(column, stats.t(2).cdf).pvalue > 1e-3


def test_student_goes_to_the_normal():
    dispersion = covariance_of(4)
    assert student_dispersed(dispersion, 2, 1e7).information == pytest.approx(
        normal(dispersion, 2).information, abs=1e-5
    )


@pytest.mark.parametrize(
    "make",
    [
        lambda: gaussian(2),
        lambda: gaussian(2, information=1.0, rho=0.5),
        lambda: gaussian(0, information=1.0),
        lambda: gaussian(2, information=-1.0),
        lambda: gaussian(2, information=float("nan")),
        lambda: gaussian(2, information=float("inf")),
        lambda: gaussian(1, information=40.0),
        lambda: gaussian(2, rho=1.0),
        lambda: gaussian(2, rho=-1.0),
        lambda: gaussian(2, rho=float("nan")),
        lambda: bivariate(1.5),
        lambda: dense(0, 2),
        lambda: dense(2, 2, rho=1.0),
        lambda: sparse(2, 2, pairs=3),
        lambda: sparse(2, 2, strength=-1.0),
        lambda: sparse(2, 2, strength=float("inf")),
        lambda: normal(np.eye(3), 0),
        lambda: normal(np.eye(3), 3),
        lambda: normal(np.array([[1.0, 2.0], [2.0, 1.0]]), 1),
        lambda: normal(np.array([[1.0, 0.5], [0.0, 1.0]]), 1),
        lambda: normal(np.array([[1.0, np.nan], [np.nan, 1.0]]), 1),
        lambda: student(0, 1, 1),
        lambda: student(1, 1, 0),
        lambda: student(1, 1, float("inf")),
    ],
)
def test_bad_parameters_are_refused_in_one_line(make):
    with pytest.raises(InputError) as refusal:
        make()
    assert "\n" not in str(refusal.value)
