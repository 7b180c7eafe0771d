"""What a user hands over in Python, as columns: arrays, masked arrays, tensors, lists, mappings, data frames.

pandas, polars and pyarrow are told by what they have, and none of them is imported.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from decimal import Decimal
from numbers import Real
from typing import Any

import numpy as np
from jaxtyping import Bool, Shaped
from numpy import ndarray

from mutua.data.labels import as_array
from mutua.data.store import reason
from mutua.data.table.cells import DAY, EPOCH, coded, read_text
from mutua.data.table.columns import Column, Columns
from mutua.types import InputError, names

__all__ = ["columns_of"]


def columns_of(values: Any, source: str = "table") -> Columns:
    """The columns of a container of n rows, each of its own type.

    Taken are `Columns`, a `Column`, data frames and series of pandas or polars, tables and arrays of pyarrow,
    mappings of names to columns (n,), arrays, masked arrays, tensors and nested lists (n,) or (n, d).

    Numbers are numbers. Booleans, text and categorical types are categories; text of which nearly all reads as
    numbers or ISO dates is what it reads as (`cells.read_text`). Dates and times are days since 1970, UTC. None,
    NaN, NaT, NA, a masked value and the usual marks in text are missing, which `Columns` says.

    Raises `InputError` for more than two axes, rows of different lengths, sparse matrices, complex numbers, and
    objects that are none of these.
    """
    if isinstance(values, Columns):
        return values
    if isinstance(values, Column):
        return Columns((values,), source)
    if hasattr(values, "iloc"):
        frame = values.to_frame() if values.ndim == 1 else values
        series = [frame.iloc[:, k] for k in range(frame.shape[1])]
        return Columns(tuple(_of_pandas(one, f"{source}, column {one.name}") for one in series), source)
    if hasattr(values, "collect_schema") and not hasattr(values, "get_columns"):
        raise InputError(f"{source}: a lazy frame, which has no rows yet; give {source}.collect()")
    if hasattr(values, "get_columns") or hasattr(values, "to_physical"):
        series = values.get_columns() if hasattr(values, "get_columns") else [values]
        found = [_of_polars(one, str(one.name or k), source) for k, one in enumerate(series)]
        return Columns(tuple(found), source)
    if hasattr(values, "combine_chunks") or hasattr(values, "dictionary_encode"):
        if not hasattr(values, "column_names"):
            return Columns((_of_arrow(values, "0", source),), source)
        named = zip(values.column_names, values.columns, strict=True)
        return Columns(tuple(_of_arrow(one, str(name), source) for name, one in named), source)
    if isinstance(values, Mapping):
        return _of_mapping(values, source)
    array = _array(values, source)
    if array.dtype.names:
        return _of_mapping({name: array[name] for name in array.dtype.names}, source)
    if array.ndim == 1:
        array = array[:, None]
    if array.ndim != 2 or not array.shape[1]:
        raise InputError(
            f"{source}: shape {tuple(array.shape)}; give (rows,) or (rows, columns), as x.reshape(len(x), -1)"
        )
    several = array.shape[1] > 1
    return Columns(
        tuple(
            _column(array[:, k], str(k), f"{source}, column {k}" if several else source)
            for k in range(array.shape[1])
        ),
        source,
    )


def _of_mapping(values: Mapping[Any, Any], source: str) -> Columns:
    arrays = {str(name): _array(column, f"{source}, column {name}") for name, column in values.items()}
    shapes = {column.shape for column in arrays.values()}
    if len(shapes) > 1 or any(len(shape) != 1 for shape in shapes):
        listed = ", ".join(f"{name} {column.shape}" for name, column in list(arrays.items())[:20])
        raise InputError(f"{source}: columns of shapes {listed}; give each as (rows,), all of one length")
    several = len(arrays) > 1
    return Columns(
        tuple(
            _column(one, name, f"{source}, column {name}" if several else source) for name, one in arrays.items()
        ),
        source,
    )


def _array(values: Any, source: str) -> ndarray:
    """An array of what is none of a library's own columns; masked values stay masked."""
    if hasattr(values, "toarray"):
        raise InputError(f"{source}: a sparse matrix; give x.toarray(), or its columns that matter")
    try:
        if not isinstance(values, np.ma.MaskedArray):
            values = as_array(values)
    except (RuntimeError, TypeError, NotImplementedError) as error:
        raise InputError(f"{source}: a tensor that gives no array ({reason(error)}); make it dense") from None
    if isinstance(values, np.ma.MaskedArray):
        return values
    if isinstance(values, list | tuple) and any(value is None for value in values):
        values = np.array([*values, None], dtype=object)[:-1]  # one axis, whatever the others are
    try:
        return np.asarray(values)
    except ValueError:
        raise InputError(f"{source}: rows of different lengths; give (rows,) or (rows, columns)") from None


