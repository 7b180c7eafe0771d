"""Arrays and tables from files, as named columns of numbers or categories; pandas only for .parquet."""

from __future__ import annotations

import csv
import io
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Shaped
from numpy import ndarray

from mutua.data.store import reason
from mutua.types import InputError

__all__ = ["Columns", "arrays_of", "categories", "measures", "read_columns", "titles_of"]

MISSING = {"", "na", "nan", "n/a", "null"}
SEPARATORS = {".csv": ",", ".tsv": "\t"}
SUFFIXES = ".npy, .npz, .csv, .tsv or .parquet"
# What numpy and zipfile raise on files that are damaged, cut short or of another kind.
UNREADABLE = (
    ValueError,
    OSError,
    EOFError,
    AttributeError,
    TypeError,
    KeyError,
    MemoryError,
    RuntimeError,
    SyntaxError,
    struct.error,
    tokenize.TokenError,
    zipfile.BadZipFile,
    zlib.error,
)


@dataclass(frozen=True)
class Columns:
    """Columns of a file by their titles, (n,) each, and which of them hold categories; None is by type."""

    of: Mapping[str, Shaped[ndarray, " n"]]
    discrete: Sequence[bool | None]
    file: str

    @property
    def titles(self) -> list[str]:
        return list(self.of)

    def __len__(self) -> int:
        return len(next(iter(self.of.values()), ()))


@dataclass(frozen=True)
class _Raw:
    """Columns as they stand, arrays or lists of text, and of text the line of the file that each row is on."""

    of: Mapping[str, Any]
    lines: Sequence[int] | None = None

    def place(self, row: int) -> str:
        """Where a row, counted from 0, is found."""
        return f"row {row}, counted from 0" if self.lines is None else f"line {self.lines[row]}"


def read_columns(file: str, chosen: Sequence[str] | str | None = None, without: Sequence[str] = ()) -> Columns:
    """The columns of a file that are asked for, or all of them but those of `without`.

    Asked for by their names, or by one text of names with commas between, where what is a column's name as it
    stands is taken whole, with its commas.

    .npy of (n,) or (n, d), and `file.npz:name`: columns 0, 1, ... of one type. .csv and .tsv: the first line
    names the columns, unless it is all numbers; what reads as numbers is numbers, anything else categories.
    .parquet where pandas can be imported.

    Raises `InputError` for a file that isn't there or can't be read, another shape, a name it doesn't have or one
    that is empty or occurs twice, and for a missing cell, NaN or infinity in a column asked for, naming its line
    (of text) or row.
    """
    raw = _raw(file)
    if isinstance(chosen, str):
        chosen = _split(chosen, list(raw.of))
    wanted = [title for title in raw.of if title not in without] if chosen is None else list(chosen)
    for title in [*wanted, *without]:
        if title not in raw.of:
            listed = ", ".join(list(raw.of)[:20]) + (", ..." if len(raw.of) > 20 else "")
            raise InputError(f"{file}: has no column {title!r}; it has {listed}")
    typed = {title: _typed(raw, title, file) for title in wanted}
    return Columns(
        {title: values for title, (values, _) in typed.items()}, [kind for _, kind in typed.values()], file
    )


def titles_of(file: str) -> list[str]:
    """The names of a file's columns, whatever is in their cells. Raises as `read_columns` does."""
    return list(_raw(file).of)


def categories(columns: Columns) -> Columns:
    """The same, every column as categories."""
    of = {title: _codes(values, title, columns.file) for title, values in columns.of.items()}
    return Columns(of, [True] * len(of), columns.file)


def measures(columns: Columns) -> Columns:
    """The same, every column as an ordered quantity. Raises `InputError` for text."""
    for title, kind in zip(columns.of, columns.discrete, strict=True):
        if kind:
            raise InputError(f"{columns.file}: column {title!r} holds text, which has no order; it is categories")
    return Columns(columns.of, [False] * len(columns.of), columns.file)


