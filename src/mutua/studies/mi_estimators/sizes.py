"""Readings over the batch size K: what InfoNCE's ceiling of log K does, and what more pairs buy the others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float

from mutua.information.estimators.catalogue import ESTIMATORS
from mutua.studies import LOGGER
from mutua.studies.mi_estimators.staircase import Make, climb, groups, stairs
from mutua.types import Table

__all__ = ["Sized", "over_sizes", "size_table", "size_words"]

Sized = Mapping[str, Float[np.ndarray, "sizes levels 2"]]
"""Estimator to the mean and the standard deviation of its readings, in nats."""


def over_sizes(
    sizes: Sequence[int],
    levels: Sequence[float],
    estimators: Sequence[str],
    *,
    d: int,
    make: Make,
    steps: int,
    rate: float,
) -> Sized:
    """A Gaussian staircase of `levels` for each batch size: trained and read on batches of K."""
    pairs = stairs("gaussian", d, levels)
    found: dict[str, list[list[tuple[float, float]]]] = {}
    for size in sizes:
        for plan in groups([ESTIMATORS[name] for name in estimators]):
            LOGGER.info(f"K = {size}: {', '.join(plan.reads)}")
            for name, readings in climb(plan, make, pairs, steps=steps, batch=size, lr=rate).items():
                kept = readings[:, readings.shape[1] // 2 :]
                found.setdefault(name, []).append([(float(row.mean()), float(row.std())) for row in kept])
    return {name: np.array(values) for name, values in found.items()}


def size_table(sized: Sized, sizes: Sequence[int], levels: Sequence[float], steps: int, d: int) -> Table:
    """Mean and sd by estimator and level, a column for each K, under log K."""
    columns = ["estimator", "nats", *(f"K = {size}" for size in sizes)]
    rows: list[list[object]] = [["log K", None, *(float(np.log(size)) for size in sizes)]]
    for name, values in sized.items():
        for j, level in enumerate(levels):
            rows.append([name, level, *((float(m), float(s)) for m, s in values[:, j])])
    note = (
        f"Gaussian, d = {d}, separable critic: mean ± sd of readings of batches of K, over the last half of "
        f"{steps:,} steps a level. InfoNCE cannot read above log K."
    )
    return Table("Batch size", columns, rows, note)


def size_words(sized: Sized, sizes: Sequence[int], levels: Sequence[float]) -> list[str]:
    """How near InfoNCE comes to its ceiling at the highest level; nothing where it is not there."""
    if "infonce" not in sized:
        return []
    top = int(np.argmax(levels))
    means = sized["infonce"][:, top, 0]
    told = ", ".join(
        f"{mean:.2f} of at most {np.log(size):.2f} (K = {size})" for size, mean in zip(sizes, means, strict=True)
    )
    trend = "less bias with larger batches" if means[-1] > means[0] else "no less bias with larger batches here"
    return [f"At {levels[top]:g} nats InfoNCE reads {told}: {trend}."]
