"""The variational autoencoder of images, whose code has noise of a size that it learns."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Generator, Tensor, nn

from mutua.encoders import Staged, Wrapped
from mutua.methods.autoencoder import Autoencoder
from mutua.objectives import Pixels
from mutua.objectives.elbo import kl_diagonal
from mutua.types import Batch, InputError, Step, wide

__all__ = ["DiagonalGaussian", "ImageVAE", "vae"]


class DiagonalGaussian(NamedTuple):
    """q(z | x) = N(mean, diag(exp(log_deviation))^2) of each example."""

    mean: Float[Tensor, "n k"]
    log_deviation: Float[Tensor, "n k"]

    def sample(self, noise: Float[Tensor, "n k"]) -> Float[Tensor, "n k"]:
        return self.mean + self.log_deviation.exp() * noise


class ImageVAE(Autoencoder):
    """-E_q log p(x | z) + beta KL(q(z | x) || N(0, I)), a mean over examples, in nats an image.

    The encoder's output, or a linear map of it, is the posterior's mean; its log deviation is a linear map of the
    depth before the last where that is a vector (Deep InfoMax's fc), else of the last.

    A variant that weighs the divergence otherwise has a `divergence` of its own, and the rest of this.
    """

    def __init__(
        self, encoder: Staged | Wrapped, latent: int | None, pixels: Pixels, width: int, beta: float = 1.0
    ) -> None:
        super().__init__(encoder, latent, pixels, width)
        if not 0 <= beta < math.inf:
            raise InputError(f"beta: {beta}; give the weight of the divergence, finite and 0 or more")
        self.beta = beta
        before = encoder.depths[-2:][0]
        self.depth = before if len(encoder.shapes[before]) == 1 else encoder.depths[-1]
        self.log_deviation = nn.Linear(torch.Size(encoder.shapes[self.depth]).numel(), self.latent)

    def posterior(self, batch: Batch) -> DiagonalGaussian:
        """q(z | x) of each example, in float32 at least."""
        last = self.encoder.depths[-1]
        read = self.encoder.read(batch, tuple({self.depth: None, last: None}))
        mean = self.code(read[last].flatten(1))
        return DiagonalGaussian(wide(mean), wide(self.log_deviation(read[self.depth].flatten(1))))

    def step(self, batch: Batch, generator: Generator) -> Step:
        q = self.posterior(batch)
        z = q.sample(self.drawn(q.mean, generator))
        raw = self.decoder(z)
        x = self.images(batch)
        fit = self.pixels.log_prob(x, raw)  # (n,)
        kl = kl_diagonal(*q)  # (n,)
        pressed, logs = self.divergence(q, z, kl)
        told = {"elbo": (fit - kl).mean(), "kl": kl.mean(), "squared_error": self.squared_error(x, raw), **logs}
        return Step(pressed - fit.mean(), {name: value.detach() for name, value in told.items()})

    def divergence(
        self, q: DiagonalGaussian, z: Float[Tensor, "n k"], kl: Float[Tensor, " n"]
    ) -> tuple[Float[Tensor, ""], Mapping[str, Tensor]]:
        """What is lowered beside -E log p(x | z), of posteriors, a draw of each, and their KL to the prior; and
        what to write of it."""
        return self.beta * kl.mean(), {}


def vae(
    encoder: Staged | Wrapped,
    *,
    latent: int | None = None,
    likelihood: str = "gaussian",
    scale: float = 0.5**0.5,
    low: float = -1.0,
    high: float = 1.0,
    width: int = 64,
) -> ImageVAE:
    """Raises the evidence lower bound of images whose code is standard normal.

    Args:
        encoder: The network to train, of images, which is what is kept.
        latent: Numbers of a code; by default the encoder's output is the posterior's mean.
        likelihood: Density of a pixel about the decoder's: gaussian, laplace or bernoulli.
        scale: Deviation of a pixel about the decoder's, in units of low to high; the square error's, sqrt(1/2).
        low, high: What black and white are to the decoder; 0 and 1 for bernoulli.
        width: Channels of the decoder's last hidden layer.

    Paper: Kingma and Welling 2014, Auto-encoding variational Bayes, arXiv:1312.6114; likelihood and range of
    the code of Deep InfoMax's author, arXiv:1808.06670."""
    return ImageVAE(encoder, latent, Pixels(likelihood, scale, low, high), width)
