"""Images without content, in each of which one thing alone says where a tile stood."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float, UInt8
from torch import Generator, Tensor
from torch.nn.functional import avg_pool2d, grid_sample

__all__ = ["CUES", "SIDE", "Cue"]

SIDE = 64
"""Height and width in px, room for tiles of 8 px far apart."""


def _noise(n: int, side: int, generator: Generator, smooth: int = 1) -> Float[Tensor, "n 1 side side"]:
    """Grey noise of mean 0 and deviation 1, averaged over smooth x smooth px twice."""
    wide = side + 2 * (smooth - 1)
    x = torch.randn(n, 1, wide, wide, generator=generator)
    for _ in range(2):
        x = avg_pool2d(x, smooth, 1)
    return (x - x.mean()) / x.std()


def _bytes(x: Tensor) -> UInt8[Tensor, "n 3 side side"]:
    return (255 * x.clamp(0, 1)).round().to(torch.uint8).expand(-1, 3, -1, -1).contiguous()


def _edges(n: int, generator: Generator) -> Tensor:
    return _bytes(0.5 + 0.18 * _noise(n, SIDE, generator, smooth=5))


def _statistics(n: int, generator: Generator) -> Tensor:
    along = torch.linspace(-0.5, 0.5, SIDE)
    slope = 0.3 * along[:, None] + 0.2 * along
    return _bytes(0.5 + 0.12 * _noise(n, SIDE, generator) + slope)


def _colour(n: int, generator: Generator) -> Tensor:
    light = 0.5 + 0.18 * _noise(n, SIDE, generator, smooth=3)
    along = torch.linspace(-1, 1, SIDE)
    places = torch.stack(torch.meshgrid(along, along, indexing="xy"), -1)[None].expand(n, -1, -1, -1)
    channels = [
        grid_sample(light, scale * places, padding_mode="reflection", align_corners=True)
        for scale in (0.94, 1.0, 1.06)  # up to 2 px apart at the edges
    ]
    return _bytes(torch.cat(channels, 1))


def _blocks(n: int, generator: Generator) -> Tensor:
    on_edge = torch.arange(SIDE) % 8 == 0
    return _bytes(0.45 + 0.12 * _noise(n, SIDE, generator) + 0.2 * (on_edge[:, None] | on_edge).float())


@dataclass(frozen=True)
class Cue:
    """Something planted.

    Args:
        make: n images from a generator.
        exposed: settings of the tiles with which it is to be seen, of both methods.
        countered: and those that take it away, by method.
        mend: what these are, in words.
    """

    make: Callable[[int, Generator], Tensor]
    exposed: Mapping[str, Any]
    countered: Mapping[str, Mapping[str, Any]]
    mend: str


def _both(**settings: Any) -> dict[str, Mapping[str, Any]]:
    return {"jigsaw": settings, "relative_position": settings}


_APART: dict[str, Any] = {"cell": 20, "tile": 8, "jitter": 0}

CUES: dict[str, Cue] = {
    "edges go on": Cue(
        _edges, {"cell": 8, "tile": 8, "jitter": 0}, _both(**_APART), "12 px between tiles, wider than the noise"
    ),
    "brightness by place": Cue(
        _statistics, {**_APART, "standardise": False}, _both(**_APART, standardise=True), "each tile standardised"
    ),
    "chromatic shift": Cue(
        _colour,
        _APART,
        {"jigsaw": {**_APART, "grey": 1.0}, "relative_position": {**_APART, "drop": 1.0}},
        "grey images; one channel of each tile kept",
    ),
    "blocks of 8 px": Cue(
        _blocks,
        {"cell": 10, "tile": 8, "jitter": 2},
        _both(cell=16, tile=8, jitter=7),
        "cells of two blocks, places uniform over one",
    ),
}
