"""What a cell of text is: a number, a date, a missing mark, or text; and what a whole column of such cells is."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

import numpy as np
from jaxtyping import Bool, Shaped
from numpy import ndarray

__all__ = ["Kind", "Read", "coded", "read_text"]

Kind = Literal["number", "category", "date"]

MISSING = frozenset({"", "na", "nan", "-nan", "n/a", "#n/a", "#na", "<na>", "nat", "null"})
"""Marks of a missing cell in any column, whatever their case."""
IN_NUMBERS = MISSING | {"?", "-", "--", ".", "..", "...", "none", "\N{EN DASH}", "\N{EM DASH}"}
"""Marks of a missing cell among numbers or dates; among text they may be categories (a strand, "none" of
three)."""
NEARLY_ALL = 0.9
"""Of the cells that aren't missing: where so many read as numbers or dates, the column is one of them."""
FEW, AGAIN = 32, 5
"""Up to FEW values, of which those that don't read as numbers come AGAIN times each, are categories: 0, 1, 2,
3+."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DAY = 86_400.0
DATE = re.compile(
    r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}([.,]\d{1,9})?)?)?\s?(Z|UTC|[+-]\d{2}:?\d{2})?",
    re.ASCII | re.IGNORECASE,
)
COMMA = re.compile(r"[+-]?\d*,\d+([eE][+-]?\d+)?", re.ASCII)
THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}(,\d{3})+", re.ASCII)


@dataclass(frozen=True)
class Read:
    """A column of text as it reads.

    Attributes:
        values: numbers; days since 1970 (UTC) of dates; class numbers, in the order of `names`, of categories.
        What
            stands in missing rows has no meaning.
        missing: where there is no cell.
        wrong: (row, what its cell has) of a column that can't be used; None of one that can.
    """

    kind: Kind
    values: Shaped[ndarray, " n"]
    missing: Bool[ndarray, " n"]
    names: tuple[str, ...] = ()
    wrong: tuple[int, str] | None = None
    note: str = ""


def read_text(cells: Sequence[str], comma: bool = False) -> Read:
    """What a column of text is.

    Numbers as Python reads them (no `_`), with a decimal comma where every number of the column can be one, and
    dates as ISO 8601 writes them. A column is of numbers (or dates) where nearly all of its cells, missing ones
    aside, read so; a cell that doesn't is then `wrong`, unless it is one of a few values that come again and
    again. All other columns are of categories.

    Args:
        comma: whether cells such as 1,234 have a decimal comma, because the file has semicolons between cells.
        Where
            that isn't known and no cell of the column tells it from a thousands' comma, the column is `wrong`.
    """
    plain = _plain(cells)
    if plain is not None:
        return Read("number", plain, np.zeros(len(cells), bool))
    stripped = [cell.strip() for cell in cells]
    folded = [cell.casefold() for cell in stripped]
    absent = np.array([cell in IN_NUMBERS for cell in folded], bool)
    whole = [cell for cell, gone in zip(stripped, absent, strict=True) if not gone]
    readers: list[tuple[Kind, Callable[[str], int | float | None]]] = [("number", number), ("date", days)]
    if any("," in cell for cell in whole):
        readers.insert(1, ("number", decimal_comma))
    for kind, reader in readers:
        found = [reader(cell) for cell in whole]
        share = sum(value is not None for value in found) / max(len(found), 1)
        if not found or share < NEARLY_ALL:
            continue
        odd = [cell for cell, value in zip(whole, found, strict=True) if value is None]
        if odd and _recur(odd, whole):
            break
        return _numbers(kind, stripped, absent, found, odd, reader is decimal_comma and not comma, whole)
    gone = np.array([cell in MISSING for cell in folded], bool)
    read = coded(np.array(stripped, dtype=np.str_), gone)
    numbers = np.mean([number(cell) is not None for cell in whole]) if whole else 0.0
    if 0.5 < numbers < 1 and read.wrong is None:
        odd_cell = next(cell for cell in whole if number(cell) is None)[:30]
        read_so = f"{100 * numbers:.0f} % of its cells read as numbers"
        note = f"{read_so} and others, as {odd_cell!r}, don't: categories"
        return Read(read.kind, read.values, read.missing, read.names, None, note)
    return read


def coded(values: Shaped[ndarray, " n"], missing: Bool[ndarray, " n"]) -> Read:
    """Categories: the distinct values in order, and which each row has. `wrong` where they are nearly all
    distinct."""
    found, code = np.unique(values[~missing], return_inverse=True)
    codes = np.zeros(len(values), np.int64)
    codes[~missing] = code.reshape(-1)
    wrong = None
    if len(found) > max(FEW, len(values) / 2):
        odd = "" if values.dtype.kind in "biuf" else f", such as {str(values[~missing][0])[:30]!r}"
        row = int(np.flatnonzero(~missing)[0])
        wrong = (
            row,
            f"{len(found):,} categories in {len(values):,} rows{odd}; leave it out, or write numbers as 1234.5 "
            "and "
            "dates as 2024-01-31",
        )
    return Read("category", codes, missing, tuple(str(name) for name in found), wrong)


def number(cell: str) -> int | float | None:
    """The number a cell is, or None."""
    if "_" in cell:
        return None
    cell = cell.replace("\N{MINUS SIGN}", "-")
    try:
        whole = int(cell)
        return whole if abs(whole) < 2**62 else float(whole)
    except ValueError:
        pass
    try:
        return float(cell)
    except (ValueError, OverflowError):
        return None


def decimal_comma(cell: str) -> int | float | None:
    """The number a cell is where a comma stands for the point, or None; a cell with a point is none."""
    if "," not in cell:
        return None if "." in cell else number(cell)
    return number(cell.replace(",", ".")) if COMMA.fullmatch(cell) else None


def days(cell: str) -> float | None:
    """Days since 1970 (UTC where no zone is said) of an ISO 8601 date or time, or None."""
    if not DATE.fullmatch(cell):
        return None
    text = cell.replace(",", ".").upper().replace("UTC", "Z").replace(" Z", "Z")
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return (moment - EPOCH).total_seconds() / DAY


def _plain(cells: Sequence[str]) -> Shaped[ndarray, " n"] | None:
    """The numbers of a column of nothing else, the fast way."""
    if not len(cells) or any("_" in cell or "\N{MINUS SIGN}" in cell for cell in cells):
        return None
    text = np.array(cells, dtype=np.str_)
    for dtype in (np.int64, np.float64):
        try:
            values = text.astype(dtype)
        except (ValueError, OverflowError):
            continue
        # A cell of NaN is a missing one, which is looked for cell by cell.
        return None if dtype is np.float64 and np.isnan(values).any() else values
    return None


def _recur(odd: Sequence[str], whole: Sequence[str]) -> bool:
    """Whether cells that aren't numbers are categories of a column of few values."""
    return len(set(whole)) <= FEW and min(odd.count(cell) for cell in set(odd)) >= AGAIN


def _numbers(
    kind: Kind,
    cells: Sequence[str],
    absent: Bool[ndarray, " n"],
    found: Sequence[int | float | None],
    odd: Sequence[str],
    unsure: bool,
    whole: Sequence[str],
) -> Read:
    wrong = None
    if odd:
        row = cells.index(odd[0])
        what = "a date" if kind == "date" else "a number"
        shown = odd[0][:30]
        wrong = (
            row,
            f"{shown!r}, which is not {what}, as {len(whole) - len(odd):,} of its {len(whole):,} cells are; "
            "mend the "
            "cell, or leave it empty",
        )
    elif unsure and all(THOUSANDS.fullmatch(cell) for cell in whole if "," in cell):
        row = next(k for k, cell in enumerate(cells) if "," in cell)
        wrong = (row, f"{cells[row]!r}, which is 1.5 or 1500 by where it is from; write numbers as 1234.5")
    kept = np.array([0 if value is None else value for value in found])
    values = np.zeros(len(cells), kept.dtype if kept.dtype.kind in "if" else np.float64)
    values[~absent] = kept
    return Read(kind, values, absent, (), wrong)
