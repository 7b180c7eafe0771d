"""STL-10 as its authors give it: the binary version, unpacked. 5,000 labelled images to train on and 8,000 to
test, of 96 px; the 100,000 without labels are not read here.

An image is its red, green and blue, each column by column; labels are 1 to 10.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mutua.data.image.images import Images
from mutua.types import InputError

__all__ = ["find_stl10", "stl10"]

_FOLDER, _SIDE, _NAMES = "stl10_binary", 96, "class_names.txt"
_PARTS = ("train", "test")


def find_stl10(place: Path) -> Path | None:
    """`place` or its folder stl10_binary: the first that holds the files, or None."""
    for folder in (place, place / _FOLDER):
        files = [folder / f"{part}_{what}.bin" for part in _PARTS for what in "Xy"]
        if all(file.is_file() for file in (*files, folder / _NAMES)):
            return folder
    return None


def stl10(place: Path, split: str, cache: Path) -> Images:
    """The part "train" or "test" with its labels, (n, 3, 96, 96). Raises `InputError` naming a damaged file."""
    file = place / f"{split}_X.bin"
    raw = np.fromfile(file, np.uint8)
    size = 3 * _SIDE * _SIDE
    if not len(raw) or len(raw) % size:
        raise InputError(f"{file}: {len(raw)} bytes, no whole number of images of {size}; fetch it again")
    pixels = np.ascontiguousarray(raw.reshape(-1, 3, _SIDE, _SIDE).transpose(0, 1, 3, 2))  # (n, c, w, h)
    labels = np.fromfile(place / f"{split}_y.bin", np.uint8).astype(np.int64) - 1
    classes = tuple((place / _NAMES).read_text(encoding="utf-8").split())
    if len(labels) != len(pixels) or labels.min() < 0 or labels.max() >= len(classes):
        raise InputError(
            f"{place / f'{split}_y.bin'}: {len(labels)} labels for {len(pixels)} images, or a label beyond the "
            f"{len(classes)} class names; fetch it again"
        )
    return Images(pixels, labels, classes, source="STL-10")
