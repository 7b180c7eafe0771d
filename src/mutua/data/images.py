"""Images held as uint8, read by row number."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from mutua.data.store import cache_folder
from mutua.types import InputError

__all__ = ["GIBIBYTE", "Images", "joined", "part", "room", "split_off", "stratified"]

GIBIBYTE = 1 << 30


@dataclass(frozen=True, eq=False, repr=False)
class Images:
    """n images of one shape, as uint8: (n, c, h, w), in memory or memory-mapped from a file.

    `labels` are whole numbers from 0, and `classes` their names where there are names. `source` says what the
    images are, for printing beside every number taken on them. Implements `mutua.types.Rows`.

    Raises `InputError` where the pixels are no (n, c, h, w) of uint8 or an axis is empty, and where labels or
    names are not one an image.

    >>> images = Images(np.arange(8, dtype=np.uint8).reshape(2, 1, 2, 2), np.array([1, 0]))
    >>> images.take(torch.tensor([1])).flatten().tolist()
    [4, 5, 6, 7]
    """

    pixels: np.ndarray
    labels: np.ndarray | None = None
    classes: tuple[str, ...] = ()
    names: tuple[str, ...] | None = None
    source: str = ""

    def __post_init__(self) -> None:
        if self.pixels.ndim != 4 or self.pixels.dtype != np.uint8:
            raise InputError(
                f"pixels: {self.pixels.dtype} of shape {self.pixels.shape} where uint8 (n, c, h, w) is needed; "
                "from_array converts other arrays"
            )
        if 0 in self.pixels.shape:
            raise InputError(
                f"pixels: shape {self.pixels.shape} has an empty axis; there is nothing to learn from"
            )
        n = len(self.pixels)
        if self.names is not None and len(self.names) != n:
            raise InputError(f"names: {len(self.names)} for {n} images; give one an image")
        if self.labels is None:
            return
        if self.labels.shape != (n,):
            raise InputError(f"labels: shape {self.labels.shape} for {n} images; give one whole number an image")
        if not np.issubdtype(self.labels.dtype, np.integer):
            raise InputError(
                f"labels: {self.labels.dtype}; give whole numbers, or use from_array, which encodes names"
            )
        object.__setattr__(self, "labels", self.labels.astype(np.int64, copy=False))
        low, high = int(self.labels.min()), int(self.labels.max())
        if low < 0 or (self.classes and high >= len(self.classes)):
            top = f" to {len(self.classes) - 1}" if self.classes else ""
            mend = "leave out rows without a label, or all labels"
            raise InputError(f"labels: values from {low} to {high} where 0{top} is meant; {mend}")

    def __len__(self) -> int:
        return len(self.pixels)

    def __repr__(self) -> str:
        labelled = "no labels" if self.labels is None else f"{len(np.unique(self.labels))} classes"
        shape = " x ".join(map(str, self.pixels.shape))
        return f"Images({shape}, {labelled}{', ' * bool(self.source)}{self.source})"

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, height, width of each image."""
        c, h, w = self.pixels.shape[1:]
        return c, h, w

    def take(self, index: Tensor) -> Tensor:
        """The images in rows `index`, in its order: uint8 (k, c, h, w), a copy.

        A memory-mapped file is read in the order it lies on disk, whatever the order of `index`.
        """
        rows = index.numpy(force=True)
        pixels = np.asarray(self.pixels)
        if not isinstance(self.pixels, np.memmap):
            return torch.from_numpy(np.ascontiguousarray(pixels[rows]))
        order = np.argsort(rows, kind="stable")
        out = np.empty((len(rows), *self.shape), np.uint8)
        out[order] = pixels[rows[order]]
        return torch.from_numpy(out)

    def subset(self, index: Tensor | np.ndarray | Sequence[int]) -> Images:
        """The images in rows `index`, in its order, with their labels and names.

        Neighbouring rows in ascending order share memory with these images. Other rows are copied: more than
        a gibibyte of a memory-mapped file into another, unnamed one, so that memory stays bounded.
        """
        rows = np.asarray(index)
        if rows.dtype == np.bool_:
            rows = np.flatnonzero(rows)
        if rows.ndim != 1 or not len(rows) or not np.issubdtype(rows.dtype, np.integer):
            raise InputError(f"index: {rows.dtype} of shape {rows.shape}; give at least one row number")
        if rows.min() < -len(self) or rows.max() >= len(self):
            raise InputError(f"index: rows {rows.min()} to {rows.max()} of {len(self)} images")
        rows = rows % len(self)
        return replace(
            self,
            pixels=_gather(self.pixels, rows),
            labels=None if self.labels is None else self.labels[rows],
            names=None if self.names is None else tuple(self.names[i] for i in rows),
        )


def _gather(pixels: np.ndarray, rows: np.ndarray) -> np.ndarray:
    if (np.diff(rows) == 1).all():
        return pixels[rows[0] : rows[-1] + 1]
    if not isinstance(pixels, np.memmap):
        return pixels[rows]
    out = room((len(rows), *pixels.shape[1:]), beside=pixels)
    for k in np.argsort(rows, kind="stable"):
        out[k] = pixels[rows[k]]
    return out


