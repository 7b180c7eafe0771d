"""What is taken as x and y, and the one line that says why something is not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import sparse

from mutua.information.variables import variable
from mutua.types import InputError

RNG = np.random.default_rng(0)
N = 200


@pytest.mark.parametrize(
    "values",
    [
        RNG.normal(size=N),
        RNG.normal(size=(N, 3)),
        RNG.normal(size=(N, 3)).tolist(),
        torch.randn(N, 3),
        torch.randn(N, 3, requires_grad=True),
        pd.DataFrame(RNG.normal(size=(N, 2)), columns=["a", "b"]),
        pd.Series(RNG.normal(size=N)),
        RNG.normal(size=N).astype(np.float16),
        RNG.integers(0, 10_000, N),
    ],
)
def test_quantities(values: Any) -> None:
    found = variable(values, "x")
    assert found.codes is None
    assert found.continuous.shape[0] == N
    assert found.columns().dtype == np.float32
    assert abs(found.continuous.mean()) < 0.02


@pytest.mark.parametrize(
    "values",
    [
        RNG.integers(0, 4, N),
        RNG.integers(0, 2, N).astype(bool),
        pd.Series(RNG.choice(["u", "v", "w"], N)).astype("category"),
        torch.randint(0, 3, (N, 2)),
        pd.DataFrame({"a": pd.Categorical(RNG.choice(["u", "v"], N)), "b": RNG.integers(0, 2, N).astype(bool)}),
    ],
)
def test_categories(values: Any) -> None:
    found = variable(values, "x")
    assert found.discrete
    assert found.codes is not None
    assert found.continuous.shape == (N, 0)
    assert np.allclose(found.labels.std(0), 1)


def test_a_joint_code_is_one_to_one_with_the_rows() -> None:
    values = RNG.integers(0, 3, (N, 2))
    found = variable(values, "x")
    assert found.codes is not None
    pairs = {(tuple(row), int(code)) for row, code in zip(values.tolist(), found.codes, strict=True)}
    assert len(pairs) == len({row for row, _ in pairs}) == len({code for _, code in pairs})


def test_text_is_categories_and_has_no_order() -> None:
    values = np.array(["a", "b"] * 10)
    assert variable(values, "x").discrete
    with pytest.raises(InputError, match="which have no order"):
        variable(values, "x", discrete=False)
    assert not variable(np.array([f"{k}.5" for k in range(20)]), "x").discrete, "text of numbers is numbers"


def test_dates_are_a_quantity_by_the_day() -> None:
    days = np.datetime64("2024-01-01") + np.arange(40)
    for values in (days, pd.Series(days).dt.tz_localize("Europe/Berlin"), days.astype(object)):
        found = variable(values, "x")
        assert np.allclose(np.diff(found.values[:, 0]), 1, atol=0.05)
        assert "dates" in found.notes[0]


def test_a_sentence_for_all_columns_of_a_kind() -> None:
    values = np.where(RNG.random((N, 30)) < 0.9, 0.0, RNG.normal(size=(N, 30)))
    found = variable(values, "x")
    assert len(found.notes) == 1
    assert "30 columns (0, 1, 2, ...)" in found.notes[0]


def test_the_user_overrules_the_guess_and_the_guess_is_said() -> None:
    values = RNG.integers(0, 4, N)
    assert "integers of 4 values are taken as categories" in variable(values, "x").notes[0]
    measured = variable(values, "x", discrete=False)
    assert not measured.discrete
    assert "ties" in measured.notes[0]
    assert variable(np.round(RNG.normal(size=N)), "x", discrete=True).discrete


def test_columns_of_both_kinds() -> None:
    frame = pd.DataFrame({"size": RNG.normal(size=N), "group": RNG.integers(0, 3, N), "still": np.ones(N)})
    found = variable(frame, "x")
    assert found.continuous.shape == (N, 1)
    assert found.labels.shape == (N, 3)
    assert found.columns().shape == (N, 1 + 3 + 3)
    assert any("left out 1 constant column(s): still" in note for note in found.notes)


@pytest.mark.parametrize(
    ("values", "discrete", "said"),
    [
        (np.ones(N), None, "x: constant in all 200 rows"),
        (np.ones((N, 2)), None, "x: constant in all 200 rows"),
        (RNG.normal(size=9), None, "x: 9 rows are too few"),
        (np.zeros((0, 2)), None, "x: 0 rows are too few"),
        (np.where(np.arange(N) == 7, np.nan, RNG.normal(size=N)), None, "x: missing value in row 7"),
        (np.where(np.arange(N) == 3, np.inf, RNG.normal(size=N)), None, "x: inf in row 3"),
        (RNG.normal(size=(N, 2, 2)), None, r"x: shape \(200, 2, 2\)"),
        (RNG.normal(size=(N, 2)), [True], "discrete for x: 1 values for 2 columns"),
        (pd.Series(pd.Categorical(["a", None] * 10)), None, "x: missing value in row 1"),
        (pd.Series([1.0, 2.0] * 10, dtype="Int64").where(lambda v: v > 1), None, "missing value in row 0"),
        (np.ma.masked_less(np.arange(20.0), 5), None, "x: missing value in row 0, the first of 5"),
        (np.array(["a", np.nan] * 10, object), True, "missing value in row 1"),
        (np.array([None, 1.0] * 10, object), True, "missing value in row 0"),
        (np.array(["a", 1.0] * 10, object), True, "text mixed with float"),
        (np.array([{}] * 20, object), None, "holds dict values"),
        (np.arange(20) + 1j, None, "complex"),
        (np.arange(20.0), True, "20 categories in as many rows"),
        (np.zeros((20, 0)), None, r"shape \(20, 0\)"),
        ([[1.0], [1.0, 2.0]], None, "rows of different lengths"),
        (torch.ones(20, device="meta"), None, "a tensor that gives no array"),
        (sparse.eye(20), None, "a sparse matrix"),
    ],
)
def test_what_cannot_be_used(values: Any, discrete: Any, said: str) -> None:
    with pytest.raises(InputError, match=said) as caught:
        variable(values, "x", discrete)
    assert "\n" not in str(caught.value)
