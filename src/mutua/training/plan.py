"""How long, how fast and with what to train: plain values, so that a run's folder can record them."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Literal, get_args

from mutua.types import InputError, names

__all__ = ["SCALINGS", "SCHEDULES", "Plan", "learning_rate"]

Precision = Literal["32-true", "bf16-mixed", "16-mixed"]
OptimizerName = Literal["adamw", "adam", "sgd", "lars", "muon"]
ScheduleName = Literal["cosine", "constant", "steps"]
ScalingName = Literal["none", "linear", "sqrt"]
BatchNorm = Literal["refuse", "exact", "chunk"]

REFERENCE = 256
"""Examples a step at which every scaling leaves the learning rate as it is."""


def constant(_done: float) -> float:
    """1 throughout."""
    return 1.0


def cosine(done: float) -> float:
    """(1 + cos(pi t)) / 2, from 1 to 0 (Loshchilov and Hutter 2017, arXiv:1608.03983)."""
    return (1 + math.cos(math.pi * done)) / 2


def steps(done: float) -> float:
    """A fifth after 30, 60 and 80 % of training: RotNet's."""
    return 0.2 ** sum(done >= at for at in (0.3, 0.6, 0.8))


SCHEDULES: dict[str, Callable[[float], float]] = {"constant": constant, "cosine": cosine, "steps": steps}
"""Name to factor of the learning rate, given how much of the training after warm-up is done, 0 to 1."""

SCALINGS: dict[str, Callable[[float], float]] = {"none": constant, "linear": float, "sqrt": math.sqrt}
"""Name to factor of the learning rate, given how many times 256 examples a step sees (Goyal et al. 2017,
arXiv:1706.02677, and Krizhevsky 2014, arXiv:1404.5997)."""


@dataclass(frozen=True)
class Plan:
    """A plan of training.

    Args:
        epochs: passes over the data.
        batch: examples a step, over all devices together. The rest of an epoch that fills no batch is left out.
        micro_batch: examples whose activations a device holds at a time, 0 for all of its share: the same gradient
            of a contrastive loss from less memory, by a second forward pass. Need not divide the batch.
        batch_norm: of the encoder, where micro_batch cuts the batch: refuse it; exact, the whole batch's
            statistics at several times the cost; or chunk, statistics of each chunk, which is another function.
        optimizer: adamw, adam, sgd (Nesterov), lars, or muon: orthogonal steps of weights, Adam for the rest.
        lr: peak learning rate, before scaling.
        scaling: of lr with the examples a step, B (batch x accumulate): none, linear (lr B / 256) or sqrt
            (lr sqrt(B / 256)). SimCLR's LARS rates, 0.3 B / 256 and 0.075 sqrt(B), are 0.3 linear and 1.2 sqrt.
        weight_decay: on weights; biases and norms have none.
        momentum: of sgd, lars and muon; the first beta of adam and adamw.
        beta2: the memory of squared gradients of adam, adamw and muon's adam.
        schedule: of the learning rate after the warm-up: cosine, constant or steps.
        warmup: epochs over which the learning rate rises linearly from 0.
        clip: largest norm of the gradient; 0 for no clipping.
        ema: decay of a running average of the weights, which then is what is kept; 0 for none.
        accumulate: batches a step; each contrasts within itself.
        precision: 32-true, bf16-mixed or 16-mixed. On a CPU bf16-mixed is faster only with AVX-512: else it warns.
        accelerator: auto, cpu, cuda or mps.
        devices: how many; each is a process.
        seed: of everything random.
        save_every: seconds between checkpoints; the end of training and Ctrl-C always make one.
        log_every: steps between rows of the metrics.
    """

    epochs: int = 100
    batch: int = 256
    micro_batch: int = 0
    batch_norm: BatchNorm = "refuse"
    optimizer: OptimizerName = "adamw"
    lr: float = 1e-3
    scaling: ScalingName = "none"
    weight_decay: float = 1e-4
    momentum: float = 0.9
    beta2: float = 0.999
    schedule: ScheduleName = "cosine"
    warmup: float = 0.0
    clip: float = 0.0
    ema: float = 0.0
    accumulate: int = 1
    precision: Precision = "32-true"
    accelerator: str = "auto"
    devices: int = 1
    seed: int = 0
    save_every: float = 300.0
    log_every: int = 20

    def __post_init__(self) -> None:
        self._plain()
        least = {"epochs": 1, "batch": 2, "micro_batch": 0, "accumulate": 1, "devices": 1, "log_every": 1}
        for name, low in least.items():
            if getattr(self, name) < low:
                reason = "; batch norm and contrast need two examples" if name == "batch" else ""
                raise InputError(f"{name}: {getattr(self, name)} is too few, {low} at least{reason}")
        for name in ("lr", "weight_decay", "warmup", "clip", "save_every"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value >= 0):
                raise InputError(f"{name}: {value}; give a number of 0 or more")
        for name in ("ema", "momentum", "beta2"):
            if not 0 <= getattr(self, name) < 1:
                raise InputError(f"{name}: {getattr(self, name)} is not in [0, 1)")
        choices = {
            "optimizer": OptimizerName,
            "schedule": ScheduleName,
            "scaling": ScalingName,
            "batch_norm": BatchNorm,
            "precision": Precision,
        }
        for name, kind in choices.items():
            if getattr(self, name) not in get_args(kind):
                raise InputError(f"{name}: {getattr(self, name)!r} is none of {names(get_args(kind))}")
        if self.batch % self.devices:
            raise InputError(f"batch: {self.batch} does not divide among {self.devices} devices; use a multiple")

    def _plain(self) -> None:
        """numpy's numbers as Python's: a checkpoint holds the plan, and reading it admits plain values only."""
        for each in fields(self):
            value = getattr(self, each.name)
            try:
                if isinstance(each.default, int):
                    object.__setattr__(self, each.name, operator.index(value))
                elif isinstance(each.default, float):
                    object.__setattr__(self, each.name, float(value))
            except (TypeError, ValueError):
                kind = "whole number" if isinstance(each.default, int) else "number"
                raise InputError(f"{each.name}: {value!r} is no {kind}; give one") from None


def learning_rate(plan: Plan, step: int, steps_per_epoch: int, batch: int | None = None) -> float:
    """Learning rate of a step, counted from 0: a function of its number, so that there is no state to lose.

    `batch` is what a step sees where the data are fewer than the plan's.
    """
    steps_in_all = plan.epochs * steps_per_epoch
    warm = min(round(plan.warmup * steps_per_epoch), steps_in_all)
    peak = plan.lr * SCALINGS[plan.scaling]((batch or plan.batch) * plan.accumulate / REFERENCE)
    if step < warm:
        return peak * (step + 1) / warm
    rest = max(steps_in_all - warm, 1)
    return peak * SCHEDULES[plan.schedule](min((step - warm) / rest, 1.0))
