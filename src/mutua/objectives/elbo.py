"""The evidence lower bound of a latent variable model, its parts in closed form, and iVAE's weighted form.

    log p(x | u) >= E_q[log p(x | s)] + E_q[log p(s | u)] + H[q],   q(s | x) = N(mean, L L^T),

in nats, L (k, k) lower triangular. Every function here is elementwise over rows and differentiable.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

__all__ = [
    "DENSITIES",
    "EXPECTATIONS",
    "Parts",
    "Weights",
    "decomposition",
    "entropy",
    "expected_gaussian",
    "expected_laplace",
    "gaussian",
    "kl_diagonal",
    "kl_gaussian",
    "laplace",
    "observation",
]

_LOG_2PI = math.log(2 * math.pi)


def gaussian(
    s: Float[Tensor, "*n k"], location: Float[Tensor, "*#n k"], log_scale: Float[Tensor, "*#n k"]
) -> Float[Tensor, "*n k"]:
    """log N(s; location, scale^2) of each component."""
    return -0.5 * (((s - location) * torch.exp(-log_scale)).square() + _LOG_2PI) - log_scale


def laplace(
    s: Float[Tensor, "*n k"], location: Float[Tensor, "*#n k"], log_scale: Float[Tensor, "*#n k"]
) -> Float[Tensor, "*n k"]:
    """log of the Laplace density of variance scale^2: -sqrt(2) |s - location| / scale - log(sqrt(2) scale)."""
    return -math.sqrt(2) * ((s - location) * torch.exp(-log_scale)).abs() - log_scale - 0.5 * math.log(2)


def expected_gaussian(
    mean: Float[Tensor, "n k"],
    variance: Float[Tensor, "n k"],
    location: Float[Tensor, "#n k"],
    log_scale: Float[Tensor, "#n k"],
) -> Float[Tensor, "n k"]:
    """E log N(s; location, scale^2) under s ~ N(mean, variance)."""
    return gaussian(mean, location, log_scale) - 0.5 * variance * torch.exp(-2 * log_scale)


def expected_laplace(
    mean: Float[Tensor, "n k"],
    variance: Float[Tensor, "n k"],
    location: Float[Tensor, "#n k"],
    log_scale: Float[Tensor, "#n k"],
) -> Float[Tensor, "n k"]:
    """E of the Laplace log-density under s ~ N(mean, variance): with m = mean - location and deviation v,

    E |s - location| = v sqrt(2 / pi) exp(-m^2 / 2 v^2) + m erf(m / (v sqrt 2)).
    """
    m = mean - location
    deviation = variance.sqrt()
    z = m / deviation
    size = deviation * math.sqrt(2 / math.pi) * torch.exp(-0.5 * z.square()) + m * torch.erf(z / math.sqrt(2))
    return -math.sqrt(2) * size * torch.exp(-log_scale) - log_scale - 0.5 * math.log(2)


DENSITIES: dict[str, Callable[[Tensor, Tensor, Tensor], Tensor]] = {"gaussian": gaussian, "laplace": laplace}
"""Family of p(s | u) to its log-density (s, location, log_scale). Scales are standard deviations."""

EXPECTATIONS: dict[str, Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]] = {
    "gaussian": expected_gaussian,
    "laplace": expected_laplace,
}
"""Family to its expectation (mean, variance, location, log_scale) under a Gaussian q, in closed form."""


def entropy(log_diagonal: Float[Tensor, "n k"]) -> Float[Tensor, " n"]:
    """H[N(m, L L^T)] = sum_i log L_ii + k / 2 (1 + log 2 pi)."""
    return log_diagonal.sum(-1) + 0.5 * log_diagonal.shape[-1] * (1 + _LOG_2PI)


def kl_gaussian(
    mean: Float[Tensor, "n k"],
    factor: Float[Tensor, "n k k"],
    location: Float[Tensor, "#n k"],
    log_scale: Float[Tensor, "#n k"],
) -> Float[Tensor, " n"]:
    """KL(N(mean, L L^T) || N(location, diag(scale^2))) of each row, L = factor."""
    variance = factor.square().sum(-1)  # (n, k)
    log_diagonal = factor.diagonal(dim1=-2, dim2=-1).log()
    return -entropy(log_diagonal) - expected_gaussian(mean, variance, location, log_scale).sum(-1)


def kl_diagonal(
    mean: Float[Tensor, "n k"],
    log_deviation: Float[Tensor, "n k"],
    location: Float[Tensor, "#n k"] | None = None,
    log_scale: Float[Tensor, "#n k"] | None = None,
) -> Float[Tensor, " n"]:
    """KL(N(mean, diag(deviation^2)) || N(location, diag(scale^2))) of each row; N(0, I) where neither is given."""
    location = torch.zeros_like(mean[:1]) if location is None else location
    log_scale = torch.zeros_like(mean[:1]) if log_scale is None else log_scale
    variance = torch.exp(2 * log_deviation)
    return -entropy(log_deviation) - expected_gaussian(mean, variance, location, log_scale).sum(-1)


def observation(
    x: Float[Tensor, "*n d"], mean: Float[Tensor, "*n d"], log_noise: Float[Tensor, ""]
) -> Float[Tensor, "*n"]:
    """log N(x; mean, noise^2 I), noise a deviation."""
    return gaussian(x, mean, log_noise.expand(x.shape[-1])).sum(-1)


class Weights(NamedTuple):
    """(a, b, c, d) of iVAE's code; (1, 1, 1, 1) is the ELBO."""

    a: float = 1.0
    b: float = 1.0
    c: float = 1.0
    d: float = 1.0


