"""Information of counts against scikit-learn and closed forms."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.metrics import mutual_info_score

from mutua.data.known import known
from mutua.information import mutual_information
from mutua.information.discrete import counted
from mutua.information.estimators.counts import (
    coverage_entropy,
    grassberger_entropy,
    histogram,
    histogram_miller_madow,
    plug_in_entropy,
)
from mutua.types import InputError


def codes(n: int, values: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    x = rng.integers(-3, values - 3, n)
    return x, np.where(rng.random(n) < 0.5, x, rng.integers(0, values, n)) * 7


@pytest.mark.parametrize(("n", "values"), [(1, 2), (30, 2), (500, 5), (1000, 900)])
def test_plug_in_is_scikit_learns(n: int, values: int) -> None:
    x, y = codes(n, values)
    assert histogram(x, y) == pytest.approx(mutual_info_score(x, y), abs=1e-12)


def test_by_hand() -> None:
    x, y = np.array(["a", "a", "b", "b"]), np.array([1.5, 1.5, 1.5, -2.0])
    # H(x) + H(y) - H(x, y) with cells of 2, 1, 1.
    h_y = -(0.75 * math.log(0.75) + 0.25 * math.log(0.25))
    assert histogram(x, y) == pytest.approx(math.log(2) + h_y - 1.5 * math.log(2))
    assert histogram_miller_madow(x, y) == pytest.approx(histogram(x, y) - (3 - 2 - 2 + 1) / 8)
    assert histogram_miller_madow(np.tile(x, 2), np.tile(x, 2)) == pytest.approx(math.log(2) + 1 / 16)


def test_rows_of_several_columns_are_one_value() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 3, (200, 2)), rng.integers(0, 2, 200)
    assert histogram(x, y) == pytest.approx(histogram(x[:, 0] * 3 + x[:, 1], y))
    assert histogram(x[:, :1], y[:, None]) == pytest.approx(histogram(x[:, 0], y))


def test_symmetric_and_zero_for_a_constant() -> None:
    x, y = codes(300, 4)
    assert histogram(x, y) == pytest.approx(histogram(y, x))
    assert histogram(x, np.zeros(300, int)) == pytest.approx(0, abs=1e-12)
    assert histogram_miller_madow(x, np.zeros(300, int)) == pytest.approx(0, abs=1e-12)


def biases(name: str) -> tuple[float, float, float]:
    """Of the plug-in and of the corrected one over draws of 60 rows, and their standard error."""
    truth = known(name)
    plain, corrected = [], []
    for seed in range(600):
        x, y = truth.sample(60, seed)
        plain.append(histogram(x[:, 0], y[:, 0]))
        corrected.append(histogram_miller_madow(x[:, 0], y[:, 0]))
    error = float(np.std(plain)) / math.sqrt(len(plain))
    return float(np.mean(plain)) - truth.information, float(np.mean(corrected)) - truth.information, error


def test_correction_removes_most_of_the_bias() -> None:
    plain, corrected, error = biases("discrete-3-3")
    assert plain == pytest.approx(4 / 120, abs=4 * error + 0.01)
    assert abs(corrected) < plain / 3


def test_where_cells_are_empty_there_is_less_to_correct() -> None:
    plain, corrected, error = biases("discrete-zeros")  # four cells, 2 and 3 values: (4 - 2 - 3 + 1)/2n = 0
    assert abs(plain) < 4 * error
    assert abs(corrected) < 4 * error


def test_lengths_must_agree() -> None:
    with pytest.raises(InputError, match="3 rows and y has 2"):
        histogram(np.arange(3), np.arange(2))
    with pytest.raises(InputError, match="0 rows"):
        histogram(np.arange(0), np.arange(0))


def test_lists_tensors_and_objects_are_taken() -> None:
    x, y = codes(200, 3)
    wanted = histogram(x, y)
    assert histogram(x.tolist(), torch.tensor(y)) == pytest.approx(wanted)
    assert histogram(x.astype(object), torch.tensor(y / 2.0, requires_grad=True)) == pytest.approx(wanted)
    rows = np.stack([x.astype("U").astype(object), x.astype(object)], 1)
    assert histogram(rows, y) == pytest.approx(wanted), "columns of two types"


@pytest.mark.parametrize(
    ("x", "words"),
    [
        (1, "a single int"),
        (None, "a single NoneType"),
        ([1.0, np.nan, 2.0], "NaN in row 1"),
        (np.array([1, 2, np.nan], dtype=object), "None or NaN in row 2"),
        (["a", None, "b"], "None or NaN in row 1"),
        (np.array(["2020", "NaT", "2021"], "M8[Y]"), "NaN in row 1"),
        (np.array([1, "a", 2], dtype=object), "can't be sorted"),
        ([[1], [2, 3], [4]], "equal length"),
    ],
)
def test_what_cannot_be_counted_is_one_line(x: Any, words: str) -> None:
    for function in (histogram, histogram_miller_madow):
        with pytest.raises(InputError, match=words):
            function(x, [0, 1, 1])


def half(k: int, n: int, seed: int) -> tuple[np.ndarray, np.ndarray, float]:
    """y repeats x half the time; and the information."""
    rng = np.random.default_rng(seed)
    x = rng.integers(0, k, n)
    y = np.where(rng.random(n) < 0.5, x, rng.integers(0, k, n))
    p, q = 0.5 + 0.5 / k, 0.5 / k
    return x, y, math.log(k) + p * math.log(p) + (k - 1) * q * math.log(q)


@pytest.mark.parametrize(("k", "rows"), [(20, 1), (20, 3), (40, 2), (6, 5)])
def test_right_with_few_rows_a_cell(k: int, rows: int) -> None:
    found = []
    for seed in range(15):
        x, y, truth = half(k, rows * k * k, seed)
        found.append(counted(x, y, permutations=19, seed=seed))
    assert np.mean([one.value for one in found]) == pytest.approx(truth, abs=0.06)
    assert np.mean([one.interval[0] <= truth <= one.interval[1] for one in found]) >= 0.85
    if rows < 5:
        assert np.mean([one.readings["Miller-Madow"] for one in found]) > truth + 0.06
    assert all(one.p_value == 0.05 for one in found)


def test_independent_classes_with_a_row_a_cell() -> None:
    rng = np.random.default_rng(0)
    found = [counted(*rng.integers(0, 15, (2, 225)), permutations=99, seed=seed) for seed in range(60)]
    assert 0.005 < np.mean([one.p_value <= 0.05 for one in found]) + 0.01 < 0.15
    assert np.mean([one.value for one in found]) < 0.03
    assert np.mean([one.interval[0] == 0 for one in found]) > 0.85


@pytest.mark.parametrize("counts", [[5, 3, 1, 1, 2], [1, 1, 1], [40, 60], [1] * 30 + [2] * 10])
def test_the_coverage_estimator_is_the_sum_it_is_defined_by(counts: list[int]) -> None:
    """Chao, Wang and Jost 2013, equation 4a, term by term."""
    n = sum(counts)
    once, twice = counts.count(1), counts.count(2)
    total = sum(c / n * sum(1 / k for k in range(c, n)) for c in counts if c < n)
    a = 2 * twice / ((n - 1) * once + 2 * twice) if twice else 2 / ((n - 1) * (once - 1) + 2)
    if once:
        rest = -math.log(a) - sum((1 - a) ** r / r for r in range(1, n))
        total += once / n * (1 - a) ** (1 - n) * rest
    assert coverage_entropy(np.array(counts)) == pytest.approx(total, rel=1e-6)


def test_entropies_of_many_rows_agree() -> None:
    counts = np.array([40_000, 30_000, 30_000])
    for entropy in (coverage_entropy, grassberger_entropy):
        assert entropy(counts) == pytest.approx(plug_in_entropy(counts), abs=1e-4)
    long = np.array([1] * 2000 + [2] + [300_000])
    assert np.isfinite(coverage_entropy(long))


def test_tables_of_the_margins_are_permutations() -> None:
    """The same law of the plug-in whether rows are permuted or tables drawn (a few rows against many)."""
    from mutua.information import discrete

    rng = np.random.default_rng(0)
    of_x, of_y = np.array([300, 200, 100]), np.array([350, 150, 100])
    drawn = np.array([discrete._random_table(of_x, of_y, rng) for _ in range(2000)])
    assert (drawn.sum(2) == of_x).all()
    assert (drawn.sum(1) == of_y).all()
    expected = np.outer(of_x, of_y) / 600
    variance = expected * (600 - of_x[:, None]) * (600 - of_y) / (600 * 599)
    assert np.allclose(drawn.mean(0), expected, atol=5 * np.sqrt(variance.max() / 2000))
    assert np.allclose(drawn.var(0) / variance, 1, atol=0.2)


def test_codes_alone_are_held(monkeypatch: pytest.MonkeyPatch) -> None:
    """No indicator columns, and nothing that grows with rows times values."""
    import tracemalloc

    from mutua.information.variables import Variable

    monkeypatch.setattr(Variable, "labels", property(lambda side: pytest.fail("indicators were made")))
    x, y, truth = half(100, 50_000, 0)
    tracemalloc.start()
    found = mutual_information(x, y, discrete_x=True, discrete_y=True, permutations=19)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found.value == pytest.approx(truth, abs=0.03)
    assert peak < 50_000 * 8 * 50, "a row of 100 indicators has 800 bytes"
