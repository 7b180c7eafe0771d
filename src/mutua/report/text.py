"""Blocks of words: paragraphs, tables, references, and a study's result made of them."""

from __future__ import annotations

import inspect
import re
from collections.abc import Sequence
from typing import Any

from mutua import tables
from mutua.report.figures import figure
from mutua.report.page import Block
from mutua.types import InputError, Result, Table

__all__ = ["formatted", "formatted_columns", "papers", "references", "result", "table", "words"]

_NUMERIC = re.compile(r"([-+−]?[\d.,]+(e[-+−]?\d+)?\s*%?|nan|−?inf)( ± ([\d.,]+(e[-+−]?\d+)?|nan|inf))?|–")


def words(paragraphs: Sequence[str], *, heading: str = "") -> Block:
    """Paragraphs of plain text."""
    return Block("words.html", {"paragraphs": list(paragraphs)}, heading)


def table(table: Table, *, best: int | None = None, heading: str = "") -> Block:
    """A table: numbers to the right and aligned, its note (the protocol) underneath.

    A cell is a number, a pair (mean, sd), text, or None for what was not measured. A column of numbers is
    printed to one number of decimals. Nothing is marked as best unless the caller says so.

    Args:
        best: the number of the row to mark, from 0.
    """
    columns = formatted_columns(table)
    if best is not None and not 0 <= best < len(table.rows):
        raise InputError(f"best: there is no row {best} in a table of {len(table.rows)} rows")
    return Block(
        "table.html",
        {
            "title": table.title,
            "columns": list(zip(table.columns, [numeric for _, numeric in columns], strict=True)),
            "rows": [[texts[i] for texts, _ in columns] for i in range(len(table.rows))],
            "note": table.note,
            "best": best,
        },
        heading,
    )


def references(papers: Sequence[str], *, heading: str = "References") -> Block:
    """A list of papers; `arXiv:1807.03748` in their text becomes a link, doubles are left out."""
    linked = []
    for paper in dict.fromkeys(papers):
        found = re.search(r"arXiv:(\d{4}\.\d{4,5}|[a-z-]+/\d{7})", paper)
        linked.append((paper, f"https://arxiv.org/abs/{found[1]}" if found else ""))
    return Block("references.html", {"papers": linked}, heading)


def papers(*objects: Any) -> list[str]:
    """The papers that docstrings name, in the order of the objects, each once.

    A docstring names them in a paragraph "Paper: one; another."

    >>> from mutua.bounds import smile
    >>> papers(smile)[0].startswith("Song and Ermon 2020")
    True
    """
    found: dict[str, str] = {}
    for thing in objects:
        for paragraph in re.findall(r"^Papers?:(.+?)(?:\n\s*\n|\Z)", inspect.getdoc(thing) or "", re.M | re.S):
            for paper in re.sub(r"\s+", " ", paragraph).strip().rstrip(".").split("; "):
                number = re.search(r"arXiv:\S+?(?=[,.]?(?:\s|$))", paper)
                found.setdefault(number[0] if number else paper, paper)
    return list(found.values())


def result(result: Result) -> list[Block]:
    """A study's result: what it says, its tables, its figures (each name the caption)."""
    return [
        words(result.words, heading=result.title),
        *(table(t) for t in result.tables),
        *(figure(svg, name) for name, svg in result.figures.items()),
    ]


def formatted_columns(table: Table) -> list[tuple[list[str], bool]]:
    """`formatted` of each column of a table; `InputError` where a row's length is not the columns'."""
    width = len(table.columns)
    for i, row in enumerate(table.rows):
        if len(row) != width:
            raise InputError(f"table {table.title!r}: row {i} has {len(row)} cells for {width} columns")
    return [formatted([row[j] for row in table.rows]) for j in range(width)]


def formatted(cells: Sequence[Any]) -> tuple[list[str], bool]:
    """The texts of a column, and whether it is of numbers.

    >>> formatted([(63.04, 1.2), None, 5.0])
    (['63.04 ± 1.20', '–', '5.00'], True)
    """
    texts, _ = tables.formatted(cells)
    return texts, bool(cells) and all(_NUMERIC.fullmatch(text) for text in texts)
