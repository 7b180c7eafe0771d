"""What a user hands over as x or y, made into columns a critic can read, with what was assumed said in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from mutua.information.margins import gaussianised, radii
from mutua.types import InputError

__all__ = ["Variable", "variable"]

FEW = 32
LEAST = 10


@dataclass(frozen=True)
class Variable:
    """One side of a pair.

    Attributes:
        continuous: (n, c) columns on Gaussian quantiles; c may be 0.
        labels: (n, h) one column for each value of each discrete column, scaled to unit variance; h may be 0.
        codes: (n,) the joint value of the discrete columns as a class number; None where there are none.
        notes: what was assumed or left out, a sentence each.
    """

    continuous: Float[ndarray, "n c"]
    labels: Float[ndarray, "n h"]
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


def variable(values: Any, name: str, discrete: bool | Sequence[bool] | None = None) -> Variable:
    """Read one side: a numpy array, torch tensor, pandas object or nested list, (n,) or (n, d).

    Args:
        name: what errors call it.
        discrete: True, False, or one of them for each column. None decides by type: booleans and pandas
            categories are discrete, and integers of at most 32 values that each occur five times on average.

    Raises `InputError` for text without `discrete=True`, NaN or infinity (with the row), all columns constant,
    fewer than ten rows, more than two axes.
    """
    columns, titles = _columns(values, name)
    if not columns or len(columns[0]) < LEAST:
        n = len(columns[0]) if columns else 0
        raise InputError(f"{name}: {n} rows are too few to tell dependence from chance; give at least {LEAST}")
    wanted = _wanted(discrete, len(columns), name)
    continuous, labels, codes, notes = [], [], [], []
    constant: list[str] = []
    for column, title, asked in zip(columns, titles, wanted, strict=True):
        where = f"{name}, column {title}" if len(columns) > 1 else name
        is_discrete, note = _kind(column, where, asked)
        if note:
            notes.append(note)
        found, code = np.unique(column, return_inverse=True)
        if len(found) < 2:
            constant.append(title)
        elif is_discrete:
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
            raise InputError(
                f"{name}: constant in all {len(column)} rows, so it has no information; nothing to estimate"
            )
        notes.append(f"{name}: left out {len(constant)} constant column(s): {', '.join(constant[:5])}")
    n = len(columns[0])
    stacked = np.stack(continuous, 1) if continuous else np.zeros((n, 0))
    joint = np.unique(np.stack(codes, 1), axis=0, return_inverse=True)[1].reshape(-1) if codes else None
    hot_columns = np.hstack(labels) if labels else np.zeros((n, 0))
    return Variable(gaussianised(stacked) if continuous else stacked, hot_columns, joint, tuple(notes))


def _columns(values: Any, name: str) -> tuple[list[ndarray], list[str]]:
    """Columns as arrays with their own types, and their titles."""
    if hasattr(values, "iloc"):
        frame = values.to_frame() if values.ndim == 1 else values
        return [_plain(frame.iloc[:, k], name) for k in range(frame.shape[1])], [str(c) for c in frame.columns]
    if hasattr(values, "detach"):
        values = values.detach().cpu().numpy()
    array = np.asarray(values)
    if array.ndim == 1:
        array = array[:, None]
    if array.ndim != 2:
        raise InputError(
            f"{name}: shape {tuple(array.shape)}; give (rows,) or (rows, columns), as x.reshape(len(x), -1)"
        )
    return [array[:, k] for k in range(array.shape[1])], [str(k) for k in range(array.shape[1])]


def _plain(column: Any, name: str) -> ndarray:
    if str(column.dtype) == "category":
        if column.isna().any():
            raise InputError(f"{name}: column {column.name} has missing values; drop or impute those rows first")
        return np.asarray(column.cat.codes).astype("U")
    return np.asarray(column)


def _wanted(discrete: bool | Sequence[bool] | None, columns: int, name: str) -> list[bool | None]:
    if discrete is None or isinstance(discrete, bool | np.bool_):
        return [None if discrete is None else bool(discrete)] * columns
    if len(discrete) != columns:
        raise InputError(
            f"discrete for {name}: {len(discrete)} values for {columns} columns; give one each, or one in all"
        )
    return [bool(value) for value in discrete]


def _kind(column: ndarray, where: str, asked: bool | None) -> tuple[bool, str]:
    """Whether a column is discrete, and a sentence where that was a guess."""
    if column.dtype.kind not in "biuf":
        # Categories of pandas arrive here as text, and are discrete by their type.
        if column.dtype.kind == "U" and asked is None and all(map(str.isdigit, column[:100].tolist())):
            return True, ""
        if asked is not True:
            raise InputError(
                f"{where}: holds {type(column.flat[0]).__name__} values; say discrete=True, or give numbers"
            )
        return True, ""
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
