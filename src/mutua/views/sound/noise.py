"""Noise at a drawn ratio of signal to noise, white or coloured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Generator, Tensor

from mutua.types import InputError
from mutua.views.base import chance, check_probability, uniform
from mutua.views.noise import seeds, white_noise
from mutua.views.signal import filtered, kept
from mutua.views.sound.base import SoundTransform
from mutua.views.sound.level import check_decibels

__all__ = ["Noise"]


@dataclass(frozen=True)
class Noise(SoundTransform):
    """Gaussian noise of power f^-a, added so that signal to noise is r decibels, with probability p.

        x + e sqrt(P(x) / P(e)) 10^(-r / 20),   P the mean square over the row's own samples, all channels

    r from U[snr] and a from U[exponent]: 0 is white, 1 pink, 2 brown. Powers are those measured, so that r is
    exact. Silence gets no noise. Gradients take P(x) as a constant. The noise is a function of a seed drawn for
    each row (`mutua.views.noise`): seeds are eight bytes, noise would be as large as the batch of all ranks.

    Deviation: coloured noise is shaped by its FFT over the batch's length, so it is periodic; frequency 0 gets
    none of it.

    Parameters drawn: applied, (n,) bool; snr, exponent, (n,) float32; seed, (n,) int64.

    Raises InputError where a setting is out of range, or the batch is none of sound.

    Paper: Kharitonov et al. 2021, Data augmenting contrastive learning of speech representations in the time
    domain, arXiv:2007.00991 (recorded noise at 5 to 15 dB).
    """

    snr: tuple[float, float] = (5.0, 15.0)
    exponent: tuple[float, float] = (0.0, 0.0)
    p: float = 0.5

    def __post_init__(self) -> None:
        check_decibels(self.snr, "snr")
        if len(self.exponent) != 2 or not -4 <= self.exponent[0] <= self.exponent[1] <= 4:
            raise InputError(
                f"exponent: {self.exponent}; give (smallest, largest) within [-4, 4], 0 is white, 1 pink"
            )
        check_probability(self.p)

    def draw(self, n: int, shape: tuple[int, ...], generator: Generator) -> dict[str, Any]:
        return {
            "applied": chance(n, self.p, generator),
            "snr": uniform((n,), *self.snr, generator),
            "exponent": uniform((n,), *self.exponent, generator),
            "seed": seeds(n, generator),
        }

    def change(self, x: Tensor, length: Tensor, drawn: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        with torch.no_grad():
            noise = white_noise(drawn["seed"], x.shape[1], x.shape[2], x.dtype)
            if self.exponent != (0.0, 0.0):
                noise = _coloured(noise, drawn["exponent"])
            noise = kept(noise, length)
            ratio = _power(kept(x, length)) / _power(noise).clamp(min=torch.finfo(x.dtype).tiny)
            noise *= (ratio.sqrt() * 10 ** (-drawn["snr"].to(x.dtype) / 20))[:, None, None]
        return x + noise, length


def _power(x: Tensor) -> Tensor:
    """Sum of squares of each row: the number of samples cancels in a ratio."""
    return x.square().sum((1, 2))


def _coloured(noise: Tensor, exponent: Tensor) -> Tensor:
    """Each frequency k >= 1 times k^(-exponent / 2), frequency 0 left out."""
    t = noise.shape[2]
    if t == 1:
        return noise
    k = torch.arange(t // 2 + 1, device=noise.device, dtype=noise.dtype)
    shape = k.clamp(min=1)[None] ** (-exponent.to(noise.dtype)[:, None] / 2)  # (n, f)
    shape[:, 0] = 0
    return filtered(noise, shape, t)
