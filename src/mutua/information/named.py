"""One estimator by its name, with the interval and the tests that the default has.

Columns are at Gaussian quantiles first (`variables`), which changes no information; the radii that the default
sees beside them are left out, since e^T of a critic that extrapolates along them ruins DV, NWJ and their kin.
Neural estimators train on some folds and are read on the others (`neural_estimate`); `PLAIN` ones are functions
of all rows.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from jaxtyping import Float, Shaped
from numpy import ndarray
from torch import Generator, Tensor

from mutua.bounds import dv, nwj, tuba
from mutua.critics import Bilinear, Concat, Separable
from mutua.information.default.certificate import blocks_of, lower_limit, smoothed_infonce
from mutua.information.default.permutation import permutation_test
from mutua.information.estimators.barber_agakov import barber_agakov
from mutua.information.estimators.catalogue import ESTIMATORS, Pairs
from mutua.information.estimators.classical import PLAIN, plain_estimate
from mutua.information.estimators.club import GaussianConditional, likelihood
from mutua.information.estimators.ksg import entropy
from mutua.information.estimators.neural import NeuralEstimate, held_out_scores, neural_estimate
from mutua.information.result import MutualInformationResult
from mutua.information.variables import Variable
from mutua.training import Plan
from mutua.types import Bound, Critic, InputError, names

__all__ = ["CRITICS", "NAMES", "check_names", "named_estimate"]

ROWS = 2000
SAMPLE = 256
CHUNK = 64
LR = {"bilinear": 1e-2}  # its few weights have far to go


NAMES: tuple[str, ...] = (*PLAIN, *ESTIMATORS, "barber_agakov")
CRITICS: dict[str, Callable[[int, int], Critic]] = {
    "separable": Separable,
    # A matrix takes N^2 passes: narrower than the critic's own default, for a processor.
    "concat": partial(Concat, widths=(128, 128)),
    "bilinear": Bilinear,
}


@dataclass(frozen=True)
class Effort:
    """How much work: folds, steps and rows a step of each critic at most, and how many looks in vain end it."""

    folds: int
    plan: Plan
    patience: int


EFFORTS: dict[str, Effort] = {
    "quick": Effort(3, Plan(epochs=600, batch=128), 6),
    "default": Effort(3, Plan(epochs=3000, batch=256), 10),
    "thorough": Effort(5, Plan(epochs=8000, batch=256), 20),
}


def check_names(estimator: str, critic: str) -> None:
    """Raise `InputError` for an estimator or critic that isn't known, and for two that don't go together."""
    if estimator != "auto" and estimator not in NAMES:
        raise InputError(f"estimator: {estimator!r} is none of auto, {names(NAMES)}")
    if critic == "auto":
        return
    if critic not in CRITICS:
        raise InputError(f"critic: {critic!r} is none of auto, {names(CRITICS)}")
    if estimator in ESTIMATORS and not _conditional(estimator):
        return
    why = {"auto": "the default estimator has a critic of its own"}.get(
        estimator,
        f"{estimator!r} has none" if estimator in PLAIN else f"{estimator!r} reads a learned log q(y|x)",
    )
    raise InputError(
        f"critic: {critic!r} goes with a neural estimator such as infonce; {why}, leave critic='auto'"
    )


def named_estimate(
    x: Variable,
    y: Variable,
    estimator: str,
    critic: str = "auto",
    *,
    effort: str = "default",
    block: int = 1,
    permutations: int = 999,
    seed: int = 0,
    told: Callable[[int, int], None] | None = None,
) -> MutualInformationResult:
    """I(X; Y) as a member of `NAMES` reads it, in nats; never below 0 (`readings` has what was read).

    Plain estimators: as `plain_estimate` says. Neural ones: the interval is 1.96 errors, that of the mean over
    folds and that of the rows in quadrature, without the estimator's own bias; `lower` is from held-out InfoNCE
    of the critics in disjoint blocks; `p_value` by permuting up to 2,000 rows that the critic of the first fold
    didn't see. Where neighbouring rows depend on each other (`block` above 1), single rows are dealt to the folds
    all the same: then `lower` is 0 and `p_value` nan.

    Raises `InputError` for names that aren't known or don't go together, discrete columns where the estimator is
    for continuous ones, and too few rows.
    """
    check_names(estimator, critic)
    if estimator in PLAIN:
        return plain_estimate(x, y, estimator, block=block, permutations=permutations, seed=seed, told=told)
    if _conditional(estimator) and y.labels.shape[1]:
        raise InputError(f"estimator: {estimator!r} models y by a Gaussian, and y has categories; swap x and y")
    a, b = (torch.from_numpy(np.hstack([z.continuous, z.labels]).astype(np.float32)) for z in (x, y))
    found, read, pairs_of = _trained(estimator, critic, a, b, EFFORTS[effort], seed, told)
    notes = []
    rest = [torch.from_numpy(np.setdiff1d(np.arange(len(x)), rows.numpy())) for rows in found.rows]
    size = EFFORTS[effort].plan.batch
    seen = float(
        np.mean(
            [
                float(read(held_out_scores(one, a[r], b[r], size, pairs_of)))
                for one, r in zip(found.critics, rest, strict=True)
            ]
        )
    )
    pointwise = torch.cat(
        [_pointwise(one, a[r], b[r], size) for one, r in zip(found.critics, found.rows, strict=True)]
    )
    folds = len(found.folds)
    error = math.hypot(
        float(np.std(found.folds, ddof=1)) / math.sqrt(folds),
        float(pointwise.std()) / math.sqrt(len(pointwise) / block),
    )
    value = max(found.value, 0.0)
    lower, p_value = 0.0, math.nan
    generator = Generator().manual_seed(seed)
    if block > 1:
        notes.append(
            f"{estimator!r} deals single rows to its folds, and neighbouring rows are alike: it saw rows like "
            "those it is judged on, so there is no lower limit or p-value, and the value may be high; "
            "use estimator='auto'"
        )
    else:
        # The block size is settled on rows that the critics have seen.
        blocks = blocks_of(seen if math.isfinite(seen) else 0.0, len(x))
        readings = [
            _blocks(one, a[r], b[r], b[s[:SAMPLE]], blocks)
            for one, r, s in zip(found.critics, found.rows, rest, strict=True)
        ]
        lower = min(lower_limit(torch.cat(readings)), value)
        first = found.rows[0][:ROWS]
        matrix = _matrix(found.critics[0], a[first], b[first])
        p_value = permutation_test(matrix, generator, permutations)
    notes += _doubts(estimator, found, a, b, value, seen, size)
    return MutualInformationResult(
        value=value,
        interval=(max(0.0, found.value - 1.96 * error), value + 1.96 * error),
        lower=lower,
        p_value=p_value,
        n=len(x),
        estimator=estimator if critic == "auto" else f"{estimator}, {critic} critic",
        diagnostics=tuple(notes),
        readings={"held out": found.value, "in sample": seen},
    )


def _conditional(estimator: str) -> bool:
    """Whether the critic is a learned log q(y|x)."""
    return estimator == "barber_agakov" or (
        estimator in ESTIMATORS and ESTIMATORS[estimator].critic is GaussianConditional
    )


def _trained(
    estimator: str,
    critic: str,
    a: Float[Tensor, "n dx"],
    b: Float[Tensor, "n dy"],
    effort: Effort,
    seed: int,
    told: Callable[[int, int], None] | None,
) -> tuple[NeuralEstimate, Bound, Pairs]:
    """The cross-fitted estimate, and how its critics are read."""
    if estimator == "barber_agakov":
        known = _entropy(b.numpy())
        found = barber_agakov(a, b, known, folds=effort.folds, steps=effort.plan.epochs, lr=1e-3, seed=seed)
        return found, lambda scores: known + likelihood(scores), ESTIMATORS["club"].pairs
    member = ESTIMATORS[estimator]
    own = member.critic if critic == "auto" else CRITICS[critic]
    begun = 0

    def make(dx: int, dy: int) -> Critic:
        nonlocal begun
        if told is not None:
            told(begun, effort.folds)
        begun += 1
        return own(dx, dy)

    size = min(effort.plan.batch, 64) if critic == "concat" else effort.plan.batch
    found = neural_estimate(
        member,
        a,
        b,
        critic=make,
        folds=effort.folds,
        steps=effort.plan.epochs,
        batch=size,
        block=size,
        lr=LR.get(critic, 1e-3),
        patience=effort.patience,
        seed=seed,
    )
    return found, member.read, member.pairs


def _entropy(y: Float[ndarray, "n d"]) -> float:
    """H(Y) of columns at Gaussian quantiles: exact for one, whose even spacing would mislead neighbours."""
    found = entropy(y)  # refuses ties
    return 0.5 * math.log(2 * math.pi * math.e) if y.shape[1] == 1 else found


def _doubts(
    estimator: str, found: NeuralEstimate, a: Tensor, b: Tensor, value: float, seen: float, size: int
) -> list[str]:
    notes = []
    if estimator in ESTIMATORS:
        bias = ESTIMATORS[estimator].bias
        notes.append(
            f"the interval leaves out the bias that {estimator} is known for: {bias[0].lower()}{bias[1:]}"
        )
    else:
        notes.append("the entropy of y is itself an estimate, by nearest neighbours, which errs in many columns")
    if seen - value > max(0.1, 0.3 * value):
        notes.append(
            f"the critics read {seen:.2f} on rows they were trained on and {value:.2f} on others: they learned "
            "noise; more rows, or fewer columns, would bring the two together"
        )
    held = min(len(rows) for rows in found.rows)
    ceiling = math.log(held // max(1, held // size))
    if estimator in ("infonce", "tnce") and value > 0.85 * ceiling:
        notes.append(
            f"the reading is near its ceiling log K = {ceiling:.2f}: take it as 'at least'; "
            "estimator='auto' has no such ceiling"
        )
    if estimator in ESTIMATORS and ESTIMATORS[estimator].read in (dv, nwj, tuba):
        weights = held_out_scores(found.critics[0], a[found.rows[0]], b[found.rows[0]], size)
        effective = math.exp(float(2 * weights.logmeanexp() - weights.logmeanexp(lambda t: 2 * t)))
        terms = effective * len(weights.joint) * (weights.product.shape[-1] - 1)
        if terms < 50:
            notes.append(
                f"the mean of e^T over unpaired rows rests on {max(terms, 1):.0f} of them: the reading is a "
                "matter of chance at this much information; use jsd_plugin, smile_5 or estimator='auto'"
            )
    return notes


@torch.no_grad()
def _pointwise(
    critic: Critic, x: Float[Tensor, "n dx"], y: Float[Tensor, "n dy"], size: int
) -> Float[Tensor, " m"]:
    """T(x, y) less the log mean of e^T along its row: free of what an objective leaves undetermined in T."""
    scores = held_out_scores(critic, x, y, size)
    return scores.joint[:, 0] - scores.row_logmeanexp()


@torch.no_grad()
def _blocks(
    critic: Critic, x: Float[Tensor, "n dx"], y: Float[Tensor, "n dy"], seen: Float[Tensor, "s dy"], size: int
) -> Float[Tensor, " m"]:
    """The certificate's readings of disjoint blocks of `size` rows.

    An objective may leave c(x) in T free, which would spoil its reading by columns: the log mean of e^T over
    `seen`, rows of y from elsewhere, is taken off. What is read is then still a function of a pair alone.
    """
    pieces = [slice(start, start + size) for start in range(0, len(x) // size * size, size)]
    offset = torch.cat([critic.matrix(part, seen).logsumexp(1, keepdim=True) for part in x.split(CHUNK)])  # (n, 1)
    readings = [smoothed_infonce(critic.matrix(x[piece], y[piece]) - offset[piece]) for piece in pieces]
    return torch.stack(readings) if readings else torch.zeros(0)


@torch.no_grad()
def _matrix(critic: Critic, x: Float[Tensor, "n dx"], y: Float[Tensor, "n dy"]) -> Shaped[Tensor, "n n"]:
    """All pairs, some rows at a time: a critic that takes N^2 passes holds a hidden layer for each pair."""
    return torch.cat([critic.matrix(part, y) for part in x.split(CHUNK)])
