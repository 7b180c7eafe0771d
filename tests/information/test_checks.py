"""The laws hold for an estimate that is right, and warn of one that isn't."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from mutua.data.known import known
from mutua.information import MutualInformationResult, checks, mutual_information
from mutua.information.checks import self_checks
from mutua.types import InputError, Table


def verdicts(table: Table) -> dict[str, str]:
    return {row["check"]: row["verdict"] for row in table.records()}


def reading(value: float, half: float = 0.05) -> MutualInformationResult:
    return MutualInformationResult(value, (value - half, value + half), 0.0, 1.0, 100, "said")


def test_a_gaussian_passes(hurried: None) -> None:
    heard: list[str] = []
    table = self_checks(*known("1v1-normal-0.75").sample(600, 0), effort="quick", told=heard.append)
    assert verdicts(table) == {"extrapolation": "passes", "data processing": "passes", "additivity": "passes"}
    assert len(heard) == 7
    assert {row["what to do"] for row in table.records()} == {"nothing"}


@pytest.mark.slow
def test_waves_warn() -> None:
    """1.31 nats in thin stripes, of which the default finds more with every row it gets."""
    table = self_checks(*known("2v1-waves-12-5.0-3.0").sample(1500, 0))
    assert verdicts(table)["additivity"] == "warns"
    assert "gets lost" in next(row["what to do"] for row in table.records() if row["check"] == "additivity")


def test_few_rows_of_many_columns_are_said_and_their_interval_holds_the_truth() -> None:
    """6 nats in 20 columns a side: 120 rows are read by a Gaussian that shrinks, which these are."""
    found = mutual_information(*known("gaussian-20-6").sample(120, 0))
    assert any("120 rows for 40 columns: few" in sentence for sentence in found.diagnostics)
    assert found.interval[0] < 6 < found.interval[1]
    assert found.lower <= 6


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Shapes that were estimated, by an estimator that answers 0.3 a column of x."""
    seen: list[Any] = []

    def estimate(x: Any, y: Any, **arguments: Any) -> MutualInformationResult:
        seen.append((x, y, arguments))
        return reading(0.3 * x.shape[1])

    monkeypatch.setattr(checks, "mutual_information", estimate)
    return seen


def test_what_is_estimated(told: list[Any]) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(100, 2))
    y = np.stack([x[:, 1] ** 2, rng.normal(size=100)], 1)
    table = self_checks(x, y, whole=reading(0.6))
    assert [(a.shape, b.shape) for a, b, _ in told] == [
        ((50, 2), (50, 2)),
        ((50, 2), (50, 2)),
        ((25, 2), (25, 2)),
        ((25, 2), (25, 2)),
        ((100, 1), (100, 2)),
        ((50, 4), (50, 4)),
    ]
    assert verdicts(table) == dict.fromkeys(("extrapolation", "data processing", "additivity"), "passes")
    first, second, stacked = told[0][0], told[1][0], told[5][0]
    assert np.array_equal(stacked, np.hstack([first, second]))
    assert not (set(first[:, 0]) & set(second[:, 0])), "the halves share no row"
    # The square of y's first column is the column of x that is kept: linear correlation alone would not see it.
    assert np.array_equal(np.argsort(told[4][0][:, 0]), np.argsort(x[:, 1]))


def test_discrete_sides(told: list[Any]) -> None:
    rng = np.random.default_rng(0)
    self_checks(np.arange(200) % 4, rng.normal(size=200), whole=reading(0.3))
    assert told[4][2]["discrete_x"] == [True]
    assert set(np.unique(told[4][0])) == {0.0, 1.0}, "neighbouring classes merged"
    assert told[5][2]["discrete_x"] == [True, True]
    told.clear()
    self_checks(rng.normal(size=200), np.arange(200) % 4, whole=reading(0.3))
    assert set(np.unique(told[4][0])) == {0.0, 1.0, 2.0, 3.0}, "at its quartiles"
    assert told[5][2]["discrete_y"] == [True, True]


def test_extrapolation_by_hand() -> None:
    # 1 - 20/n at n = 100 is 0.8; at 50, 0.6; at 25, 0.2: a line in 1/n with 1 at infinity.
    row = checks._extrapolation(100, reading(0.8), [reading(0.6)] * 2, [reading(0.2)] * 2)
    assert row[1] == "1.000 as n grows"
    assert row[3] == "warns"
    assert "rises" in row[4]
    flat = checks._extrapolation(100, reading(0.8), [reading(0.8)] * 2, [reading(0.8)] * 2)
    assert flat[1:4] == ["0.800 as n grows", "0.800, 0.800, 0.800 at n/4, n/2, n", "passes"]


def test_processing_and_additivity_by_hand() -> None:
    assert checks._processing(reading(0.5), reading(0.55), "g")[3] == "passes"
    assert checks._processing(reading(0.5), reading(0.6), "g")[3] == "warns"
    halves = [reading(0.5), reading(0.5)]
    assert checks._additivity(halves, reading(0.95))[3] == "passes"
    assert "lost" in checks._additivity(halves, reading(0.5))[4]
    assert "noise" in checks._additivity(halves, reading(1.5))[4]


def test_what_cannot_be_checked() -> None:
    x = np.random.default_rng(0).normal(size=100)
    with pytest.raises(InputError, match="at least 80"):
        self_checks(x[:70], x[:70])
    with pytest.raises(InputError, match="infinite"):
        self_checks(x, x)
    with pytest.raises(InputError, match="x has 100 rows and y has 90"):
        self_checks(x, x[:90])
