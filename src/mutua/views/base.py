"""What all views share: the call, the draws, and the checks of settings."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import torch
from jaxtyping import Bool, Float, Int
from torch import Generator, Tensor

from mutua.kernels.devices.copies import to_device
from mutua.types import Batch, InputError, parted

__all__ = [
    "Transform",
    "chance",
    "changed",
    "check_probability",
    "check_range",
    "uniform",
]


class Transform:
    """A `View` whose call is its draw, then its apply. Subclasses define the two (and `shape_after`, `check`)."""

    kind: ClassVar[str]
    """The kind of examples it is a view of, as in `Spec`: image, sound, series."""

    def draw(self, n: int, shape: tuple[int, ...], generator: Generator) -> dict[str, Any]:
        """Parameters for n examples of a shape, in order: tensors on the CPU, leading axis n."""
        raise NotImplementedError(f"{type(self).__name__} must define draw(n, shape, generator)")

    def apply(self, batch: Batch, parameters: Mapping[str, Any]) -> Batch:
        """The examples changed as the parameters say: deterministic, the input is left as it was."""
        raise NotImplementedError(f"{type(self).__name__} must define apply(batch, parameters)")

    def __call__(self, batch: Batch, generator: Generator) -> Batch:
        """One fresh draw for each example, applied. The generator lives on the CPU, the examples anywhere."""
        self.check(batch)
        x, _ = parted(batch)
        return self.apply(batch, self.draw(len(x), tuple(x.shape[1:]), generator))

    def check(self, batch: Batch) -> None:
        """Raise `InputError` for examples that this is no view of."""

    def shape_after(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """The shape of what comes out, for what goes in."""
        return shape


# --- draws -------------------------------------------------------------------------------------------------


def uniform(
    shape: Sequence[int], low: float, high: float, generator: Generator, dtype: torch.dtype = torch.float32
) -> Float[Tensor, "*shape"]:
    """Numbers from U[low, high), on the CPU."""
    if generator.device.type != "cpu":
        raise InputError(
            f"generator: it lives on {generator.device}; use torch.Generator() (views draw on the CPU)"
        )
    return low + (high - low) * torch.rand(tuple(shape), generator=generator, dtype=dtype)


def chance(n: int, p: float, generator: Generator) -> Bool[Tensor, " n"]:
    """True with probability p, for each of n examples by itself."""
    return uniform((n,), 0.0, 1.0, generator) < p


def changed(
    images: Tensor, applied: Bool[Tensor, " n"], change: Callable[[Tensor, Int[Tensor, " m"]], Tensor]
) -> Tensor:
    """The images, those rows replaced where `applied`. `change` gets the rows to change and their numbers.

    Rows that are not applied are copied bit for bit.
    """
    # Where `applied` still lies on the CPU, finding the rows does not wait for the accelerator.
    index = applied.nonzero()[:, 0]
    at = to_device(index, images.device)
    return images.index_copy(0, at, change(images.index_select(0, at), index))


# --- checks ------------------------------------------------------------------------------------------------


def check_probability(p: float, name: str = "p") -> None:
    """Raise `InputError` unless p is within [0, 1]."""
    if not 0 <= p <= 1:
        raise InputError(f"{name}: {p} is no probability; give a number from 0 to 1")


def check_range(low_high: Sequence[float], name: str, low: float, high: float = math.inf) -> None:
    """Raise `InputError` unless low < a <= b <= high for the pair (a, b)."""
    if len(low_high) != 2 or not low < low_high[0] <= low_high[1] <= high or math.isinf(low_high[1]):
        above = "" if math.isinf(high) else f" and at most {high:g}"
        raise InputError(f"{name}: {tuple(low_high)}; give (smallest, largest), both above {low:g}{above}")
