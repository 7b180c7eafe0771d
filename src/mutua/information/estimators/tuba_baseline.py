"""TUBA's baseline: a network of the anchor alone, folded into the critic."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor, nn

from mutua.critics.mlp import mlp
from mutua.types import Critic

__all__ = ["Baselined", "LogBaseline"]


class LogBaseline(nn.Module):
    """log a(x) of each anchor: an MLP, by default one hidden layer of 64. `widths=()` makes it linear."""

    def __init__(self, dx: int, widths: tuple[int, ...] = (64,)) -> None:
        super().__init__()
        self.network = mlp([dx, *widths, 1])

    def forward(self, x: Float[Tensor, "*n dx"]) -> Float[Tensor, "*n"]:
        return self.network(x).squeeze(-1)


class Baselined(Critic):
    """T'(x, y) = T(x, y) - log a(x): TUBA of T with the baseline a is TUBA of T' with the baseline 1.

    So a learned baseline is trained, saved and read as part of the critic. The paper's baseline a(y) is of the
    side that stays while the other is drawn anew; here anchors are x and their draws y, information being
    symmetric.

    Paper: Poole et al. 2019, On Variational Bounds of Mutual Information, arXiv:1905.06922, section 2.2.
    """

    def __init__(self, critic: Critic, log_baseline: nn.Module) -> None:
        super().__init__()
        self.critic = critic
        self.log_baseline = log_baseline

    def forward(self, x: Float[Tensor, "*#n dx"], y: Float[Tensor, "*#n dy"]) -> Float[Tensor, "*#n"]:
        return self.critic(x, y) - self.log_baseline(x)

    def matrix(self, x: Float[Tensor, "*b n dx"], y: Float[Tensor, "*b m dy"]) -> Float[Tensor, "*b n m"]:
        return self.critic.matrix(x, y) - self.log_baseline(x)[..., None]