def arrays_of(path: Path) -> list[str]:
    """The names of the arrays in an .npz. Raises `InputError` where it isn't there, isn't one, or holds none."""
    _check_file(path)
    try:
        with np.load(path, allow_pickle=False) as held:
            names = list(held.files)
    except UNREADABLE as error:
        raise InputError(f"{path}: can't be read ({reason(error)}); save arrays with np.savez") from error
    if not names:
        raise InputError(f"{path}: holds no arrays; save them by name, as np.savez(file, x=x, y=y)")
    return names


def _check_file(path: Path) -> None:
    if path.is_dir():
        raise InputError(f"{path}: is a folder; name a file in it, {SUFFIXES}")
    if not path.is_file():
        raise InputError(f"{path}: no such file; give {SUFFIXES}")


def _split(listed: str, titles: Sequence[str]) -> list[str]:
    """Names with commas between; the longest run of pieces that is a title, commas and all, is one name."""
    pieces, found = listed.split(","), []
    while pieces:
        runs = [",".join(pieces[:end]).strip() for end in range(len(pieces), 1, -1)]
        name = next((run for run in runs if run in titles), pieces[0].strip())
        found.append(name)
        del pieces[: name.count(",") + 1]
    if not all(found):
        raise InputError(f"columns: {listed!r} has an empty name; write them as a,b,c")
    if len(set(found)) < len(found):
        raise InputError(f"columns: {listed!r} has a name twice; give each once")
    return found


def _raw(file: str) -> _Raw:
    path, _, name = file.partition(".npz:")
    where = Path(f"{path}.npz" if name else file)
    _check_file(where)
    suffix = where.suffix.lower()
    if suffix in (".npy", ".npz"):
        return _Raw(_of_array(_array(where, name), file))
    if suffix in SEPARATORS:
        return _text(where, SEPARATORS[suffix])
    if suffix == ".parquet":
        return _Raw(_parquet(where))
    raise InputError(f"{where}: can't read {suffix or 'a file without suffix'}; give {SUFFIXES}")


def _array(path: Path, name: str) -> ndarray:
    try:
        held = np.load(path, allow_pickle=False)
    except UNREADABLE as error:
        raise InputError(
            f"{path}: can't be read ({reason(error)}); save numbers with np.save or np.savez"
        ) from error
    if isinstance(held, ndarray):
        return held
    with held:
        if not held.files:
            raise InputError(f"{path}: holds no arrays; save them by name, as np.savez(file, x=x, y=y)")
        if not name:
            raise InputError(f"{path}: holds {', '.join(held.files)}; say which, as {path}:{held.files[0]}")
        if name not in held.files:
            raise InputError(f"{path}: has no array {name!r}; it has {', '.join(held.files)}")
        try:
            return held[name]
        except UNREADABLE as error:
            raise InputError(f"{path}:{name}: can't be read ({reason(error)}); save numbers or text") from error


def _of_array(values: ndarray, file: str) -> dict[str, ndarray]:
    if values.ndim not in (1, 2):
        raise InputError(
            f"{file}: shape {values.shape}; give (rows,) or (rows, columns), as x.reshape(len(x), -1)"
        )
    if values.dtype.kind not in "biufUS":
        raise InputError(f"{file}: holds {values.dtype}; give numbers or text")
    if not values.size:
        raise InputError(f"{file}: shape {values.shape} holds no values; save rows of at least one column")
    return {str(k): column for k, column in enumerate(values.reshape(len(values), -1).T)}