def _column(values: Shaped[ndarray, " n"], name: str, where: str) -> Column:
    """A column of an array, by its type."""
    masked = np.ma.getmaskarray(values) if isinstance(values, np.ma.MaskedArray) else np.zeros(len(values), bool)
    values = np.ma.getdata(values)
    kind = values.dtype.kind
    if kind == "c":
        raise InputError(f"{where}: holds complex numbers; give real and imaginary parts as two columns")
    if kind == "O":
        return _of_objects(values, masked, name, where)
    if kind in "US":
        return _of_text([_decoded(value) for value in values.tolist()], masked, name)
    if kind == "b":
        return _of_codes(values.astype(np.int64), ("False", "True"), masked, name)
    if kind in "mM":
        masked = masked | np.isnat(values)
        unit = np.timedelta64(1, "us")
        since = values.astype("M8[us]") - np.datetime64(0, "us") if kind == "M" else values.astype("m8[us]")
        numbers = np.where(masked, 0.0, since / unit / (1e6 * DAY))
        return Column(name, "date" if kind == "M" else "number", numbers, masked if masked.any() else None)
    if kind not in "iuf":
        raise InputError(f"{where}: holds {values.dtype}; give numbers, text or dates")
    if kind == "f":
        masked = masked | np.isnan(values)
        if values.dtype.itemsize not in (4, 8):
            values = values.astype(np.float64)
    return Column(name, "number", values, masked if masked.any() else None)


def _of_objects(values: Shaped[ndarray, " n"], masked: Bool[ndarray, " n"], name: str, where: str) -> Column:
    cells = values.tolist()
    missing = masked | np.array([_missing(value) for value in cells], bool)
    kinds = {type(value) for value, gone in zip(cells, missing, strict=True) if not gone}
    text = {kind for kind in kinds if issubclass(kind, str | bytes)}
    dates = {kind for kind in kinds if issubclass(kind, datetime.date | np.datetime64)}
    numbers = {kind for kind in kinds if issubclass(kind, Real | Decimal | np.bool_)}
    if kinds == text:
        return _of_text(
            [_decoded(value) if isinstance(value, str | bytes) else "" for value in cells], missing, name
        )
    absent = missing if missing.any() else None
    if text:
        wrong = f"text mixed with {names(sorted(k.__name__ for k in kinds - text))}; give one kind"
        return Column(name, "category", np.zeros(len(values), np.int64), absent, wrong=wrong)
    if kinds == dates:
        return _of_dates(cells, missing, name)
    if kinds == numbers:
        if all(issubclass(kind, bool | np.bool_) for kind in kinds):
            codes = np.array([not gone and bool(value) for value, gone in zip(cells, missing, strict=True)])
            return _of_codes(codes.astype(np.int64), ("False", "True"), missing, name)
        plain = np.array([0 if gone else value for value, gone in zip(cells, missing, strict=True)])
        plain = plain.astype(np.float64) if plain.dtype.kind not in "if" else plain
        return Column(name, "number", plain, missing if missing.any() else None)
    if complex in kinds:
        raise InputError(f"{where}: holds complex numbers; give real and imaginary parts as two columns")
    listed = names(sorted(kind.__name__ for kind in kinds))
    wrong = f"holds {listed} values; give numbers, text or dates, one a row"
    return Column(name, "category", np.zeros(len(values), np.int64), absent, wrong=wrong)


