"""Critics that are exact on a Gaussian, and the Gaussian they are exact on."""

from __future__ import annotations

import math

from jaxtyping import Float
from torch import Tensor

from mutua.data.known import Known, gaussian
from mutua.types import Critic


class ExactLogRatio(Critic):
    """T = shift + log p(x, y)/p(x)p(y) of standard Gaussians correlated by rho, column by column."""

    def __init__(self, rho: float, shift: float = 0.0) -> None:
        super().__init__()
        self.rho = rho
        self.shift = shift

    def forward(self, x: Float[Tensor, "*#n d"], y: Float[Tensor, "*#n d"]) -> Float[Tensor, "*#n"]:
        residual = (y - self.rho * x).square() / (1 - self.rho**2)
        return self.shift + (0.5 * (y.square() - residual) - 0.5 * math.log1p(-(self.rho**2))).sum(-1)


class ExactConditional(ExactLogRatio):
    """T = log p(y|x)."""

    def forward(self, x: Float[Tensor, "*#n d"], y: Float[Tensor, "*#n d"]) -> Float[Tensor, "*#n"]:
        return super().forward(x, y) - 0.5 * (y.square() + math.log(2 * math.pi)).sum(-1)


def rho_of(known: Known) -> float:
    return math.sqrt(-math.expm1(-2 * known.information / known.dx))


PAIR = gaussian(2, information=1.0)
