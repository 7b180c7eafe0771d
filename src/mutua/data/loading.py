"""From whatever a user has to `Images`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from mutua.data.catalogue import DATASETS
from mutua.data.image.arrays import from_array, npy_file, npz_file
from mutua.data.image.datasets import from_dataset
from mutua.data.image.decode import fitted
from mutua.data.image.folder import folder, has_images
from mutua.data.image.idx import find_idx, idx_file, idx_set, is_idx
from mutua.data.image.images import GIBIBYTE, Images, joined, room
from mutua.data.parallel import in_threads
from mutua.data.splits import part
from mutua.types import InputError, names

__all__ = ["as_images", "load", "resized"]

SPLITS = ("train", "test", "all")


def resized(images: Images, size: int | None, cache: Path | None = None) -> Images:
    """The images as size x size (the largest square in the middle, antialiased), or as they are without a size."""
    if size is None or images.shape[1:] == (size, size):
        return images
    if size < 1:
        raise InputError(f"size: {size}; give a height and width of at least 1")
    out = room((len(images), images.shape[0], size, size), cache=cache)
    for k, pixels in enumerate(in_threads(lambda row: fitted(np.asarray(row), size), images.pixels)):
        out[k] = pixels
    return replace(images, pixels=out)


def _split(images: Images, split: str, name: str) -> Images:
    if split == "all":
        return images
    return images.subset(part(len(images), images.labels, images.classes, split, name))


def _file(path: Path, split: str) -> Images:
    if path.suffix == ".npy":
        return _split(npy_file(path), split, str(path))
    if path.suffix == ".npz":
        images, done = npz_file(path, split)
        return images if done else _split(images, split, str(path))
    if is_idx(path):
        return _split(idx_file(path), split, str(path))
    mend = "give a folder of images, a .npy, .npz or IDX file"
    raise InputError(f"{path}: a file of no known kind; {mend}")


def load(
    name: Path | str,
    split: str = "train",
    *,
    path: Path | str | None = None,
    size: int | None = None,
    skip_bad: bool = False,
    cache: Path | None = None,
    in_memory: int = GIBIBYTE,
    at_once: bool = True,
) -> Images:
    """The part "train", "test" or "all" of a data set known by name, or of a folder or file by its path.

    A name of the catalogue (`DATASETS`) comes first: write ./mnist for a folder of that name. It is looked for in
    `path` alone where one is given; else in the folder that the environment variable MUTUA_DATA names, in
    /usr/share/datasets, and in the cache, into which it is downloaded where there is a network. A folder is read
    as `folder` says, or holds MNIST's four IDX files; a file is a .npy or .npz of images or an IDX file. What
    comes without a split has a fifth, of every class where there are labels, as its test set: the same on every
    machine. `size` makes all images size x size; `skip_bad` leaves out image files of a folder that cannot be
    read; pixels of a folder beyond `in_memory` bytes are memory-mapped from the cache. Without `at_once` a
    folder's files are decoded when they are first taken, as `folder` says.

    Raises `InputError` naming what was not found or cannot be read.
    """
    if split not in SPLITS:
        raise InputError(f"split: {split!r}; one of {', '.join(SPLITS)}")
    if isinstance(name, str) and name in DATASETS:
        found = DATASETS[name].load(split, path=None if path is None else Path(path), cache=cache)
        return resized(found, size, cache)
    place = Path(name)
    if path is not None:
        place = Path(path) / place
    if place.is_file():
        return resized(_file(place, split), size, cache)
    if not place.is_dir():
        raise InputError(
            f"{name}: no such data set ({names(DATASETS)}), and no such folder or file; check the name"
        )
    if find_idx(place) and not has_images(place):
        if split == "all":
            return resized(joined(idx_set(place, "train"), idx_set(place, "test")), size, cache)
        return resized(idx_set(place, split), size, cache)
    return folder(place, split, size=size, skip_bad=skip_bad, cache=cache, in_memory=in_memory, at_once=at_once)


def as_images(
    data: Any,
    split: str = "train",
    *,
    path: Path | str | None = None,
    size: int | None = None,
    skip_bad: bool = False,
    cache: Path | None = None,
) -> Images:
    """`Images` of a name or path (`load`), of an array or (x, y) (`from_array`), of a dataset (`from_dataset`).

    `split` chooses a part of what is named, and the value under that key of a dict of splits; images, arrays and
    datasets that are handed over are taken whole.

    Raises `InputError` as those functions do.
    """
    if isinstance(data, Images):
        return resized(data, size, cache)
    if isinstance(data, (str, Path)):
        return load(data, split, path=path, size=size, skip_bad=skip_bad, cache=cache)
    if isinstance(data, (np.ndarray, Tensor)):
        return resized(from_array(data), size, cache)
    if (
        isinstance(data, tuple)
        and len(data) == 2
        and isinstance(data[0], (np.ndarray, Tensor))
        and data[0].ndim > 2
    ):
        return resized(from_array(*data), size, cache)
    if isinstance(data, Mapping):
        if split not in data:
            raise InputError(
                f"split: {split!r} where the data have {', '.join(map(str, data))}; name one of those"
            )
        return as_images(data[split], split, size=size, cache=cache)
    return from_dataset(data, size=size, cache=cache)
