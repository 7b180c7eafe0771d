"""Gaussianised margins and radii."""

from __future__ import annotations

import numpy as np
from scipy.stats import norm, t

from mutua.information.default.copula import gaussianised, radii


def test_quantiles_of_the_ranks_by_hand() -> None:
    found = gaussianised(np.array([[10.0], [-3.0], [7.0], [7.0]]))
    # Ranks 4, 1, and 2.5 for the tie, less a half, over 4.
    assert np.allclose(found[:, 0], norm.ppf([3.5 / 4, 0.5 / 4, 2 / 4, 2 / 4]))


def test_monotone_maps_change_nothing() -> None:
    x = np.random.default_rng(0).normal(size=(200, 3))
    assert np.array_equal(gaussianised(x), gaussianised(np.exp(x)))
    assert np.array_equal(gaussianised(x), gaussianised(np.arcsinh(5 * x)))


def test_radii_are_the_formulas_standardised() -> None:
    z = gaussianised(np.random.default_rng(1).normal(size=(300, 2)))
    u = norm.cdf(z)
    wanted = np.stack(
        [
            (z**2).sum(1),
            np.log1p((t.ppf(u, 1) ** 2).sum(1)),
            np.log1p((t.ppf(u, 3) ** 2).sum(1) / 3),
        ],
        1,
    )
    wanted = (wanted - wanted.mean(0)) / wanted.std(0)
    assert np.allclose(radii(z), wanted)
