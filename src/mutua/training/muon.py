"""Muon: steps along the nearest orthogonal matrix of the gradient for weights, Adam's for the rest."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.optim.adam import adam

from mutua.training.by_tensor import ByTensor

__all__ = ["QUINTIC", "Muon", "orthogonalised"]

QUINTIC = (3.4445, -4.7750, 2.0315)
"""Keller Jordan's polynomial a x + b x^3 + c x^5: singular values in (0.01, 1] come out between 0.7 and 1.2 after
five rounds of it."""
_ROUNDS = 5


class Muon(ByTensor):
    """w <- (1 - lr wd) w - lr turn sqrt(max(n, m)) UV^T, with U S V^T = g + mu v the singular value decomposition
    of Nesterov's momentum, v <- mu v + g, and every singular value made about 1: a step turns all directions of a
    map alike, where one along the gradient turns the few that it is large in. A network that undoes a mixture is
    held up by its smallest directions.

    torch.optim.Muon does this in bfloat16, which here is neither exact enough nor, without the instructions, fast.

    Args:
        params: tensors, or groups. A group of matrices (n, m) takes these steps, convolutions as (out, the rest);
            one of anything else, or with `orthogonal` False, Adam's.
        lr: learning rate, of Adam's steps too; the root makes an entry's step independent of the size.
        momentum: mu.
        weight_decay: wd. Steps keep their size however small the gradient is: without it maps grow, and a long
            training may diverge.
        turn: root mean square of a step's entries over lr; .2 is that of Adam's steps.
        betas: Adam's.

    Paper: Jordan et al. 2024, Muon: An optimizer for hidden layers in neural networks; Liu et al. 2025, Muon is
    scalable for LLM training, arXiv:2502.16982 (turn).
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float,
        momentum: float = 0.95,
        weight_decay: float = 0.0,
        turn: float = 0.2,
        betas: tuple[float, float] = (0.9, 0.999),
    ) -> None:
        defaults = {"lr": lr, "momentum": momentum, "weight_decay": weight_decay, "turn": turn, "betas": betas}
        super().__init__(params, defaults)

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        super().add_param_group(param_group)
        group = self.param_groups[-1]
        group.setdefault("orthogonal", all(w.ndim > 1 for w in group["params"]))

    def move_all(self, weights: list[Tensor], group: dict[str, Any]) -> None:
        if group["orthogonal"]:
            super().move_all(weights, group)
            return
        for w in weights:
            if not self.state[w]:
                self.state[w] = {
                    "exp_avg": torch.zeros_like(w),
                    "exp_avg_sq": torch.zeros_like(w),
                    "step": torch.zeros((), device=w.device),
                }
        states = [self.state[w] for w in weights]
        adam(
            weights,
            [w.grad for w in weights if w.grad is not None],
            [state["exp_avg"] for state in states],
            [state["exp_avg_sq"] for state in states],
            [],
            [state["step"] for state in states],
            fused=True,
            decoupled_weight_decay=True,
            amsgrad=False,
            beta1=group["betas"][0],
            beta2=group["betas"][1],
            lr=group["lr"],
            weight_decay=group["weight_decay"],
            eps=1e-8,
            maximize=False,
        )

    def move(self, w: Tensor, group: dict[str, Any]) -> None:
        assert w.grad is not None
        velocity = self.state[w].get("velocity")
        if velocity is None:
            velocity = self.state[w]["velocity"] = torch.zeros_like(w)
        velocity.mul_(group["momentum"]).add_(w.grad)
        ahead = (w.grad + group["momentum"] * velocity).flatten(1)
        along = orthogonalised(ahead).view_as(w)
        w.mul_(1 - group["lr"] * group["weight_decay"])
        w.add_(along, alpha=-group["lr"] * group["turn"] * math.sqrt(max(ahead.shape)))


def orthogonalised(matrix: Float[Tensor, "n m"]) -> Float[Tensor, "n m"]:
    """About U V^T of a matrix U S V^T, by Newton and Schulz's iteration: singular values of 0.7 to 1.2."""
    a, b, c = QUINTIC
    wide = matrix.shape[0] <= matrix.shape[1]
    x = matrix if wide else matrix.mT
    x = x / (x.norm() + 1e-30)
    for _ in range(_ROUNDS):
        square = x @ x.mT
        x = torch.addmm(x, torch.addmm(square, square, square, beta=b, alpha=c), x, beta=a)
    return x if wide else x.mT
