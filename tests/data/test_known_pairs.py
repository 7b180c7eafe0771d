"""Bounded noise, discrete and mixed pairs, and mixtures, against integration and hand-worked cases."""

import math
from itertools import pairwise

import numpy as np
import pytest
from scipy import integrate, stats
from sklearn.metrics import mutual_info_score

from mutua.data.known import (
    additive_uniform,
    discrete,
    galaxy,
    known,
    labelled,
    letters_ai,
    mixture,
    normal,
    uniform_mixture,
    waves,
    with_noise,
    x_shaped,
    zero_inflated_poisson,
)
from mutua.types import InputError


@pytest.mark.parametrize("epsilon", [0.05, 0.1, 0.4, 0.5, 0.6, 0.75, 3.0])
def test_additive_noise_against_its_entropies(epsilon: float):
    """I = h(y) - log 2 epsilon, p(y) the trapezoid that two uniform numbers add up to."""

    def surprise(y: float) -> float:
        p = max(0.0, min(y + epsilon, 1.0) - max(y - epsilon, 0.0)) / (2 * epsilon)
        return -p * math.log(p) if p > 0 else 0.0

    corners = sorted({-epsilon, epsilon, 1 - epsilon, 1 + epsilon})
    entropy = sum(integrate.quad(surprise, a, b, epsabs=1e-11)[0] for a, b in pairwise(corners))
    assert additive_uniform(epsilon).information == pytest.approx(entropy - math.log(2 * epsilon), abs=1e-8)


def test_additive_noise_by_hand():
    assert additive_uniform(0.1).information == pytest.approx(1.7094, abs=5e-5)
    assert additive_uniform(0.75).information == pytest.approx(1 / 3)
    ratio = additive_uniform(0.25).log_ratio
    assert ratio is not None
    x, y = np.array([[0.5], [0.1], [0.1], [-0.1]]), np.array([[0.5], [0.0], [0.5], [0.0]])
    np.testing.assert_allclose(ratio(x, y), [math.log(2), math.log(4), -np.inf, -np.inf])


def test_discrete_against_scikit_learn():
    counts = np.array([[3, 0, 1], [2, 5, 0], [0, 0, 4]])
    pair = discrete(counts / counts.sum())
    assert pair.information == pytest.approx(mutual_info_score(None, None, contingency=counts), abs=1e-12)
    x, y = pair.sample(50_000, seed=0)
    drawn = np.zeros((3, 3))
    np.add.at(drawn, (x[:, 0], y[:, 0]), 1 / 50_000)
    np.testing.assert_allclose(drawn, counts / counts.sum(), atol=0.01)
    assert (drawn[counts == 0] == 0).all()
    assert x.dtype == y.dtype == np.int64


def test_discrete_by_hand():
    assert discrete(np.eye(4) / 4).information == pytest.approx(math.log(4))
    assert discrete(np.full((2, 3), 1 / 6)).information == pytest.approx(0, abs=1e-15)
    unused = discrete(np.array([[0.5, 0.0, 0.0], [0.0, 0.0, 0.5]]))
    assert unused.information == pytest.approx(math.log(2))
    assert unused.log_ratio is not None
    np.testing.assert_allclose(
        unused.log_ratio(np.array([[0], [0]]), np.array([[0], [2]])), [math.log(2), -np.inf]
    )


def test_labelled_against_quadrature():
    means, scales, weights = [0.0, 0.5, 3.0], [0.3, 1.0, 0.7], [0.2, 0.5, 0.3]
    parts = [stats.norm(m, s) for m, s in zip(means, scales, strict=True)]

    def surprise(y: float) -> float:
        p = sum(w * part.pdf(y) for w, part in zip(weights, parts, strict=True))
        return -p * math.log(p)

    entropy = integrate.quad(surprise, -9, 12, points=[-1, 0, 1, 3], epsabs=1e-11, limit=200)[0]
    noise = sum(w * part.entropy() for w, part in zip(weights, parts, strict=True))
    assert labelled(means, scales, weights).information == pytest.approx(entropy - noise, abs=1e-8)


def test_labelled_far_apart_tells_the_label():
    assert labelled([0.0, 100.0, 200.0], [1.0] * 3).information == pytest.approx(math.log(3), abs=1e-10)
    assert labelled([1.0, 1.0], [2.0, 2.0]).information == pytest.approx(0, abs=1e-12)


def test_uniform_mixture_by_hand():
    assert uniform_mixture(1).information == 0
    assert uniform_mixture(5).information == pytest.approx(math.log(5) - 0.8 * math.log(2))
    ratio = uniform_mixture(3).log_ratio
    assert ratio is not None
    x, y = np.array([[0], [1], [2], [0]]), np.array([[0.5], [1.5], [3.5], [2.5]])
    np.testing.assert_allclose(ratio(x, y), [math.log(3), math.log(1.5), math.log(3), -np.inf])


