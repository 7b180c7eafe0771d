"""What a user hands over as x or y, made into columns a critic can read, with what was assumed said in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int, Shaped
from numpy import ndarray

from mutua.data.store import reason
from mutua.estimators.rows import as_array
from mutua.information.default.copula import gaussianised, radii
from mutua.types import InputError, names

__all__ = ["Column", "Discrete", "Variable", "columns_of", "variable"]

Discrete = bool | Sequence[bool | None] | None
"""Which columns hold categories: all, none, each its own answer; None by type."""

FEW = 32
LEAST = 10


@dataclass(frozen=True)
class Variable:
    """One side of a pair.

    Attributes:
        continuous: (n, c) columns on Gaussian quantiles; c may be 0.
        labels: (n, h) one column for each value of each discrete column, scaled to unit variance; h may be 0.
        recorded: (n, c) the same columns as they were given, centred and at unit deviation.
        codes: (n,) the joint value of the discrete columns as a class number; None where there are none.
        notes: what was assumed or left out, a sentence each.
    """

    continuous: Float[ndarray, "n c"]
    labels: Float[ndarray, "n h"]
    recorded: Float[ndarray, "n c"]
    codes: Int[ndarray, " n"] | None
    notes: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.continuous)

    @property
    def discrete(self) -> bool:
        """Whether every column is discrete."""
        return self.continuous.shape[1] == 0

    def columns(self) -> Float[ndarray, "n d"]:
        """What a critic sees: continuous columns first, then their radii and the labels."""
        parts = [self.continuous, self.labels]
        if self.continuous.shape[1]:
            parts.insert(1, radii(self.continuous))
        return np.hstack(parts).astype(np.float32)


@dataclass(frozen=True)
class Column:
    """A column as it was given: its values (n,), its title, and whether its type says that it is of categories."""

    values: Shaped[ndarray, " n"]
    title: str
    categories: bool = False


def variable(values: Any, name: str, discrete: Discrete = None) -> Variable:
    """Read one side: a numpy array, torch tensor, pandas object or nested list, (n,) or (n, d), or a mapping of
    titles to columns (n,).

    Args:
        name: what errors call it.
        discrete: True, False, or one of them for each column. None decides by type: booleans and pandas
            categories are discrete, and integers of at most 32 values that each occur five times on average.

    Raises `InputError` for text without `discrete=True`, NaN or infinity (with the row), all columns constant,
    fewer than ten rows, more than two axes.
    """
    columns = columns_of(values, name)
    n = len(columns[0].values) if columns else 0
    if n < LEAST:
        raise InputError(f"{name}: {n} rows are too few to tell dependence from chance; give at least {LEAST}")
    wanted = _wanted(discrete, len(columns), name)
    continuous, labels, codes, notes = [], [], [], []
    constant: list[str] = []
    for given, asked in zip(columns, wanted, strict=True):
        column, title = given.values, given.title
        where = f"{name}, column {title}" if len(columns) > 1 else name
        is_discrete, note = (True, "") if given.categories else _kind(column, where, asked)
        if note:
            notes.append(note)
        found, code = np.unique(column, return_inverse=True)
        if len(found) < 2:
            constant.append(title)
        elif is_discrete:
            if len(found) == len(column):
                raise InputError(
                    f"{where}: {len(found):,} categories in as many rows, none of which comes twice: nothing can "
                    "be told of them; group them, or say discrete=False if they measure"
                )
            codes.append(code.reshape(-1))
            hot = (code.reshape(-1, 1) == np.arange(len(found))).astype(float)
            labels.append((hot - hot.mean(0)) / hot.std(0))
        else:
            continuous.append(column.astype(np.float64))
            if len(found) < 0.9 * len(column):
                notes.append(
                    f"{where}: {len(column) - len(found):,} of {len(column):,} values are ties of others; "
                    "it is treated as an ordered quantity, and what is estimated is the information as recorded"
                )
    if constant:
        if len(constant) == len(columns):
            raise InputError(f"{name}: constant in all {n} rows, so it has no information; nothing to estimate")
        notes.append(f"{name}: left out {len(constant)} constant column(s): {', '.join(constant[:5])}")
    stacked = np.stack(continuous, 1) if continuous else np.zeros((n, 0))
    joint = np.unique(np.stack(codes, 1), axis=0, return_inverse=True)[1].reshape(-1) if codes else None
    hot_columns = np.hstack(labels) if labels else np.zeros((n, 0))
    with np.errstate(over="ignore", invalid="ignore"):
        recorded = (stacked - stacked.mean(0)) / stacked.std(0)
    return Variable(gaussianised(stacked) if continuous else stacked, hot_columns, recorded, joint, tuple(notes))


def columns_of(values: Any, name: str) -> list[Column]:
    """The columns of what a user gave, each of its own type. Raises `InputError` where it is no table."""
    if isinstance(values, Column):
        return [values]
    if hasattr(values, "iloc"):
        frame = values.to_frame() if values.ndim == 1 else values
        return [_of_series(frame.iloc[:, k], name) for k in range(frame.shape[1])]
    if isinstance(values, Mapping):
        found = [Column(_array(column, f"{name}, column {title}"), str(title)) for title, column in values.items()]
        shapes = {column.values.shape for column in found}
        if len(shapes) > 1 or any(len(shape) != 1 for shape in shapes):
            listed = ", ".join(f"{column.title} {column.values.shape}" for column in found[:20])
            raise InputError(f"{name}: columns of shapes {listed}; give each as (rows,), all of one length")
        return found
    array = _array(values, name)
    if array.ndim == 1:
        array = array[:, None]
    if array.ndim != 2 or not array.shape[1]:
        raise InputError(
            f"{name}: shape {tuple(array.shape)}; give (rows,) or (rows, columns), as x.reshape(len(x), -1)"
        )
    return [Column(array[:, k], str(k)) for k in range(array.shape[1])]


def _array(values: Any, name: str) -> ndarray:
    """An array of what isn't a pandas object. Raises `InputError` where there is none."""
    if hasattr(values, "toarray"):
        raise InputError(f"{name}: a sparse matrix; give x.toarray(), or its columns that matter")
    try:
        values = as_array(values)
    except (RuntimeError, TypeError, NotImplementedError) as error:
        raise InputError(f"{name}: a tensor that gives no array ({reason(error)}); make it dense") from None
    if isinstance(values, np.ma.MaskedArray) and np.ma.is_masked(values):
        raise InputError(f"{name}: has masked values; drop or impute such rows first")
    try:
        return np.asarray(values)
    except ValueError:
        raise InputError(f"{name}: rows of different lengths; give (rows,) or (rows, columns)") from None


