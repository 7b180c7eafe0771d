"""Densities of sources given u: scores against autograd, scales against their closed forms, integrals."""

import numpy as np
import pytest
from scipy.stats import laplace as laplace_law
from scipy.stats import norm

from mutua.estimators.auxiliary import Auxiliary
from mutua.ica.flow.past import Past
from mutua.ica.flow.prior import Prior, Segments, log_density
from mutua.ica.flow.smooth import Smooth
from mutua.types import InputError

N, D = 3000, 2


def made(name: str, laplace: bool) -> tuple[Prior, np.ndarray]:
    """A prior and sources that are of it."""
    rng = np.random.default_rng(0)
    noise = rng.laplace(size=(D, N)) if laplace else rng.standard_normal((D, N))
    if name == "segments":
        index = rng.integers(3, size=N)
        return Segments(D, index, 3, laplace), noise * np.array([[1, 2, 3], [3, 1, 0.5]])[:, index]
    if name == "smooth":
        time = rng.uniform(-1.7, 1.7, (N, 1))
        return Smooth(D, time, laplace, rng), noise * np.exp(np.hstack([time, -time]).T)
    for t in range(1, N):
        noise[:, t] += np.array([0.6, -0.3]) * noise[:, t - 1]
    return Past(D, N, laplace), noise


EVERY = [(name, laplace) for name in ("segments", "smooth", "past") for laplace in (True, False)]


@pytest.mark.parametrize(("name", "laplace"), EVERY)
def test_score_is_the_slope_of_the_density(name: str, laplace: bool) -> None:
    prior, s = made(name, laplace)
    prior.settle(s)
    rows = next(prior.order(np.random.default_rng(1), N, 128))
    batch, step = s[:, rows], 1e-6

    def energy(at: np.ndarray) -> float:
        if name == "past":  # one run of neighbours, which begins anew
            return -float(prior.log_prob(at, None).sum())
        known = prior.known()
        index = None if known.index is None else known.index[rows]
        vector = None if known.vector is None else known.vector[rows]
        return -float(prior.log_prob(at, Auxiliary(index=index, vector=vector)).sum())

    numeric = np.zeros((D, 20))
    for i in range(D):
        for t in range(20):
            moved = np.zeros_like(batch)
            moved[i, t] = step
            numeric[i, t] = (energy(batch + moved) - energy(batch - moved)) / (2 * step)
    np.testing.assert_allclose(prior.score(batch, rows)[:, :20], numeric, rtol=1e-4, atol=1e-4)


def test_scales_of_segments_are_maximal() -> None:
    for laplace in (True, False):
        prior, s = made("segments", laplace)
        assert isinstance(prior, Segments)
        prior.settle(s)
        for e in range(3):
            part = s[:, prior.index == e]
            expected = np.abs(part).mean(1) if laplace else np.sqrt((part**2).mean(1))
            np.testing.assert_allclose(prior.scale[e], expected)


def test_running_scales_follow() -> None:
    prior, s = made("segments", True)
    prior.settle(10 * s)
    batches = prior.order(np.random.default_rng(0), N, 100)
    for _ in range(200):
        rows = next(batches)
        prior.score(s[:, rows], rows)
    rows = np.arange(N)
    found = np.abs(prior.score(s, rows))
    prior.settle(s)
    np.testing.assert_allclose(found, np.abs(prior.score(s, rows)), rtol=0.15)


@pytest.mark.parametrize("laplace", [True, False])
def test_a_smooth_course_is_found(laplace: bool) -> None:
    prior, s = made("smooth", laplace)
    assert isinstance(prior, Smooth)
    for _ in range(5):
        prior.settle(s)
    time = np.linspace(-1.5, 1.5, 31)[:, None]
    zero = prior.log_prob(np.zeros((D, 31)), Auxiliary(vector=time))
    # At zero the log density is minus the logs of both scales, which add up to a constant here.
    assert np.ptp(zero) < 0.5
    drawn = prior.sample(20000, Auxiliary(vector=np.ones((20000, 1))), np.random.default_rng(0))
    expected = np.exp([1, -1]) * (np.sqrt(2) if laplace else 1)
    np.testing.assert_allclose(drawn.std(0), expected, rtol=0.15)
    with pytest.raises(InputError, match="give the vector"):
        prior.log_prob(s, None)


@pytest.mark.parametrize("laplace", [True, False])
def test_the_past_is_found(laplace: bool) -> None:
    prior, s = made("past", laplace)
    assert isinstance(prior, Past)
    prior.settle(s)
    np.testing.assert_allclose(prior.coefficient, [0.6, -0.3], atol=0.05)
    np.testing.assert_allclose(prior.scale, 1, atol=0.06)
    drawn = prior.sample(5000, None, np.random.default_rng(0)).T
    np.testing.assert_allclose((drawn[:, 1:] * drawn[:, :-1]).mean(1) / (drawn**2).mean(1), [0.6, -0.3], atol=0.05)


def test_densities_are_scipys_and_the_mixture_is_over_segments() -> None:
    s, scale = np.array([[0.3, -2.0]]), np.array([[0.5, 2.0]])
    np.testing.assert_allclose(log_density(s, scale, True), laplace_law.logpdf(s, scale=scale)[0])
    np.testing.assert_allclose(log_density(s, scale, False), norm.logpdf(s, scale=scale)[0])
    prior = Segments(1, np.array([0, 0, 0, 1]), 2, False)
    prior.settle(np.array([[1.0, -1.0, 1.0, 3.0]]))
    mixture = 0.75 * norm.pdf(s[0], scale=1) + 0.25 * norm.pdf(s[0], scale=3)
    np.testing.assert_allclose(np.exp(prior.log_prob(s, None)), mixture)


def test_silence_has_a_density() -> None:
    prior = Segments(1, np.array([0, 0, 1, 1]), 2, True)
    prior.settle(np.array([[0.0, 0.0, 1.0, -1.0]]))
    assert np.isfinite(prior.log_prob(np.zeros((1, 2)), None)).all()
    assert np.abs(prior.score(np.zeros((1, 4)), np.arange(4))).max() < 1e5


def test_a_batch_may_lack_a_segment() -> None:
    prior = Segments(1, np.array([0, 0, 0, 1]), 2, True)
    prior.settle(np.array([[1.0, -1.0, 1.0, 3.0]]))
    for _ in range(5):
        prior.score(np.array([[2.0, -2.0, 2.0]]), np.arange(3))
    np.testing.assert_allclose(prior.score(np.array([[3.0]]), np.array([3])), 1 / 3)
