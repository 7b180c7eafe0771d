"""Maximum likelihood by stochastic gradient: short runs from several starts, the likeliest trained on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from mutua.estimators.restarts import best_of
from mutua.ica.flow.base import Make
from mutua.ica.flow.prior import Prior
from mutua.ica.flow.steps import Descent
from mutua.training import Diverged, Plan
from mutua.training.plan import learning_rate

__all__ = ["Fit", "Fits", "fit_starts", "mean_log_prob", "sources_of", "train"]

_CHUNK = 8192
# The linear layers' rate, root mean square over their entries, over that of the others; the largest norm of the
# others' gradient.
_TURN, _CLIP = 2.0, 5.0


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


def _diverged(step: int, what: str) -> Diverged:
    return Diverged(step, what=what, mend="check the data, or lower learning_rate")


def _check_sources(s: Float[np.ndarray, "d n"], step: int) -> None:
    """Raise `Diverged`, naming the step, where sources of training rows are no finite numbers that vary."""
    with np.errstate(over="ignore", invalid="ignore"):
        fourth = s.std(1) ** 4  # the largest power that is taken of them
    if not (np.isfinite(fourth) & (fourth > 0)).all():
        raise _diverged(step, "moments of the sources")


def train(
    make: Make,
    theta: Float[np.ndarray, " size"],
    x: Float[np.ndarray, "n d"],
    prior: Prior,
    plan: Plan,
    rng: np.random.Generator,
    *,
    before: int = 0,
) -> Float[np.ndarray, " size"]:
    """theta after `plan.epochs` steps from it; x is float32, and so is what comes back.

    Raises `Diverged` naming the step, counted on from `before`, at which the gradient or a parameter was no longer
    finite.
    """
    theta = theta.copy()
    descent = Descent(theta, make.linear, make.d, _TURN, _CLIP)
    prior.settle(sources_of(make, theta, x)[0])
    batches = prior.order(rng, len(x), min(plan.batch, len(x)))
    steps = plan.epochs
    for step in range(1, steps + 1):
        rows = next(batches)
        passed = make.run(theta, x, rows)
        gradient = passed.back(prior.score(passed.sources, rows))
        if not descent.step(gradient, learning_rate(plan, step - 1, 1)):
            raise _diverged(before + step, "gradient of the likelihood")
    # No gradient is taken after the last step.
    if not np.isfinite(theta).all():
        raise _diverged(before + steps, "parameters")
    return theta


def fit_starts(
    make: Make,
    x: Float[np.ndarray, "n d"],
    prior: Callable[[np.random.Generator], Prior],
    plan: Plan,
    n_init: int,
    finalists: int,
    seed: int,
) -> Fits:
    """Short runs of an eighth of the plan from `n_init` random starts, ranked by training likelihood; the
    `finalists` best trained on.

    Raises `Diverged` naming the step where training, or what the flow then makes of the rows, is not finite.
    """
    short, ranking, done = replace(plan, epochs=max(1, plan.epochs // 8)), n_init > finalists, 0
    short = replace(short, warmup=max(1, short.epochs // 20))

    def started(start: int) -> Fit:
        nonlocal done
        rng = np.random.default_rng([seed, start])
        theta, density = make.start(rng), prior(rng)
        if ranking:
            theta = train(make, theta, x, density, short, rng, before=done)
            done += short.epochs
        return Fit(theta, density)

    ranked = best_of(
        map(started, range(n_init)),
        lambda fit: mean_log_prob(make, fit.theta, fit.prior, x) if ranking else 0.0,
    )
    found = []
    for place, fit in enumerate(ranked.finalists(finalists)):
        rng = np.random.default_rng([seed, n_init, place])
        theta = train(make, fit.theta, x, fit.prior, plan, rng, before=done)
        done += plan.epochs
        sources, _ = sources_of(make, theta, x.astype(np.float64))
        _check_sources(sources, done)
        fit.prior.settle(sources)
        found.append(Fit(theta, fit.prior))
    return Fits(found, ranked.scores if ranking else [], done)
