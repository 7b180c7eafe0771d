"""The VAE of images whose code's total correlation a discriminator reads."""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Generator, Tensor, nn
from torch.func import functional_call

from mutua.encoders import Staged, Wrapped
from mutua.methods.arguments import at_least
from mutua.methods.vae import ImageVAE
from mutua.objectives import Pixels
from mutua.objectives.adversary import Adversary
from mutua.objectives.elbo import kl_diagonal
from mutua.ranks import gather, mine
from mutua.types import Batch, InputError, Step, wide

__all__ = ["FactorVAE", "factor_vae", "shuffled_columns"]


class FactorVAE(ImageVAE):
    """-E log p(x | z) + KL + gamma E D(z), the discriminator's D log q(z) / prod_i q(z_i) at its optimum.

    D learns to tell codes from codes whose columns were shuffled, each by itself, over the batch. It sees codes
    cut from the encoder, and the encoder D's weights as constants: in two public versions D's loss reaches the
    encoder.
    """

    def __init__(
        self,
        encoder: Staged | Wrapped,
        latent: int | None,
        pixels: Pixels,
        width: int,
        gamma: float,
        units: int,
        layers: int,
    ) -> None:
        super().__init__(encoder, latent, pixels, width)
        if not 0 <= gamma < math.inf:
            raise InputError(f"gamma: {gamma}; give the weight of the total correlation, finite and 0 or more")
        at_least(1, units=units, layers=layers)
        self.gamma = gamma
        sizes = [self.latent, *[units] * layers]
        parts: list[nn.Module] = []
        for a, b in pairwise(sizes):
            parts += [nn.Linear(a, b), nn.LeakyReLU(0.2)]
        self.player = Adversary(nn.Sequential(*parts, nn.Linear(units, 1)))

    def step(self, batch: Batch, generator: Generator) -> Step:
        q = self.posterior(batch)
        z = q.sample(self.drawn(q.mean, generator))
        raw, x = self.decoder(z), self.images(batch)
        fit, kl = self.pixels.log_prob(x, raw).mean(), kl_diagonal(*q).mean()
        cut = z.detach()
        game = self.player.play(cut, mine(shuffled_columns(gather(cut), generator)))
        judge = self.player.discriminator
        frozen = {name: value.detach() for name, value in judge.named_parameters()}
        correlation = wide(functional_call(judge, frozen, (z,))).mean()
        logs = {
            "elbo": fit - kl,
            "kl": kl,
            "squared_error": self.squared_error(x, raw),
            "total_correlation": correlation,
            "discriminator": game.telling,
        }
        loss = kl - fit + self.gamma * correlation + game.telling
        return Step(loss, {name: value.detach() for name, value in logs.items()})


def shuffled_columns(z: Float[Tensor, "n k"], generator: Generator) -> Float[Tensor, "n k"]:
    """Each column's rows in an order of their own: draws from the product of the columns' distributions."""
    orders = torch.stack([torch.randperm(len(z), generator=generator) for _ in range(z.shape[1])], 1)
    return z.gather(0, orders.to(z.device))


def factor_vae(
    encoder: Staged | Wrapped,
    *,
    gamma: float = 35.0,
    units: int = 1000,
    layers: int = 6,
    latent: int | None = None,
    likelihood: str = "bernoulli",
    scale: float = 1.0,
    low: float = 0.0,
    high: float = 1.0,
    width: int = 64,
) -> FactorVAE:
    """Raises the evidence lower bound less gamma times the code's total correlation, as a discriminator tells it.

    Columns are shuffled over the same batch; the paper draws a second one. Both players have one optimizer.

    Args:
        encoder: The network to train, of images, which is what is kept.
        gamma: Weight of the total correlation.
        units: Units of each of the discriminator's hidden layers.
        layers: How many those are.
        latent: Numbers of a code; by default the encoder's output is the posterior's mean.
        likelihood: Density of a pixel about the decoder's: gaussian, laplace or bernoulli.
        scale: Deviation of a pixel about the decoder's, in units of low to high; of no use to bernoulli.
        low, high: What black and white are to the decoder; 0 and 1 for bernoulli.
        width: Channels of the decoder's last hidden layer.

    Paper: Kim and Mnih 2018, Disentangling by Factorising, arXiv:1802.05983.
    """
    return FactorVAE(encoder, latent, Pixels(likelihood, scale, low, high), width, gamma, units, layers)
