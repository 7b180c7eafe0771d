"""Arrays of images as `Images`: numpy or torch, bytes or floats in [0, 1]."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from mutua.data.image.compact import npz_arrays
from mutua.data.image.images import Images, joined
from mutua.data.labels import array_of, encode_labels, plain_array
from mutua.data.store import UNREADABLE, reason
from mutua.types import InputError

__all__ = ["from_array", "npy_file", "npz_file", "opened_npy", "to_bytes"]

_CHUNK = 1 << 22  # values checked and converted at a time, so that no second copy in floats is made


def to_bytes(x: np.ndarray, name: str, first: int = 0) -> np.ndarray:
    """Images as uint8: bytes as they are, v in [0, 1] as round(255 v), true and false as 255 and 0.

    `first` is the number of the first row, for the message.

    Raises `InputError` naming the first row with a NaN, an infinity or a value outside [0, 1].
    """
    if x.dtype == np.uint8:
        return x
    if x.dtype == np.bool_:
        return x.astype(np.uint8) * np.uint8(255)
    if not np.issubdtype(x.dtype, np.floating):
        mend = "convert it, x.astype(np.uint8) where its values are 0 to 255"
        raise InputError(f"{name}: {x.dtype} where uint8, or float in [0, 1], is needed; {mend}")
    out = np.empty(x.shape, np.uint8)
    step = max(_CHUNK // max(int(np.prod(x.shape[1:])), 1), 1)
    for start in range(0, len(x), step):
        rows = np.asarray(x[start : start + step])
        flat = rows.reshape(len(rows), -1)
        finite = np.isfinite(flat).all(1)
        if not finite.all():
            row = first + start + int(finite.argmin())
            raise InputError(f"{name}: NaN or infinity in row {row}; remove or impute such rows first")
        inside = ((flat >= 0) & (flat <= 1)).all(1)
        if not inside.all():
            row = int(inside.argmin())
            low, high = flat[row].min(), flat[row].max()
            bytes_like = low >= 0 and high <= 255
            mend = "divide by 255" if bytes_like else "undo the normalisation (leave Normalize out), or rescale"
            seen = f"values from {low:.4g} to {high:.4g} in row {first + start + row}"
            raise InputError(f"{name}: {seen} where floats are meant to lie in [0, 1]; {mend}")
        out[start : start + step] = np.rint(rows * np.float32(255))
    return out


def _last(shape: tuple[int, ...]) -> bool | None:
    """Whether the channels of (n, a, b, c) come last, None where its lengths don't tell."""
    first, last = shape[1] in (1, 3), shape[3] in (1, 3)
    if first == last:
        first, last = shape[1] < min(shape[2], shape[3]), shape[3] < min(shape[1], shape[2])
    return last if first != last else None


def from_array(
    x: Any,
    y: Any = None,
    *,
    classes: Sequence[str] = (),
    channels_last: bool | None = None,
    source: str = "array",
) -> Images:
    """Images from an array (n, h, w), (n, c, h, w) or (n, h, w, c): uint8, or float in [0, 1].

    Where the channels stand is read off the lengths of the axes (1 or 3, or the shortest); a tensor whose
    lengths don't tell has them first, as torch does. Labels are whole numbers from 0, or names, which are
    numbered in alphabetical order or in the order of `classes`. Bytes are not copied: a memory-mapped array
    stays mapped.

    Raises `InputError` naming the axis, row or label that cannot be used.

    >>> from_array(np.zeros((2, 8, 8, 3)), ["dog", "cat"]).labels
    array([1, 0])
    """
    values = plain_array(x) if isinstance(x, (np.ndarray, Tensor)) else array_of(x, source)
    if isinstance(values, np.ma.MaskedArray) and np.ma.is_masked(values):
        raise InputError(f"{source}: has masked pixels, which no picture has; fill them in, as x.filled(0)")
    if values.ndim not in (3, 4):
        mend = "give (n, h, w), (n, c, h, w) or (n, h, w, c); one image alone as x[None]"
        raise InputError(f"{source}: shape {values.shape}; {mend}")
    if 0 in values.shape:
        raise InputError(f"{source}: shape {values.shape} has an empty axis; there is nothing to learn from")
    if values.ndim == 3:
        values = values[:, None]  # (n, h, w) -> (n, 1, h, w)
    else:
        last = channels_last if channels_last is not None else _last(values.shape)
        if last is None and not isinstance(x, Tensor):
            raise InputError(
                f"{source}: shape {values.shape} does not tell where its channels are; say channels_last="
            )
        if last:
            values = values.transpose(0, 3, 1, 2)  # (n, h, w, c) -> (n, c, h, w)
    pixels = to_bytes(values, source)
    if y is None:
        return Images(pixels, source=source)
    labels, names = encode_labels(y, classes, len(pixels))
    return Images(pixels, labels, names, source=source)


def opened_npy(path: Path) -> np.ndarray:
    """The array of a .npy file, memory-mapped. Raises `InputError` where it is none, or holds Python objects."""
    try:
        return np.load(path, mmap_mode="r", allow_pickle=False)
    except UNREADABLE as error:
        if "object" in str(error) or "allow_pickle" in str(error):
            mend = "save plain numbers in it"
            raise InputError(f"{path}: holds Python objects, or is no .npy; these are not read: {mend}") from error
        raise InputError(f"{path}: cannot be read as .npy ({reason(error)}); write it again") from error


def npy_file(path: Path) -> Images:
    """A .npy file of images without labels; bytes stay on disk, memory-mapped."""
    return from_array(opened_npy(path), source=str(path))


_X, _Y = ("x", "images", "data", "arr_0"), ("y", "labels", "label", "arr_1")


def npz_file(path: Path, split: str) -> tuple[Images, bool]:
    """(The images, whether they are that split) of a .npz.

    Its arrays are `x` and perhaps `y`, or `x_train`, `y_train`, `x_test`, `y_test`. Other names for x are images,
    data, arr_0, for y labels, label, arr_1; `classes` may name the classes. Without a split of its own the
    whole is given.
    """
    arrays = npz_arrays(path)
    classes = tuple(map(str, arrays.get("classes", ())))
    named = [arrays[k + end] for k in _Y for end in ("_train", "_test") if k + end in arrays]
    if not classes and named and all(y.dtype.kind == "U" for y in named):
        classes = tuple(map(str, np.unique(np.concatenate(named))))  # both parts number them alike

    def pair(end: str) -> Images | None:
        x = next((arrays[k + end] for k in _X if k + end in arrays), None)
        y = next((arrays[k + end] for k in _Y if k + end in arrays), None)
        return None if x is None else from_array(x, y, classes=classes, source=str(path))

    train, test = pair("_train"), pair("_test")
    if train is not None and test is not None:
        if split == "all":
            return joined(train, test), True
        return (train if split == "train" else test), True
    whole = pair("")
    if whole is None:
        raise InputError(
            f"{path}: arrays {', '.join(arrays) or 'none'}; name them x and y, or x_train, y_train, ..."
        )
    return whole, False
