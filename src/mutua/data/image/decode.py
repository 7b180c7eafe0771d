"""Image files to arrays, by Pillow, in threads."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TypeVar, cast

import numpy as np
from PIL import Image, ImageOps, features

from mutua.data.store import reason
from mutua.types import InputError

__all__ = [
    "DEEP",
    "EXTENSIONS",
    "GREY",
    "OTHER_EXTENSIONS",
    "WHITE",
    "BadImageError",
    "Seen",
    "fitted",
    "notes_of",
    "pixels_of",
    "prepare",
    "seen_of",
    "survey",
    "white_of",
    "with_channels",
]

_AVIF = features.check("avif")  # which Pillow reads from 11.3 on, where it was built with it

# Pillow opens dozens of formats, some by outside programs; these are the ones a folder of images is read for.
# (JPEG's reader opens MPO too, a JPEG with further pictures behind it, as some cameras write.)
FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF", *(("AVIF",) if _AVIF else ()))

EXTENSIONS = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".tif", ".tiff", ".bmp", ".gif"}
    | ({".avif"} if _AVIF else set())
)
"""Of the files that are read as images."""

OTHER_EXTENSIONS = frozenset(
    {".heic", ".heif", ".jxl", ".jp2", ".j2k", ".jpf", ".jpx", ".psd", ".tga", ".ico", ".icns", ".dds", ".svg"}
    | {".ppm", ".pgm", ".pbm", ".pnm", ".qoi", ".exr", ".hdr", ".dcm", ".apng", ".avif", ".avifs", ".jxr", ".wdp"}
    | {".dng", ".cr2", ".cr3", ".nef", ".arw", ".orf", ".rw2", ".raf", ".pef", ".srw"}
) - set(EXTENSIONS)
"""Of pictures that are not read: where a folder has some, that is said."""

DEEP = {"I", "I;16", "I;16L", "I;16B", "I;16N"}
GREY = {"1", "L", "LA", "La", "F", *DEEP}
WHITE = 65535
"""The greatest value of 16 bits, which becomes 255 where no smaller one is said."""
_SEE_THROUGH = {"LA", "La", "PA", "RGBA", "RGBa"}
_TURNED = {5, 6, 7, 8}  # values of EXIF's orientation that swap height and width
_ORIENTATION = 0x0112

T = TypeVar("T")
S = TypeVar("S")


class BadImageError(InputError):
    """One image that cannot be read: skipped and counted where the caller asks for that."""


def _opened(file: Path | bytes) -> io.BufferedIOBase:
    # Not by its name: Pillow 13.0 maps an uncompressed TIFF that it knows the name of, with height and width
    # exchanged where the TIFF is turned, and its pixels come out scrambled.
    return io.BytesIO(file) if isinstance(file, bytes) else open(file, "rb")


def _reason(error: Exception) -> str:
    if isinstance(error, Image.UnidentifiedImageError):
        return "no image of a known format"
    if isinstance(error, Image.DecompressionBombError):
        most = 2 * (Image.MAX_IMAGE_PIXELS or 0)  # Pillow warns from half of it on
        mend = "shrink it, or set PIL.Image.MAX_IMAGE_PIXELS higher"
        return f"more than {most:,} pixels, which could be a trap; {mend}"
    return reason(error)


def _guarded(file: Path | bytes, name: str, read: Callable[[Image.Image], T]) -> T:
    try:
        with _opened(file) as stream, Image.open(cast(IO[bytes], stream), formats=FORMATS) as image:
            return read(image)
    except BadImageError:
        raise
    except Exception as error:  # Pillow's readers raise whatever the broken bytes lead them to
        mend = "mend or remove it, or skip such files (--skip-bad)"
        raise BadImageError(f"{name}: cannot be read ({_reason(error)}); {mend}") from error


@dataclass(frozen=True)
class Seen:
    """What an image is, before it is decoded.

    Args:
        size: height and width, as shown.
        grey: whether it has no colours.
        top: the greatest value of a grey image of 16 bits.
        alpha: whether parts of it may be see-through.
        cut: whether it is a colour image of 16 bits, of which Pillow reads the upper 8.
    """

    size: tuple[int, int]
    grey: bool
    top: int | None = None
    alpha: bool = False
    cut: bool = False


def seen_of(image: Image.Image) -> Seen:
    """What an opened image is: from its header alone, unless it is grey and of 16 bits, which is decoded."""
    width, height = image.size
    tiles = list(getattr(image, "tile", ()))
    turned = image.getexif().get(_ORIENTATION) in _TURNED  # decodes a PNG without EXIF, in search of a late one
    tags = getattr(image, "tag_v2", None)
    if turned and tags is not None and (width, height) != (tags.get(256), tags.get(257)):
        turned = False  # Pillow gives a TIFF's size as shown already, and turns its pixels while it decodes
    raw = [tile[3] for tile in tiles]
    modes = {str(args[0] if isinstance(args, tuple) and args else args) for args in raw}
    cut = image.mode not in GREY and any(";16" in mode for mode in modes)
    alpha = image.mode in _SEE_THROUGH or "transparency" in image.info
    top = int(image.getextrema()[1]) if image.mode in DEEP else None  # type: ignore[arg-type]
    return Seen((width, height) if turned else (height, width), image.mode in GREY, top, alpha, cut)


def survey(file: Path | bytes, name: str) -> Seen:
    """What the image in a file is. Raises `BadImageError` where it cannot be read."""
    return _guarded(file, name, seen_of)


def white_of(images: Iterable[Seen]) -> int:
    """What becomes 255 of grey images of 16 bits: the greatest value of 8, 10, 12, 14 or 16 bits that holds all.

    Cameras, microscopes and X-ray machines write 10 to 14 bits into 16.
    """
    tops = [seen.top for seen in images if seen.top is not None]
    return next((w for w in (2**bits - 1 for bits in (8, 10, 12, 14)) if tops and max(tops) <= w), WHITE)


def notes_of(images: Sequence[Seen], white: int) -> list[str]:
    """What must be said of how images become 8 bits of grey or RGB."""
    notes = []
    bits = white.bit_length()
    if deep := sum(seen.top is not None for seen in images):
        held = f", which hold {bits}" if bits < 16 else ""
        notes.append(f"{deep} of 16 bits{held}, made 8 bits")
    if cut := sum(seen.cut for seen in images):
        notes.append(f"{cut} of 16 bits a colour, of which the upper 8 are read")
    if alpha := sum(seen.alpha for seen in images):
        notes.append(f"{alpha} with transparency, laid on white")
    return notes


def _eight_bits(image: Image.Image, white: int) -> Image.Image:
    """Deep and float grey images as 8-bit ones: 0..white and 0..1 become 0..255."""
    values = np.asarray(image)
    if image.mode == "F":
        if not (np.isfinite(values).all() and values.min() >= 0 and values.max() <= 1):
            raise ValueError(f"float pixels from {values.min():g} to {values.max():g} where 0 to 1 is meant")
        return Image.fromarray(np.rint(values * 255).astype(np.uint8))
    if values.min() < 0 or values.max() > white:
        bits = white.bit_length()
        raise ValueError(f"pixels from {values.min()} to {values.max()} where {bits} bits are meant")
    return Image.fromarray(((values.astype(np.uint32) * 255 + white // 2) // white).astype(np.uint8))


def prepare(image: Image.Image, grey: bool, white: int = WHITE) -> Image.Image:
    """An image of any of Pillow's modes, upright, as mode L where `grey`, RGB otherwise.

    Orientation is followed where the image still carries it. `white` of 16 bits becomes 255. What is see-through
    is laid on white: the colours stored behind it are whatever a program left there.
    """
    image.load()  # some formats tell of their orientation at their end
    if image.getexif().get(_ORIENTATION, 1) != 1:  # where it is 1 Pillow would make a copy
        image = ImageOps.exif_transpose(image)
    if image.mode in GREY and image.mode not in {"1", "L", "LA", "La"}:
        image = _eight_bits(image, white)
    if image.mode in _SEE_THROUGH or "transparency" in image.info:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    mode = "L" if grey else "RGB"
    return image if image.mode == mode else image.convert(mode)


def pixels_of(
    file: Path | bytes,
    name: str,
    *,
    size: int | None,
    grey: bool,
    white: int = WHITE,
    shape: tuple[int, ...] | None = None,
) -> np.ndarray:
    """The first frame of an image file, upright, as uint8 (1 or 3, h, w).

    With `size`, the largest square in the middle is resized to size x size by antialiased bicubic filtering
    (the shorter side becomes `size`, then a centre crop). A JPEG much larger than that is first reduced while it
    is decoded, to no less than twice `size`. `white` is as of `prepare`.

    Raises `BadImageError` naming the file: truncated, of another format, too large to be safe, or not of `shape`.
    """

    def read(image: Image.Image) -> np.ndarray:
        if size is not None:
            image.draft(image.mode, (2 * size, 2 * size))
        shown = prepare(image, grey, white)
        if size is not None:
            shown = ImageOps.fit(shown, (size, size), Image.Resampling.BICUBIC)
        values = np.asarray(shown)
        values = values[None] if values.ndim == 2 else np.ascontiguousarray(values.transpose(2, 0, 1))
        if shape is not None and values.shape != shape:
            raise ValueError(f"decodes to {_times(values.shape)} where {_times(shape)} are meant")
        return values

    return _guarded(file, name, read)


def _times(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))


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
