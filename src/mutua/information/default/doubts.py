"""What should make one doubt an estimate, in words: what was seen, what it means, what to do."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from mutua.information.default.direct import DOUBT, NEIGHBOURS
from mutua.information.default.evidence import Evidence

__all__ = ["of_copies", "of_evidence", "of_rows"]


def of_evidence(evidence: Evidence, value: float) -> Iterator[str]:
    """Sentences about the critics of the default estimator."""
    held, seen = float(evidence.held.mean()), float(evidence.seen.mean())
    gap = seen - held
    if gap > max(0.1, 0.3 * value):
        yield (
            f"the critics read {seen:.2f} on rows they were trained on and {held:.2f} on others: they learned "
            "noise; more rows, or fewer columns, would bring the two together"
        )
    if evidence.effective < 50 and evidence.normalised < 1:
        yield (
            f"the mean of exp T over unpaired rows rests on {max(evidence.effective, 1):.0f} of them, so it can't "
            "check the critic's scale; at this much information the value relies on how the critic was calibrated"
        )
    if evidence.factor < 1:
        yield (
            f"the critics' scale did not hold on rows kept aside: they were multiplied by {evidence.factor:.2f} "
            "and read by InfoNCE, which is a lower bound; rows that fall into groups, such as classes, do that"
        )
    ceiling = math.log(evidence.blocks)
    if evidence.lower > 0.85 * ceiling:
        yield (
            f"the lower limit {evidence.lower:.2f} is near its ceiling log K = {ceiling:.2f} (blocks of "
            f"{evidence.blocks} rows): it says 'at least' and no more; more rows raise the ceiling"
        )
    middle = 0.5 * (held + seen)
    noise = DOUBT * NEIGHBOURS / math.sqrt(len(evidence.held))
    if evidence.nearest - middle > max(noise, 0.05, 0.15 * value):
        yield (
            f"nearest neighbours read {evidence.nearest:.2f} and the critics {middle:.2f}, more than the noise of "
            "neighbours: sharp edges blur in a network, so neighbours were believed; the interval has half the gap"
        )
    elif middle - evidence.nearest > max(noise, 0.05, 0.15 * value):
        yield (
            f"nearest neighbours read {evidence.nearest:.2f} and the critics {middle:.2f}: strong dependence "
            "blurs in "
            "neighbours, so the critics were believed; the interval has half the gap"
        )
    yield from of_copies(evidence.copies)
    if np.median(evidence.steps) >= 0.95 * evidence.limit:
        yield "the critics were still improving when training ended; effort='thorough' goes on"
    spread = float(evidence.by_fold.std(ddof=1)) if len(evidence.by_fold) > 1 else 0.0
    if spread > max(0.1, 0.25 * value):
        yield (
            f"the folds disagree (standard deviation {spread:.2f}): a few rows may decide; "
            "look for outliers or groups"
        )


def of_copies(share: float) -> Iterator[str]:
    """A sentence about rows that are copies of others but for noise."""
    if share > 0:
        yield (
            f"{100 * share:.0f} % of the rows stand in tight groups, as near copies of each other do "
            "(augmented, polled "
            "faster than a sensor changes, several of a subject): neighbours are not believed, and rows of a "
            "group are "
            "not independent; give one row a group, or its mean"
        )


def of_rows(n: int, columns: int, duplicates: int, block: int) -> Iterator[str]:
    """Sentences about the rows themselves."""
    if block > 1:
        yield (
            f"neighbouring rows are alike (a time series?): folds and permutations went by runs of {block} rows, "
            f"and the {n:,} rows are worth about {n // block:,} independent ones; if their order says nothing, "
            "say "
            "serial=False (--serial no)"
        )
    if duplicates > 0.01 * n:
        yield (
            f"{duplicates:,} of {n:,} rows are exact copies of others: copies in two folds make a critic look "
            "better than it is; remove them unless they are real repetitions"
        )
    if n < 20 * columns:
        yield f"{n:,} rows for {columns:,} columns: few; the value shrinks towards what so few can show"
