"""Information of counts against scikit-learn and closed forms."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.metrics import mutual_info_score

from mutua.data.known import known
from mutua.information.estimators.counts import histogram, histogram_miller_madow
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
