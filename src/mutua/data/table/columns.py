"""Columns of numbers, dates or categories, whatever they came from: a file, a data frame, an array."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped
from numpy import ndarray

from mutua.data.table.cells import Kind
from mutua.types import InputError

__all__ = ["Column", "Columns"]

MISSING = "drop or impute such rows first"


@dataclass(frozen=True)
class Column:
    """One column.

    Attributes:
        name: its title, or its number.
        kind: number, date or category.
        values: (n,) numbers (whole or float32/64), days since 1970 of dates, class numbers of categories; what
            stands in missing rows has no meaning.
        missing: (n,) where there is no value; None where there is one in each row.
        names: of the categories, by class number.
        wrong: why the column can't be used, or "".
        note: what was assumed of it, or "".
        place: row number, from 0, to words for where it is found.
    """

    name: str
    kind: Kind
    values: Shaped[ndarray, " n"]
    missing: Bool[ndarray, " n"] | None = None
    names: tuple[str, ...] = ()
    wrong: str = ""
    note: str = ""
    place: Callable[[int], str] = "row {}".format

    def __len__(self) -> int:
        return len(self.values)

    def check(self, where: str, *, missing: bool = False) -> Column:
        """Itself. Raises `InputError`, a line that begins with `where`, for a column that can't be used, for a
        missing value (unless `missing` ones are allowed) and for infinity."""
        if self.wrong:
            raise InputError(f"{where}: {self.wrong}")
        if self.missing is not None and not missing:
            row = int(self.missing.argmax())
            raise InputError(f"{where}: missing value in {self.place(row)}; {MISSING}")
        if self.values.dtype.kind == "f":
            wild = ~np.isfinite(self.values)
            if self.missing is not None:
                wild &= ~self.missing
            if wild.any():
                row = int(wild.argmax())
                raise InputError(f"{where}: {self.values[row]} in {self.place(row)}; {MISSING}")
        return self

    def take(self, rows: Int[ndarray, " m"] | Bool[ndarray, " n"]) -> Column:
        """Some rows, by number or by a mask."""
        at = np.flatnonzero(rows) if rows.dtype == np.bool_ else rows
        missing = None if self.missing is None else self.missing[at]
        place = self.place
        return replace(
            self,
            values=self.values[at],
            missing=missing if missing is not None and missing.any() else None,
            place=lambda row: place(int(at[row])),
        )


@dataclass(frozen=True, repr=False)
class Columns:
    """The columns of a table.

    `source` says where they are from, in words that errors begin with.
    """

    columns: tuple[Column, ...]
    source: str

    def __post_init__(self) -> None:
        lengths = {len(column) for column in self.columns}
        if len(lengths) > 1:
            listed = ", ".join(f"{column.name} ({len(column)},)" for column in self.columns[:20])
            raise InputError(f"{self.source}: columns of shapes {listed}; give each as (rows,), all of one length")

    def __len__(self) -> int:
        return len(self.columns[0]) if self.columns else 0

    def __repr__(self) -> str:
        listed = ", ".join(f"{column.name} ({column.kind})" for column in self.columns[:8])
        more = f" and {len(self.columns) - 8:,} more" if len(self.columns) > 8 else ""
        return f"Columns({self.source}: {len(self):,} rows; {listed}{more})"

    def __iter__(self) -> Iterator[Column]:
        return iter(self.columns)

    @property
    def names(self) -> list[str]:
        return [column.name for column in self.columns]

    @property
    def kinds(self) -> list[Kind]:
        return [column.kind for column in self.columns]

    @property
    def discrete(self) -> list[bool | None]:
        """True for categories, None for numbers, which may be codes. Raises `InputError` for unusable columns."""
        return [True if column.check(self.where(column)).kind == "category" else None for column in self.columns]

    @property
    def missing(self) -> Bool[ndarray, " n"]:
        """The rows that have a missing value in any column."""
        rows = np.zeros(len(self), bool)
        for column in self.columns:
            if column.missing is not None:
                rows |= column.missing
        return rows

    def where(self, column: Column) -> str:
        """What errors call a column: an array's only one by its source alone."""
        alone = len(self.columns) == 1 and column.name == "0"
        return self.source if alone else f"{self.source}, column {column.name}"

    def column(self, name: str) -> Column:
        """A column by its name. Raises `InputError` where there is none."""
        for column in self.columns:
            if isinstance(name, str) and column.name == name:
                return column
        listed = ", ".join(self.names[:20]) + (", ..." if len(self.names) > 20 else "")
        raise InputError(f"{self.source}: has no column {name!r}; it has {listed}")

    def chosen(self, names: Sequence[str]) -> Columns:
        """Some columns, in the order asked for. Raises `InputError` where there is none of a name."""
        return Columns(tuple(self.column(name) for name in names), self.source)

    def take(self, rows: Int[ndarray, " m"] | Bool[ndarray, " n"]) -> Columns:
        """Some rows of all columns."""
        return Columns(tuple(column.take(rows) for column in self.columns), self.source)

    def checked(self, *, missing: bool = False) -> Columns:
        """Itself. Raises as `Column.check` does for the first column that can't be used."""
        for column in self.columns:
            column.check(self.where(column), missing=missing)
        return self

    def matrix(self, names: Sequence[str] | None = None) -> Float[ndarray, "n d"]:
        """Columns as float32 (n, d): numbers and dates (days since 1970) as they are, two categories as 0 and 1,
        more of them as an indicator column each, which `matrix_names` names.

        Raises `InputError` for missing values, infinity, and as `column` does.
        """
        parts = []
        for column in self.columns if names is None else map(self.column, names):
            column.check(self.where(column))
            if column.kind == "category" and len(column.names) > 2:
                parts.append((column.values[:, None] == np.arange(len(column.names))).astype(np.float32))
            else:
                parts.append(column.values.astype(np.float32)[:, None])
        return np.hstack(parts) if parts else np.zeros((len(self), 0), np.float32)

    def matrix_names(self, names: Sequence[str] | None = None) -> list[str]:
        """The names of `matrix`'s columns; an indicator is column=category."""
        found = []
        for column in self.columns if names is None else map(self.column, names):
            several = column.kind == "category" and len(column.names) > 2
            found += [f"{column.name}={value}" for value in column.names] if several else [column.name]
        return found

    def label(self, name: str) -> tuple[Int[ndarray, " n"], tuple[str, ...]]:
        """A column as classes: their numbers (n,), from 0, and their names. Whole numbers are classes too.

        Raises `InputError` for missing values, for numbers with fractions, dates, and as `column` does.
        """
        column = self.column(name).check(self.where(self.column(name)))
        if column.kind == "category":
            return column.values.astype(np.int64), column.names
        values = column.values
        if column.kind == "date" or (values.dtype.kind == "f" and (values != np.round(values)).any()):
            what = "dates" if column.kind == "date" else "numbers with fractions"
            raise InputError(
                f"{self.where(column)}: holds {what}, which are no classes; name a column of categories"
            )
        found, codes = np.unique(values, return_inverse=True)
        return codes.reshape(-1).astype(np.int64), tuple(f"{value:g}" for value in found)
