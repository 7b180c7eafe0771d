"""What views of sound and of series share: both run in time, and may be padded.

Inside a view both are (n, c, t). Padding is at the end: row i has `length[i]` steps of data, then zeros. A masked
batch stays one, {"x": ..., "mask": ...}, with zeros wherever its mask is false; whatever else the dict holds is
handed on. Places and spans are drawn as shares and laid within each row's own data.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from mutua.kernels.devices.copies import to_device
from mutua.types import Batch, InputError, check_finite, parted
from mutua.views.base import Transform

__all__ = [
    "SignalTransform",
    "blanked",
    "filtered",
    "interpolated",
    "kept",
    "mean_over",
    "spans_of",
    "steps_before",
    "windowed",
]

Signal = Float[Tensor, "n c t"]
Length = Int[Tensor, " n"]


class SignalTransform(Transform):
    """A view of examples that run in time. Subclasses define `draw` and `change`.

    Where a view draws `applied`, rows that it is false for are copied bit for bit.
    """

    axis: ClassVar[int]
    """The axis of a batch that is time."""

    dtypes: ClassVar[frozenset[torch.dtype]] = frozenset()
    """Whole-number dtypes that are taken beside floats."""

    def change(
        self, x: Signal, length: Length, drawn: Mapping[str, Tensor]
    ) -> tuple[Float[Tensor, "n c T"], Length]:
        """New signals, and how many steps of each are data. Everything lies on one device; x is left as it was."""
        raise NotImplementedError(f"{type(self).__name__} must define change(x, length, drawn)")

    def floats(self, x: Tensor) -> Tensor:
        """The samples as this kind of view computes with them."""
        return x if x.dtype == torch.float64 else x.float()

    def check(self, batch: Batch) -> None:
        x, mask = self._checked(batch)
        check_finite(x, self.kind)
        if mask is not None:
            _check_padding(mask, self.kind)

    def apply(self, batch: Batch, parameters: Mapping[str, Any]) -> Batch:
        x, mask = self._checked(batch, parameters)
        if x.device.type == "cpu":  # elsewhere looking would make the host wait, so there only the call looks
            if x.is_floating_point() and not bool(torch.isfinite(x.detach().sum())):
                check_finite(x, self.kind)
            if mask is not None:
                _check_padding(mask, self.kind)
        x = self.floats(x)
        x = x if self.axis == 2 else x.transpose(1, 2)  # (n, c, t)
        length = torch.full((len(x),), x.shape[2], device=x.device) if mask is None else mask.sum(1)
        y, length = self._changed(x, length, parameters)
        inside = None if mask is None else steps_before(length, y.shape[2])  # (n, t)
        if inside is not None:
            y = y.masked_fill(~inside[:, None], 0.0)
        y = y if self.axis == 2 else y.transpose(1, 2).contiguous()
        return y if inside is None else {**batch, "x": y, "mask": inside}

    def _changed(
        self, x: Signal, length: Length, parameters: Mapping[str, Tensor]
    ) -> tuple[Float[Tensor, "n c T"], Length]:
        drawn = {name: to_device(value, x.device) for name, value in parameters.items()}
        applied = parameters.get("applied")
        if applied is None or bool(applied.all()):
            return self.change(x, length, drawn)
        at = to_device(applied.nonzero()[:, 0], x.device)
        if not len(at):
            return x.clone(), length
        some, lengths = self.change(x[at], length[at], {name: value[at] for name, value in drawn.items()})
        return x.index_copy(0, at, some), length.index_copy(0, at, lengths)

    def _checked(
        self, batch: Batch, parameters: Mapping[str, Any] | None = None
    ) -> tuple[Tensor, Bool[Tensor, "n t"] | None]:
        """(x, mask), of shapes and dtypes that fit, whose values nobody has looked at."""
        if isinstance(batch, Mapping) and "x" not in batch:
            raise InputError(
                f'{self.kind}: a dict of {sorted(batch)}; give a tensor, or {{"x": ..., "mask": ...}}'
            )
        x, mask = parted(batch)
        axes = "(n, channels, samples)" if self.axis == 2 else "(n, steps, columns)"
        if not isinstance(x, Tensor) or x.ndim != 3:
            seen = f"shape {tuple(x.shape)}" if isinstance(x, Tensor) else type(x).__name__
            raise InputError(f"{self.kind}: {seen}; views take a tensor {axes}, add the missing axes")
        if not x.is_floating_point() and x.dtype not in self.dtypes:
            taken = " or ".join([*(str(dtype) for dtype in self.dtypes), "float"])
            raise InputError(f"{self.kind}: dtype {x.dtype}; convert to {taken}")
        if 0 in x.shape[1:]:
            raise InputError(f"{self.kind}: shape {tuple(x.shape)} has an empty axis; leave such examples out")
        steps = (len(x), x.shape[self.axis])
        if mask is not None and (mask.dtype != torch.bool or tuple(mask.shape) != steps):
            seen = f"{mask.dtype} of shape {tuple(mask.shape)}"
            raise InputError(f"{self.kind}: mask is {seen} where bool {steps} is meant; true where there is data")
        for name, value in (parameters or {}).items():
            if len(value) != len(x):
                raise InputError(
                    f"parameters[{name!r}]: {len(value)} rows for {len(x)} examples; draw them with "
                    f"draw({len(x)}, ...), or slice both alike (mutua.views.rows)"
                )
        return x, mask


def _check_padding(mask: Bool[Tensor, "n t"], kind: str) -> None:
    late = (mask[:, 1:] & ~mask[:, :-1]).any(1)
    if bool(late.any()):
        row = int(late.nonzero()[0, 0])
        raise InputError(f"{kind}: mask has data after padding in row {row}; move the padding to the end")


# --- pieces of time ----------------------------------------------------------------------------------------


def steps_before(length: Length, steps: int) -> Bool[Tensor, "n t"]:
    """True at step j of row i where j < length[i]."""
    return torch.arange(steps, device=length.device) < length[:, None]


def mean_over(x: Signal, length: Length) -> Float[Tensor, "n c 1"]:
    """Each channel's mean over the row's own data."""
    inside = steps_before(length, x.shape[2])[:, None].to(x.dtype)
    return (x * inside).sum(2, keepdim=True) / inside.sum(2, keepdim=True).clamp(min=1)


def windowed(
    length: Length, share: Float[Tensor, " n"], place: Float[Tensor, " n"], most: int | None = None
) -> tuple[Length, Length]:
    """(start, width) of a window within each row's data: at least one step of it, where it has one.

    width = round(share b), b the lesser of `length` and `most`; start = floor(place (length - width + 1)).
    """
    base = length if most is None else length.clamp(max=most)
    width = (share.double() * base).round().long().clamp(min=1).minimum(length)
    return (place.double() * (length - width + 1)).long(), width


def spans_of(
    length: Length, width: Float[Tensor, "n k"], place: Float[Tensor, "n k"], steps: int
) -> Bool[Tensor, "n t"]:
    """True inside any of k spans of each row: floor(width length) steps, laid within its data."""
    own = length[:, None]  # (n, 1)
    wide = (width.double() * own).long()  # (n, k)
    start = (place.double() * (own - wide + 1)).long()
    step = torch.arange(steps, device=length.device)[:, None]  # (t, 1)
    return ((step >= start[:, None]) & (step < (start + wide)[:, None])).any(2)


def kept(x: Signal, length: Length) -> Signal:
    """x, zero outside the data of each row; x itself where all of it is data (which only the CPU is asked)."""
    if x.device.type == "cpu" and bool((length == x.shape[2]).all()):
        return x
    return blanked(x, ~steps_before(length, x.shape[2]))


def blanked(x: Signal, where: Bool[Tensor, "n t"], value: Float[Tensor, "n c 1"] | None = None) -> Signal:
    """x with the steps `where` set to zero, or to a value of each channel."""
    if value is None:
        return x.masked_fill(where[:, None], 0.0)
    return torch.where(where[:, None], value, x)


def interpolated(x: Signal, position: Float[Tensor, "n T"]) -> Float[Tensor, "n c T"]:
    """x at fractional steps, linear between the two beside it; positions lie within [0, t - 1]."""
    lower = position.floor().long()
    upper = (lower + 1).clamp(max=x.shape[2] - 1)
    weight = (position - lower).to(x.dtype)[:, None]  # (n, 1, T)
    return torch.lerp(picked(x, lower), picked(x, upper), weight)


def picked(x: Signal, index: Int[Tensor, "n T"]) -> Float[Tensor, "n c T"]:
    """x at whole steps, the same for all channels of a row."""
    return x.gather(2, index[:, None].expand(-1, x.shape[1], -1))


def filtered(x: Signal, gain: Float[Tensor, "n f"], steps: int) -> Float[Tensor, "n c steps"]:
    """x, continued by zeros to `steps`, times the gain at each of its f = steps // 2 + 1 frequencies."""
    if not len(x):  # MKL's FFT, which torch 2.13 calls, fails on an empty batch
        return x.new_zeros(0, x.shape[1], steps)
    return torch.fft.irfft(torch.fft.rfft(x, n=steps) * gain[:, None], n=steps)
