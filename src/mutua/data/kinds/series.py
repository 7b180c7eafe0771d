"""Series: arrays (n, t, c) of n recordings of c channels, one long one (t, c), and folders of such files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Generator, Tensor

from mutua.data.examples import Examples
from mutua.data.files import files_of, layout_of, names_below
from mutua.data.image.arrays import opened_npy
from mutua.data.image.compact import npz_arrays
from mutua.data.kinds.base import Access, Kind
from mutua.data.labels import Labels, encode_labels, plain_array
from mutua.data.pictures import curves
from mutua.data.reading import Reading
from mutua.data.splits import part
from mutua.data.store import reason
from mutua.data.windows import Ragged, Windowed, windowed
from mutua.types import Batch, InputError, Rows, Spec, parted

__all__ = ["SERIES", "series"]

TAKES = frozenset({"length", "hop", "rate"})
SUFFIXES = frozenset({".npy", ".csv", ".tsv"})


def _load(place: Path, split: str, reading: Reading, access: Access) -> Examples:
    if place.is_dir():
        return _folder(place, split, reading)
    if place.suffix == ".npz":
        return _npz(place, split, reading)
    values = opened_npy(place) if place.suffix == ".npy" else _text(place)
    return series(values, reading=reading, split=split, source=str(place))


def _text(path: Path) -> np.ndarray:
    """A .csv or .tsv of numbers, a row a moment, with or without a line of names."""
    try:
        with open(path, encoding="utf-8") as file:
            first = file.readline()
        comma = "\t" if path.suffix == ".tsv" or "\t" in first else ";" if ";" in first else ","
        try:
            [float(cell) for cell in first.strip().split(comma)]
            skip = 0
        except ValueError:
            skip = 1
        return np.loadtxt(path, np.float32, delimiter=comma, skiprows=skip, ndmin=2)
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: no table of numbers ({reason(error)}); give one row a moment") from error


def _folder(root: Path, split: str, reading: Reading) -> Windowed:
    files = files_of(root, SUFFIXES)
    if not files:
        raise InputError(f"{root}: no series in it or below it ({' '.join(sorted(SUFFIXES))}); check the path")
    found = layout_of(root, files, split)
    parts = [opened_npy(path) if path.suffix == ".npy" else _text(path) for path in files]
    for path, values in zip(files, parts, strict=True):
        if values.ndim != 2 or 0 in values.shape:
            raise InputError(f"{path}: shape {values.shape} where one series (t, c) is meant; give a file each")
        if values.shape[1] != parts[0].shape[1]:
            seen = f"{values.shape[1]} columns where {files[0].name} has {parts[0].shape[1]}"
            raise InputError(f"{path}: {seen}; give all series the same")
    offsets = np.concatenate([[0], np.cumsum([len(values) for values in parts])])
    data = Ragged(_floats(np.concatenate(parts), str(root)), offsets)
    names = names_below(root, files)
    targets = {} if found.labels is None else {"label": Labels(found.labels, found.classes)}
    source = root.name + (f" ({'; '.join(found.notes)})" if found.notes else "")
    return windowed(
        "series", data, reading, rate=reading.rate, rows=found.rows, targets=targets, names=names, source=source
    )


def _npz(place: Path, split: str, reading: Reading) -> Windowed:
    """`x` (n, t, c), and whatever else has a value each, as labels; `rate`."""
    arrays = npz_arrays(place)
    x = next((arrays[name] for name in ("x", "data", "arr_0") if name in arrays), None)
    if x is None:
        raise InputError(f"{place}: arrays {', '.join(arrays) or 'none'}; name the series x, and labels y")
    n = len(x)
    found = {
        name: values
        for name, values in arrays.items()
        if values is not x and values.shape == (n,) and values.dtype.kind in "iubU"
    }
    if reading.rate is None and "rate" in arrays:
        reading = Reading.of({**reading.said(), "rate": float(arrays["rate"])})
    return series(x, targets=found, reading=reading, split=split, source=str(place))


def _floats(x: np.ndarray, name: str) -> np.ndarray:
    if x.dtype.kind not in "fiub":
        raise InputError(f"{name}: {x.dtype} where numbers are meant; convert them first")
    return x if x.dtype == np.float32 else x.astype(np.float32)


def series(
    x: np.ndarray | Tensor,
    *,
    targets: Mapping[str, Any] | None = None,
    reading: Reading | None = None,
    split: str = "all",
    source: str = "array",
) -> Windowed:
    """Series of an array (n, t, c), or windows of one long recording (t, c), which `reading.length` is of.

    One long recording is split in time: its first four fifths are for training.

    Raises `InputError` for other shapes, and for values that are no numbers.
    """
    values, reading = plain_array(x), reading or Reading()
    if values.ndim == 2:
        if reading.length is None:
            raise InputError(f"{source}: one series of {values.shape[0]} rows; say --length, the rows of a window")
        if reading.hop is None:
            reading = Reading.of({**reading.said(), "hop": reading.length})
        values, span = values[None], {"train": (0.0, 0.8), "test": (0.8, 1.0), "all": (0.0, 1.0)}[split]
        rows = np.arange(1)
    elif values.ndim == 3:
        span, rows = (0.0, 1.0), part(len(values), None, (), split, source)
    else:
        raise InputError(f"{source}: shape {values.shape}; give series as (n, t, c), or one as (t, c)")
    n, t, c = values.shape
    if 0 in values.shape:
        raise InputError(f"{source}: shape {values.shape} has an empty axis; there is nothing to learn from")
    data = Ragged(_floats(values.reshape(n * t, c), source), np.arange(n + 1) * t)
    known = {name: Labels(*encode_labels(y, (), n)) for name, y in (targets or {}).items()}
    return windowed("series", data, reading, rate=reading.rate, rows=rows, targets=known, source=source, span=span)


def _held(data: Any, reading: Reading, access: Access) -> Examples:
    if isinstance(data, tuple) and len(data) == 2:
        return series(data[0], targets={"label": data[1]}, reading=reading)
    if not isinstance(data, (np.ndarray, Tensor)):
        raise InputError(f"data: {type(data).__name__} where series are meant; give an array (n, t, c)")
    return series(data, reading=reading)


def _columns(batch: Batch) -> list[np.ndarray]:
    """Each series' real rows (t, c)."""
    x, mask = parted(batch)
    values = x.numpy(force=True).astype(np.float32)
    if mask is None:
        return list(values)
    return [one[: max(int(there.sum()), 1)] for one, there in zip(values, mask.numpy(force=True), strict=True)]


