"""Datasets of torch and of Hugging Face as `Images`, told by what they can do and not by their type."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from torch import Tensor

from mutua.data.image.arrays import to_bytes
from mutua.data.image.decode import (
    GREY,
    WHITE,
    Seen,
    fitted,
    notes_of,
    pixels_of,
    prepare,
    seen_of,
    survey,
    white_of,
    with_channels,
)
from mutua.data.image.images import GIBIBYTE, Images, room
from mutua.data.labels import encode_labels
from mutua.data.parallel import progress
from mutua.types import InputError

__all__ = ["from_dataset", "seems_of_images"]

_IMAGE = ("image", "img", "images", "pixel_values")
_LABEL = ("label", "labels", "fine_label", "target", "class")


def _encoded(item: Any) -> bytes | None:
    """The file that an item of Hugging Face's undecoded images is."""
    found = item.get("bytes") if isinstance(item, Mapping) else None
    return found if isinstance(found, bytes) else None


def _seen(item: Any, row: int) -> Seen | None:
    """What an item is where it is a picture, not an array."""
    encoded = _encoded(item)
    if encoded is not None:
        return survey(encoded, f"row {row}")
    return seen_of(item) if isinstance(item, Image.Image) else None


def _pixels(item: Any, row: int, white: int, seen: Seen | None) -> np.ndarray:
    """One image as uint8 (c, h, w)."""
    name = f"row {row}"
    encoded = _encoded(item)
    if encoded is not None and seen is not None:
        return pixels_of(encoded, name, size=None, grey=seen.grey, white=white)
    if isinstance(item, Image.Image):
        values = np.asarray(prepare(item, item.mode in GREY, white))
        return values[None] if values.ndim == 2 else values.transpose(2, 0, 1)  # (h, w, c) -> (c, h, w)
    if isinstance(item, Tensor):
        values = item.float().numpy(force=True) if item.is_floating_point() else item.numpy(force=True)
        channels_last = False
    elif isinstance(item, np.ndarray):
        values = item
        channels_last = values.ndim == 3 and values.shape[2] in (1, 3) and values.shape[0] not in (1, 3)
    else:
        kind = type(item).__name__
        mend = "its items must be (image, label) or an image: a Pillow image, an array or a tensor"
        raise InputError(f"{name}: {kind} where an image is meant; {mend}")
    if values.ndim == 2:
        values = values[None]  # (h, w) -> (1, h, w)
    if values.ndim != 3:
        raise InputError(f"{name}: shape {values.shape} where (c, h, w) is meant; its items must be single images")
    values = values.transpose(2, 0, 1) if channels_last else values
    return to_bytes(values[None], "dataset", row)[0]


def _columns(dataset: Any) -> tuple[str, str | None, tuple[str, ...]] | None:
    """(Column of images, column of labels, names of classes) of a Hugging Face dataset; None for others."""
    names = getattr(dataset, "column_names", None)
    features = getattr(dataset, "features", None)
    if not isinstance(features, Mapping) or not isinstance(names, Sequence):
        return None
    typed = [name for name in names if type(features.get(name)).__name__ == "Image"]
    image = next((name for name in (*typed, *_IMAGE) if name in names), None)
    if image is None:
        mend = f"rename the column of images to {_IMAGE[0]}"
        raise InputError(f"dataset: columns {', '.join(names)}, none of them images; {mend}")
    coded = [name for name in names if getattr(features.get(name), "names", None)]
    label = next((name for name in (*_LABEL, *coded) if name in names and name != image), None)
    classes = getattr(features.get(label), "names", None) or ()
    return image, label, tuple(map(str, classes))


def seems_of_images(dataset: Any) -> bool:
    """Whether the first row of a dataset is an image; also of what is no dataset, whose reader says so."""
    columns = getattr(dataset, "features", None)
    if isinstance(columns, Mapping):
        return not any(type(kind).__name__ == "Audio" for kind in columns.values())
    if not hasattr(dataset, "__getitem__") or not hasattr(dataset, "__len__") or not len(dataset):
        return True
    item = dataset[0]
    if isinstance(item, Mapping):
        return not {"audio", "wave"} & set(item)
    if isinstance(item, (tuple, list)) and item:
        item = item[0]
    return not (isinstance(item, (np.ndarray, Tensor)) and (item.ndim == 1 or (item.ndim == 2 and len(item) == 1)))


