"""Word similarity: pairs of words with people's judgement, as their authors publish them."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterable, Sequence

from scipy.stats import spearmanr

from mutua.data.text.files import PathLike, pieces
from mutua.data.text.sources import lines_of
from mutua.types import InputError, Table
from mutua.words.vectors import Vectors, folded

__all__ = ["Judgement", "Pairs", "read_pairs", "similarity_table"]

Judgement = tuple[str, str, float]

_COMMA = re.compile(r"[+-]?\d+,\d+")
_MEN = re.compile(r".+-[nvj]")
_PARTS = {"tabs": "\t", "semicolons": ";", "commas": ","}


class Pairs(list[Judgement]):
    """Pairs of words, each with people's judgement.

    Attributes:
        format: of the file that they were read from, in words.
    """

    def __init__(self, pairs: Iterable[Judgement] = (), format: str = "") -> None:
        super().__init__(pairs)
        self.format = format


def read_pairs(path: PathLike) -> Pairs:
    """Pairs of words with people's judgement: two words and a number a line, parted by tabs, ; , or spaces.

    SimLex-999 and SimVerb-3500, which have the part of speech third and the judgement fourth, and MEN, whose words
    end with their part of speech (sun-n), are read as they come; `format` says what was found. Where tabs or
    semicolons part the columns, 3,5 is 3.5. A first line without a judgement is a heading, and lines that begin
    with # are passed over.

    Raises InputError for a file without pairs, and for any other line without a finite judgement where the others
    have theirs.
    """
    lines = [(n, line) for n, line in enumerate(lines_of(pieces(path)), 1) if line.strip() and line[0] != "#"]
    parts = next(
        (name for name, mark in _PARTS.items() if lines and all(mark in line for _, line in lines)), "spaces"
    )
    rows = [(n, _cells(line, _PARTS.get(parts))) for n, line in lines]
    comma = parts != "commas" and any(_COMMA.fullmatch(cell) for _, cells in rows for cell in cells[2:4])
    if rows and _judged(rows[0][1]) is None:
        rows = rows[1:]  # a heading
    if not rows:
        raise InputError(f"{path}: no pairs; give two words and a number a line, parted by tabs")
    column = _judged(rows[0][1])
    if column is None:
        n, cells = rows[0]
        raise InputError(
            f"{path}: line {n:,} ({' '.join(cells):.60}) is no pair; give two words and a number a line"
        )
    pairs = [_pair(path, n, cells, column) for n, cells in rows]
    men = all(_MEN.fullmatch(word) for a, b, _ in pairs for word in (a, b))
    if men:
        pairs = [(a[:-2], b[:-2], judged) for a, b, judged in pairs]
    notes = [f"words and judgement, parted by {parts}"]
    notes += ["part of speech third, as in SimLex-999"] * (column == 3)
    notes += ["parts of speech at the words' ends left out, as in MEN"] * men
    notes += ["decimal commas"] * comma
    return Pairs(pairs, "; ".join(notes))


def _cells(line: str, mark: str | None) -> list[str]:
    if mark is None:
        return line.split()
    return [cell.strip() for cell in (next(csv.reader([line])) if mark == "," else line.split(mark))]


def _number(cell: str) -> float:
    """NaN for what is no number."""
    try:
        value = float(cell.replace(",", ".") if _COMMA.fullmatch(cell) else cell)
    except ValueError:
        return math.nan
    return value if math.isfinite(value) else math.nan


def _judged(cells: list[str]) -> int | None:
    """The column of the judgement: the third, or the fourth after a part of speech."""
    if len(cells) > 2 and not math.isnan(_number(cells[2])):
        return 2
    if len(cells) > 3 and len(cells[2]) == 1 and cells[2].isalpha() and not math.isnan(_number(cells[3])):
        return 3
    return None


def _pair(path: PathLike, n: int, cells: list[str], column: int) -> Judgement:
    judged = _number(cells[column]) if len(cells) > column else math.nan
    if math.isnan(judged) or not (cells[0] and cells[1]):
        seen = repr(cells[column] if len(cells) > column and cells[0] and cells[1] else " ".join(cells))
        raise InputError(
            f"{path}: line {n:,}: {seen:.60} where two words and a number are meant; mend or remove it"
        )
    return cells[0], cells[1], judged


def similarity_table(vectors: Vectors, sets: dict[str, Sequence[Judgement]], fold: bool = True) -> Table:
    """Spearman correlation of cosines with people's judgement over known pairs; coverage beside it."""
    index = folded(vectors, None, fold)
    rows = []
    for name, pairs in sets.items():
        ours: list[float] = []
        theirs: list[float] = []
        for a, b, judged in pairs:
            i, j = (index.get(word.casefold() if fold else word) for word in (a, b))
            if i is not None and j is not None:
                ours.append(float(vectors.units[i] @ vectors.units[j]))
                theirs.append(judged)
        tell = len(ours) > 2 and min(ours) < max(ours) and min(theirs) < max(theirs)
        rho = float(spearmanr(ours, theirs).statistic) if tell else float("nan")
        rows.append([name, len(pairs), len(ours), 100 * len(ours) / max(len(pairs), 1), rho])
    note = ". ".join(f"{name}: {pairs.format}" for name, pairs in sets.items() if isinstance(pairs, Pairs))
    return Table("Word similarity", ["set", "pairs", "known", "coverage %", "Spearman"], rows, note)
