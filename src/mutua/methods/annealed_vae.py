"""The VAE of images whose divergence is held to a capacity that grows."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor

from mutua.encoders import Staged, Wrapped
from mutua.methods.arguments import at_least
from mutua.methods.vae import DiagonalGaussian, ImageVAE
from mutua.objectives import Pixels
from mutua.ranks import gather
from mutua.types import InputError

__all__ = ["AnnealedVAE", "annealed_vae"]


class AnnealedVAE(ImageVAE):
    """-E log p(x | z) + gamma |KL - C|, C = capacity min(1, t / rising), t the optimizer's steps done: a
    buffer."""

    done: Tensor

    def __init__(
        self,
        encoder: Staged | Wrapped,
        latent: int | None,
        pixels: Pixels,
        width: int,
        capacity: float,
        gamma: float,
        rising: int,
    ) -> None:
        super().__init__(encoder, latent, pixels, width)
        if not (0 <= capacity < math.inf and 0 <= gamma < math.inf):
            raise InputError(f"capacity={capacity}, gamma={gamma}; give nats and a weight of 0 or more, finite")
        at_least(1, rising=rising)
        self.capacity, self.gamma, self.rising = capacity, gamma, rising
        self.register_buffer("done", torch.zeros((), dtype=torch.int64))

    def divergence(
        self, q: DiagonalGaussian, z: Float[Tensor, "n k"], kl: Float[Tensor, " n"]
    ) -> tuple[Float[Tensor, ""], Mapping[str, Tensor]]:
        allowed = self.capacity * (self.done / self.rising).clamp(max=1.0).to(kl.dtype)
        return self.gamma * (gather(kl).mean() - allowed).abs(), {"capacity": allowed}

    def stepped(self, step: int, steps: int) -> None:
        self.done.fill_(step + 1)


def annealed_vae(
    encoder: Staged | Wrapped,
    *,
    capacity: float = 25.0,
    gamma: float = 1000.0,
    rising: int = 100_000,
    latent: int | None = None,
    likelihood: str = "bernoulli",
    scale: float = 1.0,
    low: float = 0.0,
    high: float = 1.0,
    width: int = 64,
) -> AnnealedVAE:
    """Raises E log p(x | z) - gamma |KL(q(z | x) || N(0, I)) - C|, where C rises from 0: what a code may say
    grows.

    Args:
        encoder: The network to train, of images, which is what is kept.
        capacity: Nats that C rises to.
        gamma: How hard the mean divergence is held to it.
        rising: Steps over which it rises.
        latent: Numbers of a code; by default the encoder's output is the posterior's mean.
        likelihood: Density of a pixel about the decoder's: gaussian, laplace or bernoulli.
        scale: Deviation of a pixel about the decoder's, in units of low to high; of no use to bernoulli.
        low, high: What black and white are to the decoder; 0 and 1 for bernoulli.
        width: Channels of the decoder's last hidden layer.

    Paper: Burgess et al. 2018, Understanding disentangling in beta-VAE, arXiv:1804.03599; settings of Locatello et
    al. 2019, arXiv:1811.12359.
    """
    return AnnealedVAE(encoder, latent, Pixels(likelihood, scale, low, high), width, capacity, gamma, rising)
