"""Images held as uint8, read by row number."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from jaxtyping import UInt64
from torch import Tensor

from mutua.data.examples import row_numbers
from mutua.data.fingerprints import fingerprint_of, marks_of_files, marks_of_rows
from mutua.data.labels import Labels
from mutua.data.store import cache_folder
from mutua.types import InputError, Spec

__all__ = ["GIBIBYTE", "Images", "joined", "room"]

GIBIBYTE = 1 << 30


@dataclass(frozen=True, eq=False, repr=False)
class Images:
    """n images of one shape, as uint8: (n, c, h, w), in memory or memory-mapped from a file.

    `labels` are whole numbers from 0, and `classes` their names where there are names. `source` says what the
    images are, for printing beside every number taken on them. `files` are those that they were read from, where
    there is one an image. Implements `mutua.types.Rows`.

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
    files: tuple[Path, ...] | None = None

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
        if self.files is not None and len(self.files) != n:
            raise InputError(f"files: {len(self.files)} for {n} images; give one an image")
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
    def spec(self) -> Spec:
        """What one image is."""
        return Spec("image", self.shape, "uint8")

    @property
    def targets(self) -> dict[str, Labels]:
        """The labels under the one name they have, "label"; none without."""
        return {} if self.labels is None else {"label": Labels(self.labels, self.classes)}

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, height, width of each image."""
        c, h, w = self.pixels.shape[1:]
        return c, h, w

    @cached_property
    def marks(self) -> UInt64[np.ndarray, " n"]:
        """A number an image that is another one where the image is: of its file, or of its pixels."""
        return marks_of_rows(self.pixels) if self.files is None else marks_of_files(self.files)

    @cached_property
    def fingerprint(self) -> str:
        """A word for all of them in their order: another one where an image changed, came or went."""
        return fingerprint_of(self.marks)

    def take(self, index: Tensor | np.ndarray | Sequence[int]) -> Tensor:
        """The images in rows `index`, in its order: uint8 (k, c, h, w), a copy.

        A memory-mapped file is read in the order it lies on disk, whatever the order of `index`.
        """
        rows = row_numbers(index, len(self), none=True)
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
        rows = row_numbers(index, len(self))
        return replace(
            self,
            pixels=_gather(self.pixels, rows),
            labels=None if self.labels is None else self.labels[rows],
            names=None if self.names is None else tuple(self.names[i] for i in rows),
            files=None if self.files is None else tuple(self.files[i] for i in rows),
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
