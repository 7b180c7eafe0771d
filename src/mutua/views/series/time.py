"""When: a window, a warped clock, segments in another order, spans left out."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Generator, Tensor

from mutua.kernels.devices.copies import to_device
from mutua.types import InputError
from mutua.views.base import chance, check_probability, check_range, uniform
from mutua.views.series.base import SeriesTransform
from mutua.views.signal import blanked, interpolated, mean_over, picked, spans_of, steps_before, windowed

__all__ = ["Crop", "Permute", "TimeMask", "TimeWarp"]


@dataclass(frozen=True)
class Crop(SeriesTransform):
    """A window of random length and place: round(s T) of the row's T steps, s from U[share], any place alike.

    resized: the window stretched back to T steps by linear interpolation, its first and last step kept, which
    slows down what is in it by up to 1 / share. Else it is moved to the front, and each column's mean over the
    window comes after it; where the batch is masked, padding does.

    Deviation: TS2Vec cuts two windows that overlap, contrasts the steps they share, and leaves their length.

    Parameters drawn: share, place, (n,) float64, place from [0, 1).

    Raises InputError where share is out of range, or the batch is none of series.

    Papers: Yue et al. 2022, TS2Vec: Towards universal representation of time series, arXiv:2106.10466; Le Guennec
    et al. 2016, Data augmentation for time series classification using CNNs (window slicing).
    """

    share: tuple[float, float] = (0.5, 1.0)
    resized: bool = True

    def __post_init__(self) -> None:
        check_range(self.share, "share", 0, 1)

    def draw(self, n: int, shape: tuple[int, ...], generator: Generator) -> dict[str, Any]:
        return {
            "share": uniform((n,), *self.share, generator, torch.float64),
            "place": uniform((n,), 0.0, 1.0, generator, torch.float64),
        }

    def change(self, x: Tensor, length: Tensor, drawn: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        start, width = windowed(length, drawn["share"], drawn["place"])
        step = torch.arange(x.shape[2], device=x.device)
        if self.resized:
            scale = (width - 1).double() / (length - 1).clamp(min=1)
            position = start[:, None] + step * scale[:, None]
            return interpolated(x, position.clamp(0, x.shape[2] - 1)), length
        index = (start[:, None] + step).clamp(max=x.shape[2] - 1)
        shown = picked(x, index)
        return blanked(shown, ~steps_before(width, x.shape[2]), mean_over(shown, width)), width


@dataclass(frozen=True)
class TimeWarp(SeriesTransform):
    """A clock that runs faster and slower, smoothly: y_j = x(tau_j), with probability p.

    The clock's speed is a cubic spline through `knots` + 2 numbers from N(1, sigma^2), evenly spaced from the
    first step to the last, and at least .05; tau is its integral (a running sum, from 0), scaled so that the last
    step stays the last. Between steps x is read by linear interpolation.

    Deviations from Um et al.'s code: there tau is inverted (y at tau_j is x_j), nothing keeps time from running
    backwards, and the curve is drawn for each column; here columns stay together, as one clock's must.

    Parameters drawn: applied, (n,) bool; speed, (n, knots + 2) float32.

    Raises InputError where a setting is out of range, or the batch is none of series.

    Paper: Um et al. 2017, Data augmentation of wearable sensor data for Parkinson's disease monitoring,
    arXiv:1706.00527.
    """

    sigma: float = 0.2
    knots: int = 4
    p: float = 0.5

    def __post_init__(self) -> None:
        if not 0 <= self.sigma < math.inf:
            raise InputError(f"sigma: {self.sigma}; give a number of at least 0")
        if self.knots < 2:
            raise InputError(f"knots: {self.knots}; give 2 or more, as a cubic needs with the two ends")
        check_probability(self.p)

    def draw(self, n: int, shape: tuple[int, ...], generator: Generator) -> dict[str, Any]:
        return {
            "applied": chance(n, self.p, generator),
            "speed": 1 + self.sigma * torch.randn(n, self.knots + 2, generator=generator),
        }

    def change(self, x: Tensor, length: Tensor, drawn: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        t = x.shape[2]
        if t == 1:
            return x.clone(), length
        basis = to_device(_spline_basis(drawn["speed"].shape[1], t), x.device)  # (t, k)
        speed = (drawn["speed"].double() @ basis.T).clamp(min=0.05)  # (n, t)
        clock = speed.cumsum(1) - speed[:, :1]
        clock = clock / clock[:, -1:]  # (n, t): from 0 to 1
        last = (length - 1).clamp(min=0)[:, None]  # (n, 1)
        step = torch.arange(t, device=x.device)
        share = (step.double() / last.clamp(min=1)).clamp(max=1)  # of the row's own time
        warped = interpolated(clock[:, None], share * (t - 1))[:, 0]
        return interpolated(x, (warped * last).clamp(0, t - 1)), length


def _spline_basis(knots: int, steps: int) -> Float[Tensor, "t k"]:
    """Column k is the not-a-knot cubic spline that is 1 at knot k and 0 at the others."""
    from scipy.interpolate import CubicSpline  # most of its import is for this call alone

    spline = CubicSpline(np.linspace(0, 1, knots), np.eye(knots))
    return torch.from_numpy(spline(np.linspace(0, 1, steps)))


@dataclass(frozen=True)
class Permute(SeriesTransform):
    """The series cut into m segments, put together again in random order, with probability p.

    m is drawn from 1 to `segments`, all alike. Segment k of T steps is from floor(k T / m) to floor((k + 1) T /
    m), so that lengths differ by one step at most.

    Deviation: TS-TCC cuts at random places too.

    Parameters drawn: applied, (n,) bool; count, (n,) int64; order, (n, segments) float32: the segments in
    use are put in the order of these.

    Raises InputError where a setting is out of range, or the batch is none of series.

    Papers: Um et al. 2017, arXiv:1706.00527; Eldele et al. 2021, Time-series representation learning via temporal
    and contextual contrasting (TS-TCC), arXiv:2106.14112.
    """

    segments: int = 5
    p: float = 0.5

    def __post_init__(self) -> None:
        if self.segments < 1:
            raise InputError(f"segments: {self.segments}; give 1 or more")
        check_probability(self.p)

    def draw(self, n: int, shape: tuple[int, ...], generator: Generator) -> dict[str, Any]:
        return {
            "applied": chance(n, self.p, generator),
            "count": torch.randint(1, self.segments + 1, (n,), generator=generator),
            "order": uniform((n, self.segments), 0.0, 1.0, generator),
        }

    def change(self, x: Tensor, length: Tensor, drawn: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        count = drawn["count"][:, None]  # (n, 1)
        number = torch.arange(drawn["order"].shape[1] + 1, device=x.device)
        edge = number.minimum(count) * length[:, None] // count  # (n, m + 1), those not in use empty at the end
        order = drawn["order"].masked_fill(number[:-1] >= count, torch.inf).argsort(dim=1, stable=True)
        start = edge[:, :-1].gather(1, order)
        ends = (edge[:, 1:] - edge[:, :-1]).gather(1, order).cumsum(1)  # where each ends in what comes out
        step = torch.arange(x.shape[2], device=x.device).expand(len(x), -1)
        slot = torch.searchsorted(ends, step.contiguous(), right=True).clamp(max=order.shape[1] - 1)
        before = torch.nn.functional.pad(ends, (1, 0))[:, :-1]
        source = start.gather(1, slot) + step - before.gather(1, slot)
        return picked(x, torch.where(step < length[:, None], source, step)), length


@dataclass(frozen=True)
class TimeMask(SeriesTransform):
    """Spans of all columns left out: `spans` of floor(w T) steps, w from U[share], with probability p.

    fill="mean" puts each column's own mean there, since zero says something where a column is not centred;
    fill="zero" puts zero.

    Deviation: TS2Vec leaves out single steps, each with probability one half, of a network's first layer.

    Parameters drawn: applied, (n,) bool; width, place, (n, spans) float64.

    Raises InputError where a setting is out of range, or the batch is none of series.

    Paper: Yue et al. 2022, TS2Vec: Towards universal representation of time series, arXiv:2106.10466.
    """

    share: tuple[float, float] = (0.0, 0.2)
    spans: int = 1
    fill: str = "mean"
    p: float = 0.5

    def __post_init__(self) -> None:
        check_range(self.share, "share", -1e-300, 1)
        if self.spans < 1:
            raise InputError(f"spans: {self.spans}; give 1 or more, or p=0")
        if self.fill not in ("mean", "zero"):
            raise InputError(f"fill: {self.fill!r}; give mean or zero")
        check_probability(self.p)

    def draw(self, n: int, shape: tuple[int, ...], generator: Generator) -> dict[str, Any]:
        return {
            "applied": chance(n, self.p, generator),
            "width": uniform((n, self.spans), *self.share, generator, torch.float64),
            "place": uniform((n, self.spans), 0.0, 1.0, generator, torch.float64),
        }

    def change(self, x: Tensor, length: Tensor, drawn: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        where = spans_of(length, drawn["width"], drawn["place"], x.shape[2])
        return blanked(x, where, mean_over(x, length) if self.fill == "mean" else None), length
