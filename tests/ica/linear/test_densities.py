"""Laws of every density, and the check of a user's own."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats
from scipy.integrate import quad

from mutua.ica import DENSITIES, Laplace, Mixture, Scaled, Sech, Student, SubGaussian, check_density
from mutua.ica.linear.density_checks import density_of
from mutua.types import InputError

MEMBERS = [
    *(make() for make in DENSITIES.values()),
    Sech(0.3),
    Sech(8.0),
    Laplace(1.5),
    Student(1.2),
    SubGaussian(2.0),
    Mixture((0.2, 0.5, 0.3), (-1.0, 0.3, 2.0), (0.4, 1.0, 0.7)),
    Scaled(Mixture((0.3, 0.7), (-1.0, 1.0), (0.5, 1.0)), -2.5),
]


@pytest.mark.parametrize("density", MEMBERS, ids=repr)
def test_integrates_to_one(density) -> None:
    total = sum(
        quad(lambda a: float(np.exp(density.log_prob(np.array([a])))[0]), *ends, limit=200)[0]
        for ends in ((-np.inf, -5), (-5, 0), (0, 5), (5, np.inf))
    )
    assert total == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("density", MEMBERS, ids=repr)
def test_derivatives_are_finite_differences(density) -> None:
    a = np.array([[-30.0, -3.1, -0.4], [0.01, 0.7, 12.0]])
    for name, of in (("score", "log_prob"), ("score_derivative", "score")):
        f = getattr(density, of)
        expected = (f(a + 1e-6) - f(a - 1e-6)) / 2e-6
        np.testing.assert_allclose(getattr(density, name)(a), expected, rtol=1e-4, atol=1e-6)


def test_known_values() -> None:
    a = np.linspace(-4, 4, 9)
    np.testing.assert_allclose(np.exp(Sech().log_prob(a)), stats.hypsecant.pdf(a))  # 1/(pi cosh a)
    np.testing.assert_allclose(Student(7.0).log_prob(a), stats.t.logpdf(a, 7))
    np.testing.assert_allclose(Laplace(1e-6).log_prob(a[a != 0]), stats.laplace.logpdf(a[a != 0]), atol=1e-5)
    half = 0.5 * (stats.norm.pdf(a, 1.5) + stats.norm.pdf(a, -1.5))
    np.testing.assert_allclose(SubGaussian(1.5).log_prob(a), np.log(half))
    np.testing.assert_allclose(Mixture((0.5, 0.5), (1.5, -1.5), (1.0, 1.0)).log_prob(a), np.log(half))
    np.testing.assert_allclose(Scaled(Sech(), 2.0).log_prob(a), math.log(2) + Sech().log_prob(2 * a))
    assert Sech().log_prob(np.array([1e4]))[0] == pytest.approx(-1e4 + math.log(2 / math.pi))


class Own:
    """A Gaussian, with a fault where a test wants one."""

    def log_prob(self, a):
        return -0.5 * a**2 - 0.5 * math.log(2 * math.pi)

    def score(self, a):
        return -a

    def score_derivative(self, a):
        return -np.ones_like(a)


def test_a_sound_density_passes() -> None:
    check_density(Own())
    assert isinstance(density_of("laplace"), Laplace)


def test_faults_are_named(monkeypatch) -> None:
    with pytest.raises(InputError, match="has no score, score_derivative"):
        check_density(type("Half", (), {"log_prob": Own.log_prob})())
    with monkeypatch.context() as patch:
        patch.setattr(Own, "score", lambda _, a: -1.1 * a)
        # The largest deviation is at the ends, 5 against 5.5.
        with pytest.raises(InputError, match=r"score is 5\.5 at -5 where .* give 5 \(deviation 0\.5"):
            check_density(Own())
    with monkeypatch.context() as patch:
        patch.setattr(Own, "score_derivative", lambda _, a: np.ones_like(a))
        with pytest.raises(InputError, match="score_derivative is 1 at"):
            check_density(Own())
    with monkeypatch.context() as patch:
        patch.setattr(Own, "log_prob", lambda _, a: np.sum(-0.5 * a**2))
        with pytest.raises(InputError, match="elementwise"):
            check_density(Own())
    with monkeypatch.context() as patch:
        patch.setattr(Own, "score", lambda _, a: np.where(a > 4, np.nan, -a))
        with pytest.raises(InputError, match="NaN or infinite"):
            check_density(Own())
    with monkeypatch.context() as patch:
        patch.setattr(Own, "log_prob", lambda _, a: -0.5 * a**2)
        with pytest.warns(UserWarning, match=r"integrates to 2\.507"):
            check_density(Own())
    with pytest.raises(InputError, match="no 'tanh'; use auto, laplace, mixture, sech, student, sub_gaussian"):
        density_of("tanh")


@pytest.mark.parametrize(
    "make",
    [
        lambda: Sech(0.0),
        lambda: Student(-1.0),
        lambda: Laplace(math.nan),
        lambda: SubGaussian(math.inf),
        lambda: Mixture((0.5, 0.6)),
        lambda: Mixture((1.0,), (0.0, 1.0), (1.0,)),
    ],
)
def test_parameters_out_of_range(make) -> None:
    with pytest.raises(InputError):
        make()
