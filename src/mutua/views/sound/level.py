"""How loud, and which way up."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import Generator, Tensor

from mutua.types import InputError
from mutua.views.base import chance, check_probability, uniform
from mutua.views.sound.base import SoundTransform

__all__ = ["Gain", "Polarity", "check_decibels"]


def check_decibels(low_high: tuple[float, float], name: str) -> None:
    """Raise `InputError` unless low_high is a finite pair in order."""
    if len(low_high) != 2 or not -math.inf < low_high[0] <= low_high[1] < math.inf:
        raise InputError(f"{name}: {tuple(low_high)}; give (smallest, largest) in decibels, both finite")


@dataclass(frozen=True)
class Gain(SoundTransform):
    """10^(g / 20) x, g from U[decibels], with probability p. Not clipped.

    Parameters drawn: applied, (n,) bool; decibels, (n,) float32.

    Raises InputError where a setting is out of range, or the batch is none of sound.

    Paper: Spijkervet and Burgoyne 2021, Contrastive learning of musical representations, arXiv:2103.09410.
    """

    decibels: tuple[float, float] = (-6.0, 0.0)
    p: float = 0.3

    def __post_init__(self) -> None:
        check_decibels(self.decibels, "decibels")
        check_probability(self.p)

    def draw(self, n: int, shape: tuple[int, ...], generator: Generator) -> dict[str, Any]:
        return {"applied": chance(n, self.p, generator), "decibels": uniform((n,), *self.decibels, generator)}

    def change(self, x: Tensor, length: Tensor, drawn: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        return x * (10 ** (drawn["decibels"].to(x.dtype) / 20))[:, None, None], length


@dataclass(frozen=True)
class Polarity(SoundTransform):
    """-x, with probability p. Exact; nobody hears it, but a network that sees the waveform does.

    Parameters drawn: applied, (n,) bool.

    Raises InputError where p is no probability, or the batch is none of sound.

    Paper: Spijkervet and Burgoyne 2021, Contrastive learning of musical representations, arXiv:2103.09410.
    """

    p: float = 0.8

    def __post_init__(self) -> None:
        check_probability(self.p)

    def draw(self, n: int, shape: tuple[int, ...], generator: Generator) -> dict[str, Any]:
        return {"applied": chance(n, self.p, generator)}

    def change(self, x: Tensor, length: Tensor, drawn: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        return -x, length
