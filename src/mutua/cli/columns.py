"""Arrays and tables from files, as named columns of numbers or categories; pandas only for .parquet."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Mapping, Sequence
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


class Columns:
    """Named columns, each of its own type, in the way that `mutua.information` reads a data frame.

    Categories are class numbers written as text, as `mutua.information.variables` takes them.
    """

    ndim = 2

    def __init__(self, of: Mapping[str, Shaped[ndarray, " n"]], file: str) -> None:
        self.of = dict(of)
        self.file = file

    @property
    def columns(self) -> list[str]:
        return list(self.of)

    @property
    def shape(self) -> tuple[int, int]:
        return len(self), len(self.of)

    @property
    def iloc(self) -> Columns:
        return self

    def __getitem__(self, key: tuple[slice, int]) -> Any:
        return self.of[self.columns[key[1]]][key[0]]

    def __len__(self) -> int:
        return len(next(iter(self.of.values()), ()))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> ndarray:
        return np.stack(list(self.of.values()), 1).astype(dtype)


def read_columns(file: str, chosen: Sequence[str] | None = None, without: Sequence[str] = ()) -> Columns:
    """The columns of a file that are asked for by name, or all of them but those of `without`.

    .npy of (n,) or (n, d), and `file.npz:name`: columns 0, 1, ... of one type. .csv and .tsv: the first line
    names the columns, unless it is all numbers; what reads as numbers is numbers, anything else categories.
    .parquet where pandas can be imported.

    Raises `InputError` for a file that isn't there or can't be read, another shape, a name it doesn't have, and a
    missing cell in a column asked for.
    """
    raw = _raw(file)
    wanted = [title for title in raw if title not in without] if chosen is None else list(chosen)
    for title in [*wanted, *without]:
        if title not in raw:
            listed = ", ".join(list(raw)[:20]) + (", ..." if len(raw) > 20 else "")
            raise InputError(f"{file}: has no column {title!r}; it has {listed}")
    return Columns({title: _typed(raw[title], title, file) for title in wanted}, file)


def titles_of(file: str) -> list[str]:
    """The names of a file's columns, whatever is in their cells. Raises as `read_columns` does."""
    return list(_raw(file))


def categories(columns: Columns) -> Columns:
    """The same, every column as categories."""
    return Columns(
        {title: _codes(values, title, columns.file) for title, values in columns.of.items()}, columns.file
    )


def measures(columns: Columns) -> Columns:
    """The same, every column as an ordered quantity. Raises `InputError` for text."""
    for title, values in columns.of.items():
        if values.dtype.kind not in "biuf":
            raise InputError(f"{columns.file}: column {title!r} holds text, which has no order; it is categories")
    return Columns({title: values.astype(float) for title, values in columns.of.items()}, columns.file)


def arrays_of(path: Path) -> list[str]:
    """The names of the arrays in an .npz. Raises `InputError` where it isn't one."""
    try:
        with np.load(path, allow_pickle=False) as held:
            return list(held.files)
    except (ValueError, OSError, EOFError, AttributeError, TypeError, zipfile.BadZipFile) as error:
        raise InputError(f"{path}: can't be read ({reason(error)}); save arrays with np.savez") from error


def _raw(file: str) -> Mapping[str, Any]:
    """Columns as they stand: arrays, or lists of text."""
    path, _, name = file.partition(".npz:")
    where = Path(f"{path}.npz" if name else file)
    if not where.is_file():
        raise InputError(f"{where}: no such file; give {SUFFIXES}")
    suffix = where.suffix.lower()
    if suffix in (".npy", ".npz"):
        return _of_array(_array(where, name), file)
    if suffix in SEPARATORS:
        return _text(where, SEPARATORS[suffix])
    if suffix == ".parquet":
        return _parquet(where)
    raise InputError(f"{where}: can't read {suffix or 'a file without suffix'}; give {SUFFIXES}")


def _array(path: Path, name: str) -> ndarray:
    try:
        held = np.load(path, allow_pickle=False)
    except (ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(
            f"{path}: can't be read ({reason(error)}); save numbers with np.save or np.savez"
        ) from error
    if isinstance(held, ndarray):
        return held
    with held:
        if not name:
            raise InputError(f"{path}: holds {', '.join(held.files)}; say which, as {path}:{held.files[0]}")
        if name not in held.files:
            raise InputError(f"{path}: has no array {name!r}; it has {', '.join(held.files)}")
        try:
            return held[name]
        except ValueError as error:
            raise InputError(f"{path}:{name}: can't be read ({reason(error)}); save numbers or text") from error


def _of_array(values: ndarray, file: str) -> dict[str, ndarray]:
    if values.ndim not in (1, 2):
        raise InputError(
            f"{file}: shape {values.shape}; give (rows,) or (rows, columns), as x.reshape(len(x), -1)"
        )
    if values.dtype.kind not in "biufUS":
        raise InputError(f"{file}: holds {values.dtype}; give numbers or text")
    return {str(k): column for k, column in enumerate(values.reshape(len(values), -1).T)}


def _text(path: Path, separator: str) -> dict[str, list[str]]:
    try:
        content = path.read_text(encoding="utf-8-sig")
    except (UnicodeDecodeError, OSError) as error:
        raise InputError(f"{path}: can't be read ({reason(error)}); save it as UTF-8") from error
    first = content.partition("\n")[0]
    if separator == "," and "," not in first and ";" in first:
        separator = ";"
    try:
        lines = [row for row in csv.reader(io.StringIO(content, newline=""), delimiter=separator) if row]
    except csv.Error as error:
        raise InputError(f"{path}: can't be read ({reason(error)}); save it as plain {path.suffix}") from error
    if not lines:
        raise InputError(f"{path}: is empty; its first line names the columns")
    titles = [title.strip() for title in lines[0]]
    if all(_number(title) is not None for title in titles):
        titles = [str(k) for k in range(len(titles))]
    else:
        lines = lines[1:]
    for title in titles:
        if titles.count(title) > 1:
            raise InputError(f"{path}: column {title!r} occurs twice; give each a name of its own")
    for row, cells in enumerate(lines, 1):
        if len(cells) != len(titles):
            raise InputError(
                f"{path}: row {row} has {len(cells)} cells for {len(titles)} columns; "
                f"quote cells that hold {separator!r}"
            )
    return {title: [cells[k].strip() for cells in lines] for k, title in enumerate(titles)}


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


def _typed(values: Any, title: str, file: str) -> ndarray:
    """Numbers as they are or as the text of all cells reads; any other text as class numbers."""
    if isinstance(values, ndarray) and values.dtype.kind in "biuf":
        return values
    cells = [str(cell) for cell in values]
    for row, cell in enumerate(cells, 1):
        if cell.casefold() in MISSING:
            raise InputError(f"{file}: row {row}, column {title!r} is missing; fill it in or leave out the row")
    numbers = [_number(cell) for cell in cells]
    if all(number is not None for number in numbers):
        return np.array(numbers)
    return _codes(np.array(cells), title, file)


def _codes(values: Shaped[ndarray, " n"], title: str, file: str) -> ndarray:
    found, codes = np.unique(values, return_inverse=True)
    if len(found) > max(32, len(values) / 2):
        odd = "" if values.dtype.kind in "biuf" else f", such as {str(values[0])[:30]!r}"
        raise InputError(
            f"{file}: column {title!r} has {len(found):,} categories in {len(values):,} rows{odd}; "
            "leave it out, or write numbers as 1234.5"
        )
    return codes.reshape(-1).astype("U")


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
