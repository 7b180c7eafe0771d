"""Where in a recording to listen: a window, a shift, spans of silence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Generator, Tensor

from mutua.types import InputError
from mutua.views.base import chance, check_probability, check_range, uniform
from mutua.views.signal import blanked, picked, spans_of, steps_before, windowed
from mutua.views.sound.base import SoundTransform

__all__ = ["Crop", "TimeMask", "TimeShift"]


@dataclass(frozen=True)
class Crop(SoundTransform):
    """A window of random length and place, moved to the front; zeros (or padding) after it.

    Of a recording of T samples (its own data, where padded) the window has round(s min(T, samples)) samples,
    s from U[share], and starts at any place where it fits, all alike. A batch has one length, `samples`, so
    shorter windows end in silence; where the batch is masked they end in padding. share=(1, 1) cuts windows of
    just `samples`: the fragments of CLMR and COLA.

    Parameters drawn: share, place, (n,) float64, place from [0, 1).

    Args:
        share: smallest and largest part of a window of `samples`, within (0, 1].
        samples: of what comes out; as many as came in where None.

    Raises InputError where a setting is out of range, or the batch is none of sound.

    Papers: Spijkervet and Burgoyne 2021, Contrastive learning of musical representations, arXiv:2103.09410; Saeed
    et al. 2021, Contrastive learning of general-purpose audio representations (COLA), arXiv:2010.10915.
    """

    share: tuple[float, float] = (0.5, 1.0)
    samples: int | None = None

    def __post_init__(self) -> None:
        check_range(self.share, "share", 0, 1)
        if self.samples is not None and self.samples < 1:
            raise InputError(f"samples: {self.samples}; give a length of at least one sample, or None")

    def shape_after(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        return shape if self.samples is None else (shape[0], self.samples)

    def draw(self, n: int, shape: tuple[int, ...], generator: Generator) -> dict[str, Any]:
        return {
            "share": uniform((n,), *self.share, generator, torch.float64),
            "place": uniform((n,), 0.0, 1.0, generator, torch.float64),
        }

    def change(self, x: Tensor, length: Tensor, drawn: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        samples = self.samples or x.shape[2]
        start, width = windowed(length, drawn["share"], drawn["place"], samples)
        index = start[:, None] + torch.arange(samples, device=x.device)  # (n, samples)
        window = picked(x, index.clamp(max=x.shape[2] - 1))
        return blanked(window, ~steps_before(width, samples)), width


@dataclass(frozen=True)
class TimeShift(SoundTransform):
    """The recording moved by round(s T) samples, s from U[share], within its own T samples, with probability p.

    A positive s moves it later. What falls off one end comes in at the other (fill="circular"), or silence does
    (fill="zeros"). Exact: no arithmetic.

    Parameters drawn: applied, (n,) bool; shift, (n,) float64.

    Raises InputError where a setting is out of range, or the batch is none of sound.

    Paper: Fonseca et al. 2021, Unsupervised contrastive learning of sound event representations, arXiv:2011.07616
    (there of spectrogram patches).
    """

    share: tuple[float, float] = (-0.1, 0.1)
    fill: str = "circular"
    p: float = 0.5

    def __post_init__(self) -> None:
        if len(self.share) != 2 or not -1 <= self.share[0] <= self.share[1] <= 1:
            raise InputError(f"share: {self.share}; give (smallest, largest) within [-1, 1]")
        if self.fill not in ("circular", "zeros"):
            raise InputError(f"fill: {self.fill!r}; give circular or zeros")
        check_probability(self.p)

    def draw(self, n: int, shape: tuple[int, ...], generator: Generator) -> dict[str, Any]:
        return {
            "applied": chance(n, self.p, generator),
            "shift": uniform((n,), *self.share, generator, torch.float64),
        }

    def change(self, x: Tensor, length: Tensor, drawn: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        own = length[:, None]  # (n, 1)
        shift = (drawn["shift"] * length).round().long()[:, None]
        step = torch.arange(x.shape[2], device=x.device)
        source = step - shift  # (n, t)
        moved = picked(x, source % own.clamp(min=1))  # what comes into the padding is zeroed with it
        if self.fill == "zeros":
            moved = blanked(moved, (source < 0) | (source >= own))
        return moved, length


@dataclass(frozen=True)
class TimeMask(SoundTransform):
    """Spans of silence, with probability p: `spans` of them, each floor(w T) of the row's T samples, w from
    U[share].

    WavAugment's time drop is one span of 50 ms, here a share; SpecAugment masks frames so, up to a fifth of them.

    Parameters drawn: applied, (n,) bool; width, place, (n, spans) float64.

    Raises InputError where a setting is out of range, or the batch is none of sound.

    Papers: Kharitonov et al. 2021, Data augmenting contrastive learning of speech representations in the time
    domain, arXiv:2007.00991; Park et al. 2019, SpecAugment, arXiv:1904.08779.
    """

    share: tuple[float, float] = (0.0, 0.1)
    spans: int = 1
    p: float = 0.5

    def __post_init__(self) -> None:
        check_range(self.share, "share", -1e-300, 1)
        if self.spans < 1:
            raise InputError(f"spans: {self.spans}; give 1 or more, or p=0")
        check_probability(self.p)

    def draw(self, n: int, shape: tuple[int, ...], generator: Generator) -> dict[str, Any]:
        return {
            "applied": chance(n, self.p, generator),
            "width": uniform((n, self.spans), *self.share, generator, torch.float64),
            "place": uniform((n, self.spans), 0.0, 1.0, generator, torch.float64),
        }

    def change(self, x: Tensor, length: Tensor, drawn: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        return blanked(x, spans_of(length, drawn["width"], drawn["place"], x.shape[2])), length
