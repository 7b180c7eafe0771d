"""A critic that is a sum over components: what nonlinear ICA needs to identify its sources."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn

from mutua.types import Critic

__all__ = ["ComponentSum"]


class ComponentSum(Critic):
    """T(h, u) = sum_i psi_i(h_i, u), each psi_i a small network of one component of h and of u.

    Because no psi_i sees two components, the optimum forces h to separate them. The d networks run as one:
    their weights are stacked and multiplied by batched matrix products.

    Paper: Hyvärinen, Sasaki and Turner 2019, Nonlinear ICA Using Auxiliary Variables and Generalized
    Contrastive Learning, arXiv:1805.08651, equation 12.
    """

    def __init__(self, d: int, du: int, width: int = 32) -> None:
        super().__init__()
        self.into_h = nn.Parameter(torch.randn(d, width))
        self.into_u = nn.Parameter(torch.randn(d, du, width) / math.sqrt(du))
        self.bias = nn.Parameter(torch.zeros(d, width))
        self.middle = nn.Parameter(torch.randn(d, width, width) * math.sqrt(2 / width))
        self.middle_bias = nn.Parameter(torch.zeros(d, width))
        self.out = nn.Parameter(torch.randn(d, width) / math.sqrt(width))
        self.constant = nn.Parameter(torch.zeros(()))

    def components(self, h: Float[Tensor, "*#n d"], u: Float[Tensor, "*#n du"]) -> Float[Tensor, "*#n d"]:
        """psi_i(h_i, u) of each component."""
        from_u = torch.einsum("...u,duw->...dw", u, self.into_u)  # (*n, d, w)
        hidden = torch.relu(h[..., None] * self.into_h + from_u + self.bias)  # (*n, d, w)
        hidden = torch.relu(torch.einsum("...dw,dwv->...dv", hidden, self.middle) + self.middle_bias)
        return (hidden * self.out).sum(-1)  # (*n, d)

    def forward(self, x: Float[Tensor, "*#n d"], y: Float[Tensor, "*#n du"]) -> Float[Tensor, "*#n"]:
        return self.components(x, y).sum(-1) + self.constant

    def extra_repr(self) -> str:
        return f"d={self.into_h.shape[0]}, du={self.into_u.shape[1]}"
