"""Frequencies weakened: low-pass or high-pass, and a band left out. By FFT, so that no phase is moved.

Frequencies are shares of the Nyquist frequency (half the rate): 1,000 Hz at a rate of 8,000 Hz is 0.25.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Generator, Tensor

from mutua.types import InputError
from mutua.views.base import chance, check_probability, check_range, uniform
from mutua.views.signal import filtered, kept
from mutua.views.sound.base import SoundTransform

__all__ = ["BandStop", "PassFilter"]


def _check_order(order: int) -> None:
    if order < 1:
        raise InputError(f"order: {order}; give 1 or more (6 dB an octave each)")


def _filtered(x: Tensor, length: Tensor, gain: Float[Tensor, "n f"], padded: int) -> Tensor:
    """x times the gain at each frequency. Zeros after it, so that its end does not ring at its start."""
    return filtered(kept(x, length), gain, padded)[:, :, : x.shape[2]].contiguous()


def padded_length(t: int) -> int:
    """At least t and an eighth, without a prime factor above 5, which FFTs are fast for.

    >>> padded_length(8000), padded_length(1)
    (9000, 2)
    """
    n = t + max(1, t // 8)
    while True:
        rest = n
        for prime in (2, 3, 5):
            while rest % prime == 0:
                rest //= prime
        if rest == 1 and n % 2 == 0:
            return n
        n += 1


def _frequencies(padded: int, like: Tensor) -> Float[Tensor, " f"]:
    """Of the FFT of real signals of even length, as shares of the Nyquist frequency."""
    return torch.linspace(0, 1, padded // 2 + 1, dtype=like.dtype, device=like.device)


@dataclass(frozen=True)
class PassFilter(SoundTransform):
    """Low-pass or high-pass, whichever a coin says, with probability p. Butterworth's amplitude, no phase.

        |H(f)| = 1 / sqrt(1 + (f / f_c)^(2 order))   low-pass;   with f_c / f   high-pass (and H(0) = 0)

    f_c from U[low] or U[high], as shares of the Nyquist frequency. The defaults are CLMR's 2,200 to 4,000 Hz and
    200 to 1,200 Hz at its rate of 22,050 Hz. share_low=1 is a low-pass always.

    Deviation: CLMR's filters move phases; these run on the recording and zeros after it, by FFT.

    Parameters drawn: applied, is_low, (n,) bool; low, high, (n,) float32, the cut-offs.

    Raises InputError where a setting is out of range, or the batch is none of sound.

    Paper: Spijkervet and Burgoyne 2021, Contrastive learning of musical representations, arXiv:2103.09410.
    """

    low: tuple[float, float] = (2200 / 11025, 4000 / 11025)
    high: tuple[float, float] = (200 / 11025, 1200 / 11025)
    share_low: float = 0.5
    order: int = 2
    p: float = 0.8

    def __post_init__(self) -> None:
        check_range(self.low, "low", 0, 1)
        check_range(self.high, "high", 0, 1)
        check_probability(self.share_low, "share_low")
        _check_order(self.order)
        check_probability(self.p)

    def draw(self, n: int, shape: tuple[int, ...], generator: Generator) -> dict[str, Any]:
        return {
            "applied": chance(n, self.p, generator),
            "is_low": chance(n, self.share_low, generator),
            "low": uniform((n,), *self.low, generator),
            "high": uniform((n,), *self.high, generator),
        }

    def change(self, x: Tensor, length: Tensor, drawn: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        padded = padded_length(x.shape[2])
        f = _frequencies(padded, x)
        cut = torch.where(drawn["is_low"], drawn["low"], drawn["high"]).to(x.dtype)[:, None]
        ratio = (f / cut) ** torch.where(drawn["is_low"], 2 * self.order, -2 * self.order)[:, None]
        return _filtered(x, length, (1 + ratio).rsqrt(), padded), length


@dataclass(frozen=True)
class BandStop(SoundTransform):
    """A band of frequencies left out, with probability p. Butterworth's amplitude, no phase.

        |H(f)| = 1 / sqrt(1 + (w f / (f^2 - a b))^(2 order)),   w = b - a   for a band from a to b

    The band's width is from U[width], its lower edge anywhere that leaves it below the Nyquist frequency, all
    alike; all are shares of the Nyquist frequency. At the edges half the power is left, at sqrt(a b) none.

    Deviation: WavAugment's bands are at most 150 Hz wide, at 16,000 Hz a share of .019; frequency masks of
    spectrograms are wider (SpecAugment's 27 of 80 mel bands), as here.

    Parameters drawn: applied, (n,) bool; width, place, (n,) float32, place from [0, 1).

    Raises InputError where a setting is out of range, or the batch is none of sound.

    Papers: Kharitonov et al. 2021, Data augmenting contrastive learning of speech representations in the time
    domain, arXiv:2007.00991; Park et al. 2019, SpecAugment, arXiv:1904.08779.
    """

    width: tuple[float, float] = (0.02, 0.2)
    order: int = 2
    p: float = 0.5

    def __post_init__(self) -> None:
        check_range(self.width, "width", 0, 1)
        _check_order(self.order)
        check_probability(self.p)

    def draw(self, n: int, shape: tuple[int, ...], generator: Generator) -> dict[str, Any]:
        return {
            "applied": chance(n, self.p, generator),
            "width": uniform((n,), *self.width, generator),
            "place": uniform((n,), 0.0, 1.0, generator),
        }

    def change(self, x: Tensor, length: Tensor, drawn: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        padded = padded_length(x.shape[2])
        f = _frequencies(padded, x)
        width = drawn["width"].to(x.dtype)[:, None]
        edge = drawn["place"].to(x.dtype)[:, None] * (1 - width)
        # Written the other way up: |H|^2 = d / (d + (w f)^2k), d = (f^2 - a b)^2k, which divides by no zero but
        # where a = f = 0, whose constant stays.
        d = (f.square() - edge * (edge + width)).abs() ** (2 * self.order)
        gain = (d / (d + (width * f) ** (2 * self.order))).sqrt()
        return _filtered(x, length, gain.nan_to_num(1.0), padded), length
