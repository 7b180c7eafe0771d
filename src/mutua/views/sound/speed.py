"""Faster or slower, by resampling: pitch and tempo together."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Generator, Tensor

from mutua.types import InputError
from mutua.views.base import chance, check_probability, check_range, uniform
from mutua.views.signal import blanked, interpolated, kept, picked, steps_before
from mutua.views.sound.base import SoundTransform

__all__ = ["Speed"]

HALF_WIDTH = 8
"""Samples on each side that a windowed sinc looks at."""


@dataclass(frozen=True)
class Speed(SoundTransform):
    """Played s times as fast, s from U[factor], with probability p: pitch and tempo rise together, as of a tape.

        y[j] = x(j s),   j = 0, 1, ... while j s is at most the last sample

    As many samples come out as went in: what a slow row has beyond them is cut, a fast one ends in silence (in
    padding, where masked). Between samples x is read by

        linear: the straight line; weakens the upper quarter of the spectrum, lets aliases of it through
        sinc: h(d) = sinc(r d) (1 + cos(pi d / 8)) / 2 over 8 samples on each side, r = min(1, 1 / s), its weights
            normalised to sum 1: neither, but within an eighth of the Nyquist frequency, at a greater cost

    float32 on the CPU that wants no gradient goes through a compiled loop (`mutua.kernels.views.sound`), within
    1e-5 of this definition.

    Deviation: CLMR and WavAugment shift the pitch and leave the tempo (5 semitones, 300 cents: factors within
    1.33 and 1.19); changing both is Ko et al. 2015, Audio augmentation for speech recognition, with these factors.

    Parameters drawn: applied, (n,) bool; factor, (n,) float64.

    Raises InputError where a setting is out of range, or the batch is none of sound.

    Papers: Kharitonov et al. 2021, Data augmenting contrastive learning of speech representations in the time
    domain, arXiv:2007.00991.
    """

    factor: tuple[float, float] = (0.9, 1.1)
    quality: str = "linear"
    p: float = 0.5

    def __post_init__(self) -> None:
        check_range(self.factor, "factor", 0)
        if self.quality not in ("linear", "sinc"):
            raise InputError(f"quality: {self.quality!r}; give linear or sinc")
        check_probability(self.p)

    def draw(self, n: int, shape: tuple[int, ...], generator: Generator) -> dict[str, Any]:
        return {
            "applied": chance(n, self.p, generator),
            "factor": uniform((n,), *self.factor, generator, torch.float64),
        }

    def change(self, x: Tensor, length: Tensor, drawn: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        factor, t = drawn["factor"], x.shape[2]
        last = (length - 1).clamp(min=0)
        after = ((last / factor).floor().long() + 1).clamp(max=t).minimum(length.clamp(max=1) * t)
        if _compiled(x):
            return self._by_loop(x, factor, length, after), after
        position = torch.arange(t, device=x.device) * factor[:, None]  # (n, t)
        position = position.minimum(last[:, None].double())
        if self.quality == "linear":
            y = interpolated(x, position)
        else:
            y = _by_sinc(kept(x, length), position, factor)
        return blanked(y, ~steps_before(after, t)), after

    def _by_loop(self, x: Tensor, factor: Tensor, length: Tensor, after: Tensor) -> Tensor:
        from mutua.kernels.views import sound as kernel  # numba takes a second to import

        out = torch.empty_like(x, memory_format=torch.contiguous_format)
        read = (x.contiguous().numpy(), factor.numpy(), length.numpy(), after.numpy())
        if self.quality == "linear":
            kernel.by_line(*read, out.numpy())
        else:
            kernel.by_sinc(*read, HALF_WIDTH, out.numpy())
        return out


def _compiled(x: Tensor) -> bool:
    """Whether the compiled loop takes it: as for images, float32 on the CPU that wants no gradient."""
    plain = x.device.type != "cpu" or x.dtype != torch.float32 or x.requires_grad
    return not plain and not torch.compiler.is_compiling()


def _by_sinc(x: Tensor, position: Tensor, factor: Tensor) -> Tensor:
    lower = position.floor().long()
    part = (position - lower).to(x.dtype)  # (n, t)
    r = (1 / factor).clamp(max=1).to(x.dtype)[:, None]
    out, total = torch.zeros_like(x), torch.zeros_like(part)
    for k in range(1 - HALF_WIDTH, HALF_WIDTH + 1):
        d = part - k
        weight = torch.sinc(r * d) * (0.5 + 0.5 * (d * (math.pi / HALF_WIDTH)).cos())
        index = lower + k
        inside = (index >= 0) & (index < x.shape[2])
        taken = picked(x, index.clamp(0, x.shape[2] - 1)) * (weight * inside)[:, None]
        out, total = out + taken, total + weight
    return out / total[:, None]
