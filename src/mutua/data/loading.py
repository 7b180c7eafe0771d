"""The one door: whatever a user has, to examples of one kind and shape."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np
from torch import Tensor

from mutua.data.catalogue import DATASETS
from mutua.data.examples import Examples, as_said
from mutua.data.files import walk
from mutua.data.image.arrays import opened_npy
from mutua.data.image.compact import npz_arrays
from mutua.data.image.datasets import seems_of_images
from mutua.data.image.idx import find_idx, is_idx
from mutua.data.image.images import GIBIBYTE, Images
from mutua.data.kinds import KINDS, Access
from mutua.data.kinds.image import as_asked
from mutua.data.reading import Reading
from mutua.data.splits import SPLITS
from mutua.data.text.files import reading as reading_file
from mutua.types import InputError, names

__all__ = ["as_examples", "as_images", "kind_of", "load", "read"]

_PACKED = {".gz", ".xz", ".bz2", ".zst"}


def load(
    name: Path | str,
    split: str = "train",
    *,
    kind: str | None = None,
    target: str | None = None,
    group: str | None = None,
    path: Path | str | None = None,
    size: int | None = None,
    channels: int | None = None,
    length: str | None = None,
    hop: str | None = None,
    rate: float | None = None,
    tokens: int | None = None,
    sentences: int | None = None,
    vocabulary: str | None = None,
    frames: int | None = None,
    sound: float | None = None,
    without: tuple[str, ...] | None = None,
    skip_bad: bool = False,
    cache: Path | None = None,
    in_memory: int = GIBIBYTE,
    at_once: bool = True,
) -> Any:
    """The part "train", "test" or "all" of a data set known by name, or of a folder or file by its path.

    A name of the catalogue (`DATASETS`) comes first: write ./mnist for a folder of that name. It is looked for in
    `path` alone where one is given; else in the folder that the environment variable MUTUA_DATA names, in
    /usr/share/datasets, and in the cache, into which it is downloaded where there is a network. What comes without
    a split has a fifth, of every class where there are labels, as its test set: the same on every machine, and
    in folders told by the names of the files, so that files that come or go move no others.

    A folder or file is of the kind that its files are of; what they don't tell, `kind` says. See `Reading` for
    `target`, `group`, `size`, `channels`, `length`, `hop`, `rate`, `tokens`, `sentences`, `vocabulary`, `frames`,
    `sound`, `without`. `skip_bad` leaves out files that cannot be read; pixels of a folder beyond `in_memory`
    bytes are memory-mapped from the cache. Without `at_once` a folder's images are decoded when first taken.

    Returns `Examples`: `Images` for images.

    Raises `InputError` naming what was not found or cannot be read, or the kinds that the data could be of.
    """
    reading = Reading(
        kind,
        target,
        group,
        size,
        channels,
        length,
        hop,
        rate,
        tokens,
        sentences,
        vocabulary,
        frames,
        sound,
        without,
    )
    return read(name, split, reading, Access(skip_bad, cache, in_memory, at_once), path=path)


def read(
    name: Path | str,
    split: str,
    reading: Reading | None = None,
    access: Access | None = None,
    *,
    path: Path | str | None = None,
) -> Examples:
    """`load`, its choices in two values."""
    reading, access = reading or Reading(), access or Access()
    if split not in SPLITS:
        raise InputError(f"split: {split!r}; one of {', '.join(SPLITS)}")
    if reading.kind is not None and reading.kind not in KINDS:
        raise InputError(f"kind: {reading.kind!r} is none of {names(KINDS)}")
    if isinstance(name, str) and name in DATASETS:
        entry = DATASETS[name]
        _said_right(reading, entry.kind, name)
        found = entry.load(split, reading=reading, path=None if path is None else Path(path), cache=access.cache)
        return as_said(as_asked(found, reading, access.cache) if isinstance(found, Images) else found, reading)
    place = Path(name) if path is None else Path(path) / name
    if not place.exists():
        raise InputError(
            f"{name}: no such data set ({names(DATASETS)}), and no such folder or file; check the name"
        )
    kind = reading.kind or kind_of(place)
    _said_right(reading, kind, str(name))
    return as_said(KINDS[kind].load(place, split, reading, access), reading)


def _said_right(reading: Reading, kind: str, where: str) -> None:
    if reading.kind not in (None, kind):
        raise InputError(f"{where}: --kind {reading.kind} of data of kind {kind}; leave it out")
    reading.only(kind, KINDS[kind].takes, where)


def kind_of(place: Path) -> str:
    """The kind of data in a folder or file, by what it holds. Raises `InputError` naming the kinds it could be."""
    if place.is_dir():
        return _kind_of_folder(place)
    if place.suffix == ".npy":
        return _kind_of_array(opened_npy(place), str(place))
    if place.suffix == ".npz":
        return _kind_of_arrays(npz_arrays(place), str(place))
    if is_idx(place):
        return "image"
    ending = next((end.lower() for end in reversed(place.suffixes) if end.lower() not in _PACKED), "")
    found = [name for name, kind in KINDS.items() if ending in kind.suffixes]
    if (
        "table" in found
    ):  # one file of columns is a table, or labelled sentences; a series in one says --kind series
        return "text" if _of_sentences(place) else "table"
    if len(found) == 1:
        return found[0]
    raise InputError(f"{place}: a file of no known kind; give a folder, a .npy, .npz or IDX file, or say --kind")


def _of_sentences(path: Path) -> bool:
    """Whether a file of columns holds text: a cell of several words in most of its first lines."""
    with reading_file(path) as file:
        lines = file.read(1 << 14).decode("utf-8", "replace").splitlines()[:20]
    return sum(any(len(cell.split()) > 2 for cell in re.split("[\t,;]", line)) for line in lines) > len(lines) / 2


def _kind_of_folder(root: Path) -> str:
    counts: Counter[str] = Counter()
    for path in walk(root):
        counts.update(name for name, kind in KINDS.items() if path.suffix.lower() in kind.suffixes)
    if find_idx(root) and not counts:
        return "image"
    if counts.get("table") and set(counts) <= {"table", "series"}:
        return "series"  # a folder of tables is a folder of series: one table would be one file
    counts.pop("table", None)
    if not counts:
        known = "; ".join(f"{kind.name} {' '.join(sorted(kind.suffixes))}" for kind in KINDS.values())
        raise InputError(f"{root}: no file of a known kind in it or below it ({known}); check the path")
    if len(counts) > 1:
        told = " and ".join(f"{count} of {name}" for name, count in counts.most_common())
        raise InputError(f"{root}: holds files of several kinds, {told}; say --kind {' or --kind '.join(counts)}")
    return next(iter(counts))


def _kind_of_array(x: np.ndarray, name: str) -> str:
    """By dtype and axes: bytes images, 16 bits sound, two axes of numbers a table, three series, five films."""
    if x.ndim == 5:
        return "video"
    if x.ndim == 4 or (x.dtype in (np.uint8, np.bool_) and x.ndim == 3):
        return "image"
    if x.dtype == np.int16 and x.ndim in (2, 3):
        return "sound"
    if x.ndim == 2:
        return "table"
    if x.ndim == 3 and x.dtype.kind == "f":
        some = np.asarray(x[: max(1, (1 << 20) // max(x[0].size, 1))])
        if ((some < 0) | (some > 1)).any():  # NaN is for the reader to name
            return "series"
        if x.shape[1] == x.shape[2]:
            return "image"
        raise InputError(
            f"{name}: {x.dtype} of shape {x.shape}, all in [0, 1], could be grey images, series or sound; say "
            "--kind image, --kind series or --kind sound"
        )
    if x.ndim == 3:
        return "series" if x.dtype.kind in "iu" else "image"
    return "image"  # whose reader says what is wrong with it


def _kind_of_arrays(arrays: Mapping[str, np.ndarray], name: str) -> str:
    if "audio" in arrays:
        return "sound"
    for key in ("x", "images", "data", "features", "arr_0", "x_train", "images_train", "data_train"):
        if key in arrays:
            return _kind_of_array(arrays[key], f"{name}[{key}]")
    return "image"


def as_examples(
    data: Any,
    split: str = "train",
    reading: Reading | None = None,
    access: Access | None = None,
) -> Examples:
    """Examples of a name or path (`load`), an array or (x, y), a torch or Hugging Face dataset, or a dict.

    Arrays and datasets are taken whole, whatever the split; `reading.kind` says what they are where it can't be
    told, and images are what is tried last.

    Raises `InputError` as the readers do.
    """
    reading, access = reading or Reading(), access or Access()
    if isinstance(data, (str, Path)):
        return read(data, split, reading, access)
    if isinstance(data, Mapping):
        if split not in data:
            raise InputError(
                f"split: {split!r} where the data have {', '.join(map(str, data))}; name one of those"
            )
        return as_examples(data[split], split, reading, access)
    if isinstance(data, Examples) and not isinstance(data, Images):
        return as_said(data, reading)
    kind = reading.kind
    if kind is None:
        x = data[0] if isinstance(data, tuple) and len(data) == 2 else data
        if isinstance(x, (np.ndarray, Tensor)) and not isinstance(data, Images):
            values = x.numpy(force=True) if isinstance(x, Tensor) and x.dtype.itemsize != 2 else x
            kind = _kind_of_array(values, "data") if isinstance(values, np.ndarray) else "image"
        else:
            kind = "image" if isinstance(data, Images) or seems_of_images(data) else "sound"
    _said_right(reading, kind, "data")
    return as_said(KINDS[kind].held(data, reading, access), reading)


def as_images(
    data: Any,
    split: str = "train",
    *,
    path: Path | str | None = None,
    size: int | None = None,
    channels: int | None = None,
    skip_bad: bool = False,
    cache: Path | None = None,
) -> Images:
    """`Images` of a name or path (`load`), of an array or (x, y) (`from_array`), of a dataset (`from_dataset`).

    `split` chooses a part of what is named, and the value under that key of a dict of splits; images, arrays and
    datasets that are handed over are taken whole.

    Raises `InputError` as those functions do.
    """
    reading, access = Reading("image", size=size, channels=channels), Access(skip_bad, cache)
    if isinstance(data, (str, Path)):
        return cast(Images, read(data, split, reading, access, path=path))
    return cast(Images, as_examples(data, split, reading, access))
