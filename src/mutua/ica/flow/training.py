"""Maximum likelihood by stochastic gradient: short runs from several starts, the likeliest trained on."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from mutua.ica.flow.base import Make
from mutua.ica.flow.prior import Prior
from mutua.ica.flow.steps import Descent
from mutua.training.stopping import Diverged

__all__ = ["Fit", "Fits", "Plan", "best_of", "diverged", "mean_log_prob", "sources_of", "train"]

_CHUNK = 8192


@dataclass(frozen=True)
class Plan:
    """How long and how fast.

    Args:
        steps: of the run that the best start gets.
        short: of the run that each start gets first; none where there is one start.
        batch: rows a step.
        rate: the largest learning rate; it rises over the first twentieth and falls as a cosine.
        turn: the linear layers' rate, root mean square over their entries, over that of the others.
        clip: the largest norm of the others' gradient.
    """

    steps: int
    short: int
    batch: int
    rate: float
    turn: float = 2.0
    clip: float = 5.0


@dataclass(frozen=True)
class Fit:
    """A trained flow and its prior."""

    theta: Float[np.ndarray, " size"]
    prior: Prior


@dataclass(frozen=True)
class Fits:
    """The finalists, likeliest start first; mean training log-likelihood of each short run; steps of all runs."""

    finalists: list[Fit]
    starts: list[float]
    steps: int


def sources_of(
    make: Make, theta: Float[np.ndarray, " size"], x: Float[np.ndarray, "n d"]
) -> tuple[Float[np.ndarray, "d n"], Float[np.ndarray, " n"]]:
    """The sources of rows, and log|det ds/dx| of each, in the precision of x."""
    sources, log_det = np.empty((make.d, len(x)), x.dtype), np.empty(len(x))
    for start in range(0, len(x), _CHUNK):
        stop = min(start + _CHUNK, len(x))
        passed = make.run(theta, x, np.arange(start, stop))
        sources[:, start:stop], log_det[start:stop] = passed.sources, passed.log_det()
    return sources, log_det


def mean_log_prob(
    make: Make, theta: Float[np.ndarray, " size"], prior: Prior, x: Float[np.ndarray, "n d"]
) -> float:
    """Of the training rows, under the prior fitted to them."""
    sources, log_det = sources_of(make, theta, x)
    prior.settle(sources)
    return float((prior.log_prob(sources.astype(np.float64), prior.known()) + log_det).mean())


def diverged(step: int, what: str) -> Diverged:
    """That training was no longer finite at a step, in the words of `FlowICA`'s own arguments."""
    return Diverged(step, what=what, mend="check the data, or lower learning_rate")


def _check_sources(s: Float[np.ndarray, "d n"], step: int) -> None:
    """Raise `Diverged`, naming the step, where sources of training rows are no finite numbers that vary."""
    with np.errstate(over="ignore", invalid="ignore"):
        fourth = s.std(1) ** 4  # the largest power that is taken of them
    if not (np.isfinite(fourth) & (fourth > 0)).all():
        raise diverged(step, "moments of the sources")


def train(
    make: Make,
    theta: Float[np.ndarray, " size"],
    x: Float[np.ndarray, "n d"],
    prior: Prior,
    plan: Plan,
    rng: np.random.Generator,
    *,
    steps: int,
    before: int = 0,
) -> Float[np.ndarray, " size"]:
    """theta after `steps` steps from it; x is float32, and so is what comes back.

    Raises `Diverged` naming the step, counted on from `before`, at which the gradient or a parameter was no longer
    finite.
    """
    theta = theta.copy()
    descent = Descent(theta, make.linear, make.d, plan.turn, plan.clip)
    prior.settle(sources_of(make, theta, x)[0])
    batches = prior.order(rng, len(x), min(plan.batch, len(x)))
    warm = max(1, steps // 20)
    for step in range(1, steps + 1):
        rows = next(batches)
        passed = make.run(theta, x, rows)
        gradient = passed.back(prior.score(passed.sources, rows))
        falling = 0.5 * (1 + math.cos(math.pi * max(0, step - warm) / max(1, steps - warm)))
        if not descent.step(gradient, plan.rate * min(1.0, step / warm) * falling):
            raise diverged(before + step, "gradient of the likelihood")
    # No gradient is taken after the last step.
    if not np.isfinite(theta).all():
        raise diverged(before + steps, "parameters")
    return theta


def best_of(
    make: Make,
    x: Float[np.ndarray, "n d"],
    prior: Callable[[np.random.Generator], Prior],
    plan: Plan,
    restarts: int,
    finalists: int,
    seed: int,
) -> Fits:
    """Short runs from `restarts` random starts, ranked by training likelihood; the `finalists` best trained on.

    Raises `Diverged` naming the step where training, or what the flow then makes of the rows, is not finite.
    """
    runs: list[tuple[float, Fit]] = []
    done = 0
    for start in range(restarts):
        rng = np.random.default_rng([seed, start])
        theta, density, reached = make.start(rng), prior(rng), -math.inf
        if restarts > finalists:
            theta = train(make, theta, x, density, plan, rng, steps=plan.short, before=done)
            reached = _finite(mean_log_prob(make, theta, density, x))
            done += plan.short
        runs.append((reached, Fit(theta, density)))
    best = sorted(runs, key=lambda run: -run[0])[:finalists]
    found = []
    for place, (_, fit) in enumerate(best):
        rng = np.random.default_rng([seed, restarts, place])
        theta = train(make, fit.theta, x, fit.prior, plan, rng, steps=plan.steps, before=done)
        done += plan.steps
        sources, _ = sources_of(make, theta, x.astype(np.float64))
        _check_sources(sources, done)
        fit.prior.settle(sources)
        found.append(Fit(theta, fit.prior))
    return Fits(found, [reached for reached, _ in runs] if restarts > finalists else [], done)


def _finite(value: float) -> float:
    """NaN is the worst: sorting would leave it wherever it is."""
    return value if math.isfinite(value) else -math.inf
