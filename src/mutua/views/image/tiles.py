"""Tiles of images on a grid of cells, and what keeps their places from being read off their edges and colours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torch
from jaxtyping import Float, Shaped
from torch import Generator, Tensor

from mutua.kernels.devices.copies import to_device
from mutua.types import InputError, names
from mutua.views.base import chance, check_probability, uniform
from mutua.views.image.base import as_float, check_images
from mutua.views.image.colour import LUMA
from mutua.views.image.crop import RandomResizedCrop
from mutua.views.image.resample import resample, resize_matrix

__all__ = ["GEOMETRIES", "Tiles", "laid"]

GEOMETRIES: dict[str, tuple[float, float]] = {
    "v3": (64 / 85, 1.0),  # jigsaw, arXiv v3 and the released code; later relative position: gap 0 to 42 px of 85
    "v1": (64 / 75, 1.0),  # jigsaw, ECCV and arXiv v1: gap 0 to 22 px of 75
    "doersch": (96 / 144, 14 / 48),  # relative position: gap 48 px, each tile moved by up to 7 px
    "contiguous": (1.0, 0.0),  # no counter-measure
}
"""Share of a cell's side that the tile has, and of what is left of it that the tile's place is drawn from."""


@dataclass(frozen=True)
class Tiles:
    """side x side tiles of each image, one in each cell of a grid, cut from a window at a random place.

    Not a `View`: what comes out are (n, side^2, c, tile, tile), row by row. All is drawn by image or by tile.

    Args:
        side: cells along each side of the grid.
        cell: side of a cell in px; the grid is a window of side x cell px.
        tile: side of a tile in px, at most a cell's.
        jitter: how far a tile's place within its cell may vary, in px, uniform and about the cell's middle; at
            most cell - tile. The gap between two tiles is then cell - tile, give or take jitter.
        source: least and largest side in px of the square of the image that becomes the window, its area uniform.
        shift: each channel of a tile is moved by 0 to that many px of its own, part of the jitter.
        grey: probability that an image becomes grey: luma of three channels, the mean of others.
        drop: probability that a tile keeps one channel, and its others become noise of half a level.
        shrink: probability that a tile is shrunk to a side of 10/96 to 95/96, uniform in pixels, and enlarged.
    """

    side: int
    cell: int
    tile: int
    jitter: int
    source: tuple[int, int]
    shift: int = 0
    grey: float = 0.0
    drop: float = 0.0
    shrink: float = 0.0

    def __post_init__(self) -> None:
        for name in ("grey", "drop", "shrink"):
            check_probability(getattr(self, name), name)
        room = self.cell - self.tile
        if self.side < 2:
            raise InputError(f"grid: {self.side} a side has no two tiles to compare; give 2 or more")
        if self.tile < 1 or room < 0:
            raise InputError(f"tile: {self.tile} px in a cell of {self.cell}; give 1 to {self.cell}")
        if not 0 <= self.jitter <= room:
            raise InputError(f"jitter: {self.jitter} px where the cell leaves {room}; give 0 to {room}")
        if not 0 <= self.shift <= self.jitter:
            raise InputError(f"shift: {self.shift} px with a jitter of {self.jitter}; give 0 to {self.jitter}")

    @property
    def window(self) -> int:
        """Side of the grid in px."""
        return self.side * self.cell

    @property
    def gap(self) -> tuple[int, int]:
        """Least and largest gap between two tiles side by side, in px."""
        room = self.cell - self.tile
        return room - self.jitter, room + self.jitter

    def draw(self, n: int, shape: tuple[int, ...], generator: Generator) -> dict[str, Any]:
        """Parameters of n images (c, h, w): tensors whose leading axis is n."""
        c, height, width = shape
        tiles = self.side**2
        low, high = self.source
        if high > min(height, width):
            raise InputError(
                f"images: {height} x {width} px, and the grid is cut from squares of up to {high}; give {high} px"
            )
        side = torch.full((n,), high)
        if low < high:
            side = uniform((n,), low**2, high**2, generator).sqrt().round().long().clamp(low, high)
        room = torch.stack([height - side, width - side], 1)  # (n, 2)
        whole = low == high == self.window  # nothing is scaled
        drawn: dict[str, Any] = {
            "side": side,
            "corner": (uniform((n, 2), 0.0, 1.0, generator) * (room + 1)).long().clamp(max=room),
        }
        margin = (self.cell - self.tile - self.jitter) // 2
        place = torch.randint(0, self.jitter - self.shift + 1, (n, tiles, 1, 2), generator=generator)
        if self.shift:
            place = place + torch.randint(0, self.shift + 1, (n, tiles, c, 2), generator=generator)
        rows = torch.arange(tiles).div(self.side, rounding_mode="floor")
        cells = torch.stack([rows, torch.arange(tiles) % self.side], 1) * self.cell  # (tiles, 2)
        drawn["place"] = cells[:, None] + margin + place  # (n, tiles, 1 or c, 2), from the window's corner
        if whole:
            drawn["place"] = drawn["place"] + drawn["corner"][:, None, None]
        if self.grey and c > 1:
            drawn["grey"] = chance(n, self.grey, generator)
        if self.drop and c > 1:
            dropped = uniform((n, tiles), 0.0, 1.0, generator) < self.drop
            drawn["kept"] = torch.where(dropped, torch.randint(0, c, (n, tiles), generator=generator), -1)
            drawn["noise"] = uniform((n, tiles, c, self.tile, self.tile), -0.5 / 255, 0.5 / 255, generator)
        if self.shrink and self.tile > 1:
            least, most = max(1, round(self.tile * 10 / 96)), self.tile - 1
            size = uniform((n, tiles), least**2, (most + 1) ** 2, generator).sqrt().long().clamp(least, most)
            drawn["size"] = torch.where(uniform((n, tiles), 0.0, 1.0, generator) < self.shrink, size, self.tile)
        return drawn

    def apply(
        self, images: Shaped[Tensor, "n c h w"], drawn: Mapping[str, Any]
    ) -> Shaped[Tensor, "n tiles c tile tile"]:
        """The tiles as drawn; uint8 stays so where nothing but cutting is done, else float in [0, 1]."""
        check_images(images, drawn)
        if not self.source[0] == self.source[1] == self.window:
            images = self._window(images, drawn)
        tiles = _cut(images, to_device(drawn["place"], images.device), self.tile)
        if "grey" in drawn or "kept" in drawn or "size" in drawn:
            tiles = as_float(tiles)
        if "grey" in drawn:
            tiles = _greyed(tiles, drawn["grey"])
        if "kept" in drawn:
            tiles = _dropped(tiles, drawn["kept"], drawn["noise"])
        return _shrunk(tiles, drawn["size"]) if "size" in drawn else tiles

    def _window(self, images: Tensor, drawn: Mapping[str, Any]) -> Tensor:
        crop, (down, right) = RandomResizedCrop(self.window), drawn["corner"].unbind(1)
        box = {"top": down, "left": right, "height": drawn["side"], "width": drawn["side"]}
        from mutua.views.image.fused import fused  # numba, which the help of `mutua train` does without

        compiled = fused([(crop, box)], images, torch.float32)
        return crop.apply(as_float(images), box) if compiled is None else compiled


def _cut(images: Tensor, place: Tensor, tile: int) -> Tensor:
    """Tiles that begin at `place` (n, tiles, 1 or c, 2), down and right."""
    n, c = images.shape[:2]
    image = torch.arange(n, device=images.device)[:, None, None, None, None]
    channel = torch.arange(c, device=images.device)[:, None, None]
    along = torch.arange(tile, device=images.device)
    down = place[..., 0, None, None] + along[:, None]  # (n, tiles, 1 or c, tile, 1)
    right = place[..., 1, None, None] + along  # (n, tiles, 1 or c, 1, tile)
    return images[image, channel, down, right]


def _greyed(tiles: Tensor, grey: Tensor) -> Tensor:
    index = to_device(grey.nonzero()[:, 0], tiles.device)
    chosen = tiles.index_select(0, index)
    if tiles.shape[2] == 3:
        weights = torch.tensor(LUMA, dtype=tiles.dtype, device=tiles.device)[:, None, None]
        one = (chosen * weights).sum(2, keepdim=True)
    else:
        one = chosen.mean(2, keepdim=True)
    return tiles.index_copy(0, index, one.expand_as(chosen).contiguous())


def _dropped(tiles: Tensor, kept: Tensor, noise: Tensor) -> Tensor:
    kept = to_device(kept, tiles.device)[..., None]  # (n, tiles, 1)
    stays = (kept < 0) | (kept == torch.arange(tiles.shape[2], device=tiles.device))  # (n, tiles, c)
    other = tiles.mean((3, 4), keepdim=True) + to_device(noise, tiles.device).to(tiles.dtype)
    return torch.where(stays[..., None, None], tiles, other)


def _shrunk(tiles: Tensor, size: Tensor) -> Tensor:
    flat, tile = tiles.flatten(0, 1), tiles.shape[-1]
    index = (size.flatten() < tile).nonzero()[:, 0]
    matrices = to_device(_blurred(tile)[size.flatten()[index]], tiles.device).to(tiles.dtype)  # (m, tile, tile)
    at = to_device(index, tiles.device)
    return flat.index_copy(0, at, resample(flat.index_select(0, at), matrices, matrices)).view_as(tiles)


@lru_cache(maxsize=8)
def _blurred(tile: int) -> Float[Tensor, "sizes tile tile"]:
    """Row k: to k px and back, as one matrix; k = 1 to tile - 1 (row 0 is not used)."""
    found = [torch.eye(tile)]
    for size in range(1, tile):
        zero = torch.zeros(1, dtype=torch.long)
        small = resize_matrix(zero, torch.tensor([tile]), tile, size)[0]  # (size, tile)
        found.append(resize_matrix(zero, torch.tensor([size]), size, tile)[0] @ small)
    return torch.stack(found)


def laid(
    shape: tuple[int, ...],
    *,
    grid: int,
    geometry: str = "v3",
    scale_to: int = 0,
    cell: int = 0,
    tile: int = 0,
    jitter: int = -1,
    smallest_crop: float = 1.0,
    shift: int = 0,
    grey: float = 0.0,
    drop: float = 0.0,
    shrink: float = 0.0,
) -> Tiles:
    """The tiles of images (c, h, w), by a published geometry or by numbers of px.

    Args:
        shape: of one image.
        grid: cells along each side.
        geometry: a name of `GEOMETRIES`, for what is not given in px.
        scale_to: what the image's shorter side is scaled to before the grid is cut; 0 leaves images as they are.
        cell, tile, jitter: as of `Tiles`; 0, 0 and -1 are the geometry's, of the largest grid that the image has.
        smallest_crop: least share of the area, of the largest square that the grid may come from.
        shift: as of `Tiles`; -1 for 2 px of a tile of 64.
        grey, drop, shrink: as of `Tiles`.

    Raises `InputError` where images are too small, naming the smallest that go, or a setting is out of range.
    """
    if geometry not in GEOMETRIES:
        raise InputError(f"geometry: {geometry!r} is none of {names(GEOMETRIES)}")
    if not 0 < smallest_crop <= 1:
        raise InputError(f"smallest_crop: {smallest_crop}; give a share of the area, above 0 and at most 1")
    if scale_to < 0 or cell < 0 or tile < 0 or jitter < -1 or shift < -1 or grid < 2:
        raise InputError(
            f"grid, scale_to, cell, tile, jitter, shift: {grid}, {scale_to}, {cell}, {tile}, {jitter}, {shift}; "
            "give a grid of 2 or more, and 0 or more px (-1 as published)"
        )
    share, spread = GEOMETRIES[geometry]
    own = min(shape[1:])
    shorter = scale_to or own
    cell = cell or (round(tile / share) if tile else shorter // grid)
    tile = tile or round(cell * share)
    if grid * cell > shorter or tile < 1:
        least = grid * max(cell, 1)
        raise InputError(
            f"images: {shape[1]} x {shape[2]} px are too small for {grid} x {grid} cells of {max(cell, 1)} px; "
            f"the smallest that go are {least} px; or enlarge them with scale_to={least}"
        )
    jitter = round(spread * (cell - tile)) if jitter == -1 else jitter
    shift = min(round(tile / 32), jitter) if shift == -1 else shift
    largest = min(own, round(grid * cell * own / shorter))
    source = (max(1, round(largest * smallest_crop**0.5)), largest)
    return Tiles(grid, cell, tile, jitter, source, shift, grey, drop, shrink)