def _text(path: Path, separator: str) -> _Raw:
    try:
        content = path.read_text(encoding="utf-8-sig")
    except (UnicodeDecodeError, OSError) as error:
        raise InputError(f"{path}: can't be read ({reason(error)}); save it as UTF-8") from error
    first = content.partition("\n")[0]
    if separator == "," and "," not in first and ";" in first:
        separator = ";"
    try:
        lines = _records(content, separator)
    except csv.Error as error:
        raise InputError(f"{path}: can't be read ({reason(error)}); save it as plain {path.suffix}") from error
    if not lines:
        raise InputError(f"{path}: is empty; its first line names the columns")
    titles = [title.strip() for title in lines[0][1]]
    if all(_number(title) is not None for title in titles):
        titles = [str(k) for k in range(len(titles))]
    else:
        lines = lines[1:]
    for title in titles:
        if titles.count(title) > 1:
            raise InputError(f"{path}: column {title!r} occurs twice; give each a name of its own")
    for line, cells in lines:
        if len(cells) != len(titles):
            raise InputError(
                f"{path}: line {line} has {len(cells)} cells for {len(titles)} columns; "
                f"quote cells that hold {separator!r}"
            )
    columns = {title: [cells[k].strip() for _, cells in lines] for k, title in enumerate(titles)}
    return _Raw(columns, [line for line, _ in lines])


def _records(content: str, separator: str) -> list[tuple[int, list[str]]]:
    """The cells of each record that isn't empty, and the line, from 1, that it starts on: it may have several."""
    reader = csv.reader(io.StringIO(content, newline=""), delimiter=separator)
    found, start = [], 1
    for cells in reader:
        if cells:
            found.append((start, cells))
        start = reader.line_num + 1
    return found


def _parquet(path: Path) -> dict[str, ndarray]:
    try:
        import pandas
    except ImportError as error:
        raise InputError(
            f"{path}: .parquet needs pandas and pyarrow; pip install them, or save it as .csv"
        ) from error
    try:
        frame = pandas.read_parquet(path)
    except (ImportError, ValueError, OSError) as error:
        raise InputError(f"{path}: can't be read ({reason(error)}); save it as .csv") from error
    columns = {}
    for title in frame.columns:
        column = frame[title]
        if column.isna().any():
            columns[str(title)] = np.asarray(column.astype(object).where(column.notna(), ""), dtype=object)
        else:
            plain = np.asarray(column)
            columns[str(title)] = plain if plain.dtype.kind in "biuf" else plain.astype("U")
    return columns


def _typed(raw: _Raw, title: str, file: str) -> tuple[ndarray, bool | None]:
    """Numbers as they are or as the text of all cells reads, of unsaid kind; other text as numbers of classes."""
    values = raw.of[title]
    if isinstance(values, ndarray) and values.dtype.kind in "biuf":
        return _finite(values, raw, title, file), None
    cells = [str(cell) for cell in values]
    for row, cell in enumerate(cells):
        if cell.casefold() in MISSING:
            raise InputError(
                f"{file}: column {title!r} is missing in {raw.place(row)}; fill it in or leave out the row"
            )
    numbers = [_number(cell) for cell in cells]
    if all(number is not None for number in numbers):
        return _finite(np.array(numbers), raw, title, file), None
    return _codes(np.array(cells), title, file), True


def _finite(values: ndarray, raw: _Raw, title: str, file: str) -> ndarray:
    wrong = np.flatnonzero(~np.isfinite(values))
    if len(wrong):
        raise InputError(
            f"{file}: column {title!r} is {values[wrong[0]]} in {raw.place(int(wrong[0]))}; "
            "fill it in or leave out the row"
        )
    return values


def _codes(values: Shaped[ndarray, " n"], title: str, file: str) -> ndarray:
    found, codes = np.unique(values, return_inverse=True)
    if len(found) > max(32, len(values) / 2):
        odd = "" if values.dtype.kind in "biuf" else f", such as {str(values[0])[:30]!r}"
        raise InputError(
            f"{file}: column {title!r} has {len(found):,} categories in {len(values):,} rows{odd}; "
            "leave it out, or write numbers as 1234.5"
        )
    return codes.reshape(-1)


def _number(cell: str) -> int | float | None:
    if "_" in cell:
        return None
    try:
        whole = int(cell)
        return whole if abs(whole) < 2**62 else float(whole)
    except ValueError:
        pass
    try:
        return float(cell)
    except ValueError:
        return None
