"""Tables: rows of numbers, from arrays and files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Generator, Tensor

from mutua.data.examples import Examples, Held
from mutua.data.image.arrays import opened_npy
from mutua.data.image.compact import npz_arrays
from mutua.data.kinds.base import Access, Kind
from mutua.data.labels import Labels, encode_labels, plain_array
from mutua.data.pictures import curves
from mutua.data.reading import Reading
from mutua.data.splits import part
from mutua.data.table import Columns, columns_of, read_table
from mutua.types import Batch, InputError, Rows, Spec

__all__ = ["TABLE", "rows"]


LABELS = ("label", "class", "target", "y")
"""A column of one of these names holds labels where nobody names another."""


def _load(place: Path, split: str, reading: Reading, access: Access) -> Examples:
    if place.suffix == ".npz":
        arrays = npz_arrays(place)
        x = next((arrays[name] for name in ("x", "features", "data", "arr_0") if name in arrays), None)
        if x is None:
            raise InputError(f"{place}: arrays {', '.join(arrays) or 'none'}; name the rows x, and labels y")
        found = {
            name: values
            for name, values in arrays.items()
            if values is not x and values.shape == x.shape[:1] and values.dtype.kind in "iubU"
        }
        return _part(rows(x, targets=found, source=str(place)), split)
    if place.suffix == ".npy":
        return _part(rows(opened_npy(place), source=str(place)), split)
    return _part(_of_columns(read_table(place), reading.target), split)


def _of_columns(columns: Columns, target: str | None) -> Held:
    """Rows of named columns: categories as indicators, missing cells as NaN. The labels' column is kept out."""
    named = target or next((name for name in columns.names if name.lower() in LABELS), None)
    parts, titles = [], []
    for column in columns:
        if column.name == named:
            continue
        column.check(columns.where(column), missing=True)
        values = column.values.astype(np.float32)[:, None]
        if column.kind == "category" and len(column.names) > 2:
            values = (column.values[:, None] == np.arange(len(column.names))).astype(np.float32)
        if column.missing is not None:
            values[column.missing] = np.nan
        parts.append(values)
        titles += [column.name] * values.shape[1]
    if not parts:
        raise InputError(f"{columns.source}: has no column beside {named!r}; there is nothing to learn from")
    known = {} if named is None else {named: Labels(*columns.label(named))}
    whole = rows(np.hstack(parts), source=columns.source)
    about = f"{columns.source} ({len(parts)} columns{'' if named is None else f', labels {named}'})"
    return replace(whole, targets=known, source=about)


def _part(whole: Held, split: str) -> Held:
    if split == "all":
        return whole
    return whole.subset(part(len(whole), whole.labels, whole.classes, split, whole.source))


def rows(x: np.ndarray | Tensor, *, targets: Mapping[str, Any] | None = None, source: str = "array") -> Held:
    """Rows of an array (n, d) of numbers; NaN where a value is missing.

    Raises `InputError` for other shapes, text, infinities, and a column that is missing everywhere.
    """
    values = plain_array(x)
    if values.ndim != 2 or 0 in values.shape:
        raise InputError(f"{source}: shape {values.shape}; give rows as (n, columns)")
    if values.dtype.kind not in "fiub":
        raise InputError(f"{source}: {values.dtype} where numbers are meant; convert the columns first")
    values = np.ascontiguousarray(values, np.float32)
    if np.isinf(values).any():
        raise InputError(f"{source}: infinity in row {int(np.isinf(values).any(1).argmax())}; leave such rows out")
    if (empty := np.isnan(values).all(0)).any():
        raise InputError(f"{source}: column {int(empty.argmax())} has no value at all; leave it out")
    n, d = values.shape
    known = {name: Labels(*encode_labels(y, (), n)) for name, y in (targets or {}).items()}
    return Held(Spec("table", (d,), "float32"), known, None, source, values=values)


def _held(data: Any, reading: Reading, access: Access) -> Examples:
    if isinstance(data, tuple) and len(data) == 2:
        return rows(data[0], targets={"label": data[1]})
    if isinstance(data, (np.ndarray, Tensor)):
        return rows(data)
    return _of_columns(columns_of(data, "data"), reading.target)


def _raw(train: Rows) -> Callable[[Batch], np.ndarray]:
    """Columns, standardised on the training rows; what is missing is their mean."""
    taken = train.take(torch.arange(min(len(train), 10_000))).double()
    mean = taken.nanmean(0)
    spread = (taken - mean).square().nanmean(0).sqrt()
    spread = torch.where(spread > 0, spread, 1.0)

    def columns(batch: Batch) -> np.ndarray:
        return ((batch.double() - mean) / spread).nan_to_num(0.0).float().numpy(force=True)

    return columns


def _pictures(batch: Batch, spec: Spec) -> np.ndarray:
    """The columns of each row as a curve, each between its least and largest value here."""
    x = batch.numpy(force=True)
    low, high = np.nanmin(x, 0), np.nanmax(x, 0)
    level = (x - low) / np.where(high > low, high - low, 1)
    return np.stack([curves(np.repeat(row, 2)[None]) for row in level])


def _sample(spec: Spec, n: int, generator: Generator) -> Batch:
    hidden = torch.randn(n, 2, generator=generator)
    mixing = torch.randn(2, *spec.shape, generator=Generator().manual_seed(0))
    return hidden @ mixing + 0.3 * torch.randn(n, *spec.shape, generator=generator)


TABLE = Kind(
    name="table",
    plural="rows",
    takes=frozenset(),
    suffixes=frozenset({".csv", ".tsv", ".parquet"}),
    load=_load,
    held=_held,
    reading=lambda spec: Reading("table"),
    raw_name="standardised columns",
    raw=_raw,
    pictures=_pictures,
    small=Spec("table", (6,), "float32"),
    sample=_sample,
)
