"""Tables and arrays from files: .csv, .tsv, .parquet (where pyarrow is installed), .npy, .npz."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy import ndarray

from mutua.data.store import UNREADABLE, reason
from mutua.data.table.cells import coded, number, read_text
from mutua.data.table.columns import Column, Columns
from mutua.data.table.containers import columns_of
from mutua.types import InputError

__all__ = ["SUFFIXES", "arrays_of", "read_table", "titles_of"]

SEPARATORS = {".csv": ",", ".tsv": "\t", ".tab": "\t"}
SUFFIXES = ".npy, .npz, .csv, .tsv or .parquet"


def read_table(file: str | Path, names: Sequence[str] | None = None, *, discrete: bool = False) -> Columns:
    """The columns of a file that are asked for by name, or all.

    .npy of (n,) or (n, d), and `file.npz:name`: columns 0, 1, ... .csv and .tsv: the first line names the columns,
    unless it is all numbers; cells are separated by `,` (`;` where the first line has it and no comma) or tabs,
    and a column is what `cells.read_text` says. .parquet by pyarrow: only the columns asked for are read.

    Missing cells are no fault here: `Columns` knows them, as it knows what is wrong with a column that can't be
    used; both are refused where the column is used.

    Args:
        discrete: take all columns as categories, whatever their cells read as.

    Raises `InputError` for a file that isn't there or can't be read, another shape, and a name it doesn't have.
    """
    source = str(file)
    path, _, name = source.partition(".npz:")
    where = Path(f"{path}.npz" if name else source)
    _check_file(where)
    suffix = where.suffix.lower()
    if suffix in (".npy", ".npz"):
        found = columns_of(_checked_array(_array(where, name), source), source)
        found = Columns(tuple(_from_zero(column) for column in found), source)
        return _as_categories(_chosen(found, names), discrete)
    if suffix in SEPARATORS:
        return _text(where, SEPARATORS[suffix], names, discrete)
    if suffix == ".parquet":
        return _as_categories(_parquet(where, names), discrete)
    raise InputError(f"{where}: can't read {suffix or 'a file without suffix'}; give {SUFFIXES}")


def titles_of(file: str | Path) -> list[str]:
    """The names of a file's columns, whatever is in their cells. Raises as `read_table` does."""
    where = Path(str(file))
    if where.suffix.lower() == ".parquet":
        _check_file(where)
        return _schema(where)
    if where.suffix.lower() in SEPARATORS:
        _check_file(where)
        return _records(where, SEPARATORS[where.suffix.lower()])[0]
    return read_table(file).names


def arrays_of(path: Path) -> list[str]:
    """The names of the arrays in an .npz. Raises `InputError` where it isn't there, isn't one, or holds none."""
    _check_file(path)
    try:
        with np.load(path, allow_pickle=False) as held:
            found = list(held.files)
    except UNREADABLE as error:
        raise InputError(f"{path}: can't be read ({reason(error)}); save arrays with np.savez") from error
    if not found:
        raise InputError(f"{path}: holds no arrays; save them by name, as np.savez(file, x=x, y=y)")
    return found


def _check_file(path: Path) -> None:
    if path.is_dir():
        raise InputError(f"{path}: is a folder; name a file in it, {SUFFIXES}")
    if not path.is_file():
        raise InputError(f"{path}: no such file; give {SUFFIXES}")


def _chosen(found: Columns, names: Sequence[str] | None) -> Columns:
    return found if names is None else found.chosen(names)


def _from_zero(column: Column) -> Column:
    return Column(
        column.name,
        column.kind,
        column.values,
        column.missing,
        column.names,
        column.wrong,
        column.note,
        "row {}, counted from 0".format,
    )


def _as_categories(found: Columns, discrete: bool) -> Columns:
    if not discrete:
        return found
    columns = []
    for column in found:
        if column.kind == "category" or column.wrong:
            columns.append(column)
            continue
        missing = np.zeros(len(column), bool) if column.missing is None else column.missing
        columns.append(_coded(column.name, coded(column.values, missing), column.place))
    return Columns(tuple(columns), found.source)


def _coded(name: str, read: Any, place: Any) -> Column:
    wrong = "" if read.wrong is None else read.wrong[1]
    missing = read.missing if read.missing.any() else None
    return Column(name, "category", read.values, missing, read.names, wrong, read.note, place)


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


