"""Deep InfoMax's critic: each side through a wide residual layer, then the dot product."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

from mutua.types import InnerProduct

__all__ = ["EncodeAndDot"]


class _Side(nn.Module):
    """layer_norm(W2 relu(batch_norm(W1 x)) + W0 x): W0 starts as the identity with a little noise."""

    def __init__(self, inputs: int, units: int) -> None:
        super().__init__()
        self.into = nn.Linear(inputs, units, bias=False)
        self.norm = nn.BatchNorm1d(units)
        self.out = nn.Linear(units, units)
        self.shortcut = nn.Linear(inputs, units, bias=False)
        self.layer_norm = nn.LayerNorm(units)
        with torch.no_grad():
            self.shortcut.weight.uniform_(-0.01, 0.01)
            k = min(inputs, units)
            self.shortcut.weight[range(k), range(k)] = 1.0

    def forward(self, x: Float[Tensor, "*n d"]) -> Float[Tensor, "*n k"]:
        flat = x.reshape(-1, x.shape[-1])  # (n, d): to batch norm, locations are examples
        hidden = torch.relu(self.norm(self.into(flat)))  # (n, k)
        return self.layer_norm(self.out(hidden) + self.shortcut(flat)).view(*x.shape[:-1], -1)


class EncodeAndDot(InnerProduct):
    """T(x, y) = <side(x), side'(y)>, sides of 2,048 units: the encode-and-dot-product architecture.

    On each side two linear layers (1 x 1 convolutions, where y is a location of a map) with batch norm and ReLU
    between, a linear shortcut that starts near the identity, and layer norm. The product is not scaled.

    Paper: Hjelm et al. 2019, arXiv:1808.06670, appendix A (encode-and-dot-product); the layer norm is of the
    authors' code.
    """

    def __init__(self, dx: int, dy: int, units: int = 2048) -> None:
        super().__init__()
        self.x_side = _Side(dx, units)
        self.y_side = _Side(dy, units)

    def left(self, x: Float[Tensor, "*n dx"]) -> Float[Tensor, "*n k"]:
        return self.x_side(x)

    def right(self, y: Float[Tensor, "*m dy"]) -> Float[Tensor, "*m k"]:
        return self.y_side(y)
