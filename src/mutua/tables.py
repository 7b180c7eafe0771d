"""What comes out: tables, results and intervals, and how their numbers are written. Imports nothing of mutua."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from numbers import Integral, Real
from typing import Any, NamedTuple

__all__ = ["Interval", "Result", "Table", "formatted"]

_GAP = "  "


class Interval(NamedTuple):
    """Two ends, as a cell of a table: "0.12 to 0.30" where it is read, two numbers in JSON."""

    low: float
    high: float


@dataclass(frozen=True, repr=False)
class Table:
    """Rows under named columns, for the terminal, notebooks, JSON and the report alike.

    A cell is a number, a pair (mean, sd), an `Interval`, text, or None for what was not measured.
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]
    note: str = ""

    def records(self) -> list[dict[str, Any]]:
        """One dict a row."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]

    def _cells(self) -> list[list[str]]:
        """The texts of its columns, without their heads."""
        return [formatted([row[j] for row in self.rows if j < len(row)])[0] for j in range(len(self.columns))]

    def __repr__(self) -> str:
        drawn = []
        for name, texts in zip(self.columns, self._cells(), strict=True):
            width = max(map(len, [str(name), *texts]))
            drawn.append([str(name).ljust(width), *(text.ljust(width) for text in texts)])
        lines = [_GAP.join(line).rstrip() for line in zip(*drawn, strict=False)]
        return "\n".join([*filter(None, [self.title]), *lines, *filter(None, [self.note])])

    def _repr_html_(self) -> str:
        """For notebooks."""
        head = "".join(f"<th>{escape(str(name))}</th>" for name in self.columns)
        body = "".join(
            "<tr>" + "".join(f"<td>{escape(text)}</td>" for text in row) + "</tr>"
            for row in zip(*self._cells(), strict=False)
        )
        caption = f"<caption>{escape(self.title)}</caption>" if self.title else ""
        note = f"<p>{escape(self.note)}</p>" if self.note else ""
        return f"<table>{caption}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{note}"


@dataclass(frozen=True, repr=False)
class Result:
    """What a study or an analysis returns: tables, figures (name to SVG text), and what they say in words."""

    title: str
    tables: Sequence[Table] = ()
    figures: Mapping[str, str] = field(default_factory=dict)
    words: Sequence[str] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)

    def __repr__(self) -> str:
        told = f"Figures: {', '.join(self.figures)}" if self.figures else ""
        parts = [self.title, "\n".join(self.words), *map(repr, self.tables), told]
        return "\n\n".join(filter(None, parts))

    def _repr_html_(self) -> str:
        """For notebooks: what it says, its tables, its figures."""
        said = "".join(f"<p>{escape(sentence)}</p>" for sentence in self.words)
        tables = "".join(table._repr_html_() for table in self.tables)
        figures = "".join(
            f"<figure>{svg[max(0, svg.find('<svg')) :]}<figcaption>{escape(name)}</figcaption></figure>"
            for name, svg in self.figures.items()
        )
        return f"<h3>{escape(self.title)}</h3>{said}{tables}{figures}"


def formatted(cells: Sequence[Any]) -> tuple[list[str], int | None]:
    """The texts of a column, and how many decimals its numbers have (None: an exponent).

    >>> formatted([(63.04, 1.2), None, 5.0, Interval(-1.5, 2.0)])[0]
    ['63.04 ± 1.20', '–', '5.00', '−1.50\\xa0to\\xa02.00']
    """
    values = [value for cell in cells for value in (cell if is_pair(cell) else [cell]) if _is_number(value)]
    decimals = _decimals([float(v) for v in values if not isinstance(v, Integral)])
    return [_text(cell, decimals) for cell in cells], decimals


def is_pair(cell: Any) -> bool:
    """Whether a cell is two numbers: a mean and its deviation, or the ends of an interval."""
    return isinstance(cell, (tuple, list)) and len(cell) == 2 and all(_is_number(value) for value in cell)


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)


def _decimals(values: Sequence[float]) -> int | None:
    """Decimals that give the largest value about four figures; None where an exponent tells more than zeros."""
    largest = max((abs(v) for v in values if math.isfinite(v)), default=0.0)
    if largest == 0:
        return 1
    if not 1e-4 <= largest < 1e9:
        return None
    return min(6, max(1, 3 - math.floor(math.log10(largest))))


def _text(cell: Any, decimals: int | None) -> str:
    if cell is None:
        return "–"
    if is_pair(cell):
        # An interval isn't broken over lines.
        between = "\u00a0to\u00a0" if isinstance(cell, Interval) else " ± "
        return between.join(_text(value, decimals) for value in cell)
    if not _is_number(cell):
        return str(cell)
    if isinstance(cell, Integral):
        number = f"{cell:d}"
    else:
        # z: a value that rounds to zero has no sign.
        number = f"{float(cell):.3e}" if decimals is None else f"{float(cell):z.{decimals}f}"
    return number.replace("-", "−")
