"""Image files to arrays, by Pillow, in threads."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np
from PIL import Image, ImageOps

from mutua.data.store import reason
from mutua.types import InputError

__all__ = ["GREY", "BadImageError", "fitted", "pixels_of", "prepare", "survey", "with_channels"]

# Pillow opens dozens of formats, some by outside programs; these are the ones a folder of images is read for.
# (JPEG's reader opens MPO too, a JPEG with further pictures behind it, as some cameras write.)
FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF")

GREY = {"1", "L", "LA", "La", "I", "I;16", "I;16L", "I;16B", "I;16N", "F"}
_SEE_THROUGH = {"LA", "La", "PA", "RGBA", "RGBa"}
_TURNED = {5, 6, 7, 8}  # values of EXIF's orientation that swap height and width
_ORIENTATION = 0x0112

T = TypeVar("T")
S = TypeVar("S")


class BadImageError(InputError):
    """One image that cannot be read: skipped and counted where the caller asks for that."""


def _opened(file: Path | bytes) -> Image.Image:
    return Image.open(io.BytesIO(file) if isinstance(file, bytes) else file, formats=FORMATS)


def _reason(error: Exception) -> str:
    if isinstance(error, Image.UnidentifiedImageError):
        return "no image of a known format"
    if isinstance(error, Image.DecompressionBombError):
        return f"more pixels than are safe to decode ({Image.MAX_IMAGE_PIXELS:,} or so)"
    return reason(error)


def _guarded(file: Path | bytes, name: str, read: Callable[[Image.Image], T]) -> T:
    try:
        with _opened(file) as image:
            return read(image)
    except BadImageError:
        raise
    except Exception as error:  # Pillow's readers raise whatever the broken bytes lead them to
        mend = "mend or remove it, or skip such files (--skip-bad)"
        raise BadImageError(f"{name}: cannot be read ({_reason(error)}); {mend}") from error


def survey(file: Path | bytes, name: str) -> tuple[tuple[int, int], bool]:
    """((height, width) as shown, whether the image is grey), from the header alone.

    Raises `BadImageError`.
    """

    def read(image: Image.Image) -> tuple[tuple[int, int], bool]:
        width, height = image.size
        turned = image.getexif().get(_ORIENTATION) in _TURNED
        return ((width, height) if turned else (height, width)), image.mode in GREY

    return _guarded(file, name, read)


def _eight_bits(image: Image.Image) -> Image.Image:
    """16-bit and float grey images as 8-bit ones: 0..65535 and 0..1 become 0..255."""
    values = np.asarray(image)
    if image.mode == "F":
        if not (np.isfinite(values).all() and values.min() >= 0 and values.max() <= 1):
            raise ValueError(f"float pixels from {values.min():g} to {values.max():g} where 0 to 1 is meant")
        return Image.fromarray(np.rint(values * 255).astype(np.uint8))
    if values.min() < 0 or values.max() > 65535:
        raise ValueError(f"pixels from {values.min()} to {values.max()} where 16 bits are meant")
    return Image.fromarray(((values.astype(np.uint32) + 128) // 257).astype(np.uint8))


def prepare(image: Image.Image, grey: bool) -> Image.Image:
    """An image of any of Pillow's modes as mode L where `grey`, RGB otherwise.

    What is see-through is laid on white: the colours stored behind it are whatever a program left there.
    """
    if image.mode in GREY and image.mode not in {"1", "L", "LA", "La"}:
        image = _eight_bits(image)
    if image.mode in _SEE_THROUGH or "transparency" in image.info:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image.convert("L" if grey else "RGB")


def pixels_of(file: Path | bytes, name: str, *, size: int | None, grey: bool) -> np.ndarray:
    """The first frame of an image file, upright, as uint8 (1 or 3, h, w).

    With `size`, the largest square in the middle is resized to size x size by antialiased bicubic filtering
    (the shorter side becomes `size`, then a centre crop). A JPEG much larger than that is first reduced while it
    is decoded, to no less than twice `size`.

    Raises `BadImageError` naming the file: truncated, of another format, or too large to be safe.
    """

    def read(image: Image.Image) -> np.ndarray:
        if size is not None:
            image.draft(image.mode, (2 * size, 2 * size))
        shown = prepare(ImageOps.exif_transpose(image), grey)
        if size is not None:
            shown = ImageOps.fit(shown, (size, size), Image.Resampling.BICUBIC)
        values = np.asarray(shown)
        return values[None] if values.ndim == 2 else np.ascontiguousarray(values.transpose(2, 0, 1))

    return _guarded(file, name, read)


def fitted(pixels: np.ndarray, size: int) -> np.ndarray:
    """uint8 (c, h, w) as (c, size, size): the largest square in the middle, resized as `pixels_of` does."""
    bands = [ImageOps.fit(Image.fromarray(band), (size, size), Image.Resampling.BICUBIC) for band in pixels]
    return np.stack([np.asarray(band) for band in bands])


def with_channels(pixels: np.ndarray, channels: int) -> np.ndarray:
    """uint8 (n, c, h, w) as grey (1: ITU-R 601-2 luma, as Pillow makes it) or RGB (3: grey, three times).

    Raises `InputError` for other numbers of channels.
    """
    bands = pixels.shape[1]
    if (bands, channels) == (1, 3):
        return np.repeat(np.asarray(pixels), 3, axis=1)
    if (bands, channels) == (3, 1):
        r, g, b = (pixels[:, k].astype(np.uint32) for k in range(3))
        # Pillow's own whole numbers: L = (19595 R + 38470 G + 7471 B + 2^15) / 2^16
        return ((19595 * r + 38470 * g + 7471 * b + 0x8000) >> 16).astype(np.uint8)[:, None]
    raise InputError(f"channels: {channels} of images that have {bands}; give 1 or 3, of grey or RGB images")
