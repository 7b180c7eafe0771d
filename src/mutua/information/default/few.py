"""Few rows: the reading without a network, its interval, and an exact test on all rows."""

from __future__ import annotations

import math
from collections.abc import Sequence

from mutua.information.default.direct import NEAREST_COLUMNS, Direct, direct, interval
from mutua.information.default.doubts import of_copies
from mutua.information.default.limits import most, shown
from mutua.information.default.score_test import score_test
from mutua.information.result import MutualInformationResult
from mutua.information.variables import Variable

__all__ = ["FEW_ROWS", "few_rows", "readable", "result_of"]

FEW_ROWS = 150
"""Below so many independent rows a network is not trained."""


def readable(x: Variable, y: Variable) -> bool:
    """Whether `direct` has a reading of these: continuous sides, or a class and few continuous columns."""
    if not x.parts and not y.parts:
        return True
    if x.mixed or y.mixed:
        return False
    return x.values.shape[1] + y.values.shape[1] < NEAREST_COLUMNS


def few_rows(
    x: Variable, y: Variable, block: int, permutations: int, seed: int, notes: Sequence[str] = ()
) -> MutualInformationResult:
    """`direct`'s reading as a result."""
    found = direct(x, y, seed)
    p_value = score_test(x, y, permutations, block, seed)
    return result_of(found, x, y, block, p_value, notes)


def result_of(
    found: Direct, x: Variable, y: Variable, block: int, p_value: float, notes: Sequence[str] = ()
) -> MutualInformationResult:
    """A reading with its interval; of a class, 0 where the test doesn't tell it from independence."""
    n, independent = len(x), len(x) // block
    top = min(most(x), most(y), shown(x, y), 2 * math.log(n) * found.directions)
    value = min(found.value, top)
    if math.isnan(found.gaussian) and not p_value <= 0.05:
        value = 0.0
    read = Direct(value, found.error, found.gaussian, found.nearest, found.copies, found.directions)
    low, high = interval(read, independent, p_value, top)
    readings = {"Gaussian": found.gaussian, "nearest neighbours": found.nearest}
    readings = {name: reading for name, reading in readings.items() if not math.isnan(reading)}
    return MutualInformationResult(
        value=value,
        interval=(low, high),
        lower=0.0,
        p_value=p_value,
        n=n,
        estimator="Gaussian copula and neighbours" if "Gaussian" in readings else "neighbours",
        diagnostics=(*notes, *of_copies(found.copies)),
        readings=readings,
    )