def room(
    shape: tuple[int, ...],
    *,
    in_memory: int = GIBIBYTE,
    beside: np.ndarray | None = None,
    cache: Path | None = None,
) -> np.ndarray:
    """Room for uint8 values: an array, or beyond `in_memory` bytes a memory-mapped file without a name.

    The file lies beside the one that `beside` maps, or in the cache, and goes when its array does. Its blocks
    are reserved at once, since a disk that fills up under a mapping kills the process.

    Raises `InputError` where the disk has no room.
    """
    size = int(np.prod(shape, dtype=np.int64))
    if size <= in_memory:
        return np.empty(shape, np.uint8)
    name = getattr(beside, "filename", None)
    folder = Path(name).parent if name and os.access(Path(name).parent, os.W_OK) else cache_folder(cache)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:  # the mapping keeps the file alive
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(file.fileno(), 0, size)
            return np.memmap(file, np.uint8, "w+", shape=shape)
    except OSError as error:
        message = f"cannot hold {size / GIBIBYTE:.1f} GiB of pixels ({error.strerror or error})"
        raise InputError(f"{folder}: {message}; free space, or name another cache") from error


def joined(first: Images, second: Images) -> Images:
    """The images of `first`, then those of `second`, in one.

    Raises `InputError` where their shapes or classes differ.
    """
    if first.shape != second.shape:
        seen = f"{' x '.join(map(str, first.shape))} and {' x '.join(map(str, second.shape))}"
        raise InputError(f"{first.source or 'images'}: images of {seen} cannot be joined; give size=")
    if first.classes != second.classes or (first.labels is None) != (second.labels is None):
        raise InputError(f"{first.source or 'images'}: its parts have different classes; make their folders agree")
    n = len(first)
    pixels = room((n + len(second), *first.shape), beside=first.pixels)
    pixels[:n], pixels[n:] = first.pixels, second.pixels
    both = first.names is not None and second.names is not None
    return Images(
        pixels,
        None if first.labels is None or second.labels is None else np.concatenate([first.labels, second.labels]),
        first.classes,
        (*(first.names or ()), *(second.names or ())) if both else None,
        first.source,
    )


def stratified(
    labels: np.ndarray, fraction: float, seed: int, classes: Sequence[str] = ()
) -> tuple[np.ndarray, np.ndarray]:
    """Row numbers of (the rest, the part held out), both ascending: `fraction` of every class is held out.

    Each class gives its share rounded down or up, so that the whole is round(fraction * n) where that leaves
    at least one image of every class on either side.

    Raises `InputError` for a class with one example, naming it.
    """
    found, codes, counts = np.unique(labels, return_inverse=True, return_counts=True)
    if counts.min() < 2:
        one = found[counts.argmin()]
        name = repr(classes[one]) if classes else str(one)
        mend = "add one or leave the class out"
        raise InputError(f"labels: class {name} has one example and a split needs two; {mend}")
    share = fraction * counts
    held = np.floor(share).astype(np.int64)
    short = round(fraction * len(labels)) - held.sum()
    held[np.argsort(held - share, kind="stable")[:short]] += 1
    held = held.clip(1, counts - 1)
    # RandomState's stream is frozen for good, Generator's may change: a split must be the same next year.
    order = np.random.RandomState(seed).permutation(len(labels))
    rank = np.empty(len(labels), np.int64)
    for k in range(len(found)):
        of_class = order[codes[order] == k]
        rank[of_class] = np.arange(len(of_class))
    out = rank < held[codes]
    return np.flatnonzero(~out), np.flatnonzero(out)


def split_rows(
    n: int, labels: np.ndarray | None, fraction: float, seed: int, classes: Sequence[str] = ()
) -> tuple[np.ndarray, np.ndarray]:
    """Row numbers of `split_off`, for n rows whose images need not be read yet."""
    if not 0 < fraction < 1:
        raise InputError(f"fraction: {fraction} leaves one side empty; use a number between 0 and 1, such as 0.1")
    if n < 2:
        raise InputError("images: one image cannot be split; give at least two")
    if labels is not None:
        return stratified(labels, fraction, seed, classes)
    order = np.random.RandomState(seed).permutation(n)
    held = min(max(round(fraction * n), 1), n - 1)
    return np.sort(order[held:]), np.sort(order[:held])


def split_off(images: Images, fraction: float, seed: int) -> tuple[Images, Images]:
    """(The rest, a part held out for validation): `fraction` of the images, of every class where there are labels.

    The same seed gives the same split on every machine. Both parts keep the order of `images`.

    Raises `InputError` where a side would be empty, or a class has one example (naming the class).
    """
    rest, out = split_rows(len(images), images.labels, fraction, seed, images.classes)
    return images.subset(rest), images.subset(out)


def part(n: int, labels: np.ndarray | None, classes: Sequence[str], split: str, name: str) -> np.ndarray:
    """Row numbers of "train", "test" or "all" of data that come without a split: a fifth is its test set for good.

    Raises `InputError` naming the data (`name`) where they cannot be split.
    """
    if split == "all":
        return np.arange(n)
    try:
        train, test = split_rows(n, labels, 0.2, 0, classes)
    except InputError as error:
        raise InputError(f"{name}: {error} (or ask for all of it: split all)") from error
    return train if split == "train" else test
