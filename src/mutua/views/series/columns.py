"""What each column says: noise, scale, sign, and columns left out."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Generator, Tensor

from mutua.types import InputError
from mutua.views.base import chance, check_probability, uniform
from mutua.views.noise import seeds, white_noise
from mutua.views.series.base import SeriesTransform, deviation
from mutua.views.signal import mean_over

__all__ = ["ColumnDrop", "Jitter", "Negate", "Scale"]


def _check_sigma(sigma: float) -> None:
    if not 0 <= sigma < math.inf:
        raise InputError(f"sigma: {sigma}; give a number of at least 0")


@dataclass(frozen=True)
class Jitter(SeriesTransform):
    """x + sigma d e with probability p: e standard normal, d each column's own deviation within the example.

    A column that does not move gets no noise. Gradients take d as a constant. The noise is a function of a seed
    drawn for each row (`mutua.views.noise`).

    Deviation: Um et al. (sigma .05) and TS-TCC (.8 on human activity) add noise of one size to columns that
    they take to be standardised.

    Parameters drawn: applied, (n,) bool; seed, (n,) int64.

    Raises InputError where a setting is out of range, or the batch is none of series.

    Papers: Um et al. 2017, Data augmentation of wearable sensor data for Parkinson's disease monitoring,
    arXiv:1706.00527; Eldele et al. 2021, Time-series representation learning via temporal and contextual
    contrasting (TS-TCC), arXiv:2106.14112.
    """

    sigma: float = 0.05
    p: float = 0.5

    def __post_init__(self) -> None:
        _check_sigma(self.sigma)
        check_probability(self.p)

    def draw(self, n: int, shape: tuple[int, ...], generator: Generator) -> dict[str, Any]:
        return {"applied": chance(n, self.p, generator), "seed": seeds(n, generator)}

    def change(self, x: Tensor, length: Tensor, drawn: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        with torch.no_grad():
            noise = white_noise(drawn["seed"], x.shape[1], x.shape[2], x.dtype)
            noise = noise * (self.sigma * deviation(x, length))
        return x + noise, length


@dataclass(frozen=True)
class Scale(SeriesTransform):
    """Each column times its own factor from N(1, sigma^2), with probability p.

    Deviation: TS-TCC's code draws from N(2, 1.1^2), which turns signs; its paper says no more than scaling.

    Parameters drawn: applied, (n,) bool; factor, (n, c) float32.

    Raises InputError where a setting is out of range, or the batch is none of series.

    Paper: Um et al. 2017, arXiv:1706.00527; Eldele et al. 2021, arXiv:2106.14112.
    """

    sigma: float = 0.1
    p: float = 0.5

    def __post_init__(self) -> None:
        _check_sigma(self.sigma)
        check_probability(self.p)

    def draw(self, n: int, shape: tuple[int, ...], generator: Generator) -> dict[str, Any]:
        factor = 1 + self.sigma * torch.randn(n, shape[1], generator=generator)
        return {"applied": chance(n, self.p, generator), "factor": factor}

    def change(self, x: Tensor, length: Tensor, drawn: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        return x * drawn["factor"].to(x.dtype)[:, :, None], length


@dataclass(frozen=True)
class Negate(SeriesTransform):
    """-x, all columns together, with probability p: a sensor worn upside down. Off unless asked for.

    Parameters drawn: applied, (n,) bool.

    Raises InputError where p is no probability, or the batch is none of series.

    Paper: Um et al. 2017, arXiv:1706.00527 (a special case of its rotations).
    """

    p: float = 0.0

    def __post_init__(self) -> None:
        check_probability(self.p)

    def draw(self, n: int, shape: tuple[int, ...], generator: Generator) -> dict[str, Any]:
        return {"applied": chance(n, self.p, generator)}

    def change(self, x: Tensor, length: Tensor, drawn: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        return -x, length


@dataclass(frozen=True)
class ColumnDrop(SeriesTransform):
    """Columns left out, each with probability `share`, of those examples that are changed (probability p).

    A column left out is its own mean throughout. One always stays: that with the largest draw.

    Parameters drawn: applied, (n,) bool; dropped, (n, c) bool.

    Raises InputError where a setting is out of range, or the batch is none of series.
    """

    share: float = 0.2
    p: float = 0.5

    def __post_init__(self) -> None:
        check_probability(self.share, "share")
        check_probability(self.p)

    def draw(self, n: int, shape: tuple[int, ...], generator: Generator) -> dict[str, Any]:
        applied = chance(n, self.p, generator)
        drawn = uniform((n, shape[1]), 0.0, 1.0, generator)
        dropped = (drawn < self.share).scatter(1, drawn.argmax(1, keepdim=True), False)
        return {"applied": applied, "dropped": dropped}

    def change(self, x: Tensor, length: Tensor, drawn: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        return torch.where(drawn["dropped"][:, :, None], mean_over(x, length), x), length
