"""IDX files, the format of MNIST: a magic number, the lengths of the axes, the values."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path

import numpy as np

from mutua.data.image.images import Images
from mutua.data.store import reason
from mutua.types import InputError

__all__ = ["find_idx", "idx_file", "idx_set", "is_idx", "read_idx"]

_UINT8 = 0x08
_PARTS = {"train": "train", "test": "t10k"}


def read_idx(path: Path) -> np.ndarray:
    """The array of an IDX file of bytes, gzipped or not.

    The file is 0, 0, the type (8: unsigned byte), the number of axes; then each axis's length as a big-endian
    32-bit number; then the values, the last axis fastest.

    Raises `InputError` naming the file: unreadable, of another format or type, longer or shorter than it says.
    """
    try:
        with open(path, "rb") as file:
            zipped = file.read(2) == b"\x1f\x8b"
        raw = gzip.decompress(path.read_bytes()) if zipped else path.read_bytes()
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{path}: cannot be read ({reason(error)}); fetch it again") from error
    if len(raw) < 4 or raw[:2] != b"\0\0" or not 1 <= raw[3] <= 8:
        raise InputError(
            f"{path}: begins with {raw[:4].hex() or 'nothing'}, which is no IDX header; fetch it again"
        )
    if raw[2] != _UINT8:
        raise InputError(
            f"{path}: IDX values of type {raw[2]:#04x} where bytes (0x08) are meant; convert it to bytes"
        )
    start = 4 + 4 * raw[3]
    shape = tuple(int.from_bytes(raw[k : k + 4], "big") for k in range(4, start, 4))
    size = 1
    for length in shape:
        size *= length
    if len(raw) != start + size:
        shown = " x ".join(map(str, shape))
        raise InputError(f"{path}: {len(raw)} bytes where its header says {shown} values; fetch it again")
    return np.frombuffer(raw, np.uint8, offset=start).reshape(shape)


def is_idx(path: Path) -> bool:
    """Whether the file's name says that it is an IDX file."""
    name = path.name.removesuffix(".gz")
    return name.endswith((".idx", ".idx3", "-ubyte"))


def _file(folder: Path, part: str, what: str) -> Path | None:
    axes = {"images": 3, "labels": 1}[what]
    names = (f"{part}-{what}-idx{axes}-ubyte", f"{part}-{what}.idx{axes}-ubyte")
    return next((p for n in names for end in ("", ".gz") if (p := folder / (n + end)).is_file()), None)


def find_idx(folder: Path) -> Path | None:
    """`folder` where it holds MNIST's four files under their names, gzipped or not."""
    complete = all(_file(folder, part, what) for part in _PARTS.values() for what in ("images", "labels"))
    return folder if complete else None


def _images(images: Path, labels: Path | None, classes: tuple[str, ...], source: str) -> Images:
    pixels = read_idx(images)
    if pixels.ndim != 3:
        raise InputError(f"{images}: {pixels.ndim} axes where images have 3; name the file of images")
    codes = None if labels is None else read_idx(labels)
    if codes is not None and codes.shape != pixels.shape[:1]:
        raise InputError(
            f"{labels}: shape {codes.shape} for {len(pixels)} images; the two files belong to two sets"
        )
    if codes is not None and classes and len(codes) and codes.max() >= len(classes):
        raise InputError(f"{labels}: label {codes.max()} where 0 to {len(classes) - 1} is meant; fetch it again")
    return Images(pixels[:, None], None if codes is None else codes.astype(np.int64), classes, source=source)


def idx_set(folder: Path, split: str, classes: tuple[str, ...] = (), source: str = "") -> Images:
    """The part "train" or "test" of a folder that `find_idx` accepts: (n, 1, h, w)."""
    images, labels = (_file(folder, _PARTS[split], what) for what in ("images", "labels"))
    if images is None or labels is None:
        raise InputError(f"{folder}: lacks {_PARTS[split]}-images-idx3-ubyte or its labels; fetch them")
    return _images(images, labels, classes, source or folder.name)


def idx_file(path: Path) -> Images:
    """One IDX file of images, with the labels that lie beside it under the name that MNIST's have."""
    beside = path.with_name(path.name.replace("images", "labels").replace("idx3", "idx1"))
    return _images(path, beside if beside != path and beside.is_file() else None, (), path.name)