def _item(item: Any, image: str | None, label: str | None) -> tuple[Any, Any]:
    """(Image, label or None) of whatever a dataset gives for a row."""
    if isinstance(item, Mapping):
        image = image or next((name for name in _IMAGE if name in item), None)
        if image is not None:
            label = label or next((name for name in _LABEL if name in item), None)
            return item[image], item[label] if label is not None else None
    if isinstance(item, (tuple, list)) and item:
        return item[0], item[1] if len(item) > 1 else None
    return item, None


def from_dataset(
    dataset: Any,
    *,
    size: int | None = None,
    channels: int | None = None,
    source: str = "",
    cache: Path | None = None,
    in_memory: int = GIBIBYTE,
) -> Images:
    """Every row of a map-style torch dataset, or of a Hugging Face dataset, read once.

    A row is an image or (image, label): the image a Pillow image, an array (h, w), (c, h, w) or (h, w, c), or a
    tensor (c, h, w), of bytes or of floats in [0, 1]. A Hugging Face dataset's columns are found by their
    features and names. A random transform is drawn once and for all: give the dataset without it, since views
    are drawn in training. `size` makes images of any height and width size x size, `channels` grey (1) or RGB
    (3), and pictures become 8 bits and lie on white, as `folder` has it. Pixels beyond `in_memory` bytes are held
    in a memory-mapped file in the cache.

    Raises `InputError` naming the row: of another shape or number of channels than the first, with a NaN, with
    floats outside [0, 1], with no label where others have one.
    """
    if not hasattr(dataset, "__getitem__") or not hasattr(dataset, "__len__"):
        mend = "give a map-style dataset, with len() and numbered rows"
        raise InputError(f"dataset: {type(dataset).__name__} cannot be read by row number; {mend}")
    if isinstance(dataset, Mapping):
        raise InputError(f"dataset: splits {', '.join(map(str, dataset))}; give one of them")
    n = len(dataset)
    if not n:
        raise InputError(f"dataset: {type(dataset).__name__} has no rows; there is nothing to learn from")
    columns = _columns(dataset)
    image, label, names = columns or (None, None, ())
    classes = names or tuple(map(str, getattr(dataset, "classes", None) or ()))

    out: np.ndarray | None = None
    labels: list[Any] = []
    pictures: list[Seen] = []
    white: int | None = None
    for row in progress(range(n), n, "reading the dataset"):
        item, code = _item(dataset[row], image, label)
        seen = _seen(item, row)
        if seen is not None:
            pictures.append(seen)
            if seen.top is not None and white is None:  # what is white, all of them say
                white = _white(dataset, n, image, label)
        pixels = _pixels(item, row, white or WHITE, seen)
        if size is not None:
            pixels = fitted(pixels, size)
        if channels is not None and len(pixels) != channels:
            pixels = with_channels(pixels[None], channels)[0]
        if out is None:
            out = room((n, *pixels.shape), in_memory=in_memory, cache=cache)
        _same_shape(pixels.shape, out.shape[1:], row)
        out[row] = pixels
        labels.append(code.item() if isinstance(code, (Tensor, np.generic)) and np.ndim(code) == 0 else code)
    assert out is not None
    notes = notes_of(pictures, white or WHITE)
    name = (source or type(dataset).__name__) + (f" ({'; '.join(notes)})" if notes else "")
    bare = [row for row, code in enumerate(labels) if code is None]
    if len(bare) == n:
        return Images(out, source=name)
    if bare:
        raise InputError(
            f"dataset: row {bare[0]} has no label and others have; leave such rows out, or all labels"
        )
    codes, known = encode_labels(labels, classes, n)
    return Images(out, codes, known, source=name)


def _white(dataset: Any, n: int, image: str | None, label: str | None) -> int:
    """What becomes 255 of the pictures of 16 bits, for which all rows are looked at."""
    found = (_seen(_item(dataset[row], image, label)[0], row) for row in range(n))
    return white_of(seen for seen in found if seen is not None)


def _same_shape(seen: tuple[int, ...], first: tuple[int, ...], row: int) -> None:
    if seen == first:
        return
    channels = seen[0] != first[0]
    mend = "make all RGB with channels=3, or in the dataset" if channels else "give size= to resize all"
    what = f"{seen[0]} channels" if channels else f"{seen[1]} x {seen[2]}"
    rest = f"{first[0]}" if channels else f"{first[1]} x {first[2]}"
    raise InputError(f"dataset: row {row} has {what} and row 0 has {rest}; {mend}")
