"""The VAE of images whose code's total correlation is weighed."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor

from mutua.encoders import Staged, Wrapped
from mutua.methods.vae import DiagonalGaussian, ImageVAE
from mutua.objectives import Pixels
from mutua.ranks import gather, rank
from mutua.types import InputError

__all__ = ["BetaTCVAE", "beta_tcvae", "log_stratified", "total_correlation"]


class BetaTCVAE(ImageVAE):
    """-E log p(x | z) + KL + (beta - 1) TC, TC = KL(q(z) || prod_i q(z_i)) of the aggregated posterior."""

    def __init__(
        self,
        encoder: Staged | Wrapped,
        latent: int | None,
        pixels: Pixels,
        width: int,
        beta: float,
        examples: int | None,
    ) -> None:
        super().__init__(encoder, latent, pixels, width, beta)
        if examples is not None and examples < 2:
            raise InputError(f"examples: {examples}; give how many there are to train on, 2 or more, or none")
        self.examples = examples

    def divergence(
        self, q: DiagonalGaussian, z: Float[Tensor, "n k"], kl: Float[Tensor, " n"]
    ) -> tuple[Float[Tensor, ""], Mapping[str, Tensor]]:
        every = DiagonalGaussian(gather(q.mean), gather(q.log_deviation))
        correlation = total_correlation(z, every, self.examples, rank() * len(z)).mean()
        return kl.mean() + (self.beta - 1) * correlation, {"total_correlation": correlation}


def log_stratified(n: int, examples: int | None) -> Float[Tensor, "n n"]:
    """log of the weights of a batch's posteriors in q(z_i), z_i drawn from the i-th: with M = n - 1 and N
    examples,

        1/N of its own, 1/M of the others but the next, and (N - M)/(N M) of the next, which stands for all not
        here.

    They sum to 1. Published code strides along the flat matrix by n where the diagonal's stride is n + 1, so that
    columns 0 and 1 have the weights meant for the diagonal and its neighbour. Without N each has 1/n.
    """
    if examples is None or n < 2:
        return torch.full((n, n), -math.log(n))
    m, at = n - 1, torch.arange(n)
    found = torch.full((n, n), 1 / m)
    found[at, at] = 1 / examples
    found[at, (at + 1) % n] = max(examples - m, 0) / (examples * m)
    return found.log()


def total_correlation(
    z: Float[Tensor, "n k"], every: DiagonalGaussian, examples: int | None, first: int = 0
) -> Float[Tensor, " n"]:
    """log q(z) - sum_i log q(z_i) of draws from the posteriors `first` on among `every`, in nats.

    Paper: Chen, Li, Grosse and Duvenaud 2018, arXiv:1802.04942, appendix C.2 (minibatch stratified sampling).
    """
    off = (z[:, None] - every.mean) * (-every.log_deviation).exp()  # (n, m, k)
    density = -0.5 * off.square() - every.log_deviation - 0.5 * math.log(2 * math.pi)
    weights = log_stratified(len(every.mean), examples).to(density)[first : first + len(z)]  # (n, m)
    joint = torch.logsumexp(density.sum(2) + weights, 1)
    return joint - torch.logsumexp(density + weights[..., None], 1).sum(1)


def beta_tcvae(
    encoder: Staged | Wrapped,
    *,
    beta: float = 6.0,
    examples: int | None = None,
    latent: int | None = None,
    likelihood: str = "bernoulli",
    scale: float = 1.0,
    low: float = 0.0,
    high: float = 1.0,
    width: int = 64,
) -> BetaTCVAE:
    """Raises E log p(x | z) - KL(q(z | x) || N(0, I)) - (beta - 1) TC: presses on dependence between latents
    alone.

    The total correlation is read off the batch: high by what a batch of these posteriors can't tell of q(z), so
    that its gradient is what counts, and its value is comparable at one batch size.

    Args:
        encoder: The network to train, of images, which is what is kept.
        beta: Weight of the total correlation; 1 is a VAE.
        examples: How many examples are trained on, which the stratified weights need; equal weights without.
        latent: Numbers of a code; by default the encoder's output is the posterior's mean.
        likelihood: Density of a pixel about the decoder's: gaussian, laplace or bernoulli.
        scale: Deviation of a pixel about the decoder's, in units of low to high; of no use to bernoulli.
        low, high: What black and white are to the decoder; 0 and 1 for bernoulli.
        width: Channels of the decoder's last hidden layer.

    Paper: Chen, Li, Grosse and Duvenaud 2018, Isolating Sources of Disentanglement in VAEs, arXiv:1802.04942.
    """
    return BetaTCVAE(encoder, latent, Pixels(likelihood, scale, low, high), width, beta, examples)
