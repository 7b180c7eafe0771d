"""A network that learned from tiles of images, read on whole images."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float, Shaped
from torch import Tensor
from torch.nn.functional import interpolate

from mutua.encoders.inputs import pixels
from mutua.encoders.staged import Readable
from mutua.types import Batch, InputError, Spec

__all__ = ["Tiled", "standardised"]


class Tiled(Readable):
    """A network of t x t tiles on whole images of any shape: the mean of each depth over a fixed grid of tiles.

    The grid is the fewest tiles that cover the image, evenly spaced, ceil(h / t) x ceil(w / t). Whatever the
    network is, in evaluation it sees what it saw in training: tiles of that size and scale, standardised where
    those were. A convolutional network could be run on the whole image instead, but its pixels would be
    standardised otherwise, and fully connected layers and tokens with places could not.

    A batch (n, k, c, t, t) is of tiles already cut: it gives n k vectors, image by image.

    Args:
        encoder: of the tiles; its spec says their size.
        spec: what one whole image is, which need not be square.
        standardise: whether each tile's mean and deviation are taken out, channel by channel.
        scale_to: what the shorter side of whole images is scaled to, as it was before tiles were cut; 0 as it is.

    Raises `InputError` where the image is smaller than a tile or has other channels.

    Paper: Kolesnikov, Zhai and Beyer 2019, Revisiting Self-Supervised Visual Representation Learning,
    arXiv:1901.09005, whose representation of tile models is the mean over a grid of 3 x 3.
    """

    def __init__(self, encoder: Readable, spec: Spec, *, standardise: bool = True, scale_to: int = 0) -> None:
        super().__init__()
        tile = encoder.spec.shape
        if spec.kind != "image" or tile[0] != spec.shape[0] or tile[1] != tile[2]:
            raise InputError(f"encoder: takes {encoder.spec} of {spec}; give one of square tiles of the images")
        shorter = scale_to or min(spec.shape[1:])
        if shorter < tile[1]:
            raise InputError(f"images of {spec}, smaller than a tile of {tile[1]} px; give images of {tile[1]} px")
        self.encoder = encoder
        self.spec = spec
        self.standardise = standardise
        self.scale_to = scale_to
        self.shapes = encoder.shapes

    @property
    def tile(self) -> int:
        """Height and width of a tile."""
        return self.encoder.spec.shape[-1]

    @property
    def depths(self) -> tuple[str, ...]:
        return self.encoder.depths

    def read(self, batch: Batch, depths: Sequence[str]) -> dict[str, Tensor]:
        """The activations at the named depths: of each tile where tiles are given, else means over the grid."""
        if isinstance(batch, Tensor) and batch.ndim == 5:
            return self._of_tiles(batch.flatten(0, 1), depths)
        images, _ = self.check(batch)
        tiles = self.cut(images)  # (n, k, c, t, t)
        n, k = tiles.shape[:2]
        if self.training:  # batch norm sees all tiles, as it does in learning from them
            read = self._of_tiles(tiles.flatten(0, 1), depths)
            return {depth: value.unflatten(0, (n, k)).mean(1) for depth, value in read.items()}
        found: dict[str, Tensor] = {}
        for place in tiles.unbind(1):  # one place after another: no more in memory than n tiles
            for depth, value in self._of_tiles(place, depths).items():
                found[depth] = value if depth not in found else found[depth] + value
        return {depth: value / k for depth, value in found.items()}

    def forward(self, batch: Batch) -> Tensor:
        last = self.depths[-1]
        return self.read(batch, (last,))[last]

    def cut(self, images: Shaped[Tensor, "n c h w"]) -> Shaped[Tensor, "n k c t t"]:
        """The grid of tiles that whole images are read at, row by row."""
        if self.scale_to:
            images = images.float() / 255 if images.dtype == torch.uint8 else images
            h, w = images.shape[2:]
            to = (round(h * self.scale_to / min(h, w)), round(w * self.scale_to / min(h, w)))
            shrunk = self.scale_to < min(h, w)
            images = interpolate(images, to, mode="bilinear", align_corners=False, antialias=shrunk)
        t = self.tile
        tops, lefts = (_starts(length, t) for length in images.shape[2:])
        return torch.stack([images[:, :, a : a + t, b : b + t] for a in tops for b in lefts], 1)

    def _of_tiles(self, tiles: Tensor, depths: Sequence[str]) -> dict[str, Tensor]:
        return self.encoder.read(standardised(tiles) if self.standardise else tiles, depths)


def _starts(length: int, tile: int) -> list[int]:
    """Where the fewest tiles that cover a length begin."""
    if length < tile:
        raise InputError(f"image: a side of {length} px, smaller than a tile of {tile}; give {tile} px or more")
    count = math.ceil(length / tile)
    return [round(k * (length - tile) / max(count - 1, 1)) for k in range(count)]


def standardised(tiles: Shaped[Tensor, "m c h w"]) -> Float[Tensor, "m c h w"]:
    """Each channel of each tile with mean 0 and deviation 1 once a network's `pixels` has seen it: (z + 1) / 2.

    The deviation counts as one level of 255 at least, so that a flat tile stays flat.
    """
    x = pixels(tiles)
    mean = x.mean((2, 3), keepdim=True)
    centred = x - mean
    deviation = centred.square().mean((2, 3), keepdim=True).sqrt().clamp(min=2 / 255)
    return centred / (2 * deviation) + 0.5