class Parts(NamedTuple):
    """Terms of the decomposed ELBO, each a mean over the batch in nats.

    reconstruction - information - total_correlation - dimension_wise is the ELBO (of one sample), whatever the
    estimate of q(s) is: its two logarithms cancel.
    """

    reconstruction: Float[Tensor, ""]
    information: Float[Tensor, ""]
    total_correlation: Float[Tensor, ""]
    dimension_wise: Float[Tensor, ""]

    def weighted(self, weights: Weights) -> Float[Tensor, ""]:
        """a reconstruction - b information - c total_correlation - d dimension_wise."""
        a, b, c, d = weights
        return (
            a * self.reconstruction - b * self.information - c * self.total_correlation - d * self.dimension_wise
        )


def decomposition(
    reconstruction: Float[Tensor, " n"],
    s: Float[Tensor, "n k"],
    mean: Float[Tensor, "n k"],
    factor: Float[Tensor, "n k k"],
    log_prior: Float[Tensor, " n"],
    rows: int,
) -> Parts:
    """The ELBO in four parts, from one sample s_i ~ q(s | x_i) for each row of a batch:

        reconstruction      log p(x_i | s_i)
        information         log q(s_i | x_i) - log q(s_i)
        total_correlation   log q(s_i) - sum_j log q_j(s_ij)
        dimension_wise      sum_j log q_j(s_ij) - log p(s_i | u_i)

    q(s) is the mixture of q(s | x) over all `rows` of the data, and q_j its margins. As in iVAE's code they are
    estimated from the n rows of the batch by minibatch-weighted sampling, log sum_i q(s | x_i) - log(n rows),
    which is low by about log n (Chen et al. 2018). Its published weights are (100, 1, 0, 10). There a encloses
    the decoder's fixed variance 0.01, and the decoder's log-density is multiplied as a whole.

    Paper: Khemakhem et al. 2020, supplement; Chen et al., Isolating Sources of Disentanglement in VAEs (2018).
    """
    n, k = s.shape
    offset = s[:, None] - mean[None]  # (n, n, k): sample i under the posterior of row j
    white = torch.linalg.solve_triangular(factor, offset.permute(1, 2, 0), upper=False)  # (j, k, i)
    log_diagonal = factor.diagonal(dim1=-2, dim2=-1).log().sum(-1)  # (n,)
    joint = -0.5 * white.square().sum(1).T - log_diagonal - 0.5 * k * _LOG_2PI  # (i, j)
    margins = gaussian(offset, torch.zeros_like(s[0]), 0.5 * factor.square().sum(-1).log())  # (n, n, k)
    log_q = torch.logsumexp(joint, 1) - math.log(n * rows)
    log_margins = (torch.logsumexp(margins, 1) - math.log(n * rows)).sum(-1)
    own = joint.diagonal()
    return Parts(
        reconstruction.mean(),
        (own - log_q).mean(),
        (log_q - log_margins).mean(),
        (log_margins - log_prior).mean(),
    )
