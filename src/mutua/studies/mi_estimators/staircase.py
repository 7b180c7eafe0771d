"""The staircase: one critic follows a distribution whose information rises, and is read at every step.

Each batch is fresh, and is read before the critic is trained on it: no reading sees its own training. One reading
is one batch at one step; what counts is the last half of each level.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import cast

import numpy as np
import torch
from jaxtyping import Float
from torch import Generator, Tensor
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from mutua.critics import Bilinear, Concat, Separable
from mutua.data.known import Known, cubic, gaussian, mixed_cubic
from mutua.information.estimators.catalogue import Estimator, Pairs
from mutua.information.estimators.tuba_baseline import Baselined
from mutua.information.fitting import fit_critic, fresh_batches
from mutua.scores import Dense, paired
from mutua.studies import LOGGER
from mutua.types import Bound, Contrast, Critic, InputError, Scores, names

__all__ = [
    "CRITICS",
    "DISTRIBUTIONS",
    "Climb",
    "Make",
    "Readings",
    "Spread",
    "climb",
    "groups",
    "oracle",
    "smoothed",
    "spreads",
    "stairs",
]

Make = Callable[[int, int], Critic]
Readings = Float[np.ndarray, "levels steps"]

DISTRIBUTIONS: dict[str, Callable[[Known], Known]] = {
    "gaussian": lambda pair: pair,
    "cubic": cubic,
    "mixed_cubic": mixed_cubic,
}

CRITICS: dict[str, Callable[[int, int], Make]] = {
    "concat": lambda width, embedding: lambda dx, dy: Concat(dx, dy, (width, width)),
    "separable": lambda width, embedding: lambda dx, dy: Separable(dx, dy, width, 2, embedding),
    "separable, skip": lambda width, embedding: lambda dx, dy: Separable(dx, dy, width, 2, embedding, skip=True),
    "bilinear": lambda width, embedding: Bilinear,
}


@dataclass(frozen=True)
class Climb:
    """One training, and all the readings that are taken of it.

    Args:
        estimator: its objective, arrangement and baseline train.
        reads: name to how scores are read, and which scores.
        average: decay of a moving average of the critic's weights, which is read in the critic's place; none
            reads the critic itself.
    """

    estimator: Estimator
    reads: Mapping[str, tuple[Bound, Pairs]]
    average: float | None = None


def groups(estimators: Sequence[Estimator]) -> list[Climb]:
    """Estimators that train alike (smile, jsd and its plug-in) as one climb: one critic, several readings."""
    found: dict[tuple[object, ...], list[Estimator]] = {}
    for one in estimators:
        objective = one.objective()
        # A plain function is the same each time it is made; what keeps state, or settings, is not.
        same = (
            objective if objective is one.objective() and not isinstance(objective, torch.nn.Module) else one.name
        )
        found.setdefault((same, one.arrangement, one.baseline, one.critic), []).append(one)
    return [Climb(ones[0], {one.name: (one.read, one.pairs) for one in ones}) for ones in found.values()]


def stairs(distribution: str, d: int, levels: Sequence[float]) -> list[Known]:
    """The distribution at each level, in nats. Raises `InputError` for a name that is not in `DISTRIBUTIONS`."""
    if distribution not in DISTRIBUTIONS:
        raise InputError(f"distributions: no {distribution!r}; choose of {names(DISTRIBUTIONS)}")
    return [DISTRIBUTIONS[distribution](gaussian(d, information=float(level))) for level in levels]


class _Recorder:
    """Hands batches to a training, level after level, and reads each by the critic as it then is."""

    def __init__(self, plan: Climb, critic: Critic, levels: Sequence[Known], steps: int, batch: int) -> None:
        self.plan, self.critic, self.steps = plan, critic, steps
        self.draws = [fresh_batches(known, batch) for known in levels]
        self.objective: Bound | Contrast = plan.estimator.objective()
        self.readings = {name: np.full((len(levels), steps), np.nan) for name in plan.reads}
        self.averaged = (
            None
            if plan.average is None
            else AveragedModel(critic, multi_avg_fn=get_ema_multi_avg_fn(plan.average))  # type: ignore[no-untyped-call]
        )
        self.step = 0

    def batches(self, generator: Generator) -> tuple[Tensor, Tensor]:
        self.x, self.y = self.draws[self.step // self.steps](generator)
        return self.x, self.y

    def __call__(self, scores: Scores) -> Tensor:
        """The objective, after the readings: from the scores to be trained on, where those are what is read."""
        at = divmod(self.step, self.steps)
        self.step += 1
        with torch.no_grad():
            if self.averaged is not None:
                self.averaged.update_parameters(self.critic)
            made: dict[Pairs, Scores] = {}
            if self.averaged is None and isinstance(scores, Dense):
                dense = Dense(scores.joint.detach(), scores.product.detach(), scores.keep)
                if dense.product.shape[-1] == dense.product.shape[-2]:  # all pairs: what `paired` gives
                    made[paired] = dense
            critic = self.critic if self.averaged is None else cast(Critic, self.averaged.module)
            for name, (read, pairs) in self.plan.reads.items():
                if pairs not in made:
                    made[pairs] = pairs(critic, self.x, self.y)
                self.readings[name][at] = float(read(made[pairs]))
        return self.objective(scores)


def climb(
    plan: Climb,
    make: Make,
    levels: Sequence[Known],
    *,
    steps: int,
    batch: int = 64,
    lr: float = 5e-4,
    weight_decay: float = 0.0,
    seed: int = 0,
) -> dict[str, Readings]:
    """Train a critic up the levels, `steps` batches on each, and return each reading of each batch, in nats.

    The optimizer (Adam) goes on from level to level and knows nothing of them. Where the objective overflows the
    training ends there, and the readings that would have followed are NaN.
    """
    generator = torch.Generator().manual_seed(seed)
    dx, dy = levels[0].dx, levels[0].dy
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        critic = make(dx, dy)
        if plan.estimator.baseline is not None:
            critic = Baselined(critic, plan.estimator.baseline(dx))
    recorder = _Recorder(plan, critic, levels, steps, batch)
    try:
        fit_critic(
            replace(plan.estimator, objective=lambda: recorder),
            critic,
            recorder.batches,
            steps=steps * len(levels),
            generator=generator,
            lr=lr,
            weight_decay=weight_decay,
        )
    except InputError as error:
        LOGGER.info(str(error))
    return recorder.readings


def oracle(levels: Sequence[Known], *, steps: int, batch: int = 64, seed: int = 0) -> Readings:
    """The mean of the true log ratio over each batch: the floor for a reading that only averages one batch."""
    found = np.empty((len(levels), steps))
    for i, known in enumerate(levels):
        rng = np.random.default_rng([seed, i])
        assert known.log_ratio is not None
        x, y = known.draw(batch * steps, rng)
        found[i] = known.log_ratio(x, y).reshape(steps, batch).mean(1)
    return found


@dataclass(frozen=True)
class Spread:
    """Of readings about the truth, in nats: rmse^2 = bias^2 + sd^2."""

    bias: float
    sd: float

    @property
    def rmse(self) -> float:
        return float(np.hypot(self.bias, self.sd))


def spreads(readings: Readings, truths: Sequence[float]) -> list[Spread]:
    """Bias and standard deviation over the last half of each level."""
    kept = readings[:, readings.shape[1] // 2 :]
    return [Spread(float(row.mean() - truth), float(row.std())) for row, truth in zip(kept, truths, strict=True)]


def smoothed(readings: Readings, points: int = 60) -> tuple[np.ndarray, np.ndarray]:
    """Steps, and the mean of the readings in `points` equal parts of each level, for a curve."""
    levels, steps = readings.shape
    edges = np.linspace(0, steps, min(points, steps) + 1).astype(int)
    means = np.add.reduceat(readings, edges[:-1], axis=1) / np.diff(edges)  # (levels, points)
    middle = (edges[:-1] + edges[1:]) / 2
    return (middle + steps * np.arange(levels)[:, None]).ravel(), means.ravel()
