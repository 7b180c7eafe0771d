"""The expected interference, held to what a known mixing shows over many recordings."""

from __future__ import annotations

import numpy as np
import pytest

from mutua.ica import LinearICA, expected_interference
from mutua.types import InputError


def left(ica: LinearICA, mixing: np.ndarray, deviation: np.ndarray) -> float:
    """The mean power of the other sources in each estimate, relative to its own."""
    power = np.square(ica.components_ @ mixing * deviation)  # (k, k)
    own = power.max(1)
    return float(np.mean((power.sum(1) - own) / own))


@pytest.mark.parametrize("modulation", [None, 50])
def test_expected_is_what_is_left_over_many_recordings(modulation: int | None) -> None:
    expected, seen = [], []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        s = rng.laplace(size=(4000, 3)) * np.repeat(np.exp(0.5 * rng.normal(size=(80, 3))), 50, 0)
        mixing = rng.normal(size=(3, 3))
        ica = LinearICA(modulation=modulation).fit(s @ mixing.T)
        expected.append(expected_interference(ica, s @ mixing.T).mean())
        seen.append(left(ica, mixing, s.std(0)))
    assert 0.5 < np.mean(expected) / np.mean(seen) < 2


def test_autocorrelated_sources_are_expected_to_be_worse_by_what_neighbours_share() -> None:
    expected, seen = [], []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        s = np.repeat(rng.laplace(size=(1000, 2)), 8, 0)  # eight copies of each sample
        mixing = rng.normal(size=(2, 2))
        ica = LinearICA().fit(s @ mixing.T)
        expected.append(expected_interference(ica, s @ mixing.T).mean())
        seen.append(left(ica, mixing, s.std(0)))
    assert 0.5 < np.mean(expected) / np.mean(seen) < 2


def test_users_density_one_component_and_few_rows() -> None:
    x = np.random.default_rng(0).laplace(size=(500, 2)) @ np.array([[1.0, 0.3], [0.2, 1.0]])
    assert np.isfinite(expected_interference(LinearICA(density="mixture").fit(x), x)).all()
    assert expected_interference(LinearICA(1).fit(x), x).tolist() == [0.0]
    with pytest.raises(InputError, match="at least 64"):
        expected_interference(LinearICA().fit(x), x[:40])


def test_nothing_is_expected_of_gaussians() -> None:
    x = np.random.default_rng(1).normal(size=(20_000, 2))
    told = expected_interference(LinearICA(density="sech").fit(x), x)
    assert (told > 0.03).all()  # no better than 15 dB
