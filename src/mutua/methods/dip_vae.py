"""The VAE of images whose codes' covariance is pressed towards the identity."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor

from mutua.encoders import Staged, Wrapped
from mutua.methods.vae import DiagonalGaussian, ImageVAE
from mutua.objectives import Pixels
from mutua.ranks import gather
from mutua.types import InputError

__all__ = ["DIPVAE", "dip_vae"]


class DIPVAE(ImageVAE):
    """-E log p(x | z) + KL + off sum_{i != j} C_ij^2 + diagonal sum_i (C_ii - 1)^2, C = Cov[mean], or with
    `sampled` Cov[mean] + E[diag deviation^2], the covariance of codes with their noise; of the batch, divided by
    its size."""

    def __init__(
        self,
        encoder: Staged | Wrapped,
        latent: int | None,
        pixels: Pixels,
        width: int,
        off: float,
        diagonal: float,
        sampled: bool,
    ) -> None:
        super().__init__(encoder, latent, pixels, width)
        if not (0 <= off < math.inf and 0 <= diagonal < math.inf):
            raise InputError(f"off={off}, diagonal={diagonal}; give weights of 0 or more, finite")
        self.off, self.diagonal, self.sampled = off, diagonal, sampled

    def divergence(
        self, q: DiagonalGaussian, z: Float[Tensor, "n k"], kl: Float[Tensor, " n"]
    ) -> tuple[Float[Tensor, ""], Mapping[str, Tensor]]:
        mean = gather(q.mean)
        centred = mean - mean.mean(0)
        covariance = centred.T @ centred / len(mean)  # (k, k)
        if self.sampled:
            covariance = covariance + torch.diag((2 * gather(q.log_deviation)).exp().mean(0))
        own = covariance.diagonal()
        others = covariance.square().sum() - own.square().sum()
        pressed = self.off * others + self.diagonal * (own - 1).square().sum()
        return kl.mean() + pressed, {"covariance": others}


def dip_vae(
    encoder: Staged | Wrapped,
    *,
    off: float = 10.0,
    diagonal: float | None = None,
    sampled: bool = False,
    latent: int | None = None,
    likelihood: str = "bernoulli",
    scale: float = 1.0,
    low: float = 0.0,
    high: float = 1.0,
    width: int = 64,
) -> DIPVAE:
    """Raises the evidence lower bound less what the codes' covariance differs from the identity.

    Args:
        encoder: The network to train, of images, which is what is kept.
        off: Weight of squared covariances of different latents.
        diagonal: Weight of squared differences of variances from 1; ten times `off` by default (DIP-VAE-I), or
            with `sampled` as much as `off` (DIP-VAE-II).
        sampled: The covariance of codes with their noise, DIP-VAE-II, where it is of their means, DIP-VAE-I.
        latent: Numbers of a code; by default the encoder's output is the posterior's mean.
        likelihood: Density of a pixel about the decoder's: gaussian, laplace or bernoulli.
        scale: Deviation of a pixel about the decoder's, in units of low to high; of no use to bernoulli.
        low, high: What black and white are to the decoder; 0 and 1 for bernoulli.
        width: Channels of the decoder's last hidden layer.

    Paper: Kumar, Sattigeri and Balakrishnan 2018, Variational Inference of Disentangled Latent Concepts from
    Unlabeled Observations, arXiv:1711.00848; weights of Locatello et al. 2019, arXiv:1811.12359.
    """
    weight = (off if sampled else 10 * off) if diagonal is None else diagonal
    return DIPVAE(encoder, latent, Pixels(likelihood, scale, low, high), width, off, weight, sampled)