def _checked_array(values: ndarray, file: str) -> ndarray:
    if values.dtype.names is None and values.ndim not in (1, 2):
        raise InputError(
            f"{file}: shape {values.shape}; give (rows,) or (rows, columns), as x.reshape(len(x), -1)"
        )
    if not values.size:
        raise InputError(f"{file}: shape {values.shape} holds no values; save rows of at least one column")
    return values


def _text(path: Path, separator: str, names: Sequence[str] | None, discrete: bool) -> Columns:
    titles, lines, separator = _records(path, separator)
    at = {title: k for k, title in enumerate(titles)}
    numbers = [line for line, _ in lines]

    def place(row: int) -> str:
        return f"line {numbers[row]}"

    wanted = titles if names is None else list(names)
    for title in wanted:
        if title not in at:
            listed = ", ".join(titles[:20]) + (", ..." if len(titles) > 20 else "")
            raise InputError(f"{path}: has no column {title!r}; it has {listed}")
    columns = []
    for title in wanted:
        cells = [cells[at[title]].strip() for _, cells in lines]
        if discrete:
            plain = read_text(cells, separator == ";")
            missing = plain.missing if plain.kind != "category" else np.array([not cell for cell in cells])
            columns.append(_coded(title, coded(np.array(cells, dtype=np.str_), missing), place))
            continue
        read = read_text(cells, separator == ";")
        wrong = ""
        if read.wrong is not None:
            row, words = read.wrong
            wrong = words if read.kind == "category" else f"line {numbers[row]} has {words}"
        gone = read.missing if read.missing.any() else None
        columns.append(Column(title, read.kind, read.values, gone, read.names, wrong, read.note, place))
    return Columns(tuple(columns), str(path))


def _records(path: Path, separator: str) -> tuple[list[str], list[tuple[int, list[str]]], str]:
    """The titles, the cells of each record with the line, from 1, that it starts on, and what separates cells."""
    try:
        content = path.read_text(encoding="utf-8-sig")
    except (UnicodeDecodeError, OSError) as error:
        raise InputError(f"{path}: can't be read ({reason(error)}); save it as UTF-8") from error
    first = content.partition("\n")[0]
    if separator == "," and "," not in first and ";" in first:
        separator = ";"
    try:
        lines = _lines(content, separator)
    except csv.Error as error:
        raise InputError(f"{path}: can't be read ({reason(error)}); save it as plain {path.suffix}") from error
    if not lines:
        raise InputError(f"{path}: is empty; its first line names the columns")
    titles = [title.strip() for title in lines[0][1]]
    if all(number(title) is not None for title in titles):
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
    return titles, lines, separator


def _lines(content: str, separator: str) -> list[tuple[int, list[str]]]:
    """The cells of each record that isn't empty, and the line that it starts on: it may have several."""
    reader = csv.reader(io.StringIO(content, newline=""), delimiter=separator)
    found, start = [], 1
    for cells in reader:
        if cells:
            found.append((start, cells))
        start = reader.line_num + 1
    return found


def _pyarrow(path: Path) -> Any:
    try:
        from pyarrow import parquet
    except ImportError as error:
        raise InputError(f"{path}: .parquet needs pyarrow; pip install it, or save the file as .csv") from error
    return parquet


def _schema(path: Path) -> list[str]:
    parquet = _pyarrow(path)
    try:
        return [str(name) for name in parquet.read_schema(path).names]
    except (ValueError, OSError) as error:
        raise InputError(f"{path}: can't be read ({reason(error)}); save it as .csv") from error


def _parquet(path: Path, names: Sequence[str] | None) -> Columns:
    titles = _schema(path)
    wanted = titles if names is None else list(names)
    for title in wanted:
        if title not in titles:
            listed = ", ".join(titles[:20]) + (", ..." if len(titles) > 20 else "")
            raise InputError(f"{path}: has no column {title!r}; it has {listed}")
    try:
        table = _pyarrow(path).read_table(path, columns=wanted)
    except (ValueError, OSError, NotImplementedError) as error:
        raise InputError(f"{path}: can't be read ({reason(error)}); save it as .csv") from error
    found = columns_of(table.select(wanted), str(path))
    return Columns(tuple(_from_zero(column) for column in found), str(path))
