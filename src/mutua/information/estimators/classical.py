"""Estimators without a network: a value from all rows, an interval from half samples, a test by recomputing."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int, Shaped
from numpy import ndarray
from scipy.special import ndtr

from mutua.information.estimators.counts import histogram, histogram_miller_madow
from mutua.information.estimators.gaussian import gaussian_information
from mutua.information.estimators.ksg import ksg, ksg_mixed
from mutua.information.result import MutualInformationResult
from mutua.information.variables import Variable
from mutua.types import InputError

__all__ = ["PLAIN", "Plain", "plain_estimate"]

ROWS = 2000
HALVES = 40
PERMUTATIONS = 199


@dataclass(frozen=True)
class Plain:
    """How a side is handed over, what reads the two, in nats, and what to know of it."""

    side: Callable[[Variable, str, str], ndarray]
    read: Callable[[ndarray, ndarray], float]
    about: str


def _continuous(side: Variable, name: str, estimator: str) -> Float[ndarray, "n c"]:
    if side.labels.shape[1]:
        raise InputError(
            f"estimator: {estimator!r} is for continuous columns, and {name} has categories; "
            "use ksg_mixed or auto, or say that they measure something (discrete=False)"
        )
    return side.continuous


def _all(side: Variable, name: str, estimator: str) -> Float[ndarray, "n c"]:
    return np.hstack([side.continuous, side.labels])


def _cells(side: Variable, name: str, estimator: str) -> Int[ndarray, " n"]:
    """One class number for each row; continuous columns in equally full bins, five rows to a cell of the table."""
    n, c = side.continuous.shape
    parts = [] if side.codes is None else [side.codes]
    if c:
        bins = max(2, int((n / 5) ** (1 / (2 * c))))
        parts += list(np.minimum(ndtr(side.continuous) * bins, bins - 1).astype(np.int64).T)
    return np.unique(np.stack(parts, 1), axis=0, return_inverse=True)[1].reshape(-1).astype(np.int64)


BINNED = (
    "continuous columns were cut into equally full bins: what they hide is missing, and few rows a cell add bias"
)
PLAIN: dict[str, Plain] = {
    "ksg": Plain(_continuous, ksg, "nearest neighbours read low at much information or in many columns"),
    "ksg_mixed": Plain(_all, ksg_mixed, "nearest neighbours read low at much information or in many columns"),
    "gaussian": Plain(
        _continuous, gaussian_information, "a Gaussian copula: dependence beyond linear correlation is not seen"
    ),
    "histogram": Plain(_cells, histogram, f"counts without correction read high; {BINNED}"),
    "histogram_miller_madow": Plain(_cells, histogram_miller_madow, BINNED),
}


def plain_estimate(
    x: Variable,
    y: Variable,
    estimator: str,
    *,
    block: int = 1,
    permutations: int = 999,
    seed: int = 0,
    told: Callable[[int, int], None] | None = None,
) -> MutualInformationResult:
    """I(X; Y) as a member of `PLAIN` reads it, in nats; never below 0 (`readings` has what was read).

    Interval: by half samples (the delete-half jackknife), since drawing rows with replacement makes copies, which
    spoil distances. With m of n rows, drawn without replacement 40 times, the squared error is m/(n - m) times the
    variance of the readings; m = n/2, and 2,000 at most. The estimator's bias isn't in it. `p_value`: the
    estimate is made anew for up to 199 permutations of up to 2,000 rows. Dependent rows are drawn and permuted in
    runs of `block`. `lower` is 0.

    Raises `InputError` for categories where the estimator is for continuous columns, and as the estimator does.

    Paper: Shao and Wu 1989, A general theory for jackknife variance estimation; Politis, Romano and Wolf 1999,
    Subsampling.
    """
    member = PLAIN[estimator]
    a, b = member.side(x, "x", estimator), member.side(y, "y", estimator)
    found = float(member.read(a, b))
    rng = np.random.default_rng(seed)
    runs = len(x) // block
    permutations = min(permutations, PERMUTATIONS)
    steps = HALVES + permutations

    def heard(step: int) -> None:
        if told is not None:
            told(step, steps)

    half, readings = max(1, min(runs // 2, ROWS // block)), []
    for k in range(HALVES):
        rows = _rows(np.sort(rng.choice(runs, half, replace=False)), block)
        try:
            readings.append(member.read(a[rows], b[rows]))
        except InputError:
            break
        heard(k + 1)
    notes = [f"the interval leaves out the bias of {estimator}: {member.about}"]
    if len(readings) < HALVES or runs < 4:
        notes.append(f"half of the {len(x):,} rows are too few for {estimator}, so there is no interval")
        low, high = 0.0, math.inf
    else:
        error = math.sqrt(half / (runs - half) * float(np.var(readings, ddof=1)))
        low, high = found - 1.96 * error, found + 1.96 * error
    pieces = np.sort(rng.choice(runs, max(1, min(runs, ROWS // block)), replace=False))
    rows = _rows(pieces, block)
    left, right = a[rows], b[rows]
    observed = found if len(rows) == len(x) else float(member.read(left, right))
    reached = 0
    for k in range(permutations):
        order = _rows(rng.permutation(len(pieces)), block)
        # A hair of tolerance: the same terms may be summed in another order.
        reached += member.read(left, right[order]) >= observed - 1e-12 * abs(observed)
        heard(HALVES + k + 1)
    return MutualInformationResult(
        value=max(found, 0.0),
        interval=(max(0.0, low), max(0.0, high)),
        lower=0.0,
        p_value=(1 + reached) / (1 + permutations) if len(pieces) > 3 else math.nan,
        n=len(x),
        estimator=estimator,
        diagnostics=tuple(notes),
        readings={estimator: found},
    )


def _rows(runs: Shaped[ndarray, " r"], block: int) -> Int[ndarray, " m"]:
    """The rows of runs of `block` neighbours, in the order given."""
    return (runs[:, None] * block + np.arange(block)).reshape(-1)
