"""Training the stacked critics of a cross-fit: one loop, each fold stopped by its own rows."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Generator, Tensor

from mutua.bounds import infonce_loss, jsd
from mutua.information.default.folds import Folds
from mutua.information.default.log_ratio import LogRatio
from mutua.scores import paired

__all__ = ["Fit", "Fitted", "fit", "objective"]


@dataclass(frozen=True)
class Fit:
    """How long and how gently. The defaults were chosen on spirals and Student's t, see docs/design.md."""

    steps: int = 2000
    batch: int = 128
    lr: float = 2e-3
    weight_decay: float = 0.3
    average: float = 0.98
    every: int = 25
    patience: int = 12


@dataclass(frozen=True)
class Fitted:
    """What training left: the critic holds the state of each fold that its own `stop` rows liked best.

    Attributes:
        value: (f,) the objective on the `stop` rows there, in nats.
        step: (f,) when it was seen; 0 is the Gaussian start.
        trained: the best state after step 0, whatever the start was worth: what an independence test uses, since
            a critic that is constant orders no permutations.
    """

    critic: LogRatio
    value: Float[Tensor, " f"]
    step: Tensor
    trained: dict[str, Tensor]


def objective(critic: LogRatio, x: Float[Tensor, "f n dx"], y: Float[Tensor, "f n dy"]) -> Float[Tensor, " f"]:
    """JSD plus InfoNCE, the partner among the columns and among the rows in equal parts. Raised by training.

    Both have their optimum at T = log r. InfoNCE follows the information itself (its gap is a Kullback-Leibler
    divergence) but leaves a constant in each row free; the logistic part pins it, so that T can be read without a
    normaliser where the information is too large for one.
    """
    scores = paired(critic, x, y)
    return jsd(scores) + 0.5 * (infonce_loss(scores) + infonce_loss(scores.turned()))


def fit(
    critic: LogRatio,
    x: Float[Tensor, "n dx"],
    y: Float[Tensor, "n dy"],
    folds: Folds,
    plan: Fit,
    generator: Generator,
    told: Callable[[int, int], None] | None = None,
) -> Fitted:
    """Train every fold's critic on its `train` rows; stop when no fold has improved for `patience` looks.

    AdamW with a cosine schedule, gradients clipped fold by fold; what is looked at (and kept) is an exponential
    average of the weights. `told(step, steps)` hears of progress.
    """
    parameters = list(critic.parameters())
    averages = [p.detach().clone() for p in parameters]
    optimizer = torch.optim.AdamW(parameters, lr=plan.lr, betas=(0.9, 0.99), weight_decay=plan.weight_decay)
    n, batch = folds.train.shape[1], min(plan.batch, folds.train.shape[1])
    best = _looked_at(critic, averages, x, y, folds, batch)  # (f,)
    kept = [a.clone() for a in averages]
    best_step = torch.zeros(len(folds), dtype=torch.long)
    after, trained = torch.full_like(best, -math.inf), [a.clone() for a in averages]
    order, position, since = _shuffled(folds.train, generator), 0, 0
    for step in range(1, plan.steps + 1):
        if position + batch > n:
            order, position = _shuffled(folds.train, generator), 0
        rows = order[:, position : position + batch]  # (f, b)
        position += batch
        for group in optimizer.param_groups:
            group["lr"] = plan.lr * min(1.0, step / 50) * 0.5 * (1 + math.cos(math.pi * step / plan.steps))
        optimizer.zero_grad()
        (-objective(critic, x[rows], y[rows]).sum()).backward()
        _clip(parameters)
        optimizer.step()
        torch._foreach_lerp_(averages, [p.detach() for p in parameters], 1 - min(plan.average, step / (step + 10)))
        if step % plan.every == 0 or step == plan.steps:
            seen = _looked_at(critic, averages, x, y, folds, batch)
            _keep(trained, averages, seen > after)
            after = torch.maximum(after, seen)
            better = seen > best
            _keep(kept, averages, better)
            best, best_step = torch.where(better, seen, best), torch.where(better, step, best_step)
            since = 0 if better.any() else since + 1
            if told is not None:
                told(step, plan.steps)
            if since >= plan.patience:
                break
    with torch.no_grad():
        for parameter, value in zip(parameters, kept, strict=True):
            parameter.copy_(value)
    names = [name for name, _ in critic.named_parameters()]
    return Fitted(critic.eval(), best, best_step, dict(zip(names, trained, strict=True)))


def _shuffled(rows: Tensor, generator: Generator) -> Tensor:
    """Each fold's rows in an order of its own."""
    return rows.gather(1, torch.rand(rows.shape, generator=generator).argsort(1))


def _clip(parameters: list[torch.nn.Parameter]) -> None:
    gradients = [p.grad for p in parameters if p.grad is not None]
    norm = torch.stack([(g * g).flatten(1).sum(1) for g in gradients]).sum(0).sqrt()  # (f,)
    scale = (1.0 / norm.clamp_min(1.0)).nan_to_num(0.0)
    for g in gradients:
        g.mul_(scale.view(-1, *[1] * (g.ndim - 1)))


def _keep(kept: list[Tensor], values: list[Tensor], better: Tensor) -> None:
    for old, new in zip(kept, values, strict=True):
        old[better] = new[better]


@torch.no_grad()
def _looked_at(
    critic: LogRatio, averages: list[Tensor], x: Tensor, y: Tensor, folds: Folds, batch: int
) -> Float[Tensor, " f"]:
    """The objective on the `stop` rows, in blocks of two batches, under the averaged weights."""
    parameters = list(critic.parameters())
    live = [p.clone() for p in parameters]
    for p, a in zip(parameters, averages, strict=True):
        p.copy_(a)
    blocks = [rows for rows in folds.stop.split(2 * batch, 1) if rows.shape[1] > 1][:4]
    value = torch.stack([objective(critic, x[rows], y[rows]) for rows in blocks]).mean(0)
    for p, a in zip(parameters, live, strict=True):
        p.copy_(a)
    return value.nan_to_num(-math.inf)
