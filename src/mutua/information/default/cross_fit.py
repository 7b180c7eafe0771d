"""Training the stacked critics of a cross-fit, each fold stopped by its own rows."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Generator, Tensor

from mutua.bounds import infonce_loss, jsd
from mutua.information.default.folds import Folds
from mutua.information.default.log_ratio import LogRatio
from mutua.scores import paired
from mutua.training import Plan, descend

__all__ = ["PLAN", "Fitted", "fit", "objective"]


PLAN = Plan(
    epochs=2000, batch=128, optimizer="adamw", lr=2e-3, beta2=0.99, weight_decay=0.3, warmup=50, ema=0.98, clip=1.0
)
"""How long, in steps, and how gently. Chosen on spirals and Student's t, see docs/design.md."""
_EVERY = 25


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
    plan: Plan,
    generator: Generator,
    told: Callable[[int, int], None] | None = None,
    *,
    patience: int = 12,
) -> Fitted:
    """Train every fold's critic on its `train` rows; stop when no fold has improved for `patience` looks.

    Gradients are clipped fold by fold; what is looked at, every 25 steps, and kept is an exponential average of
    the weights. A fold that diverges is left at its best. `told(step, steps)` hears of progress.
    """
    parameters = list(critic.parameters())
    averages = [p.detach().clone() for p in parameters]
    batch = min(plan.batch, folds.train.shape[1])
    best = _looked_at(critic, averages, x, y, folds, batch)  # (f,)
    kept = [a.clone() for a in averages]
    best_step = torch.zeros(len(folds), dtype=torch.long)
    after, trained, since = torch.full_like(best, -math.inf), [a.clone() for a in averages], 0

    def watch(step: int, _loss: Tensor) -> bool:
        nonlocal best, best_step, after, since
        torch._foreach_lerp_(averages, [p.detach() for p in parameters], 1 - min(plan.ema, step / (step + 10)))
        if step % _EVERY and step != plan.epochs:
            return False
        seen = _looked_at(critic, averages, x, y, folds, batch)
        _keep(trained, averages, seen > after)
        after = torch.maximum(after, seen)
        better = seen > best
        _keep(kept, averages, better)
        best, best_step = torch.where(better, seen, best), torch.where(better, step, best_step)
        since = 0 if better.any() else since + 1
        if told is not None:
            told(step, plan.epochs)
        return since >= patience

    descend(
        lambda rows: -objective(critic, x[rows], y[rows]).sum(),
        parameters,
        _shuffled(folds.train, batch, generator),
        plan,
        watch=watch,
        clip=_clip,
        guarded=False,
    )
    with torch.no_grad():
        for parameter, value in zip(parameters, kept, strict=True):
            parameter.copy_(value)
    names = [name for name, _ in critic.named_parameters()]
    return Fitted(critic.eval(), best, best_step, dict(zip(names, trained, strict=True)))


def _shuffled(rows: Int[Tensor, "f n"], batch: int, generator: Generator) -> Iterator[Int[Tensor, "f b"]]:
    """Batch after batch of each fold's rows, in an order of its own."""
    while True:
        order = rows.gather(1, torch.rand(rows.shape, generator=generator).argsort(1))
        yield from order[:, : order.shape[1] // batch * batch].split(batch, 1)


def _clip(parameters: list[Tensor], most: float) -> None:
    """Each fold's gradient by itself."""
    gradients = [p.grad for p in parameters if p.grad is not None]
    norm = torch.stack([(g * g).flatten(1).sum(1) for g in gradients]).sum(0).sqrt()  # (f,)
    scale = (most / norm.clamp_min(most)).nan_to_num(0.0)
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
