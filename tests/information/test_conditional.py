"""The chain rule, and all pairs of a table."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from mutua.information import conditional_mutual_information, pairwise
from mutua.types import InputError


def test_a_common_cause_explains_it_away_and_a_common_effect_makes_it(hurried: None) -> None:
    rng = np.random.default_rng(0)
    cause, x_own, y_own = rng.normal(size=(3, 1500))
    x, y = cause + 0.5 * x_own, cause + 0.5 * y_own
    away = conditional_mutual_information(x, y, cause, effort="quick")
    assert away.value < 0.06
    assert away.readings["I(X; Z)"] > 0.6
    made = conditional_mutual_information(x_own, y_own, x_own + y_own + 0.5 * cause, effort="quick")
    # Given z = a + b + e/2: rho_ab.z = -.8 by the partial correlation, hence -1/2 log(1 - .64).
    assert abs(made.value - 0.51) < 0.1


def test_lengths_are_checked() -> None:
    with pytest.raises(InputError, match="20, 20 and 30 rows"):
        conditional_mutual_information(np.arange(20.0), np.arange(20.0), np.arange(30.0))


def test_pairs_of_a_table() -> None:
    rng = np.random.default_rng(0)
    a = rng.normal(size=1500)
    frame = pd.DataFrame(
        {
            "a": a,
            "b": 0.6 * a + 0.8 * rng.normal(size=1500),
            "sign": (a > 0).astype(int),
            "other": rng.exponential(size=1500),
        }
    )
    found = pairwise(frame)
    assert found.shape == (4, 4)
    assert np.isnan(np.diag(found)).all()
    assert np.array_equal(found, found.T, equal_nan=True)
    assert abs(found[0, 1] + 0.5 * np.log(1 - 0.36)) < 0.06
    assert abs(found[0, 2] - np.log(2)) < 0.05
    assert found[3, :3].max() < 0.05
    with pytest.raises(InputError, match="pairs need two"):
        pairwise(frame[["a"]])


def test_categories_are_declared(hurried: None) -> None:
    """Numbers of a code say nothing by their size: 40 classes, more than are taken for categories by type."""
    rng = np.random.default_rng(1)
    code = rng.integers(40, size=3000).astype(float)
    y = (code * 17 % 40 < 20) + 0.3 * rng.normal(size=3000)
    found = pairwise(np.stack([code, y], 1), discrete=[True, False])
    assert abs(found[0, 1] - 0.6) < 0.12
    given = conditional_mutual_information(y, code, code, effort="quick", discrete_y=True, discrete_z=True)
    assert given.value < 0.05
    with pytest.raises(InputError, match="discrete: 3 answers for 2 columns"):
        pairwise(np.stack([code, y], 1), discrete=[True, False, False])


def test_pairs_that_give_each_other_are_infinite_and_counts_are_counts() -> None:
    rng = np.random.default_rng(2)
    x, code = rng.normal(size=300), rng.integers(0, 60, 300)
    found = pairwise(np.stack([x, 1 - 2 * x, rng.normal(size=300)], 1))
    assert np.isinf(found[0, 1])
    assert np.isfinite(found[2, :2]).all()
    counted = pairwise(np.stack([code, 7 * code % 60], 1), discrete=True)[0, 1]
    assert counted == pytest.approx(np.log(60), abs=0.15)
    for settings in ({"k": 0}, {"most": 0}, {"seed": -1}):
        with pytest.raises(InputError, match=next(iter(settings))):
            pairwise(np.stack([x, x], 1), **settings)
    with pytest.raises(InputError, match=r"give .rows, columns."):
        pairwise(x)


def test_a_condition_that_determines_x_is_refused() -> None:
    x, y = np.random.default_rng(3).normal(size=(2, 100))
    with pytest.raises(InputError, match="z: a combination"):
        conditional_mutual_information(x, y, x, effort="quick")
    assert conditional_mutual_information(x, x, y, effort="quick").interval[1] == np.inf
