"""What so many rows can show at most, and what they can't tell from an exact function."""

from __future__ import annotations

import math

import numpy as np

from mutua.information.estimators.counts import coverage_entropy
from mutua.information.estimators.gaussian import canonical
from mutua.information.variables import Variable

__all__ = ["DETERMINED", "EXACT", "FOLLOWS", "ORDERED", "determined", "follows", "most", "shown"]

# Canonical correlations of columns at Gaussian quantiles: ranks agree. Of columns as given: numbers agree.
DETERMINED, EXACT = 1 - 1e-9, 1 - 1e-12
# Where both sides order n rows alike, Gaussian noise has a deviation below 18.8/n^2 (95 %): log 18.8.
ORDERED = 2.94

FOLLOWS = (
    "one column follows another as a smooth function does, with no noise that so many rows can show: the "
    "information is infinite if that is exact; else take the estimate as 'at least'"
)


def most(side: Variable) -> float:
    """The entropy of a discrete side, which no information exceeds. Else infinite."""
    if not side.discrete or side.codes is None:
        return math.inf
    return coverage_entropy(np.bincount(side.codes))


def shown(a: Variable, b: Variable) -> float:
    """What n rows can show of continuous columns: 2 log n for each direction; with more, their orders agree."""
    directions = min(a.continuous.shape[1], b.continuous.shape[1])
    return 2 * math.log(len(a)) * directions if directions else math.inf


def determined(a: Variable, b: Variable) -> bool:
    if a.discrete or b.discrete:
        return False
    return bool(canonical(a.continuous, b.continuous).correlations[0] > DETERMINED)


def follows(a: Variable, b: Variable) -> bool:
    """Whether one column of a side, in the order of one of the other, runs on without noise that rows can show.

    Of three neighbours the one in the middle is held against the line through the others: what is left of a smooth
    function is of the order of the squared spacing, and of noise, its own deviation. Both as recorded and at
    Gaussian quantiles: those of a function that turns often mix its branches, and those as recorded of a heavy
    tail are a few values apart from all others.
    """
    if a.discrete or b.discrete or len(a) < 100:
        return False
    pairs = ((a.continuous, b.continuous), (a.recorded, b.recorded))
    for first, second in [both for pair in pairs for both in (pair, pair[::-1])]:
        for x in first.T[:8]:
            order = np.argsort(x, kind="stable")
            at, values = x[order], second[order][:, :8]
            share = ((at[1:-1] - at[:-2]) / np.maximum(at[2:] - at[:-2], 1e-300))[:, None]
            rest = np.abs(values[1:-1] - (1 - share) * values[:-2] - share * values[2:])
            step = np.abs(values[2:] - values[:-2])
            if (np.median(rest, 0) < 0.15 * np.median(step, 0)).any():
                return True
    return False
