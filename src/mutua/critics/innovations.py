"""The critics of permutation-contrastive learning: a source and its own past, component by component."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

from mutua.critics.exponential_family import LearnedStatistics
from mutua.types import Critic, InnerProduct

__all__ = ["AbsoluteInnovation", "LearnedInnovation"]


class AbsoluteInnovation(Critic):
    """T(h, g) = m + sum_i [ -|a_i h_i + b_i g_i + c_i| + p_i h_i^2 + r_i |h_i| ], h of now and g of the past.

    log p(h_i | g_i) of an autoregression with Laplace innovations, less the log density of h_i, which is taken to
    lie between Gaussian and Laplace. The paper's has r = 0 and one p for all components. All pairs are one matrix
    of L1 distances.

    Paper: Hyvärinen and Morioka 2017, Nonlinear ICA of Temporally Dependent Stationary Sources, equation 20 and
    the authors' code.
    """

    def __init__(self, d: int) -> None:
        super().__init__()
        self.now = nn.Parameter(torch.ones(d))
        self.past = nn.Parameter(torch.full((d,), -0.5))
        self.shift = nn.Parameter(torch.zeros(d))
        self.square = nn.Parameter(torch.full((d,), 0.1))
        self.absolute = nn.Parameter(torch.full((d,), 0.1))
        self.constant = nn.Parameter(torch.zeros(()))

    def _own(self, x: Float[Tensor, "*n d"]) -> Float[Tensor, "*n"]:
        """What T has of h alone."""
        square = x * x
        return (self.square * square + self.absolute * (square + 0.1).sqrt()).sum(-1) + self.constant

    def forward(self, x: Float[Tensor, "*#n d"], y: Float[Tensor, "*#n d"]) -> Float[Tensor, "*#n"]:
        innovation = self.now * x + self.shift + self.past * y  # (*n, d)
        return self._own(x) - innovation.abs().sum(-1)

    def matrix(self, x: Float[Tensor, "*b n d"], y: Float[Tensor, "*b m d"]) -> Float[Tensor, "*b n m"]:
        distance = torch.cdist(self.now * x + self.shift, -self.past * y, p=1.0)  # (*b, n, m)
        return self._own(x)[..., None] - distance


class LearnedInnovation(InnerProduct):
    """T(h, g) = sum_i <q_i(h_i), k_i(g_i)> + a: statistics of now and of the past, both learned, `order` each.

    A general critic sum_i psi_i(h_i, g_i), for innovations of any shape.
    """

    def __init__(self, d: int, order: int = 6) -> None:
        super().__init__()
        self.of_now = LearnedStatistics(d, order)
        self.of_past = LearnedStatistics(d, order)
        self.own = nn.Parameter(torch.zeros(d, order))
        self.constant = nn.Parameter(torch.zeros(1))

    def left(self, x: Float[Tensor, "*n d"]) -> Float[Tensor, "*n k"]:
        q = self.of_now(x)  # (*n, d, order)
        own = (q * self.own).sum((-2, -1))[..., None] + self.constant  # (*n, 1)
        return torch.cat([q.flatten(-2), own], -1)

    def right(self, y: Float[Tensor, "*m d"]) -> Float[Tensor, "*m k"]:
        k = self.of_past(y).flatten(-2)
        return torch.cat([k, torch.ones_like(k[..., :1])], -1)
