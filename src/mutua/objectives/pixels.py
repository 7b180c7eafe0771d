"""How likely an image is under what a decoder says of it: the range of pixels and the density about them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from mutua.objectives.elbo import gaussian, laplace
from mutua.types import InputError, names, wide

__all__ = ["LIKELIHOODS", "Pixels"]


def _bernoulli(x: Tensor, raw: Tensor, mean: Tensor, log_scale: Tensor) -> Tensor:
    return -binary_cross_entropy_with_logits(raw, x, reduction="none")


LIKELIHOODS: dict[str, Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]] = {
    "gaussian": lambda x, raw, mean, log_scale: gaussian(x, mean, log_scale),
    "laplace": lambda x, raw, mean, log_scale: laplace(x, mean, log_scale),
    "bernoulli": _bernoulli,
}
"""Name to the log-density of each pixel, of (pixels, the decoder's output, its mean, log of the deviation)."""


@dataclass(frozen=True)
class Pixels:
    """log p(x | f) of images in [low, high], f a decoder's output of any real values, in nats an image:

        sum over pixels of log N(x; low + (high - low) sigmoid(f), scale^2)        gaussian
        the same with the Laplace density of deviation `scale`                     laplace
        x log sigmoid(f) + (1 - x) log sigmoid(-f), in [0, 1]                      bernoulli

    A weight of the Kullback-Leibler divergence means nothing without `scale` and the range: of the Gaussian, a
    scale of s on [-1, 1] is s / 2 on [0, 1], and beta / s^2 is what the sum of squares is weighed against.

    Args:
        likelihood: gaussian, laplace or bernoulli.
        scale: deviation of a pixel about its mean, in the units of the range; bernoulli has none.
        low, high: what black and white are.
    """

    likelihood: str = "gaussian"
    scale: float = math.sqrt(0.5)
    low: float = -1.0
    high: float = 1.0

    def __post_init__(self) -> None:
        if self.likelihood not in LIKELIHOODS:
            raise InputError(f"likelihood: {self.likelihood!r} is none of {names(LIKELIHOODS)}")
        if not 0 < self.scale < math.inf:
            raise InputError(f"scale: {self.scale}; give the deviation of a pixel, above 0 and finite")
        if not -math.inf < self.low < self.high < math.inf:
            raise InputError(f"low, high: {self.low} and {self.high} are no range; give two numbers that rise")
        if self.likelihood == "bernoulli" and (self.low, self.high) != (0, 1):
            raise InputError(
                f"low, high: {self.low:g} and {self.high:g}, and bernoulli is of pixels in [0, 1]; give 0 and 1"
            )

    def of(self, images: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
        """Images in [-1, 1], as networks take them, in this range."""
        return (images + 1) * ((self.high - self.low) / 2) + self.low

    def mean(self, raw: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
        """The decoder's output as pixels in this range."""
        return self.low + (self.high - self.low) * torch.sigmoid(wide(raw))

    def shown(self, raw: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
        """The decoder's output as pixels in [0, 1]."""
        return torch.sigmoid(wide(raw))

    def log_prob(self, x: Float[Tensor, "n c h w"], raw: Float[Tensor, "n c h w"]) -> Float[Tensor, " n"]:
        """log p(x | f) of each image x in this range."""
        raw = wide(raw)
        log_scale = raw.new_full(raw.shape[-1:], math.log(self.scale))
        return LIKELIHOODS[self.likelihood](wide(x), raw, self.mean(raw), log_scale).flatten(1).sum(1)
