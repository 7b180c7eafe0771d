"""The same columns from every container."""

from __future__ import annotations

import datetime
import decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from mutua.data.table import columns_of
from mutua.types import InputError

DAYS = [datetime.date(2024, 1, 1), None, datetime.date(2024, 1, 3), datetime.date(2024, 1, 3)]
COLUMNS: dict[str, list[Any]] = {
    "number": [1.5, None, 3.0, 3.0],
    "whole": [1, None, 3, 3],
    "text": ["u", None, "v", "v"],
    "power": ["46", "?", "139", "139"],
    "flag": [True, None, False, False],
    "day": DAYS,
}
KINDS = ["number", "number", "category", "number", "category", "date"]


def pandas_frame() -> Any:
    frame = pd.DataFrame(COLUMNS)
    frame["whole"] = frame["whole"].astype("Int64")
    frame["flag"] = frame["flag"].astype("boolean")
    frame["day"] = pd.to_datetime(frame["day"]).dt.tz_localize("UTC")
    return frame


def pyarrow_table() -> Any:
    return pytest.importorskip("pyarrow").table(COLUMNS)


def polars_frame() -> Any:
    return pytest.importorskip("polars").DataFrame(COLUMNS)


def objects() -> Any:
    return {name: np.array(cells, dtype=object) for name, cells in COLUMNS.items()}


def masked() -> Any:
    mask = [False, True, False, False]
    filled = {
        "number": [1.5, -9999.0, 3.0, 3.0],
        "whole": [1, -9999, 3, 3],
        "text": ["u", "w", "v", "v"],
        "power": ["46", "x", "139", "139"],
        "flag": [True, True, False, False],
        "day": np.array(["2024-01-01", "1900-01-01", "2024-01-03", "2024-01-03"], "M8[D]"),
    }
    return {name: np.ma.masked_array(values, mask=mask) for name, values in filled.items()}


@pytest.mark.parametrize("make", [pandas_frame, pyarrow_table, polars_frame, objects, masked, lambda: COLUMNS])
def test_one_rule_for_all(make: Any) -> None:
    found = columns_of(make())
    assert found.names == list(COLUMNS)
    assert found.kinds == KINDS
    for column in found:
        assert column.missing is not None
        assert column.missing.tolist() == [False, True, False, False], column.name
        column.take(~column.missing).check(column.name)
    values = {column.name: column.values[[0, 2]].tolist() for column in found}
    assert values["number"] == [1.5, 3.0]
    assert values["whole"] == [1, 3]
    assert values["power"] == [46, 139]
    assert values["day"] == [19723.0, 19725.0]
    assert found.column("text").names == ("u", "v")
    assert (values["text"], values["flag"]) == ([0, 1], [1, 0])


def test_categorical_types_keep_their_order() -> None:
    series = pd.Series(pd.Categorical(["low", None, "high"], categories=["none", "low", "high"]))
    (column,) = columns_of(series)
    assert column.names == ("low", "high")
    assert column.values[[0, 2]].tolist() == [0, 1]


def test_arrays_tensors_and_lists() -> None:
    for values in (np.arange(6.0).reshape(3, 2), torch.arange(6.0).reshape(3, 2), [[0, 1], [2, 3], [4, 5]]):
        assert columns_of(values).names == ["0", "1"]
        assert columns_of(values).matrix().tolist() == [[0, 1], [2, 3], [4, 5]]
    assert columns_of(torch.ones(3, dtype=torch.bfloat16)).matrix().tolist() == [[1], [1], [1]]
    assert columns_of([decimal.Decimal("1.5"), None]).columns[0].values[0] == 1.5
    structured = np.zeros(3, dtype=[("a", float), ("b", int)])
    assert columns_of(structured).names == ["a", "b"]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (np.zeros((2, 2, 2)), r"shape \(2, 2, 2\)"),
        ([[1.0], [1.0, 2.0]], "rows of different lengths"),
        (np.array([1, "a"], object), "text mixed with int"),
        (np.array([{}, {}], object), "holds dict values"),
        (np.array([1j, 2]), "complex"),
        (torch.ones(3, device="meta"), "a tensor that gives no array"),
        ({"a": [1, 2], "b": [1]}, "of one length"),
    ],
)
def test_what_is_refused(values: Any, said: str) -> None:
    with pytest.raises(InputError, match=said):
        columns_of(values).checked()


def test_a_lazy_frame_has_no_rows_yet() -> None:
    polars = pytest.importorskip("polars")
    with pytest.raises(InputError, match=r"collect\(\)"):
        columns_of(polars.DataFrame({"a": [1]}).lazy(), "x")
