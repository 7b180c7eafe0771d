"""The method behind `VAE`, `BetaVAE` and `IVAE`: what a step of training is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Generator, Tensor, nn

from mutua.generative.networks import LinearPlus
from mutua.kernels.devices.copies import to_device
from mutua.kernels.ica.posterior import product
from mutua.objectives.elbo import DENSITIES, EXPECTATIONS, Weights, decomposition, entropy, observation
from mutua.types import Method, Step

__all__ = ["Pairs", "Posterior", "Variational"]


class Posterior(NamedTuple):
    """q(s | x, u) = N(mean, L L^T): mean (n, k), factor L (n, k, k), upper triangular."""

    mean: Float[Tensor, "n k"]
    factor: Float[Tensor, "n k k"]

    def sample(self, noise: Float[Tensor, "n k"]) -> Float[Tensor, "n k"]:
        return self.mean + (self.factor @ noise[..., None])[..., 0]


class Pairs:
    """Rows of (x, u), for training."""

    def __init__(self, x: Float[Tensor, "n d"], u: Tensor) -> None:
        self.x, self.u = x, u

    def __len__(self) -> int:
        return len(self.x)

    def take(self, index: Tensor) -> tuple[Tensor, Tensor]:
        return self.x[index], self.u[index]


class Variational(Method):
    """x = f(s) + noise, s ~ p(s | u), and a posterior that is a product of two Gaussian messages.

        q(s | x, u)  proportional to  g(s | x) p(s | u),   g(s | x) = N(m(x), noise^2 (R R^T)^-1),

    R = R(x) lower triangular: so its precision is R R^T / noise^2 + 1 / scale(u)^2 (a Laplace prior enters by its
    variance). That is the form that the exact posterior has: the encoder sees x alone and learns the likelihood's
    message, and u enters through the prior that is known. Without u the encoding is m(x), the most likely s.

    The covariance is full. With a diagonal one the bound has a gap, sum_i log (J^T J)_ii - log det J^T J (halved),
    for J the Jacobian of f, that does not vanish with the noise and pulls the columns of J towards orthogonality,
    whatever the sources are. As the noise goes to 0 the bound with a full covariance becomes the likelihood of a
    flow. R is learned in units of the noise, so that it stays of order 1.

    The noise is learned, from large to small, as far as the two networks come to invert each other.
    """

    def __init__(
        self,
        start: Float[Tensor, "k d"],
        prior: nn.Module,
        *,
        family: str = "gaussian",
        sizes: Sequence[int] = (64, 64),
        activation: str = "silu",
        beta: float = 1.0,
        weights: Sequence[float] | None = None,
        rows: int = 1,
        noise: float = 0.5,
        rate: float = 3.0,
    ) -> None:
        """start: the linear map that the encoder starts as; the decoder starts as its pseudoinverse.

        sizes: units of the hidden layers of both networks.
        rows: of the training data, for the decomposed bound of `weights` (a, b, c, d).
        """
        super().__init__()
        k, _ = start.shape
        self.k, self.family, self.beta, self.rows, self.rate = k, family, beta, rows, rate
        self.weights = None if weights is None else Weights(*weights)
        self.prior = prior
        self.encoder = LinearPlus(start, sizes, activation, extra=k * (k + 1) // 2)
        self.decoder = LinearPlus(torch.linalg.pinv(start), sizes, activation)
        self.raw_noise = nn.Parameter(torch.tensor(math.log(noise) / rate))
        below = torch.tril_indices(k, k, -1)
        self.register_buffer("below", below[0] * k + below[1], persistent=False)

    @property
    def log_noise(self) -> Float[Tensor, ""]:
        return self.rate * self.raw_noise

    def message(self, x: Float[Tensor, "n d"]) -> tuple[Float[Tensor, "n k"], Float[Tensor, "n k k"]]:
        """m(x), and R(x) / noise, the factor of the precision of g(s | x)."""
        mean, log_diagonal, below = self.encoder(x).split([self.k, self.k, len(self.below)], -1)  # type: ignore[arg-type]
        factor = torch.diag_embed(log_diagonal.exp()).flatten(1)  # (n, k k)
        factor = factor.index_add(1, self.below, below).unflatten(1, (self.k, self.k))  # type: ignore[arg-type]
        return mean, factor * torch.exp(-self.log_noise)

    def posterior(self, x: Float[Tensor, "n d"], u: Tensor) -> tuple[Posterior, Tensor, Tensor, Tensor]:
        """q(s | x, u), the log-diagonal of its factor, and location and log-scale of p(s | u)."""
        mean, factor = self.message(x)
        location, log_scale = self.prior(u)
        offset = mean - location  # (n, k)
        found, root = product(offset, factor, torch.exp(-2 * log_scale).expand_as(mean))
        return Posterior(location + found, root), root.diagonal(dim1=-2, dim2=-1).log(), location, log_scale

    def step(self, batch: tuple[Tensor, Tensor], generator: Generator) -> Step:
        x, u = batch
        q, log_diagonal, location, log_scale = self.posterior(x, u)
        noise = torch.randn(q.mean.shape, generator=generator, device=generator.device)
        noise = to_device(noise, x.device).to(x.dtype)
        s = q.sample(noise)
        fit = observation(x, self.decoder(s), self.log_noise)  # (n,)
        variance = q.factor.square().sum(-1)
        prior = EXPECTATIONS[self.family](q.mean, variance, location, log_scale).sum(-1)  # (n,)
        kl = -prior - entropy(log_diagonal)
        noise_now = self.log_noise.detach().exp()
        logs = {"elbo": (fit - kl).mean().detach(), "kl": kl.mean().detach(), "noise": noise_now}
        if self.weights is None:
            return Step((self.beta * kl - fit).mean(), logs)
        drawn = DENSITIES[self.family](s, location, log_scale).sum(-1)
        lower = torch.linalg.cholesky(q.factor @ q.factor.mT)
        parts = decomposition(fit, s, q.mean, lower, drawn, self.rows)
        return Step(-parts.weighted(self.weights), logs)

    def encode(self, x: Float[Tensor, "n d"]) -> Float[Tensor, "n k"]:
        return self.message(x)[0]

    @torch.no_grad()
    def log_weights(
        self, x: Float[Tensor, "n d"], u: Tensor, samples: int, generator: Generator
    ) -> Float[Tensor, "samples n"]:
        """log p(x, s | u) / q(s | x, u) at s ~ q: their mean is the ELBO, their log-mean-exp a tighter bound."""
        q, log_diagonal, location, log_scale = self.posterior(x, u)
        found = []
        for _ in range(samples):
            noise = torch.randn(q.mean.shape, generator=generator, device=generator.device)
            noise = to_device(noise, x.device).to(x.dtype)
            s = q.sample(noise)
            log_q = -0.5 * (noise.square().sum(-1) + self.k * math.log(2 * math.pi)) - log_diagonal.sum(-1)
            log_p = DENSITIES[self.family](s, location, log_scale).sum(-1)
            found.append(observation(x, self.decoder(s), self.log_noise) + log_p - log_q)
        return torch.stack(found)
