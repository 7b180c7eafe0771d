"""Tables of texts and their labels: TSV, CSV and a JSON object a line."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from mutua.data.text.records import LABELS, TEXTS, Records, chosen
from mutua.types import InputError

__all__ = ["jsonl", "table"]


def _cells(path: Path, lines: Sequence[str], mark: str) -> Iterator[tuple[int, list[str]]]:
    """Line numbers and cells. Quotes mean something in CSV, where a cell may hold new lines, not in TSV."""
    if mark == "\t":
        yield from ((n, line.split("\t")) for n, line in enumerate(lines, 1))
        return
    reader = csv.reader((line + "\n" for line in lines), delimiter=mark, strict=True)
    start = 1
    try:
        for row in reader:
            yield start, row
            start = reader.line_num + 1
    except csv.Error as error:
        raise InputError(f"{path}: line {start:,}: {error}; mend its quotes") from None


def table(path: Path, lines: Sequence[str], mark: str, text: str | None, target: Sequence[str] | None) -> Records:
    """Rows of a text and its labels, with a first row of names or without."""
    if mark == "," and lines and "," not in lines[0] and ";" in lines[0]:
        mark = ";"
    while lines and not lines[-1].strip():
        lines = lines[:-1]
    rows = list(_cells(path, lines, mark))
    if not rows:
        raise InputError(f"{path}: is empty; give a text a row")
    width = len(rows[0][1])
    for number, cells in rows:
        if len(cells) != width:
            mend = "mend the row" if mark == "\t" else "quote cells that hold the mark between columns"
            raise InputError(
                f"{path}: line {number:,} has {len(cells)} columns where the first has {width}; {mend}"
            )
    head = [cell.strip() for cell in rows[0][1]]
    known = {*TEXTS, *LABELS, *([text] if text else []), *(target or ())}
    if any(name.lower() in known or name in known for name in head):
        place, labels = chosen(str(path), head, text, target)
        rows = rows[1:]
    elif text is None and not target and width <= 2:
        lengths = [sum(len(cells[k]) for _, cells in rows) for k in range(width)]
        place = max(range(width), key=lengths.__getitem__)
        labels = {"label": 1 - place} if width == 2 and target is None else {}
    else:
        raise InputError(
            f"{path}: {width} columns without names in the first row; give it a first row of names, such as "
            "label and text, and say text= where the names are others"
        )
    return _records(path, rows, place, labels)


def _records(
    path: Path, rows: Sequence[tuple[int, Sequence[str]]], place: int, labels: Mapping[str, int]
) -> Records:
    found = Records([], {name: [] for name in labels}, [])
    for number, cells in rows:
        if not cells[place].strip():
            raise InputError(f"{path}: line {number:,} has no text; take the row out, or mend it")
        found.texts.append(cells[place].strip())
        (found.names or []).append(f"{path.name}:{number}")
        for name, k in labels.items():
            if not cells[k].strip():
                raise InputError(
                    f"{path}: line {number:,} has no {name} and others have; mend the row, or leave such rows out"
                )
            found.targets[name].append(cells[k].strip())
    found.names = [f"{path.name}:{number}" for number, _ in rows]
    return found


def jsonl(path: Path, lines: Sequence[str], text: str | None, target: Sequence[str] | None) -> Records:
    """A JSON object a line, with a field of text and fields of labels."""
    rows: list[tuple[int, list[str]]] = []
    place, labels, head = 0, {}, []  # type: ignore[var-annotated]
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            one = json.loads(line)
        except ValueError as error:
            raise InputError(f"{path}: line {number:,} is no JSON ({error}); write one object a line") from None
        if not isinstance(one, dict):
            raise InputError(
                f"{path}: line {number:,} is {type(one).__name__}, no object; write one object a line"
            )
        if not rows:
            head = list(one)
            place, labels = chosen(str(path), head, text, target)
        for name in (head[place], *labels):
            if name not in one:
                raise InputError(f"{path}: line {number:,} has no field {name!r}; add it, or take the line out")
            bad = not isinstance(one[name], str) if name == head[place] else isinstance(one[name], (list, dict))
            if bad and one[name] is not None:
                raise InputError(
                    f"{path}: line {number:,}: {name!r} is {type(one[name]).__name__}; a text is a string, "
                    "a label a string or a number"
                )
        rows.append((number, ["" if one.get(name) is None else str(one[name]) for name in head]))
    if not rows:
        raise InputError(f"{path}: is empty; give an object a line")
    return _records(path, rows, place, labels)
