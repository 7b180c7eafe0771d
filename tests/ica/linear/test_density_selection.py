"""What "auto" rests on: the stability criterion, the scale of a density, the choice by held-out likelihood."""

from __future__ import annotations

import numpy as np
import pytest

from mutua.ica import Laplace, Sech, SubGaussian
from mutua.ica.linear.density_selection import CANDIDATES, by_stability, fit_scale, select, stability


def draws(n: int = 40000) -> np.ndarray:
    rng = np.random.default_rng(0)
    return np.stack([rng.laplace(size=n), 7 * rng.uniform(-1, 1, n), 0.1 * rng.normal(size=n)], 1)


def test_stability_has_the_sign_of_the_tails() -> None:
    laplace, uniform, gaussian = stability(draws())
    assert laplace > 0.05
    assert uniform < -0.05
    assert gaussian == pytest.approx(0, abs=0.01)
    assert by_stability(draws()[:, :2]) == [Sech(), SubGaussian()]


@pytest.mark.parametrize("density", CANDIDATES, ids=repr)
def test_scale_is_the_best_on_a_grid(density) -> None:
    y = draws(2000)
    found = fit_scale(y, density, steps=20)
    grid = found * np.exp(np.linspace(-0.5, 0.5, 101))[:, None]  # (101, 3), found in the middle
    likelihood = [np.mean(density.log_prob(y * scale), 0) + np.log(scale) for scale in grid]
    assert (np.argmax(likelihood, 0) == 50).all()


def test_choice_by_held_out_likelihood() -> None:
    y = draws()
    chosen, scales = select(y[:20000], y[20000:])
    assert isinstance(chosen[0], Laplace)
    assert isinstance(chosen[1], SubGaussian)
    # Near the plain Laplace density's own scale, and the flat density stretched over +-7.
    assert scales[0] == pytest.approx(1, rel=0.05)
    assert scales[1] < 1
