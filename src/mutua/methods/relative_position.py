"""Relative position: where does one tile of an image lie from another?"""

from __future__ import annotations

from jaxtyping import Int
from torch import Generator, Tensor, tensor

from mutua.encoders import Tiled
from mutua.objectives import Predictive, TilePuzzle, check_tiled, entropy, head_mlp
from mutua.types import InputError, names
from mutua.views import Tiles, laid

__all__ = ["DIRECTIONS", "Neighbours", "relative_position"]

DIRECTIONS = ((-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0), (1, 1))
"""Class to the place of the second tile, in cells down and right of the first."""

PAIRS = ("all", "centre")


class Neighbours(TilePuzzle):
    """Pairs of neighbouring tiles, and the direction in which the second lies from the first.

    Args:
        tiles: how they are cut.
        pairs: all directed pairs of neighbours, or those of the middle tile with its eight neighbours.
    """

    classes = len(DIRECTIONS)

    def __init__(self, tiles: Tiles, pairs: str = "all") -> None:
        super().__init__(tiles)
        side, middle = tiles.side, tiles.side // 2
        found = [
            (label, row * side + column, (row + down) * side + column + right)
            for row in range(side)
            for column in range(side)
            for label, (down, right) in enumerate(DIRECTIONS)
            if 0 <= row + down < side
            and 0 <= column + right < side
            and (pairs == "all" or (row, column) == (middle, middle))
        ]
        self.labels = tensor([label for label, *_ in found])  # (r,)
        self.pairs = tensor([pair for _, *pair in found])  # (r, 2)
        # Sideways there are more pairs than across corners, so it is a little less than log 8.
        self.entropy = float(entropy(self.labels.bincount(minlength=8).double()))

    def arranged(self, n: int, generator: Generator) -> tuple[Int[Tensor, "n r"], Int[Tensor, "n r 2"]]:
        return self.labels.expand(n, -1), self.pairs.expand(n, -1, -1)


def relative_position(
    encoder: Tiled,
    *,
    grid: int = 3,
    pairs: str = "all",
    geometry: str = "doersch",
    scale_to: int = 0,
    cell: int = 0,
    tile: int = 0,
    jitter: int = -1,
    smallest_crop: float = 0.33,
    standardise: bool = True,
    grey: float = 0.0,
    drop: float = 1.0,
    shrink: float = 0.33,
    hidden: int = 4096,
) -> Predictive:
    """Which of eight neighbours of a tile another one is. A tile is encoded once, however many pairs it is in.

    To tell, the encoder must know what is in a tile, and of what it is a part. Afterwards it reads whole images as
    the mean over a grid of tiles (`mutua.encoders.Tiled`). Not of the paper: its four grids an image (here one,
    in each step another), its network, and dropout.

    Args:
        encoder: The network of the tiles to train, which is what is kept; a `Tiled`.
        grid: Cells along each side of the grid of tiles.
        pairs: Directed pairs that are told: all of neighbours, or "centre", the middle tile with its eight.
        geometry: Of the cells: doersch (tile two thirds of a cell, moved by a seventh of the gap), v3, v1 (of
            jigsaw), contiguous.
        scale_to: Pixels that the shorter side of images is scaled to first; 0 leaves them as they are.
        cell: Side of a cell in px; 0 for the largest that the image has room for.
        tile: Side of a tile in px; 0 for the geometry's share of a cell.
        jitter: Pixels that a tile's place varies by within its cell; -1 for the geometry's.
        smallest_crop: Least share of the image's area that the grid is cut of, enlarged to its full size.
        standardise: Take out each tile's mean and deviation, channel by channel.
        grey: Probability that an image becomes grey.
        drop: Probability that all but one channel of a tile become noise, against chromatic aberration.
        shrink: Probability that a tile is shrunk and enlarged again, against telling by sharpness.
        hidden: Units of the head's hidden layer, which sees both tiles' features.

    Paper: Doersch, Gupta and Efros 2015, Unsupervised Visual Representation Learning by Context Prediction,
    arXiv:1505.05192; the head and "centre" of Kolesnikov, Zhai and Beyer 2019, arXiv:1901.09005.
    """
    if pairs not in PAIRS or (pairs == "centre" and grid % 2 == 0):
        raise InputError(
            f"pairs: {pairs!r} with a grid of {grid}; give one of {names(PAIRS)}, centre with an odd grid"
        )
    tiles = laid(
        encoder.spec.shape,
        grid=grid,
        geometry=geometry,
        scale_to=scale_to,
        cell=cell,
        tile=tile,
        jitter=jitter,
        smallest_crop=smallest_crop,
        grey=grey,
        drop=drop,
        shrink=shrink,
    )
    check_tiled(encoder, tiles, standardise, scale_to)
    return Predictive(encoder, head_mlp(2 * encoder.width, hidden, 8, norm=False), Neighbours(tiles, pairs))
