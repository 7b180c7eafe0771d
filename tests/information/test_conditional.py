"""The chain rule, and all pairs of a table."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from mutua.information import against, conditional_mutual_information, pairs, pairwise
from mutua.types import InputError


def test_a_common_cause_explains_it_away_and_a_common_effect_makes_it(hurried: None) -> None:
    rng = np.random.default_rng(0)
    cause, x_own, y_own = rng.normal(size=(3, 600))
    x, y = cause + 0.5 * x_own, cause + 0.5 * y_own
    away = conditional_mutual_information(x, y, cause, effort="quick", permutations=99)
    assert away.value < 0.06
    assert away.interval[0] == 0
    assert away.p_value > 0.01
    assert away.readings["I(X'; Z)"] < 0.05, "what z says of x is taken out first"
    made = conditional_mutual_information(x_own, y_own, x_own + y_own + 0.5 * cause, effort="quick")
    # Given z = a + b + e/2: rho_ab.z = -.8 by the partial correlation, hence -1/2 log(1 - .64).
    assert abs(made.value - 0.51) < 0.1
    assert made.p_value == 0.001
    assert made.interval[0] <= 0.51 <= made.interval[1]
    assert made.interval[1] - made.interval[0] < 0.25 * 0.51 + 0.1


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
    code = rng.integers(40, size=1200).astype(float)
    y = (code * 17 % 40 < 20) + 0.3 * rng.normal(size=1200)
    found = pairwise(np.stack([code, y], 1), discrete=[True, False])
    assert abs(found[0, 1] - 0.6) < 0.12
    given = conditional_mutual_information(y, code, code, effort="quick", discrete_y=True, discrete_z=True)
    assert given.value < 0.1
    assert given.interval[0] == 0
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
    for settings in ({"most": 0}, {"seed": -1}):
        with pytest.raises(InputError, match=next(iter(settings))):
            pairwise(np.stack([x, x], 1), **settings)
    with pytest.raises(InputError, match=r"give .rows, columns."):
        pairwise(x)


def test_a_condition_that_determines_x_is_refused() -> None:
    x, y = np.random.default_rng(3).normal(size=(2, 100))
    with pytest.raises(InputError, match="z: a combination"):
        conditional_mutual_information(x, y, x, effort="quick")
    assert conditional_mutual_information(x, x, y, effort="quick").value > 2


def test_few_rows_given_z_have_the_partial_correlations_information() -> None:
    rng = np.random.default_rng(0)
    p_values, covered = [], 0
    for seed in range(25):
        z, a, b = rng.normal(size=(3, 100))
        x, y = z + a, z + 0.6 * a + 0.8 * b
        found = conditional_mutual_information(x, y, z, permutations=99, seed=seed)
        covered += found.interval[0] <= -0.5 * np.log(1 - 0.36) <= found.interval[1]
        assert found.p_value <= 0.02
        p_values.append(conditional_mutual_information(z + a, z + b, z, permutations=99, seed=seed).p_value)
    assert covered >= 22
    assert np.mean(np.array(p_values) <= 0.05) <= 0.2


def test_classes_given_classes_are_counted() -> None:
    rng = np.random.default_rng(1)
    z = rng.integers(0, 4, 1500)
    x, y = (np.where(rng.random(1500) < 0.7, z, rng.integers(0, 4, 1500)) for _ in range(2))
    away = conditional_mutual_information(x, y, z, permutations=99)
    assert away.estimator.startswith("counts")
    assert away.value < 0.01
    assert away.interval[0] == 0
    w = np.where(rng.random(1500) < 0.5, x, rng.integers(0, 4, 1500))
    assert conditional_mutual_information(x, w, z, permutations=99).p_value == 0.01


def test_pairs_leave_out_what_is_missing_pair_by_pair() -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(200, 3)), columns=["a", "b", "c"])
    frame["d"] = frame["a"] + 0.5 * rng.normal(size=200)
    frame.loc[:9, "a"] = np.nan
    frame["still"] = 1.0
    found = pairs(frame)
    assert found.rows[0].tolist() == [0, 190, 190, 190, 0]
    assert found.rows[1, 2] == 200
    assert found.values[0, 3] > 0.5
    assert np.isnan(found.values[4]).all()
    assert any("left out still: constant" in note for note in found.notes)


def test_every_column_against_one_is_adjusted() -> None:
    rng = np.random.default_rng(0)
    table = {f"n{k}": rng.normal(size=100) for k in range(20)}
    table["y"] = rng.normal(size=100)
    table["x"] = table["y"] + rng.normal(size=100)
    heard = []
    found, notes = against(table, "y", told=lambda step, steps: heard.append((step, steps)))
    assert found[0].name == "x"
    assert found[0].adjusted < 0.05
    assert sum(one.adjusted < 0.05 for one in found) == 1
    assert len(heard) == 22
    assert not notes
    p = sorted(one.result.p_value for one in found)
    assert found[0].adjusted == pytest.approx(p[0] * 21)


@pytest.mark.parametrize("permutations", [3, 0, -1])
def test_permutations_are_checked_before_anything(permutations: int) -> None:
    x, y, z = np.random.default_rng(0).normal(size=(3, 50))
    with pytest.raises(InputError, match=r"^permutations: "):
        conditional_mutual_information(x, y, z, permutations=permutations)
    with pytest.raises(InputError, match=r"^permutations: "):
        against(np.stack([x, y], 1), "0", permutations=permutations)
