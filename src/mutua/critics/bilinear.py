"""CPC's critic."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn

from mutua.types import InnerProduct

__all__ = ["Bilinear"]


class Bilinear(InnerProduct):
    """T(x, y) = x^T W y: CPC's critic, one W for each horizon there.

    Paper: van den Oord et al. 2018, arXiv:1807.03748, equation 3.
    """

    def __init__(self, dx: int, dy: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(dx, dy) / math.sqrt(dx * dy))

    def left(self, x: Float[Tensor, "*n dx"]) -> Float[Tensor, "*n dy"]:
        return x @ self.weight

    def right(self, y: Float[Tensor, "*m dy"]) -> Float[Tensor, "*m dy"]:
        return y

    def extra_repr(self) -> str:
        return "dx={}, dy={}".format(*self.weight.shape)
