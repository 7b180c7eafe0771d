"""Training of a small network on rows in memory: the plan, rates and optimizers of `fit`, without its threads,
folders, ranks and checkpoints.

Of a step of some milliseconds those are another 40 % (512 rows, 20-40-40-20 units: 2.5 against 1.7 ms).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

import torch
from jaxtyping import Int64
from torch import Generator, Tensor
from torch.nn.utils import clip_grad_norm_

from mutua.training.optimizers import OPTIMIZERS
from mutua.training.plan import Plan, learning_rate
from mutua.training.stopping import Diverged
from mutua.types import InputError

__all__ = ["Clip", "Watch", "descend", "shuffled_batches"]

Batch = TypeVar("Batch")
Watch = Callable[[int, Tensor], "bool | None"]
"""Steps done and the loss, after each step. True ends the training."""
Clip = Callable[[list[Tensor], float], Any]
"""Parameters, whose gradients are made no longer than that."""

# Reading a number waits for an accelerator: there, seldom.
_LOOK = 100


def descend(
    objective: Callable[[Batch], Tensor],
    parameters: Iterable[Tensor] | Iterable[dict[str, Any]],
    batches: Iterable[Batch],
    plan: Plan,
    penalty: Callable[[float], Tensor] | None = None,
    watch: Watch | None = None,
    *,
    steps_per_epoch: int = 1,
    clip: Clip | None = clip_grad_norm_,
    guarded: bool = True,
) -> int:
    """Lower `objective(batch)` in place over batch after batch; returns the steps done.

    Args:
        objective: a batch to the loss, in nats or what it is.
        parameters: tensors, or groups of them with settings of their own, as torch's optimizers take them.
        batches: at least as many as there are steps; see `shuffled_batches`.
        plan: of it `epochs`, `optimizer`, `lr`, `weight_decay`, `momentum`, `beta2`, `schedule`, `warmup` and
            `clip` are read.
        penalty: added to the loss: a function of the learning rate as a share of its peak.
        watch: is told of each step, and ends the training early by returning True.
        steps_per_epoch: as it is by default, the plan's epochs are steps, and its warm-up is counted in steps.
        clip: how gradients are shortened where the plan has a `clip`: their norm as one vector, by default.
        guarded: False goes on where the loss is not finite.

    Raises `Diverged`, naming the step, where the loss is not finite, or at the end a weight is not.
    """
    groups = _groups(parameters, plan)
    learned = [p for group in groups for p in group["params"]]
    if not learned:
        raise InputError("parameters: none asks for a gradient; there is nothing to train")
    device = learned[0].device
    optimizer = OPTIMIZERS[plan.optimizer](groups, plan)
    steps = plan.epochs * steps_per_epoch
    bad, look, done = torch.full((), -1, device=device), 1 if device.type == "cpu" else _LOOK, 0
    for step, batch in zip(range(steps), batches, strict=False):
        rate = learning_rate(plan, step, steps_per_epoch)
        for group in optimizer.param_groups:
            group["lr"] = rate
        loss = objective(batch)
        if penalty is not None:
            loss = loss + penalty(rate / plan.lr)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        if plan.clip and clip is not None:
            clip(learned, plan.clip)
        told, done = loss.detach(), step + 1
        if guarded:
            bad = torch.where(told.isfinite().logical_not() & (bad < 0), step, bad)
            if (done % look == 0 or done == steps) and int(bad) >= 0:
                raise Diverged(int(bad) + 1)
        optimizer.step()
        if watch is not None and watch(done, told):
            break
    if guarded and not all(bool(p.isfinite().all()) for p in learned):
        raise Diverged(done, what="weights")
    return done


def _groups(parameters: Iterable[Any], plan: Plan) -> list[dict[str, Any]]:
    """As optimizers take them; what asks for no gradient is left out."""
    given = list(parameters)
    groups = given if given and isinstance(given[0], dict) else [{"params": given}]
    learned = [
        {"weight_decay": plan.weight_decay, **group, "params": [p for p in group["params"] if p.requires_grad]}
        for group in groups
    ]
    return [group for group in learned if group["params"]]


def shuffled_batches(n: int, batch: int, generator: Generator) -> Iterator[Int64[Tensor, " b"]]:
    """Row numbers of batch after batch without end: all n in random order, epoch by epoch, `batch` at a time (n at
    most). What fills no batch at the end of an epoch is left out of it."""
    size = min(batch, n)
    while True:
        order = torch.randperm(n, generator=generator, device=generator.device)
        yield from order[: n // size * size].split(size)
