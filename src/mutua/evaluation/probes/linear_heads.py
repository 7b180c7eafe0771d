"""The two convex problems behind the linear probes, solved for large matrices on a small machine.

    minimise over W, b:   1/n sum_i loss(W' x_i + b, y_i)  +  |W|^2 / (2 C n)

which is scikit-learn's objective divided by C n; b is not penalised. The Hessian of both losses is bounded by
a multiple of the Gram matrix of x, which is the same for all steps: its Cholesky factor changes the variables
to ones in which the problem is nearly round, and L-BFGS then needs tens of steps where it needed hundreds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

__all__ = ["Head", "Loss", "gram", "logistic", "reduced", "solve", "squared_hinge"]

Loss = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
"""Scores (n, k) and class numbers (n,) to the sum of the losses and its gradient by the scores (n, k)."""


def logistic(scores: Tensor, codes: Tensor) -> tuple[Tensor, Tensor]:
    """-log softmax(scores)[code], summed over rows."""
    logs = torch.log_softmax(scores, 1)  # (n, k)
    loss = -logs.gather(1, codes[:, None]).sum(dtype=torch.float64)
    gradient = logs.exp_()
    gradient[torch.arange(len(codes), device=codes.device), codes] -= 1
    return loss, gradient


def squared_hinge(scores: Tensor, codes: Tensor) -> tuple[Tensor, Tensor]:
    """sum over classes of max(0, 1 - y s)^2, y = 1 for the own class and -1 for each other: one against rest."""
    sign = torch.full_like(scores, -1.0)
    sign[torch.arange(len(codes), device=codes.device), codes] = 1
    slack = (1 - sign * scores).clamp_(min=0)  # (n, k)
    return slack.square().sum(dtype=torch.float64), -2 * sign * slack


CURVATURE: dict[Loss, float] = {logistic: 0.25, squared_hinge: 2.0}


@dataclass(frozen=True)
class Head:
    """A linear classifier: argmax over classes of x @ weight + bias."""

    weight: Tensor  # (d, k)
    bias: Tensor  # (k,)

    def scores(self, x: Tensor) -> Tensor:
        return x @ self.weight + self.bias  # (n, k)

    def predict(self, x: Tensor) -> Tensor:
        return self.scores(x).argmax(1)


def gram(x: Tensor) -> Tensor:
    """x' x in float64, (d, d); the products are in x's own precision."""
    return (x.T @ x).double()


def reduced(x: Tensor) -> tuple[Tensor, Tensor | None]:
    """(z, basis): where rows are fewer than columns, z = x @ basis loses nothing, as W lies in the rows' span."""
    if len(x) >= x.shape[1]:
        return x, None
    basis, upper = torch.linalg.qr(x.T)  # (d, n), (n, n)
    return upper.T.contiguous(), basis


def _factor(covariance: Tensor, curvature: float, decay: float) -> Tensor:
    """Lower Cholesky factor of curvature covariance + decay I. It is only a change of variables, so that more on
    the diagonal, which rounding may call for, changes the speed and not the solution."""
    matrix = curvature * covariance
    level = max(decay, 1e-7 * float(matrix.diagonal().max()), 1e-12)
    while True:
        shifted = matrix.clone()
        shifted.diagonal().add_(level)
        lower, failed = torch.linalg.cholesky_ex(shifted)
        if not failed:
            return lower
        level *= 10


def solve(
    x: Tensor,
    codes: Tensor,
    classes: int,
    loss: Loss,
    C: float,
    product: Tensor,
    start: Head | None = None,
    steps: int = 300,
) -> Head:
    """The head that minimises the objective above.

    Args:
        x: (n, d), columns centred or nearly so.
        codes: (n,), class numbers below `classes`.
        product: `gram(x)`.
        start: a head near the solution, as of the neighbouring C.
    """
    n, d = x.shape
    decay = 1 / (C * n)
    lower = _factor(product / n, CURVATURE[loss], decay)  # (d, d)
    scale = CURVATURE[loss] ** 0.5

    def head(v: Tensor) -> tuple[Tensor, Tensor]:
        return torch.linalg.solve_triangular(lower.T, v[:d], upper=True), v[d] / scale

    def objective() -> Tensor:
        weight, bias = head(v)
        scores = x @ weight.to(x.dtype) + bias.to(x.dtype)  # (n, k)
        total, by_scores = loss(scores, codes)
        by_weight = (by_scores.T @ x).T.double() / n + decay * weight  # (d, k)
        by_bias = by_scores.sum(0, dtype=torch.float64) / n
        v.grad = torch.cat(
            [torch.linalg.solve_triangular(lower, by_weight, upper=False), by_bias[None] / scale]
        )  # (d + 1, k)
        return total / n + decay / 2 * weight.square().sum()

    v = torch.zeros(d + 1, classes, dtype=torch.float64, device=x.device)
    if start is not None:
        v[:d] = lower.T @ start.weight.double()
        v[d] = start.bias.double() * scale
    exact = x.dtype == torch.float64
    search = torch.optim.LBFGS(
        [v],
        max_iter=steps,
        history_size=10,
        line_search_fn="strong_wolfe",
        tolerance_grad=1e-8 if exact else 1e-5,
        tolerance_change=1e-13 if exact else 1e-7,
    )
    search.step(objective)  # type: ignore[arg-type]
    weight, bias = head(v)
    return Head(weight.to(x.dtype), bias.to(x.dtype))
