"""Images: folders of pictures, known sets, IDX files and arrays."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Generator, Tensor

from mutua.data.examples import Examples
from mutua.data.files import files_of
from mutua.data.image.arrays import from_array, npy_file, npz_file
from mutua.data.image.datasets import from_dataset
from mutua.data.image.decode import EXTENSIONS, fitted, with_channels
from mutua.data.image.folder import folder
from mutua.data.image.idx import find_idx, idx_file, idx_set, is_idx
from mutua.data.image.images import Images, joined, room
from mutua.data.kinds.base import Access, Kind
from mutua.data.parallel import in_threads
from mutua.data.reading import Reading
from mutua.data.splits import part
from mutua.types import Batch, InputError, Rows, Spec

__all__ = ["IMAGE", "as_asked"]


def as_asked(images: Images, reading: Reading, cache: Path | None = None) -> Images:
    """The images as size x size (the largest square in the middle, antialiased), grey or RGB, as asked for."""
    size, channels = reading.size, reading.channels
    if size is not None and images.shape[1:] != (size, size):
        out = room((len(images), images.shape[0], size, size), cache=cache)
        for k, pixels in enumerate(in_threads(lambda row: fitted(np.asarray(row), size), images.pixels)):
            out[k] = pixels
        images = replace(images, pixels=out)
    if channels is not None and channels != images.shape[0]:
        images = replace(images, pixels=with_channels(images.pixels, channels))
    return images


def _load(place: Path, split: str, reading: Reading, access: Access) -> Examples:
    if place.is_file():
        return as_asked(_file(place, split), reading, access.cache)
    if find_idx(place) and not files_of(place, EXTENSIONS):
        if split == "all":
            return as_asked(joined(idx_set(place, "train"), idx_set(place, "test")), reading, access.cache)
        return as_asked(idx_set(place, split), reading, access.cache)
    return folder(
        place,
        split,
        size=reading.size,
        channels=reading.channels,
        skip_bad=access.skip_bad,
        cache=access.cache,
        in_memory=access.in_memory,
        at_once=access.at_once,
    )


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


def _held(data: Any, reading: Reading, access: Access) -> Examples:
    if isinstance(data, Images):
        return as_asked(data, reading, access.cache)
    if isinstance(data, (np.ndarray, Tensor)):
        return as_asked(from_array(data), reading, access.cache)
    if (
        isinstance(data, tuple)
        and len(data) == 2
        and isinstance(data[0], (np.ndarray, Tensor))
        and data[0].ndim > 2
    ):
        return as_asked(from_array(*data), reading, access.cache)
    found = from_dataset(data, size=reading.size, channels=reading.channels, cache=access.cache)
    return as_asked(found, reading, access.cache)


def _raw(train: Rows) -> Callable[[Batch], np.ndarray]:
    def pixels(batch: Batch) -> np.ndarray:
        flat = batch.reshape(len(batch), -1).numpy(force=True)
        return np.multiply(
            flat, np.float32(1 / 255) if flat.dtype == np.uint8 else np.float32(1), dtype=np.float32
        )

    return pixels


def _pictures(batch: Batch, spec: Spec) -> np.ndarray:
    values = batch.numpy(force=True)
    return values if values.dtype == np.uint8 else np.rint(255 * values.clip(0, 1)).astype(np.uint8)


def _sample(spec: Spec, n: int, generator: Generator) -> Batch:
    """Blobs of light on noise: each its own place and colour, so that a task can be learned from them."""
    c, h, w = spec.shape
    where = torch.rand(n, 2, 1, 1, generator=generator)
    y, x = torch.arange(h).view(1, h, 1) / h, torch.arange(w).view(1, 1, w) / w
    blob = torch.exp(-20 * ((y - where[:, 0]) ** 2 + (x - where[:, 1]) ** 2))[:, None]  # (n, 1, h, w)
    colour = torch.rand(n, c, 1, 1, generator=generator)
    light = 0.8 * blob * colour + 0.2 * torch.rand(n, c, h, w, generator=generator)
    return (255 * light).to(torch.uint8)


def _reading(spec: Spec) -> Reading:
    size = spec.shape[1] if spec.shape[1] == spec.shape[2] else None  # no option reads other shapes
    return Reading("image", size=size, channels=spec.shape[0] if spec.shape[0] in (1, 3) else None)


IMAGE = Kind(
    name="image",
    plural="images",
    takes=frozenset({"size", "channels"}),
    suffixes=frozenset(EXTENSIONS),
    load=_load,
    held=_held,
    reading=_reading,
    raw_name="raw pixels",
    raw=_raw,
    pictures=_pictures,
    small=Spec("image", (3, 16, 16), "uint8"),
    sample=_sample,
)
