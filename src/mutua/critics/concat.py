"""The critic of the lecture's table: an MLP on the concatenated pair."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor, nn

from mutua.types import Critic

__all__ = ["Concat"]


class Concat(Critic):
    """T(x, y) = MLP([x; y]), 512-512-1 with ReLU by default.

    The most flexible critic, and the dearest: N^2 passes for a matrix. The first layer is linear, so
    W [x; y] = Wx x + Wy y: each half is multiplied once an example instead of once a pair.

    Paper: Hjelm et al. 2019, arXiv:1808.06670, appendix A (concat-and-convolve); Belghazi et al. 2018.
    """

    def __init__(self, dx: int, dy: int, widths: tuple[int, ...] = (512, 512)) -> None:
        super().__init__()
        first = nn.Linear(dx + dy, widths[0])
        layers: list[nn.Module] = []
        for a, b in zip(widths, (*widths[1:], 1), strict=True):
            layers += [nn.ReLU(), nn.Linear(a, b)]
        self.dx = dx
        self.first = first
        self.rest = nn.Sequential(*layers)

    def forward(self, x: Float[Tensor, "*#n dx"], y: Float[Tensor, "*#n dy"]) -> Float[Tensor, "*#n"]:
        wx, wy = self.first.weight.split([self.dx, self.first.in_features - self.dx], 1)
        hidden = nn.functional.linear(x, wx) + nn.functional.linear(y, wy, self.first.bias)  # (*n, h)
        return self.rest(hidden).squeeze(-1)

    def extra_repr(self) -> str:
        return f"dx={self.dx}, dy={self.first.in_features - self.dx}"
