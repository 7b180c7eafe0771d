"""Two networks and the inner product of what they make."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor, nn

from mutua.critics.mlp import mlp
from mutua.types import InnerProduct

__all__ = ["Separable"]


class Separable(InnerProduct):
    """T(x, y) = <phi(x), psi(y)>, phi and psi MLPs.

    With `skip`, a linear map of each input is added to its network, so that a linear relation is there from
    the first step. It flatters Gaussian tests: report without it too.

    Paper: Tschannen et al. 2020, arXiv:1907.13625; Song and Ermon 2020, arXiv:1910.06222, for the sizes.
    """

    def __init__(
        self,
        dx: int,
        dy: int,
        width: int = 256,
        depth: int = 2,
        embedding: int = 32,
        skip: bool = False,
        activation: type[nn.Module] = nn.ReLU,
    ) -> None:
        super().__init__()
        self.phi = mlp([dx, *[width] * depth, embedding], activation)
        self.psi = mlp([dy, *[width] * depth, embedding], activation)
        self.phi_skip = nn.Linear(dx, embedding, bias=False) if skip else None
        self.psi_skip = nn.Linear(dy, embedding, bias=False) if skip else None

    def left(self, x: Float[Tensor, "*n dx"]) -> Float[Tensor, "*n k"]:
        return self.phi(x) if self.phi_skip is None else self.phi(x) + self.phi_skip(x)

    def right(self, y: Float[Tensor, "*m dy"]) -> Float[Tensor, "*m k"]:
        return self.psi(y) if self.psi_skip is None else self.psi(y) + self.psi_skip(y)
