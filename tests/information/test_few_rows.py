"""Readings without a network: few rows, ties, classes, near copies; and the exact test on all rows."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from numpy import ndarray
from scipy.stats import kstest, pearsonr

from mutua.information import mutual_information
from mutua.information.default.direct import believed, direct, near_copies, nearest
from mutua.information.default.few import few_rows
from mutua.information.default.score_test import combined, score_test
from mutua.information.result import MutualInformationResult
from mutua.information.variables import variable


def gaussians(n: int, rho: float, seed: int) -> tuple[ndarray, ndarray]:
    x, e = np.random.default_rng(seed).normal(size=(2, n))
    return x, rho * x + math.sqrt(1 - rho**2) * e


def read(x: ndarray, y: ndarray, permutations: int = 99, seed: int = 0) -> MutualInformationResult:
    return few_rows(variable(x, "x", False), variable(y, "y", False), 1, permutations, seed)


ROUNDED: dict[str, Callable[[ndarray], ndarray]] = {
    "as drawn": np.asarray,
    "53 values": lambda z: np.round(9 * z),
    "5 values": np.round,
    "zero-inflated": lambda z: np.where(z < 0.8, 0.0, z),
}


@pytest.mark.parametrize("name", ROUNDED)
def test_independent_columns_have_none_whatever_their_ties(name: str) -> None:
    of = ROUNDED[name]
    found = [read(*map(of, np.random.default_rng(seed).normal(size=(2, 60)))) for seed in range(60)]
    assert kstest([one.p_value for one in found], "uniform").pvalue > 0.005
    assert np.mean([one.interval[0] == 0 for one in found]) >= 0.95
    assert np.mean([one.value for one in found]) < 0.01
    assert max(one.interval[1] for one in found) < 0.6


@pytest.mark.parametrize(("n", "rho"), [(20, 0.5), (50, 0.35), (100, 0.25)])
def test_the_power_is_near_pearsons(n: int, rho: float) -> None:
    pairs = [gaussians(n, rho, seed) for seed in range(100)]
    ours = np.mean([score_test(variable(x, "x"), variable(y, "y"), 199) <= 0.05 for x, y in pairs])
    assert ours >= 0.8 * np.mean([pearsonr(x, y)[1] <= 0.05 for x, y in pairs])


def test_twenty_rows_show_what_they_can() -> None:
    truth = -0.5 * math.log(1 - 0.64)
    found = [read(*gaussians(20, 0.8, seed)) for seed in range(60)]
    assert np.mean([one.value for one in found]) == pytest.approx(truth, abs=0.12)
    assert np.mean([one.interval[0] <= truth <= one.interval[1] for one in found]) >= 0.9
    assert max(one.interval[1] for one in found) < 2.5
    assert np.mean([one.p_value <= 0.05 for one in found]) > 0.95


def test_the_test_sees_what_bends() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=80)
    y = x**2 + 0.3 * rng.normal(size=80)
    found = read(x, y, 199)
    assert found.p_value == pytest.approx(1 / 200)
    assert found.value > 0.4
    sign = np.sign(rng.normal(size=(200, 2)))
    product = sign.prod(1) * np.abs(rng.normal(size=200))
    assert score_test(variable(sign + 0.01 * rng.normal(size=(200, 2)), "x"), variable(product, "y"), 199) <= 0.01


def test_a_test_within_classes_is_of_what_is_left_in_them() -> None:
    rng = np.random.default_rng(0)
    group = np.arange(200) % 4
    x, y = (variable(group + 0.3 * rng.normal(size=200), name) for name in "xy")
    assert score_test(x, y, 99) == 0.01
    assert score_test(x, y, 99, within=group) > 0.05


def test_the_cauchy_combination() -> None:
    assert combined(0.3, 0.3) == pytest.approx(0.3)
    assert combined(0.001, 0.5) == pytest.approx(0.002, rel=0.01)
    assert combined(0.001, 1.0) < 0.01
    assert combined(math.nan, 0.2) == pytest.approx(0.2)
    u = np.random.default_rng(0).random((2000, 2))
    assert kstest([combined(*row) for row in u], "uniform").pvalue > 0.01


def test_ties_broken_at_random_keep_the_information() -> None:
    """Twelve rows in a cell of a table of known information: neighbours read what counts would."""
    rng = np.random.default_rng(0)
    x = rng.integers(0, 6, 3000)
    y = np.where(rng.random(3000) < 0.5, x, rng.integers(0, 6, 3000))
    p, q = 0.5 + 0.5 / 6, 0.5 / 6
    truth = math.log(6) + p * math.log(p) + 5 * q * math.log(q)
    assert nearest(variable(x, "x", False), variable(y, "y", False)) == pytest.approx(truth, abs=0.06)
    classes = variable(x, "x", True)
    assert nearest(classes, variable(y + 0.01 * rng.normal(size=3000), "y")) == pytest.approx(truth, abs=0.06)


def test_neighbours_are_believed_beyond_their_noise() -> None:
    assert believed(0.1, 0.1 + 1.4 / 10, 100) == (0.1, 0.0)
    value, weight = believed(0.1, 1.1, 100)
    assert weight == pytest.approx(1 - 0.15**2)
    assert value == pytest.approx(0.1 + weight)
    assert believed(0.5, 0.1, 100) == (0.5, 0.0)
    assert believed(0.9, 0.1, 100, tied=True)[0] < 0.2
    assert believed(0.3, math.nan, 100) == (0.3, 0.0)


def test_near_copies_are_told_from_densities() -> None:
    rng = np.random.default_rng(0)

    def share(x: ndarray, y: ndarray) -> float:
        return near_copies(variable(x, "x"), variable(y, "y"))

    for times in (2, 5, 20):
        x, y = (np.tile(rng.normal(size=600 // times), times) + 1e-4 * rng.normal(size=600) for _ in range(2))
        assert share(x, y) > 0.3, times
    plain = rng.normal(size=600)
    for other in (rng.normal(size=600), np.sin(3 * plain), plain + 0.1 * rng.normal(size=600), np.round(plain, 1)):
        assert share(plain, other) == 0
    assert share(rng.standard_cauchy(600), rng.exponential(size=600)) == 0


def test_near_copies_are_said_and_neighbours_not_believed() -> None:
    rng = np.random.default_rng(0)
    x, y = (np.tile(rng.normal(size=28), 5) + 1e-4 * rng.normal(size=140) for _ in range(2))
    found = mutual_information(x, y, permutations=99)
    assert found.value < 0.3
    assert any("near copies" in sentence for sentence in found.diagnostics)
    assert direct(variable(x, "x"), variable(y, "y")).copies > 0.3


def test_a_class_and_a_quantity() -> None:
    rng = np.random.default_rng(0)
    label = np.arange(120) % 3
    z = 2.0 * label + rng.normal(size=120)
    found = mutual_information(label, z, permutations=99)
    assert found.value == pytest.approx(0.62, abs=0.15)
    assert found.interval[0] > 0
    assert found.interval[1] <= math.log(3) + 0.02
    assert "Gaussian" not in found.readings
    assert mutual_information(label, rng.normal(size=120), permutations=99).interval[0] == 0


def test_few_rows_of_many_columns_and_few_rows_of_one_are_bounded() -> None:
    rng = np.random.default_rng(0)
    for n, d in ((10, 1), (12, 30), (40, 80)):
        found = mutual_information(rng.normal(size=(n, d)), rng.normal(size=(n, 3)), permutations=19)
        assert 0 <= found.value < 1
        assert found.interval[1] < 2 * math.log(n) + 1
