"""What all views share: the call, the dtypes, the draws, and the checks of settings and images.

Dtypes, one rule for every view and for `Compose`: what comes out has the dtype that came in. Arithmetic is in
float (float32; float64 stays float64) on [0, 1]; uint8 is divided by 255 once on the way in and rounded to
the nearest level once on the way out. Pillow and torchvision on uint8 round after every operation instead:
about half a level (1/510) for each operation of a chain.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Generator, Tensor

from mutua.kernels.devices.copies import to_device
from mutua.types import InputError

__all__ = [
    "Transform",
    "as_dtype",
    "as_float",
    "chance",
    "changed",
    "check_images",
    "check_probability",
    "check_range",
    "check_rgb",
    "uniform",
]


class Transform:
    """A `View` whose call is its draw, then its apply. Subclasses define the two (and `size_after`)."""

    def draw(self, n: int, height: int, width: int, generator: Generator) -> dict[str, Any]:
        """Parameters for n images of height x width, in order: tensors on the CPU, leading axis n."""
        raise NotImplementedError(f"{type(self).__name__} must define draw(n, height, width, generator)")

    def apply(self, images: Tensor, parameters: Mapping[str, Any]) -> Tensor:
        """The images (n, c, h, w) changed as the parameters say: deterministic, the input is left as it was."""
        raise NotImplementedError(f"{type(self).__name__} must define apply(images, parameters)")

    def __call__(self, images: Tensor, generator: Generator) -> Tensor:
        """One fresh draw for each image, applied. The generator lives on the CPU, the images anywhere."""
        check_images(images)
        n, _, height, width = images.shape
        return self.apply(images, self.draw(n, height, width, generator))

    def size_after(self, height: int, width: int) -> tuple[int, int]:
        """Height and width of what comes out, for what goes in."""
        return height, width


# --- dtypes ------------------------------------------------------------------------------------------------


def as_float(images: Tensor) -> Tensor:
    """uint8 to float32 in [0, 1] (divided by 255); half precision to float32; float32 and float64 as they are.

    >>> as_float(torch.tensor([0, 51, 255], dtype=torch.uint8)).tolist()
    [0.0, 0.20000000298023224, 1.0]
    """
    if images.dtype == torch.uint8:
        return images.float().div_(255)
    return images if images.dtype == torch.float64 else images.float()


def as_dtype(images: Tensor, dtype: torch.dtype) -> Tensor:
    """Float images in [0, 1] to `dtype`; to uint8 by the nearest level (numbers outside [0, 1] are clipped).

    >>> as_dtype(torch.tensor([0.0, 0.2, 1.0]), torch.uint8).tolist()
    [0, 51, 255]
    """
    if dtype == torch.uint8:
        return (images * 255).round_().clamp_(0, 255).to(torch.uint8)
    return images.to(dtype)


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
    """True with probability p, for each of n images by itself."""
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


def check_images(images: Tensor, parameters: Mapping[str, Any] | None = None) -> None:
    """Raise `InputError` unless images are (n, c, h, w), uint8 or float, and the parameters are for n images.

    Whether floats are within [0, 1] is not looked at: it would cost a pass over every batch.
    """
    shape = tuple(images.shape)
    if images.ndim != 4:
        raise InputError(f"images: shape {shape}; views take (n, channels, height, width), add the missing axes")
    if images.dtype != torch.uint8 and not images.is_floating_point():
        raise InputError(f"images: dtype {images.dtype}; convert to torch.uint8, or to float in [0, 1]")
    if 0 in shape[1:]:
        raise InputError(f"images: shape {shape} has an empty axis; every image needs at least one pixel")
    for name, value in (parameters or {}).items():
        if isinstance(value, Tensor) and len(value) != len(images):
            raise InputError(
                f"parameters[{name!r}]: {len(value)} rows for {len(images)} images; draw them with "
                f"draw({len(images)}, ...), or slice both alike (mutua.views.rows)"
            )


def check_rgb(images: Tensor, what: str, mend: str) -> None:
    """Raise `InputError` unless images have three channels. `what` needs them; `mend` says what to do."""
    if images.shape[1] != 3:
        raise InputError(f"images: shape {tuple(images.shape)}, but {what} needs 3 channels (RGB); {mend}")


def check_probability(p: float, name: str = "p") -> None:
    """Raise `InputError` unless p is within [0, 1]."""
    if not 0 <= p <= 1:
        raise InputError(f"{name}: {p} is no probability; give a number from 0 to 1")


def check_range(low_high: Sequence[float], name: str, low: float, high: float = math.inf) -> None:
    """Raise `InputError` unless low < a <= b <= high for the pair (a, b)."""
    if len(low_high) != 2 or not low < low_high[0] <= low_high[1] <= high or math.isinf(low_high[1]):
        above = "" if math.isinf(high) else f" and at most {high:g}"
        raise InputError(f"{name}: {tuple(low_high)}; give (smallest, largest), both above {low:g}{above}")
