"""A critic linear in statistics of each component: the log-ratio of a conditional exponential family."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import cast

import torch
from jaxtyping import Float
from torch import Tensor, nn

from mutua.critics.mlp import mlp
from mutua.types import InnerProduct

__all__ = ["STATISTICS", "ExponentialFamily", "LearnedStatistics", "Statistics"]

Statistics = Callable[[Tensor], Tensor]
"""Components (..., d) to the statistics of each, (..., d, m)."""

_ROUNDING = 1e-3


def absolute(h: Float[Tensor, "*n d"]) -> Float[Tensor, "*n d 1"]:
    """sqrt(h^2 + .001), a smooth |h|: Laplace sources of changing scale."""
    return (h * h + _ROUNDING).sqrt()[..., None]


def square(h: Float[Tensor, "*n d"]) -> Float[Tensor, "*n d 1"]:
    """h^2: Gaussian sources of changing variance."""
    return (h * h)[..., None]


def moments(h: Float[Tensor, "*n d"]) -> Float[Tensor, "*n d 2"]:
    """h and h^2: Gaussian sources of changing mean and variance."""
    return torch.stack([h, h * h], -1)


def scales(h: Float[Tensor, "*n d"]) -> Float[Tensor, "*n d 2"]:
    """|h| and h^2: symmetric sources of changing scale, Laplace, Gaussian or between."""
    return torch.stack([(h * h + _ROUNDING).sqrt(), h * h], -1)


STATISTICS: dict[str, Statistics] = {
    "absolute": absolute,
    "square": square,
    "moments": moments,
    "scales": scales,
}


class LearnedStatistics(nn.Module):
    """m functions of each component, small networks of their own: tanh, one hidden layer, and h itself beside.

    With m large enough sum_k q_k(h) lambda_k(u) is any function of h and u. Units start as steps along a grid from
    -2 to 2: from random slopes, of either sign, networks often learn |h| where h is wanted.
    """

    def __init__(self, d: int, m: int = 6, width: int = 16) -> None:
        super().__init__()
        self.slope = nn.Parameter(torch.ones(d, width))
        self.bias = nn.Parameter(torch.linspace(-2, 2, width).repeat(d, 1))
        self.out = nn.Parameter(torch.randn(d, width, m) / math.sqrt(width))
        self.direct = nn.Parameter(torch.randn(d, m) / math.sqrt(m))

    def forward(self, h: Float[Tensor, "*n d"]) -> Float[Tensor, "*n d m"]:
        hidden = torch.tanh(h[..., None] * self.slope + self.bias)  # (*n, d, w)
        # A product batched over components: rows come second.
        flat = hidden.flatten(0, -3).transpose(0, 1)  # (d, n, w)
        learned = torch.bmm(flat, self.out).transpose(0, 1).reshape(*h.shape, -1)  # (*n, d, m)
        return learned + h[..., None] * self.direct


class ExponentialFamily(InnerProduct):
    """T(h, u) = sum_i <q(h_i), lambda_i(u)> + c(u): no term sees two components of h.

    For sources s_i of the exponential family with statistics q and natural parameters lambda_i(u) this is
    log p(s | u) / p(s), but for the denominator's own shape in s_i, which constants in lambda_i give as far as q
    has it. As an inner product it scores all pairs by one matrix product. The family is linear: with one fixed
    statistic it cannot tell components from linear combinations of their q(h_i), so linear ICA of these follows.

    Args:
        d, du: components of h, columns of u (one-hot for a label).
        statistics: "absolute", "square", "moments", "scales" (see `STATISTICS`), or None for learned ones: `order`
            of them a component, with which it is a general critic sum_i psi_i(h_i, u).
        hidden: widths of the network lambda(u); none makes it linear, which is all a one-hot u needs.
        order: how many statistics are learned.

    Paper: Hyvärinen, Sasaki and Turner 2019, Nonlinear ICA Using Auxiliary Variables and Generalized
    Contrastive Learning, arXiv:1805.08651, equations 8 and 12.
    """

    def __init__(
        self,
        d: int,
        du: int,
        statistics: str | None = "scales",
        hidden: tuple[int, ...] = (),
        order: int = 6,
    ) -> None:
        super().__init__()
        self.name = statistics
        self.statistics: Statistics = (
            cast(Statistics, LearnedStatistics(d, order)) if statistics is None else STATISTICS[statistics]
        )
        m = self.statistics(torch.zeros(1, d)).shape[-1]
        self.parameters_of = mlp([du, *hidden, d * m + 1], nn.Tanh)

    def left(self, x: Float[Tensor, "*n d"]) -> Float[Tensor, "*n k"]:
        q = self.statistics(x).flatten(-2)  # (*n, d m)
        return torch.cat([q, torch.ones_like(q[..., :1])], -1)

    def right(self, y: Float[Tensor, "*m du"]) -> Float[Tensor, "*m k"]:
        return self.parameters_of(y)

    def extra_repr(self) -> str:
        return f"statistics={self.name or 'learned'}"
