"""Muon: steps along the nearest orthogonal matrix of the gradient, for the linear maps of small networks."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from mutua.training.optimizers import ByTensor

__all__ = ["Muon", "orthogonalised"]

# Keller Jordan's quintic: singular values in (0.01, 1] come out between 0.7 and 1.2 after five rounds.
_QUINTIC = (3.4445, -4.7750, 2.0315)
_ROUNDS = 5


class Muon(ByTensor):
    """w <- (1 - lr wd) w - lr sqrt(max(n, m)) UV^T, with U S V^T = g + mu v the singular value decomposition of
    Nesterov's momentum, v <- mu v + g, and every singular value made about 1: a step turns all directions of a map
    alike, where one along the gradient turns the few that it is large in. A network that undoes a mixture is held
    up by its smallest directions.

    torch.optim.Muon does this in bfloat16, which here is neither exact enough nor, without the instructions, fast.

    Args:
        params: matrices (n, m).
        lr: learning rate; the root makes an entry's step independent of the size, as of Adam's steps.
        momentum: mu.
        weight_decay: wd. Steps keep their size however small the gradient is: without it maps grow, and a long
            training may diverge.

    Paper: Jordan et al. 2024, Muon: An optimizer for hidden layers in neural networks.
    """

    def __init__(
        self, params: Iterable[Tensor], lr: float, momentum: float = 0.95, weight_decay: float = 0.0
    ) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    def move(self, w: Tensor, group: dict[str, Any]) -> None:
        assert w.grad is not None
        velocity = self.state[w].get("velocity")
        if velocity is None:
            velocity = self.state[w]["velocity"] = torch.zeros_like(w)
        velocity.mul_(group["momentum"]).add_(w.grad)
        along = orthogonalised(w.grad + group["momentum"] * velocity)
        w.mul_(1 - group["lr"] * group["weight_decay"])
        w.add_(along, alpha=-group["lr"] * math.sqrt(max(w.shape)))


def orthogonalised(matrix: Float[Tensor, "n m"]) -> Float[Tensor, "n m"]:
    """About U V^T of a matrix U S V^T, by Newton and Schulz's iteration: singular values of 0.7 to 1.2."""
    a, b, c = _QUINTIC
    wide = matrix.shape[0] <= matrix.shape[1]
    x = matrix if wide else matrix.mT
    x = x / (x.norm() + 1e-30)
    for _ in range(_ROUNDS):
        square = x @ x.mT
        x = torch.addmm(x, torch.addmm(square, square, square, beta=b, alpha=c), x, beta=a)
    return x if wide else x.mT