@pytest.mark.parametrize("p", [0.0, 0.15, 0.7])
def test_zero_inflated_poisson_against_quadrature(p: float):
    def term(x: float, k: int) -> float:
        given = (1 - p) * stats.poisson.pmf(k, x) + p * (k == 0)
        overall = (1 - p) * 0.5 ** (k + 1) + p * (k == 0)
        return math.exp(-x) * given * math.log(given / overall) if given > 0 else 0.0

    slow = sum(integrate.quad(term, 0, 60, args=(k,), points=[1, 5, 20], epsabs=1e-12)[0] for k in range(40))
    assert zero_inflated_poisson(p).information == pytest.approx(slow, abs=1e-8)


def test_zero_inflated_poisson_draws_its_counts():
    x, y = zero_inflated_poisson(0.15).sample(50_000, seed=0)
    assert (y == 0).mean() == pytest.approx(0.15 + 0.85 / 2, abs=0.01)
    assert (y == 2).mean() == pytest.approx(0.85 / 8, abs=0.01)
    assert x.mean() == pytest.approx(1, abs=0.02)


def test_a_mixture_of_one_part_is_its_gaussian():
    covariance = np.array([[2.0, 0.9], [0.9, 1.0]])
    one, plain = mixture([1.0], np.array([[3.0, -1.0]]), covariance[None]), normal(covariance, 1)
    assert one.information == pytest.approx(plain.information, abs=1e-10)
    x, y = plain.sample(50, seed=0)
    assert one.log_ratio is not None
    assert plain.log_ratio is not None
    np.testing.assert_allclose(one.log_ratio(x + 3, y - 1), plain.log_ratio(x, y), atol=1e-10)


def test_x_shaped_against_quadrature():
    parts = [stats.multivariate_normal(cov=[[1, r], [r, 1]]) for r in (-0.5, 0.5)]

    def integrand(y: float, x: float) -> float:
        p = 0.5 * (parts[0].pdf([x, y]) + parts[1].pdf([x, y]))
        return p * (math.log(p) + math.log(2 * math.pi) + (x**2 + y**2) / 2)

    quarter = integrate.dblquad(integrand, 0, 8, 0, 8, epsabs=1e-9, epsrel=1e-9)[0]
    assert x_shaped(0.5).information == pytest.approx(4 * quarter, abs=1e-8)


def test_mixtures_near_their_published_estimates():
    """Monte Carlo values of 100,000 draws, as the paper's package prints them: good to about 0.005."""
    assert x_shaped().information == pytest.approx(0.4055, abs=0.005)
    assert letters_ai().information == pytest.approx(0.7769, abs=0.005)
    assert galaxy().information == pytest.approx(0.4927, abs=0.005)
    assert waves().information == pytest.approx(1.3064, abs=0.005)


def test_galaxy_is_two_balls_wound_up():
    """Turned back by its own length, x has unit spread around its arm's end, on the diagonal."""
    x, y = galaxy().sample(40_000, seed=0)
    angle = -0.5 * (x**2).sum(1)
    cos, sin = np.cos(angle), np.sin(angle)
    back = np.stack([cos * x[:, 0] - sin * x[:, 1], sin * x[:, 0] + cos * x[:, 1]], axis=1)
    three = np.hstack([back, y])
    # One ball at each end: covariance I + (1.5)^2 of all ones.
    np.testing.assert_allclose(np.cov(three.T), np.eye(3) + 2.25, atol=0.08)


def test_noise_columns_tell_nothing():
    base = known("1v1-normal-0.75")
    noisy = with_noise(base, 3)
    assert (noisy.dx, noisy.information) == (4, base.information)
    x, y = noisy.sample(20_000, seed=0)
    assert np.abs(np.corrcoef(x.T, y.T)[1:4, 4]).max() < 0.04


@pytest.mark.parametrize(
    "make",
    [
        lambda: additive_uniform(0.0),
        lambda: additive_uniform(float("nan")),
        lambda: discrete(np.array([[0.5, 0.6]])),
        lambda: discrete(np.array([[1.5, -0.5]])),
        lambda: discrete(np.array([[np.nan, 1.0]])),
        lambda: labelled([], []),
        lambda: labelled([0.0, 1.0], [1.0]),
        lambda: labelled([0.0, 1.0], [1.0, 0.0]),
        lambda: labelled([0.0, 1.0], [1.0, 1.0], [0.5, 0.6]),
        lambda: labelled([0.0, 1e9], [1.0, 1.0]),
        lambda: uniform_mixture(0),
        lambda: zero_inflated_poisson(1.0),
        lambda: mixture([0.5, 0.6], np.zeros((2, 2)), np.array([np.eye(2)] * 2)),
        lambda: mixture([1.0], np.zeros((2, 2)), np.array([np.eye(2)] * 2)),
        lambda: mixture([1.0], np.zeros((1, 2)), np.ones((1, 2, 2))),
        lambda: mixture([0.5, 0.5], np.array([[0.0, 0.0], [1e6, 1e6]]), np.array([np.eye(2)] * 2)),
        lambda: x_shaped(1.0),
        lambda: waves(parts=0),
        lambda: with_noise(known("1v1-normal-0.75"), 0),
    ],
)
def test_bad_parameters_are_refused_in_one_line(make):
    with pytest.raises(InputError) as refusal:
        make()
    assert "\n" not in str(refusal.value)
