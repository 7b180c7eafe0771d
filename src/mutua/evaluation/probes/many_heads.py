"""Many logistic regressions at once: several sets of rows of one size, each under several penalties.

    minimise over W, b:   1/n sum_i -log softmax(W' x_i + b)[y_i]  +  |W|^2 / (2 C n)   for each set and each C

The objective is that of `linear_heads.solve`, its twin. Here the steps of all problems are taken together, so that
all penalties share one pass over the rows, and the change of variables takes the curvature where it starts: near
the solution of confident heads it is a small part of the bound that `solve` takes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

__all__ = ["Heads", "solve_many"]

_MEMORY = 8
_LEAST_CURVATURE = 1e-2
_ROUNDING = 2e-7


@dataclass(frozen=True)
class Heads:
    """Linear classifiers: o sets of rows, p penalties each."""

    weight: Float[Tensor, "o p d k"]
    bias: Float[Tensor, "o p k"]
    seen: Bool[Tensor, "o k"]

    def log_probs(self, x: Float[Tensor, "o m d"]) -> Float[Tensor, "o p m k"]:
        """log softmax of the scores of x; -inf for classes that the set hasn't."""
        scores = x[:, None] @ self.weight.to(x.dtype) + self.bias[:, :, None].to(x.dtype)
        return torch.log_softmax(scores.masked_fill(~self.seen[:, None, None], -torch.inf), -1)


def solve_many(
    x: Float[Tensor, "o n d"],
    codes: Int64[Tensor, "o n"],
    classes: int,
    C: Float[Tensor, " p"],
    product: Float[Tensor, "o d d"] | None = None,
    start: Heads | None = None,
    weights: Float[Tensor, "o n"] | None = None,
    steps: int = 500,
    tol: float | None = None,
) -> Heads:
    """The heads that minimise the objective above, one for each set of rows and each C.

    Args:
        x: columns centred or nearly so; float32, or float64 for more digits.
        codes: class numbers below `classes`. A class that a set of rows has none of takes no part in it.
        C: penalties; infinity for none.
        product: x' x in float64, where it is known.
        start: heads near the solution, as of fewer of the rows.
        weights: of the rows, of mean 1; equal by default.
        steps: of L-BFGS at most.
        tol: norm of the gradient, in the variables in which the problem is nearly round, at which a problem is
            solved; 1e-4 in float32 by default, 1e-8 in float64.
    """
    n, d = x.shape[1:]
    if n < d:  # W lies in the span of the rows
        basis, upper = torch.linalg.qr(x.transpose(1, 2))  # (o, d, n), (o, n, n)
        near = start and Heads(basis[:, None].mT.to(start.weight.dtype) @ start.weight, start.bias, start.seen)
        found = _solved(upper.mT.contiguous(), codes, classes, C, None, near, weights, steps, tol)
        return Heads(basis[:, None].to(found.weight.dtype) @ found.weight, found.bias, found.seen)
    return _solved(x, codes, classes, C, product, start, weights, steps, tol)


def _solved(
    x: Tensor,
    codes: Tensor,
    classes: int,
    C: Tensor,
    product: Tensor | None,
    start: Heads | None,
    weights: Tensor | None,
    steps: int,
    tol: float | None,
) -> Heads:
    (o, n, d), p = x.shape, len(C)
    decay = (1 / (C.double() * n)).to(x.device)  # (p,)
    seen = torch.zeros(o, classes, dtype=torch.bool, device=x.device).scatter_(1, codes, True)
    # exp(-1e4) is 0, and unlike infinity it has no NaN in its gradient.
    absent = torch.where(seen, 0.0, -1e4).to(x.dtype)[:, None, :, None]  # (o, 1, k, 1)
    place = codes[:, None, None].expand(o, p, 1, n)
    tilted = x.mT
    each = None if weights is None else weights.to(x.dtype)

    def log_probs(weight: Tensor, bias: Tensor) -> Tensor:
        # Classes before rows: a softmax over ten neighbours in memory is ten times slower.
        flat = weight.to(x.dtype).mT.reshape(o, p * classes, d)
        scores = (flat @ tilted).view(o, p, classes, n)
        return torch.log_softmax(scores.add_(bias.to(x.dtype)[..., None] + absent), 2)

    near = start or Heads(x.new_zeros(o, p, d, classes), x.new_zeros(o, p, classes), seen)
    curvature = _curvature(log_probs(near.weight, near.bias))  # (o, p)
    product = (tilted @ x).double() if product is None else product
    lower = _factors(product / n, curvature, decay)  # (o, p, d, d)
    scale = curvature.sqrt()[..., None]

    def heads(v: Tensor) -> tuple[Tensor, Tensor]:
        return torch.linalg.solve_triangular(lower.mT, v[..., :d, :], upper=True), v[..., d, :] / scale

    def objective(v: Tensor) -> tuple[Tensor, Tensor]:
        """Values (o, p) and gradients (o, p, d + 1, k)."""
        weight, bias = heads(v)
        logs = log_probs(weight, bias)
        own = logs.gather(2, place)[:, :, 0]
        value = -(own if each is None else own * each[:, None]).sum(-1, dtype=torch.float64) / n
        residual = logs.exp_().scatter_add_(2, place, x.new_full((1, 1, 1, 1), -1.0).expand(place.shape))
        if each is not None:
            residual *= each[:, None, None]
        by_weight = (residual.view(o, p * classes, n) @ x).view(o, p, classes, d).mT
        by_weight = by_weight.double() / n + decay[:, None, None] * weight
        by_bias = residual.sum(-1, dtype=torch.float64) / n  # (o, p, k)
        value = value + decay / 2 * weight.square().sum((-2, -1))
        inner = torch.linalg.solve_triangular(lower, by_weight, upper=False)
        return value, torch.cat([inner, (by_bias / scale)[..., None, :]], -2)

    v = torch.cat([lower.mT @ near.weight.double(), (near.bias.double() * scale)[..., None, :]], -2)
    exact = x.dtype == torch.float64
    v = _descended(objective, v, steps, tol or (1e-8 if exact else 1e-4), 1e-15 if exact else _ROUNDING)
    weight, bias = heads(v)
    return Heads(weight.to(x.dtype), bias.to(x.dtype), seen)


