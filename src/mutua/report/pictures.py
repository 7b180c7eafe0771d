"""Images as a page shows them: small, packed, and enlarged in whole steps where they are tiny."""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from mutua.report.page import Block
from mutua.report.sound import sound_uri
from mutua.types import InputError

__all__ = ["Sprite", "Thumbnail", "checked", "image_grid", "shown_channels", "sprite", "thumbnail"]

_SHOWN = 64  # CSS pixels that a tiny image is enlarged towards
_LOSSLESS = 16  # images up to this size are drawn pixel by pixel, and compress to nothing anyway


@dataclass(frozen=True)
class Thumbnail:
    """One image as a data URI, and the size in CSS pixels to show it at."""

    uri: str
    width: int
    height: int
    enlarged: bool


@dataclass(frozen=True)
class Sprite:
    """Many images in one: number i stands at column i % columns, row i // columns, each cell `cell` wide."""

    uri: str
    columns: int
    rows: int
    cell: int
    width: int
    height: int
    zoom: int


def checked(images: np.ndarray, name: str = "images") -> UInt8[np.ndarray, "n c h w"]:
    """`images` if it is uint8 (n, c, h, w) and not empty; else `InputError`."""
    if images.ndim != 4 or images.dtype != np.uint8:
        raise InputError(
            f"{name}: a page shows uint8 (n, c, h, w), got {images.dtype} {images.shape}; convert them"
        )
    if 0 in images.shape:
        raise InputError(f"{name}: shape {images.shape} holds no pixels; give at least one image")
    return images


def shown_channels(channels: int) -> str:
    """What a reader must be told about the channels: nothing for grey and RGB."""
    if channels in (1, 3):
        return ""
    return f"The first {'three' if channels > 3 else 'one'} of {channels} channels shown."


def thumbnail(image: UInt8[np.ndarray, "c h w"], limit: int = 96) -> Thumbnail:
    """`image`, its longer side at most `limit`, enlarged in whole steps where it is tiny."""
    picture = _picture(image, limit)
    zoom = _zoom(picture)
    return Thumbnail(_uri(picture), picture.width * zoom, picture.height * zoom, zoom > 1)


def sprite(images: UInt8[np.ndarray, "n c h w"], limit: int = 48) -> Sprite:
    """All images in one sheet, near square, each with its longer side at most `limit`."""
    pictures = [_picture(image, limit) for image in images]
    width, height = pictures[0].size
    # A lossy codec works in blocks of 16 x 16: cells that begin on a block keep neighbours apart.
    grain = 1 if max(width, height) <= _LOSSLESS else 16
    cell = math.ceil(max(width, height) / grain) * grain
    columns = math.ceil(math.sqrt(len(pictures)))
    rows = math.ceil(len(pictures) / columns)
    sheet = Image.new(pictures[0].mode, (columns * cell, rows * cell))
    for i, picture in enumerate(pictures):
        sheet.paste(picture, (i % columns * cell, i // columns * cell))
    uri = _uri(sheet, lossless=max(width, height) <= _LOSSLESS, quality=70)
    return Sprite(uri, columns, rows, cell, width, height, _zoom(pictures[0]))


def image_grid(
    columns: Mapping[str, np.ndarray],
    *,
    sounds: Mapping[str, Sequence[bytes]] | None = None,
    caption: str = "",
    heading: str = "",
) -> Block:
    """A grid of images: one column for each name, row i holding the i-th image of each.

    For views as a method saw them: ``{"original": x, "view 1": a, "view 2": b}``. Columns may differ in the
    size of their images, not in their number.

    Args:
        columns: name to uint8 (n, c, h, w); channels past the third are not shown, which the page states.
        sounds: name to n sound files, whose players stand under the pictures.
        caption: stands below.
        heading: stands above.
    """
    if not columns:
        raise InputError("columns: an image grid needs at least one column of images")
    pictures = {name: checked(images, f"columns[{name!r}]") for name, images in columns.items()}
    counts = {name: len(images) for name, images in pictures.items()}
    if len(set(counts.values())) > 1:
        raise InputError(f"columns: every column needs the same number of images, got {counts}")
    notes = sorted({note for images in pictures.values() if (note := shown_channels(images.shape[1]))})
    rows = [
        [
            {"image": thumbnail(pictures[name][i]), "sound": sound_uri(sounds[name][i]) if sounds else None}
            for name in pictures
        ]
        for i in range(next(iter(counts.values())))
    ]
    return Block(
        "grid.html",
        {"columns": list(pictures), "rows": rows, "caption": " ".join([caption, *notes]).strip()},
        heading,
    )


def _picture(image: UInt8[np.ndarray, "c h w"], limit: int) -> Image.Image:
    channels = len(image)
    array = image[:3].transpose(1, 2, 0) if channels >= 3 else image[0]  # (h, w, 3) or (h, w)
    picture = Image.fromarray(np.ascontiguousarray(array))
    scale = limit / max(picture.size)
    if scale >= 1:
        return picture
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    return picture.resize(size, Image.Resampling.LANCZOS, reducing_gap=3)


def _zoom(picture: Image.Image) -> int:
    return max(1, _SHOWN // max(picture.size))


def _uri(picture: Image.Image, lossless: bool | None = None, quality: int = 85) -> str:
    if lossless is None:
        lossless = max(picture.size) <= _LOSSLESS
    buffer = io.BytesIO()
    picture.save(buffer, "WEBP", lossless=lossless, quality=quality, method=4)
    return "data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode()