def _of_series(column: Any, name: str) -> Column:
    title = str(column.name)
    if column.isna().any():
        row = int(np.flatnonzero(column.isna().to_numpy())[0])
        raise InputError(f"{name}, column {title}: missing value in row {row}; drop or impute such rows first")
    if str(column.dtype) == "category":
        return Column(np.asarray(column.cat.codes), title, True)
    return Column(np.asarray(column), title)


def _wanted(discrete: Discrete, columns: int, name: str) -> list[bool | None]:
    if isinstance(discrete, str) or not (
        discrete is None or isinstance(discrete, bool | np.bool_ | Sequence | ndarray)
    ):
        raise InputError(f"discrete for {name}: {discrete!r}; use True, False, None or one of these a column")
    if discrete is None or isinstance(discrete, bool | np.bool_):
        return [None if discrete is None else bool(discrete)] * columns
    if len(discrete) != columns:
        raise InputError(
            f"discrete for {name}: {len(discrete)} values for {columns} columns; give one each, or one in all"
        )
    return [None if value is None else bool(value) for value in discrete]


def _kind(column: ndarray, where: str, asked: bool | None) -> tuple[bool, str]:
    """Whether a column is discrete, and a sentence where that was a guess."""
    if column.dtype.kind not in "biuf":
        return _kind_of_objects(column, where, asked)
    if column.dtype.kind == "f" and not np.isfinite(column).all():
        row = int(np.flatnonzero(~np.isfinite(column))[0])
        raise InputError(f"{where}: NaN or infinity in row {row}; drop or impute such rows first")
    if asked is not None:
        return asked, ""
    if column.dtype.kind == "b":
        return True, ""
    if column.dtype.kind in "iu":
        found = len(np.unique(column))
        if found <= FEW and len(column) >= 5 * found:
            return (
                True,
                f"{where}: integers of {found} values are taken as categories; say discrete=False if they measure",
            )
    return False, ""


def _missing(value: Any) -> bool:
    """None, NaN, NaT, and pandas's NA, which is equal to nothing and has no truth."""
    return value is None or (not isinstance(value, str) and str(value) in ("nan", "NaT", "<NA>"))


def _kind_of_objects(column: ndarray, where: str, asked: bool | None) -> tuple[bool, str]:
    values = column.tolist()
    missing = next((i for i, value in enumerate(values) if _missing(value)), None)
    if missing is not None:
        raise InputError(f"{where}: missing value in row {missing}; drop or impute such rows first")
    kinds = {type(value) for value in values}
    if column.dtype.kind == "M" or any("date" in kind.__name__ or "Timestamp" in kind.__name__ for kind in kinds):
        raise InputError(f"{where}: holds dates; give numbers, as x.astype('datetime64[s]').astype(float) does")
    if column.dtype.kind == "c" or complex in kinds:
        raise InputError(f"{where}: holds complex numbers; give real and imaginary parts as two columns")
    if not any(issubclass(kind, (str, bytes)) for kind in kinds):
        raise InputError(
            f"{where}: holds {names(sorted(kind.__name__ for kind in kinds))} values as objects; give numbers, as "
            "by x.astype(float), or text with discrete=True"
        )
    if len(kinds) > 1:
        raise InputError(
            f"{where}: text mixed with {names(sorted(k.__name__ for k in kinds - {str}))}; give one kind"
        )
    if asked is not True:
        raise InputError(f"{where}: holds {next(iter(kinds)).__name__} values; say discrete=True, or give numbers")
    return True, ""
