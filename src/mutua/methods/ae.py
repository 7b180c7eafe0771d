"""The autoencoder: an example must be found again from its code."""

from __future__ import annotations

import math

from torch import Generator

from mutua.encoders import Staged, Wrapped
from mutua.methods.autoencoder import Autoencoder
from mutua.objectives import Pixels
from mutua.types import Batch, Step

__all__ = ["AE", "ae"]


class AE(Autoencoder):
    """mean_i |x_i - decoder(code(x_i))|^2, summed over pixels."""

    def step(self, batch: Batch, generator: Generator) -> Step:
        raw = self.decoder(self.codes(batch))
        x = self.images(batch)
        return Step((x - self.pixels.mean(raw)).square().flatten(1).sum(1).mean())


def ae(
    encoder: Staged | Wrapped,
    *,
    latent: int | None = None,
    low: float = -1.0,
    high: float = 1.0,
    width: int = 64,
) -> AE:
    """Lowers the squared error of a decoder's image of each example's code, summed over pixels.

    Its samples on a page are of codes that are standard normal, which nothing here makes the codes be.

    Args:
        encoder: The network to train, of images, which is what is kept.
        latent: Numbers of a code; by default the encoder's output is the code.
        low, high: What black and white are to the decoder.
        width: Channels of the decoder's last hidden layer.

    Paper: Hinton and Salakhutdinov 2006, Reducing the dimensionality of data with neural networks, Science 313;
    as a row of Deep InfoMax's table, arXiv:1808.06670.
    """
    return AE(encoder, latent, Pixels("gaussian", math.sqrt(0.5), low, high), width)
