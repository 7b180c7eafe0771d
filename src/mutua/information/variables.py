"""What a user hands over as x or y, made into columns a critic can read, with what was assumed said in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from jaxtyping import Float, Int, Shaped
from numpy import ndarray

from mutua.data.table import Column, Columns, columns_of
from mutua.information.default.copula import gaussianised, radii
from mutua.types import InputError

__all__ = ["Discrete", "Variable", "codes_of", "paired", "variable"]

Discrete = bool | Sequence[bool | None] | None
"""Which columns hold categories: all, none, each its own answer; None by type."""

FEW = 32
LEAST = 10
TIES = 0.1
"""Of the values: so many that equal others are worth a sentence."""


@dataclass(frozen=True)
class Variable:
    """One side of a pair.

    Attributes:
        values: (n, c) continuous columns as they were given; c may be 0.
        parts: the discrete columns, (n,) class numbers each.
        notes: what was assumed or left out, a sentence each.
    """

    values: Float[ndarray, "n c"]
    parts: tuple[Int[ndarray, " n"], ...]
    notes: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.values)

    @cached_property
    def continuous(self) -> Float[ndarray, "n c"]:
        """The continuous columns on Gaussian quantiles, ties at their mean rank."""
        return gaussianised(self.values) if self.values.shape[1] else self.values

    @cached_property
    def recorded(self) -> Float[ndarray, "n c"]:
        """The continuous columns as they were given, centred and at unit deviation."""
        with np.errstate(over="ignore", invalid="ignore"):
            return (self.values - self.values.mean(0)) / self.values.std(0)

    @cached_property
    def labels(self) -> Float[ndarray, "n h"]:
        """A column for each value of each discrete column, scaled to unit variance; h may be 0."""
        hot = [(code[:, None] == np.arange(code.max() + 1)).astype(float) for code in self.parts]
        return np.hstack([(h - h.mean(0)) / h.std(0) for h in hot]) if hot else np.zeros((len(self), 0))

    @cached_property
    def codes(self) -> Int[ndarray, " n"] | None:
        """The joint value of the discrete columns as a class number; None where there are none."""
        if not self.parts:
            return None
        joint = self.parts[0]
        for code in self.parts[1:]:
            joint = codes_of(joint * (int(code.max()) + 1) + code)
        return joint

    @property
    def discrete(self) -> bool:
        """Whether every column is discrete."""
        return self.values.shape[1] == 0

    @property
    def mixed(self) -> bool:
        """Whether there are columns of both kinds."""
        return bool(self.parts) and not self.discrete

    @cached_property
    def tied(self) -> float:
        """The largest share of a continuous column's values that equal others."""
        n = max(len(self), 1)
        return max((1 - len(np.unique(column)) / n for column in self.values.T), default=0.0)

    def columns(self) -> Float[ndarray, "n d"]:
        """What a critic sees: continuous columns first, then their radii and the labels."""
        parts = [self.continuous, self.labels]
        if self.continuous.shape[1]:
            parts.insert(1, radii(self.continuous))
        return np.hstack(parts).astype(np.float32)


def codes_of(values: Shaped[ndarray, " n"]) -> Int[ndarray, " n"]:
    """Class numbers from 0, in the order of the values; of whole numbers close together without sorting."""
    if values.dtype.kind in "iub" and len(values):
        low, high = int(values.min()), int(values.max())
        if high - low <= 4 * len(values) + 1000:
            shifted = values.astype(np.int64) - low
            present = np.bincount(shifted, minlength=high - low + 1) > 0
            return (np.cumsum(present) - 1)[shifted]
    return np.unique(values, return_inverse=True)[1].reshape(-1).astype(np.int64)


def paired(sides: dict[str, Any], drop_missing: bool = False) -> tuple[list[Columns], list[str]]:
    """The columns of each side, of rows that belong together, and a sentence where rows were left out.

    Args:
        sides: what errors call a side, and what was given.
        drop_missing: leave out the rows in which any column of any side has no value.

    Raises `InputError` for sides of different lengths and as `columns_of` does.
    """
    if not isinstance(drop_missing, bool | np.bool_):
        raise InputError(f"drop_missing: {drop_missing!r}; use True or False")
    read = [columns_of(values, name) for name, values in sides.items()]
    lengths = [len(one) for one in read]
    if len(set(lengths)) > 1:
        counted = [f"{n:,}" for n in lengths]
        if len(read) == 2:
            raise InputError(f"x has {counted[0]} rows and y has {counted[1]}: give pairs, row by row")
        raise InputError(
            f"{', '.join(list(sides)[:-1])} and {list(sides)[-1]} have {', '.join(counted[:-1])} and "
            f"{counted[-1]} "
            "rows: give as many of each, row by row"
        )
    if not drop_missing:
        return read, []
    gone = np.logical_or.reduce([one.missing for one in read])
    if not gone.any():
        return read, []
    note = f"left out {int(gone.sum()):,} of {len(gone):,} rows, which have a missing value"
    return [one.take(~gone) for one in read], [note]


