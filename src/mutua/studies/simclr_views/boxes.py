"""Crops as boxes: which pairs of draws lie one inside the other, overlap in part, or share no pixel."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from jaxtyping import Int
from torch import Generator, Tensor

from mutua.views.image.crop import RandomResizedCrop

__all__ = ["Box", "adjacent", "drawn_pairs", "global_and_local", "kinds_of_pairs"]

Box = tuple[int, int, int, int]
"""Top, left, height, width, in pixels."""

_PAIRS = 20_000


def drawn_pairs(
    size: tuple[int, int], scale: tuple[float, float], generator: Generator, n: int = _PAIRS
) -> tuple[Int[Tensor, "n 4"], Int[Tensor, "n 4"]]:
    """The boxes of two crops of each of n images of that height and width, as SimCLR draws them."""
    crop = RandomResizedCrop(scale=scale)
    first, second = (crop.draw(n, (3, *size), generator) for _ in range(2))
    return _boxes(first), _boxes(second)


def _boxes(drawn: Mapping[str, Tensor]) -> Int[Tensor, "n 4"]:
    return torch.stack([drawn[name] for name in ("top", "left", "height", "width")], 1)


def _shared(a: Int[Tensor, "n 4"], b: Int[Tensor, "n 4"]) -> Int[Tensor, " n"]:
    """Pixels that two boxes have in common."""
    low = torch.maximum(a[:, :2], b[:, :2])
    high = torch.minimum(a[:, :2] + a[:, 2:], b[:, :2] + b[:, 2:])
    return (high - low).clamp_min(0).prod(1)


def kinds_of_pairs(a: Int[Tensor, "n 4"], b: Int[Tensor, "n 4"]) -> dict[str, float]:
    """Shares of pairs: one inside the other, overlapping in part, without a common pixel. They add up to one."""
    shared, smaller = _shared(a, b), torch.minimum(a[:, 2:].prod(1), b[:, 2:].prod(1))
    inside, apart = shared == smaller, shared == 0
    part = ~inside & ~apart
    return {
        "one inside the other": float(inside.double().mean()),
        "overlapping in part": float(part.double().mean()),
        "no pixel in common": float(apart.double().mean()),
    }


def global_and_local(a: Int[Tensor, "n 4"], b: Int[Tensor, "n 4"]) -> tuple[Box, Box] | None:
    """The first drawn pair of which the one holds the other, at four times its area or more."""
    area, inner = a[:, 2:].prod(1), b[:, 2:].prod(1)
    return _first(a, b, (_shared(a, b) == inner) & (area >= 4 * inner) & (inner > 0))


def adjacent(a: Int[Tensor, "n 4"], b: Int[Tensor, "n 4"]) -> tuple[Box, Box] | None:
    """The first drawn pair of which one begins where the other ends, to a tenth of it, beside or below it."""
    gaps = torch.maximum(a[:, :2] - b[:, :2] - b[:, 2:], b[:, :2] - a[:, :2] - a[:, 2:])  # (n, 2): below, beside
    gap, axis = gaps.max(1)
    side = torch.minimum(a[:, 2:], b[:, 2:])
    beside = gaps.gather(1, 1 - axis[:, None])[:, 0] <= -side.gather(1, 1 - axis[:, None])[:, 0] / 2
    near = (gap >= 0) & (gap <= side.gather(1, axis[:, None])[:, 0] / 10)
    return _first(a, b, near & beside)


def _first(a: Tensor, b: Tensor, fits: Tensor) -> tuple[Box, Box] | None:
    rows = fits.nonzero()
    if not len(rows):
        return None
    one, other = (tuple(boxes[int(rows[0, 0])].tolist()) for boxes in (a, b))
    return one, other