def _raw(train: Rows) -> Any:
    def features(batch: Batch) -> np.ndarray:
        return np.stack([_moments(one) for one in _columns(batch)])

    return features


def _moments(x: np.ndarray) -> np.ndarray:
    """Mean, deviation, and deviation of the differences, of each column (t, c): its level, size and roughness."""
    rough = np.diff(x, axis=0).std(0) if len(x) > 1 else np.zeros(x.shape[1], np.float32)
    return np.concatenate([x.mean(0), x.std(0), rough]).astype(np.float32)


def _pictures(batch: Batch, spec: Spec) -> np.ndarray:
    return np.stack([curves(one.T) for one in _columns(batch)])


def _sample(spec: Spec, n: int, generator: Generator) -> Batch:
    t, c = spec.shape
    steps = torch.randn(n, t, c, generator=generator).cumsum(1) / t**0.5
    x = steps + torch.randn(n, 1, c, generator=generator)
    if not spec.masked:
        return x
    mask = torch.arange(t) < torch.randint(t // 2, t + 1, (n, 1), generator=generator)
    return {"x": x * mask[..., None], "mask": mask}


def _reading(spec: Spec) -> Reading:
    return Reading("series", length=str(spec.shape[0]), rate=spec.rate)


SERIES = Kind(
    name="series",
    plural="series",
    takes=TAKES,
    suffixes=SUFFIXES,
    load=_load,
    held=_held,
    reading=_reading,
    raw_name="means, deviations, roughness",
    raw=_raw,
    pictures=_pictures,
    small=Spec("series", (64, 3), "float32"),
    sample=_sample,
)