def _curvature(logs: Float[Tensor, "o p k n"]) -> Float[Tensor, "o p"]:
    """What -log softmax bends by each score, p (1 - p), on the average; not less than a hundredth."""
    probabilities = logs.exp()
    return (probabilities * (1 - probabilities)).mean((2, 3), dtype=torch.float64).clamp_min(_LEAST_CURVATURE)


def _factors(
    covariance: Float[Tensor, "o d d"], curvature: Float[Tensor, "o p"], decay: Float[Tensor, " p"]
) -> Float[Tensor, "o p d d"]:
    """Lower Cholesky factors of curvature covariance + decay I. Rounding may call for more on the diagonal, which
    changes the speed and not the solution."""
    matrix = curvature[..., None, None] * covariance[:, None]  # (o, p, d, d)
    diagonal = matrix.diagonal(dim1=-2, dim2=-1)
    level = torch.maximum(decay[None], 1e-7 * diagonal.amax(-1)).clamp_min(1e-12)  # (o, p)
    one = torch.eye(matrix.shape[-1], dtype=matrix.dtype, device=matrix.device)
    while True:
        lower, failed = torch.linalg.cholesky_ex(matrix + level[..., None, None] * one)
        if not failed.any():
            return lower
        level = torch.where(failed > 0, 10 * level, level)


def _descended(
    objective: Callable[[Tensor], tuple[Tensor, Tensor]], v: Tensor, steps: int, tol: float, rounding: float
) -> Tensor:
    """L-BFGS of problems side by side, (o, p, ...), each with its own step; what is solved stays where it is."""

    def dot(a: Tensor, b: Tensor) -> Tensor:
        return (a * b).sum((-2, -1), keepdim=True)  # (o, p, 1, 1)

    pairs: list[tuple[Tensor, Tensor, Tensor]] = []
    gamma = torch.ones_like(v[..., :1, :1])
    value, gradient = objective(v)
    open_ = dot(gradient, gradient).sqrt() > tol
    for _ in range(steps):
        if not open_.any():
            break
        q, kept = gradient.clone(), []
        for s, y, rho in reversed(pairs):
            alpha = rho * dot(s, q)
            q -= alpha * y
            kept.append(alpha)
        q *= gamma
        for (s, y, rho), alpha in zip(pairs, reversed(kept), strict=True):
            q += s * (alpha - rho * dot(y, q))
        slope = -dot(gradient, q)
        q = torch.where(slope < 0, -q, -gradient)
        slope = torch.minimum(slope, -dot(gradient, gradient)).where(slope >= 0, slope)
        t = torch.where(open_, 1.0, 0.0).to(v.dtype)
        for _ in range(20):
            new_value, new_gradient = objective(v + t * q)
            gain = value - new_value
            enough = gain[..., None, None] >= -1e-4 * t * slope - rounding * value.abs()[..., None, None]
            if bool(enough.all()):
                break
            t = torch.where(enough, t, t / 2)
        stuck = ~enough
        step, change = torch.where(stuck, 0.0, t * q), torch.where(stuck, 0.0, new_gradient - gradient)
        curved = dot(step, change)
        good = curved > 1e-12 * dot(step, step)
        good &= dot(step, step) > 0
        rho = torch.where(good, 1 / torch.where(good, curved, 1.0), 0.0)
        gamma = torch.where(good, curved / torch.where(good, dot(change, change), 1.0), gamma)
        pairs = [*pairs[-(_MEMORY - 1) :], (step, change, rho)]
        v, gradient = v + step, gradient + change
        value = torch.where(stuck[..., 0, 0], value, new_value)
        still = gain[..., None, None].abs() <= rounding * value.abs()[..., None, None]
        open_ = open_ & ~stuck & (dot(gradient, gradient).sqrt() > tol) & ~(still & (t < 1))
    return v
