"""Jigsaw: in which order were an image's tiles laid?"""

from __future__ import annotations

import math

import torch
from jaxtyping import Int
from torch import Generator, Tensor

from mutua.encoders import Tiled
from mutua.methods.arguments import at_least
from mutua.objectives import Predictive, TilePuzzle, check_tiled, head_mlp, mosaic
from mutua.objectives.permutations import permutations as permutation_set
from mutua.views import Tiles, laid
from mutua.views.image.base import as_float

__all__ = ["Permuted", "jigsaw"]


class Permuted(TilePuzzle):
    """The tiles of an image in a random order, which is to be told from their features side by side.

    Args:
        tiles: how they are cut.
        orders: the permutations; entry i says which tile goes to place i.
        each: how many orders of each image are drawn, each by itself and uniform.
    """

    def __init__(self, tiles: Tiles, orders: Int[Tensor, "classes places"], each: int = 1) -> None:
        super().__init__(tiles)
        self.orders = orders
        self.classes = len(orders)
        self.each = each
        self.entropy = math.log(len(orders))

    def arranged(self, n: int, generator: Generator) -> tuple[Int[Tensor, "n r"], Int[Tensor, "n r p"]]:
        labels = torch.randint(self.classes, (n, self.each), generator=generator)
        return labels, self.orders[labels]

    def shown(self, images: Tensor, generator: Generator) -> dict[str, Tensor]:
        """The tiles in place, and in the first order drawn."""
        tiles = as_float(self.cut(images, generator)).cpu()
        gap = max(1, self.tiles.cell - self.tiles.tile)
        _, parts = self.arranged(len(images), generator)
        laid_out = tiles[torch.arange(len(tiles))[:, None], parts[:, 0]]
        return {"tiles": mosaic(tiles, gap), "puzzle": mosaic(laid_out, gap)}


def jigsaw(
    encoder: Tiled,
    *,
    grid: int = 3,
    permutations: int = 0,
    choice: str = "algebra",
    each: int = 8,
    geometry: str = "v3",
    scale_to: int = 0,
    cell: int = 0,
    tile: int = 0,
    jitter: int = -1,
    smallest_crop: float = 1.0,
    standardise: bool = True,
    grey: float = 0.3,
    shift: int = -1,
    hidden: int = 4096,
) -> Predictive:
    """In which of many orders an image's tiles were laid, told from each one's features side by side. A tile is
    encoded once, in however many orders it then stands.

    To tell, the encoder must know which part of what a tile shows. Afterwards it reads whole images as the mean
    over a grid of tiles (`mutua.encoders.Tiled`). Not of the paper: its network, dropout, and one order an image.

    Args:
        encoder: The network of the tiles to train, which is what is kept; a `Tiled`.
        grid: Tiles along each side of the puzzle, 2 or 3.
        permutations: Orders there are: 12 of a grid of 2, 72 or 504 of 3; 0 for 12 or 72.
        choice: Of the orders: algebra (groups, least distance 3, 8, 7), or greedy, the paper's, any number.
        each: Orders drawn of each image; the paper draws 1.
        geometry: Of the cells: v3 (tile 64 of a cell of 85, arXiv v3 and the released code), v1 (64 of 75, the
            conference paper), doersch, contiguous.
        scale_to: Pixels that the shorter side of images is scaled to first; 0 leaves them as they are.
        cell: Side of a cell in px; 0 for the largest that the image has room for.
        tile: Side of a tile in px; 0 for the geometry's share of a cell.
        jitter: Pixels that a tile's place varies by within its cell; -1 for the geometry's.
        smallest_crop: Least share of the image's area that the grid is cut of, enlarged to its full size. Below 1
            it hides the blocks of lossy files, whose phase may say where a tile stood.
        standardise: Take out each tile's mean and deviation, channel by channel.
        grey: Probability that an image becomes grey.
        shift: Pixels that each channel of a tile is moved by at most; -1 for 2 px of a tile of 64.
        hidden: Units of the head's hidden layer, which sees all tiles' features.

    Paper: Noroozi and Favaro 2016, Unsupervised Learning of Visual Representations by Solving Jigsaw Puzzles,
    arXiv:1603.09246; several orders an image after Kolesnikov, Zhai and Beyer 2019, arXiv:1901.09005.
    """
    at_least(1, each=each)
    orders = permutation_set(grid**2, permutations, choice)
    tiles = laid(
        encoder.spec.shape,
        grid=grid,
        geometry=geometry,
        scale_to=scale_to,
        cell=cell,
        tile=tile,
        jitter=jitter,
        smallest_crop=smallest_crop,
        shift=shift,
        grey=grey,
    )
    check_tiled(encoder, tiles, standardise, scale_to)
    head = head_mlp(grid**2 * encoder.width, hidden, len(orders), norm=False)
    return Predictive(encoder, head, Permuted(tiles, orders, each))
