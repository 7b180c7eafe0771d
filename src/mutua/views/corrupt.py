"""Numbers spoiled by chance, of examples of any shape: left out, noisy, or pushed to an end of their range."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any, ClassVar

import torch
from jaxtyping import Float
from torch import Generator, Tensor

from mutua.kernels.devices.copies import to_device
from mutua.types import Batch, InputError
from mutua.views.base import Transform, check_probability
from mutua.views.image.base import as_dtype, as_float, check_images
from mutua.views.noise import seeds, white_noise

__all__ = ["CORRUPTIONS", "Corruption", "GaussianNoise", "MaskingNoise", "SaltAndPepper"]


class Corruption(Transform):
    """Spoils each number of an example by itself: pixels in [0, 1] (bytes are read so), or columns (n, d).

    What is done is a function of a seed drawn for each example (`mutua.views.noise`).

    Parameters drawn: seed, (n,) int64. A subclass defines `spoil`.
    """

    kind: ClassVar[str] = "image"

    def spoil(self, x: Float[Tensor, "n d"], seed: Tensor) -> Float[Tensor, "n d"]:
        """The numbers spoiled."""
        raise NotImplementedError(f"{type(self).__name__} must define spoil(x, seed)")

    def check(self, batch: Batch) -> None:
        if not (isinstance(batch, Tensor) and batch.ndim == 2 and batch.is_floating_point()):
            check_images(batch)

    def draw(self, n: int, shape: tuple[int, ...], generator: Generator) -> dict[str, Any]:
        return {"seed": seeds(n, generator)}

    def apply(self, batch: Batch, parameters: Mapping[str, Any]) -> Batch:
        self.check(batch)
        if len(parameters["seed"]) != len(batch):
            raise InputError(
                f"parameters['seed']: {len(parameters['seed'])} rows for {len(batch)} examples; slice both alike"
            )
        x = as_float(batch)
        spoiled = self.spoil(x.flatten(1), to_device(parameters["seed"], x.device)).view_as(x)
        return as_dtype(spoiled, batch.dtype).contiguous()


@dataclass(frozen=True)
class MaskingNoise(Corruption):
    """A share of the numbers, chosen anew for each example, becomes `value`: exactly round(share d) of d.

    Paper: Vincent et al. 2008, Extracting and Composing Robust Features with Denoising Autoencoders, ICML.
    """

    share: float = 0.25
    value: float = 0.0

    def __post_init__(self) -> None:
        check_probability(self.share, "share")

    def spoil(self, x: Float[Tensor, "n d"], seed: Tensor) -> Float[Tensor, "n d"]:
        count = round(self.share * x.shape[1])
        if not count:
            return x.clone()
        noise = white_noise(seed, 1, x.shape[1])[:, 0]  # float32 whatever x is: the same numbers are hidden
        return torch.where(noise <= noise.kthvalue(count, 1, keepdim=True).values, self.value, x)


@dataclass(frozen=True)
class GaussianNoise(Corruption):
    """x + sigma e, e standard normal. Floats are not clipped: noise that is cut is no longer Gaussian, and the
    best denoiser would no longer give the score. Bytes are clipped and rounded.

    Paper: Vincent et al. 2010, Stacked Denoising Autoencoders, JMLR 11.
    """

    sigma: float = 0.25

    def __post_init__(self) -> None:
        if not 0 <= self.sigma < math.inf:
            raise InputError(f"sigma: {self.sigma}; give a deviation of 0 or more")

    def spoil(self, x: Float[Tensor, "n d"], seed: Tensor) -> Float[Tensor, "n d"]:
        return x + self.sigma * white_noise(seed, 1, x.shape[1], x.dtype)[:, 0]


@dataclass(frozen=True)
class SaltAndPepper(Corruption):
    """Each number becomes `low` or `high` with probability share / 2 each.

    Paper: Vincent et al. 2010, Stacked Denoising Autoencoders, JMLR 11, section 3.3.
    """

    share: float = 0.25
    low: float = 0.0
    high: float = 1.0

    def __post_init__(self) -> None:
        check_probability(self.share, "share")

    def spoil(self, x: Float[Tensor, "n d"], seed: Tensor) -> Float[Tensor, "n d"]:
        if not self.share:
            return x.clone()
        noise = white_noise(seed, 1, x.shape[1])[:, 0]
        level = NormalDist().inv_cdf(1 - self.share / 2) if self.share < 1 else 0.0
        return torch.where(noise > level, self.high, torch.where(noise <= -level, self.low, x))


CORRUPTIONS: dict[str, Callable[[float], Corruption]] = {
    "masking": MaskingNoise,
    "gaussian": GaussianNoise,
    "salt_and_pepper": SaltAndPepper,
}
"""Corruptions of Vincent et al. by name, of a share of the numbers or of a deviation."""