def _of_dates(cells: list[Any], missing: Bool[ndarray, " n"], name: str) -> Column:
    found = np.zeros(len(cells))
    for row, (value, gone) in enumerate(zip(cells, missing, strict=True)):
        if gone:
            continue
        found[row] = (_moment(value) - EPOCH).total_seconds() / DAY
    return Column(name, "date", found, missing if missing.any() else None)


def _moment(value: Any) -> datetime.datetime:
    if isinstance(value, np.datetime64):
        return _moment(value.astype("M8[us]").item())
    if not isinstance(value, datetime.datetime):
        return datetime.datetime(value.year, value.month, value.day, tzinfo=datetime.UTC)
    return value if value.tzinfo else value.replace(tzinfo=datetime.UTC)


def _of_text(cells: list[str], missing: Bool[ndarray, " n"], name: str) -> Column:
    read = read_text(["" if gone else cell for cell, gone in zip(cells, missing, strict=True)])
    wrong = "" if read.wrong is None else f"row {read.wrong[0]} has {read.wrong[1]}"
    if read.wrong is not None and read.kind == "category":
        wrong = read.wrong[1]
    gone = read.missing
    return Column(name, read.kind, read.values, gone if gone.any() else None, read.names, wrong, read.note)


def _of_codes(
    codes: Shaped[ndarray, " n"], found: tuple[str, ...], missing: Bool[ndarray, " n"], name: str
) -> Column:
    """Categories that have numbers already; those that no row has are left out, and the order is kept."""
    present = np.unique(codes[~missing])
    numbers = np.zeros(len(codes), np.int64)
    numbers[~missing] = np.searchsorted(present, codes[~missing])
    kept = tuple(found[int(code)] for code in present)
    return Column(name, "category", numbers, missing if missing.any() else None, kept)


def _of_pandas(column: Any, where: str) -> Column:
    name, missing = str(column.name), np.asarray(column.isna(), dtype=bool)
    dtype = str(column.dtype)
    if dtype == "category":
        found = tuple(str(value) for value in column.cat.categories)
        return _of_codes(np.asarray(column.cat.codes).astype(np.int64), found, missing, name)
    if dtype.startswith(("datetime64", "timestamp", "date32")):
        values = np.asarray(column.to_numpy(dtype="datetime64[us]"))
    elif missing.any() and hasattr(column.dtype, "na_value") and getattr(column.dtype, "kind", "O") in "biuf":
        whole = column.dtype.kind == "b"
        values = column.to_numpy(dtype=object) if whole else column.to_numpy(dtype=np.float64, na_value=np.nan)
    else:
        values = np.asarray(column)
    return _column(np.ma.masked_array(values, mask=missing), name, where)


def _of_polars(column: Any, name: str, source: str) -> Column:
    missing = np.asarray(column.is_null().to_numpy(), dtype=bool)
    dtype = str(column.dtype)
    if dtype.startswith(("Categorical", "Enum")):
        read = coded(np.array([str(value) for value in column.to_list()]), missing)
        return Column(name, "category", read.values, missing if missing.any() else None, read.names)
    values = np.asarray(column.to_numpy())
    return _column(np.ma.masked_array(values, mask=missing), name, f"{source}, column {name}")


def _of_arrow(column: Any, name: str, source: str) -> Column:
    copied = {} if hasattr(column, "chunks") else {"zero_copy_only": False}
    missing = np.asarray(column.is_null().to_numpy(**copied), dtype=bool)
    dtype = str(column.type)
    if dtype.startswith("dictionary"):
        read = coded(np.array([str(value) for value in column.to_pylist()]), missing)
        return Column(name, "category", read.values, missing if missing.any() else None, read.names)
    values = np.asarray(column.to_numpy(**copied))
    return _column(np.ma.masked_array(values, mask=missing), name, f"{source}, column {name}")


def _decoded(value: str | bytes) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def _missing(value: Any) -> bool:
    """None, NaN, NaT, and pandas's NA, which is equal to nothing and has no truth."""
    return value is None or (not isinstance(value, str) and str(value) in ("nan", "NaT", "<NA>"))
