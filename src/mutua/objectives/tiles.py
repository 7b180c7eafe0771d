"""Puzzles of tiles: each tile is encoded once, whatever is then told of pairs or orders of them."""

from __future__ import annotations

from typing import ClassVar

import torch
from jaxtyping import Int, Shaped
from torch import Generator, Tensor

from mutua.encoders import Tiled
from mutua.objectives.predictive import Puzzled
from mutua.ranks import mine, world
from mutua.types import InputError
from mutua.views.image.base import as_float
from mutua.views.image.tiles import Tiles

__all__ = ["TilePuzzle", "check_tiled", "mosaic"]


class TilePuzzle:
    """Tiles of each image, and labels of how some of them lie. A subclass says which: `arranged`.

    Args:
        tiles: how they are cut.
    """

    entropy: float
    """H(label) in nats."""
    classes: int
    places: ClassVar[str] = "tiles"

    def __init__(self, tiles: Tiles) -> None:
        self.tiles = tiles

    def arranged(self, n: int, generator: Generator) -> tuple[Int[Tensor, "n r"], Int[Tensor, "n r p"]]:
        """Of n images, r labels each and the p tiles, numbered within the image, that each label is of."""
        raise NotImplementedError(f"{type(self).__name__} must define arranged(n, generator)")

    def cut(self, images: Tensor, generator: Generator) -> Shaped[Tensor, "n k c t t"]:
        """The tiles, drawn for the batch of all ranks, so that ranks don't matter."""
        drawn = mine(self.tiles.draw(len(images) * world(), tuple(images.shape[1:]), generator))
        with torch.autocast(images.device.type, enabled=False):  # it would round pixels
            return self.tiles.apply(images, drawn)

    def __call__(self, images: Tensor, generator: Generator) -> Puzzled:
        tiles = self.cut(images, generator)
        labels, parts = self._drawn(len(images), generator)
        first = torch.arange(len(images))[:, None, None] * tiles.shape[1]
        # Label r is of image r mod n, so the r labels of an image are the slow axis.
        rows = (first + parts).transpose(0, 1).flatten(0, 1)
        device = images.device
        return Puzzled(tiles, labels.T.flatten().to(device), rows.to(device))

    def _drawn(self, n: int, generator: Generator) -> tuple[Tensor, Tensor]:
        return mine(self.arranged(n * world(), generator))

    def shown(self, images: Tensor, generator: Generator) -> dict[str, Tensor]:
        """The tiles in their cells, as the task cuts them."""
        tiles = as_float(self.cut(images, generator))
        return {"tiles": mosaic(tiles, max(1, self.tiles.cell - self.tiles.tile))}


def mosaic(tiles: Shaped[Tensor, "n k c t t"], gap: int) -> Shaped[Tensor, "n c H H"]:
    """k tiles of each image in rows, with a grey gap between, for a page."""
    n, k, c, t, _ = tiles.shape
    side = int(k**0.5)
    out = torch.full((n, c, side * (t + gap) - gap, side * (t + gap) - gap), 0.5, dtype=tiles.dtype)
    for place in range(k):
        top, left = (t + gap) * (place // side), (t + gap) * (place % side)
        out[:, :, top : top + t, left : left + t] = tiles[:, place].cpu()
    return out


def check_tiled(encoder: Tiled, tiles: Tiles, standardise: bool, scale_to: int) -> None:
    """Raise `InputError` where the encoder was made for other tiles than a method cuts."""
    for name, wants, has in (
        ("tile", tiles.tile, encoder.tile),
        ("standardise", standardise, encoder.standardise),
        ("scale_to", scale_to, encoder.scale_to),
    ):
        if wants != has:
            raise InputError(f"{name}: {wants}, and the encoder's is {has}; build Tiled with the same")