def variable(values: Any, name: str, discrete: Discrete = None) -> Variable:
    """Read one side: what `mutua.data.table.columns_of` takes.

    Args:
        name: what errors call it.
        discrete: True, False, or one of them for each column. None decides by type: booleans, text and categorical
            columns are discrete, and integers of at most 32 values that each occur five times on average.

    Raises `InputError` for missing values and infinity (with the row), text with `discrete=False`, all columns
    constant, fewer than ten rows, more than two axes.
    """
    columns = columns_of(values, name)
    n = len(columns)
    if n < LEAST:
        raise InputError(f"{name}: {n} rows are too few to tell dependence from chance; give at least {LEAST}")
    wanted = _wanted(discrete, len(columns.columns), name)
    continuous: list[ndarray] = []
    parts: list[ndarray] = []
    notes: list[str] = []
    constant, guessed, ties, dates = [], [], [], []
    for column, asked in zip(columns, wanted, strict=True):
        where = f"{name}, column {column.name}" if len(columns.columns) > 1 else name
        _check(column, where, asked)
        if column.note:
            notes.append(f"{where}: {column.note}")
        found = _distinct(column)
        if found < 2:
            constant.append(column.name)
            continue
        is_discrete = column.kind == "category"
        if column.kind == "number" and asked is not None:
            is_discrete = asked
        elif column.kind == "number" and column.values.dtype.kind in "iu" and found <= FEW and n >= 5 * found:
            is_discrete = True
            guessed.append((column.name, found))
        if is_discrete or asked:
            if found == n:
                raise InputError(
                    f"{where}: {found:,} categories in as many rows, none of which comes twice: nothing can "
                    "be told of them; group them, or say discrete=False if they measure"
                )
            parts.append(codes_of(column.values))
        else:
            continuous.append(column.values)
            if column.kind == "date":
                dates.append(column.name)
            if n - found > TIES * n:
                ties.append((column.name, n - found))
    if constant:
        if len(constant) == len(columns.columns):
            raise InputError(f"{name}: constant in all {n} rows, so it has no information; nothing to estimate")
        notes.append(f"{name}: left out {len(constant)} constant column(s): {', '.join(constant[:5])}")
    notes += _assumed(name, len(columns.columns), n, guessed, ties, dates)
    stacked = np.stack(continuous, 1).astype(np.float64) if continuous else np.zeros((n, 0))
    return Variable(stacked, tuple(parts), tuple(notes))


def _assumed(
    name: str,
    d: int,
    n: int,
    guessed: Sequence[tuple[str, int]],
    ties: Sequence[tuple[str, int]],
    dates: Sequence[str],
) -> list[str]:
    """A sentence for each kind of assumption, of however many columns."""
    notes = []

    def of(listed: Sequence[tuple[str, int]]) -> str:
        names = ", ".join(title for title, _ in listed[:3]) + (", ..." if len(listed) > 3 else "")
        if d == 1:
            return name
        return f"{name}, column {names}" if len(listed) == 1 else f"{name}, {len(listed):,} columns ({names})"

    if guessed:
        most = max(found for _, found in guessed)
        values = f"{most}" if len(guessed) == 1 else f"at most {most}"
        notes.append(
            f"{of(guessed)}: integers of {values} values are taken as categories; say discrete=False if they "
            "measure"
        )
    if ties:
        most = max(count for _, count in ties)
        notes.append(
            f"{of(ties)}: {'' if len(ties) == 1 else 'up to '}{most:,} of {n:,} values are ties of others; "
            "treated as "
            "an ordered quantity, and what is estimated is the information as recorded"
        )
    if dates:
        notes.append(f"{of([(title, 0) for title in dates])}: dates are taken as a quantity, by the day")
    return notes


def _distinct(column: Column) -> int:
    values = column.values
    if values.dtype.kind in "iu":
        return int(codes_of(values).max()) + 1 if len(values) else 0
    return len(np.unique(values))


def _check(column: Column, where: str, asked: bool | None) -> None:
    if column.missing is not None and not column.wrong:
        row = int(column.missing.argmax())
        raise InputError(
            f"{where}: missing value in {column.place(row)}, the first of {int(column.missing.sum()):,}; "
            "impute such "
            "rows, or leave them out by drop_missing=True (--drop-missing)"
        )
    column.check(where)
    if asked is False and column.kind == "category" and column.names and column.names != ("False", "True"):
        raise InputError(
            f"{where}: holds categories such as {column.names[0][:30]!r}, which have no order; leave out "
            "discrete=False, or give numbers"
        )


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
