"""The linear model beside IVAE: modulation alone tells its rotation, and its density is one."""

from __future__ import annotations

import numpy as np
import pytest

from mutua.estimators.auxiliary import auxiliary
from mutua.evaluation import amari_distance
from mutua.generative.linear import modulated, quantiles


def _mixed(laplace: bool, means: bool, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Rows, u, the mixing, and log p(x | u) of each row."""
    rng = np.random.default_rng(seed)
    u = np.repeat(np.arange(20), 200)
    scale, location = rng.uniform(0.3, 3, (20, 3))[u], means * rng.normal(size=(20, 3))[u]
    unit = rng.laplace(scale=np.sqrt(0.5), size=scale.shape) if laplace else rng.normal(size=scale.shape)
    mixing = rng.normal(size=(3, 3))
    own = -np.sqrt(2) * np.abs(unit) - 0.5 * np.log(2) if laplace else -0.5 * (unit**2 + np.log(2 * np.pi))
    log_prob = (own - np.log(scale)).sum(1) - np.linalg.slogdet(mixing)[1]
    return (unit * scale + location) @ mixing.T, u, mixing, log_prob


@pytest.mark.parametrize("laplace", [False, True])
@pytest.mark.parametrize("means", [False, True])
def test_it_finds_modulated_sources_and_their_likelihood(laplace: bool, means: bool) -> None:
    x, u, mixing, log_prob = _mixed(laplace, means)
    read = auxiliary(u, len(x))
    found = modulated(x, read, means=means)
    assert found is not None
    assert amari_distance(found.matrix, mixing) < 0.05
    assert (found.laplace == laplace).all()
    assert found.log_prob(x, read).mean() == pytest.approx(log_prob.mean(), abs=0.05)


def test_a_vector_is_cut_by_its_quantiles_and_other_rows_by_the_same() -> None:
    time = np.linspace(-1, 1, 1000)[:, None]
    bins = quantiles(time, 4)
    assert np.bincount(bins(time)).tolist() == [250] * 4
    assert len(set(bins(time[:250]))) == 1
    rng = np.random.default_rng(0)
    read = auxiliary(time, 1000)
    assert read.vector is not None
    found = modulated(rng.normal(size=(1000, 2)), read, means=False, bins=quantiles(read.vector, 4))
    assert found is not None
    assert found.log_prob(np.zeros((1000, 2)), read).shape == (1000,)


def test_channels_of_lower_rank_have_none() -> None:
    x, u, _, _ = _mixed(False, False)
    assert modulated(x[:, [0, 0]], auxiliary(u, len(x)), means=False) is None
