"""The lecture's comparison of estimators of mutual information: a staircase of 2 to 10 nats in 20 dimensions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mutua.data.known import gaussian
from mutua.information.estimators.catalogue import ESTIMATORS
from mutua.information.estimators.club import GaussianConditional
from mutua.studies import LOGGER
from mutua.studies.mi_estimators.averaged import averaged
from mutua.studies.mi_estimators.cost import cost_table
from mutua.studies.mi_estimators.figures import curve_figure, rmse_figure, size_figure
from mutua.studies.mi_estimators.published import LEVELS, PUBLISHED
from mutua.studies.mi_estimators.sizes import over_sizes, size_table, size_words
from mutua.studies.mi_estimators.staircase import (
    CRITICS,
    DISTRIBUTIONS,
    Climb,
    Make,
    Readings,
    Spread,
    climb,
    groups,
    oracle,
    spreads,
    stairs,
)
from mutua.types import InputError, Result, Table, names

__all__ = ["PRESETS", "Config", "Measured", "Row", "check", "measure", "plans", "run", "staircase_tables"]


@dataclass(frozen=True)
class Config:
    """What the comparison is run with.

    Args:
        distributions: Of gaussian, cubic (each y_i cubed) and mixed_cubic, (W y)^3.
        dimensions: Columns of x and of y.
        levels: Of the staircase, in nats.
        steps: Batches at each level.
        batch: Pairs in a batch; one reading is of one batch.
        rate: Learning rate of Adam.
        width: Of the critics' two hidden layers.
        embedding: Of the separable critic.
        estimators: Names of the catalogue.
        critics: Of separable, concat, bilinear, and "separable, skip".
        concat_estimators: Those that the concat critic is trained for: N^2 passes a step are dear.
        ours: Add the rows of averaged weights, of a separable critic without and with a linear skip.
        ours_rate: Learning rate of those.
        average: Decay of the average of weights in those, a step.
        sizes: Batch sizes of the table over K; none with an empty list.
        size_levels: In nats, of that table.
        size_steps: Batches at each of its levels.
        size_estimators: Its estimators, on the separable critic.
        cost_sizes: Batch sizes at which cost is measured; none with an empty list.
        seeds: Runs of everything on the staircase, one a seed.
    """

    distributions: tuple[str, ...] = ("gaussian", "cubic")
    dimensions: int = 20
    levels: tuple[float, ...] = LEVELS
    steps: int = 300
    batch: int = 64
    rate: float = 5e-4
    width: int = 256
    embedding: int = 32
    estimators: tuple[str, ...] = tuple(ESTIMATORS)
    critics: tuple[str, ...] = ("separable", "bilinear", "concat")
    concat_estimators: tuple[str, ...] = ("infonce",)
    ours: bool = True
    ours_rate: float = 1e-3
    average: float = 0.98
    sizes: tuple[int, ...] = (16, 64, 256, 1024)
    size_levels: tuple[float, ...] = (2.0, 6.0, 10.0)
    size_steps: int = 100
    size_estimators: tuple[str, ...] = ("infonce", "nwj", "smile_5")
    cost_sizes: tuple[int, ...] = (64, 256)
    seeds: tuple[int, ...] = (0,)


PRESETS = {
    "cpu": Config(),
    "full": Config(
        distributions=tuple(DISTRIBUTIONS),
        steps=4000,
        critics=("separable", "separable, skip", "bilinear", "concat"),
        concat_estimators=tuple(ESTIMATORS),
        average=0.998,
        sizes=(16, 64, 256, 1024, 4096),
        size_levels=LEVELS,
        size_steps=1000,
        cost_sizes=(64, 256, 1024),
        seeds=(0, 1, 2),
    ),
}


@dataclass(frozen=True)
class Row:
    """One estimator and critic on one distribution: its spread at each level, and the first seed's readings."""

    distribution: str
    estimator: str
    critic: str
    spreads: tuple[Spread, ...]
    readings: Readings

    @property
    def name(self) -> str:
        return f"{self.estimator} ({self.critic})" if self.critic else self.estimator


Measured = Sequence[Row]


def run(config: Config) -> Result:
    """Climb the staircase with every estimator and critic; vary the batch; measure the cost.

    Raises `InputError` for a name that is unknown, for sizes too small, and for rates, levels and seeds outside
    their ranges.

    Paper: Song and Ermon 2020, Understanding the Limitations of Variational Mutual Information Estimators,
    arXiv:1910.06222 (the protocol); Poole et al. 2019, On Variational Bounds of Mutual Information,
    arXiv:1905.06922; Belghazi et al. 2018, arXiv:1801.04062; van den Oord et al. 2018, arXiv:1807.03748.
    """
    check(config)
    rows = measure(config)
    tables = [one for name in config.distributions for one in staircase_tables(config, rows, name)]
    figures = {
        f"Readings on the staircase, {name}: mean of each sixtieth of a level; dashed, the truth": curve_figure(
            [row for row in rows if row.distribution == name], config.levels
        )
        for name in config.distributions
    }
    figures["Root mean squared error by level, over the last half of each"] = rmse_figure(rows, config.levels)
    words = list(_words(config, rows))
    if config.sizes:
        sized = over_sizes(
            config.sizes,
            config.size_levels,
            config.size_estimators,
            d=config.dimensions,
            make=CRITICS["separable"](config.width, config.embedding),
            steps=config.size_steps,
            rate=config.rate,
        )
        tables.append(size_table(sized, config.sizes, config.size_levels, config.size_steps, config.dimensions))
        figures["Mean reading by batch size K; dashed the truth, dotted log K, InfoNCE's ceiling"] = size_figure(
            sized, config.sizes, config.size_levels
        )
        words.extend(size_words(sized, config.sizes, config.size_levels))
    if config.cost_sizes:
        LOGGER.info("cost of a step")
        cost = cost_table(config.critics, config.dimensions, config.width, config.embedding, config.cost_sizes)
        tables.append(cost)
    return Result("Estimators of mutual information, compared", tables, figures, words)


def check(config: Config) -> None:
    """Raise `InputError` for what cannot be run, before anything is trained."""
    for field, catalogue in (
        ("distributions", DISTRIBUTIONS),
        ("estimators", ESTIMATORS),
        ("concat_estimators", ESTIMATORS),
        ("size_estimators", ESTIMATORS),
        ("critics", CRITICS),
    ):
        for name in getattr(config, field):
            if name not in catalogue:
                raise InputError(f"{field}: {name!r} is unknown; choose of {names(catalogue)}")
    for field, least in (("steps", 2), ("batch", 2), ("size_steps", 2), ("width", 1), ("embedding", 1)):
        if getattr(config, field) < least:
            raise InputError(f"{field}: {getattr(config, field)}; use at least {least}")
    for field in ("distributions", "levels", "critics", "seeds"):
        if not getattr(config, field):
            raise InputError(f"{field}: is empty; name one at least")
    if any(size < 2 for size in (*config.sizes, *config.cost_sizes)):
        raise InputError("sizes: a batch of one has no other pair; use two or more")
    if not all(level > 0 for level in (*config.levels, *config.size_levels)):
        raise InputError("levels: a level of 0 nats or fewer; use positive numbers")
    for field in ("rate", "ours_rate"):
        if not 0 < getattr(config, field) < math.inf:
            raise InputError(f"{field}: {getattr(config, field)}; use a positive number, such as 5e-4")
    if not 0 <= config.average < 1:
        raise InputError(f"average: {config.average}; a decay is at least 0 and below 1")
    for seed in config.seeds:
        if not 0 <= seed < 2**32:
            raise InputError(f"seeds: {seed}; use whole numbers from 0 to {2**32 - 1}")
    for level in (*config.levels, *config.size_levels):
        gaussian(config.dimensions, information=level)  # refuses what is too near the rounding of float64


def measure(config: Config) -> list[Row]:
    """The staircase: every distribution, estimator and critic, and the oracle, over the seeds."""
    rows = []
    for distribution in config.distributions:
        levels = stairs(distribution, config.dimensions, config.levels)
        truths = [known.information for known in levels]
        floor = [oracle(levels, steps=config.steps, batch=config.batch, seed=seed) for seed in config.seeds]
        rows.append(_row(distribution, "oracle log ratio", "", floor, truths))
        for plan, critic, make, rate in plans(config):
            LOGGER.info(f"{distribution}: {', '.join(plan.reads)}; {critic} critic")
            runs = [
                climb(plan, make, levels, steps=config.steps, batch=config.batch, lr=rate, seed=seed)
                for seed in config.seeds
            ]
            for name in plan.reads:
                rows.append(_row(distribution, name, critic, [one[name] for one in runs], truths))
    return rows


def plans(config: Config) -> list[tuple[Climb, str, Make, float]]:
    """What is to be trained: the climb, its critic's name and maker, the learning rate."""
    plans = []
    own = [ESTIMATORS[name] for name in config.estimators if ESTIMATORS[name].critic is GaussianConditional]
    free = [ESTIMATORS[name] for name in config.estimators if ESTIMATORS[name].critic is not GaussianConditional]

    def conditional(dx: int, dy: int) -> GaussianConditional:
        return GaussianConditional(dx, dy, config.width, 2)

    for critic in config.critics:
        chosen = [one for one in free if critic != "concat" or one.name in config.concat_estimators]
        make = CRITICS[critic](config.width, config.embedding)
        plans += [(plan, critic, make, config.rate) for plan in groups(chosen)]
    plans += [(plan, "q(y | x)", conditional, config.rate) for plan in groups(own)]
    if config.ours:
        for critic in ("separable", "separable, skip"):
            make = CRITICS[critic](config.width, config.embedding)
            plans.append((averaged(config.average), critic, make, config.ours_rate))
    return plans


def _row(distribution: str, estimator: str, critic: str, runs: Sequence[Readings], truths: Sequence[float]) -> Row:
    """Spread over the readings of all seeds together."""
    kept = np.concatenate([one[:, one.shape[1] // 2 :] for one in runs], axis=1)
    both = np.concatenate([kept, kept], axis=1)  # `spreads` reads the last half: here all that counts
    return Row(distribution, estimator, critic, tuple(spreads(both, truths)), runs[0])


def staircase_tables(config: Config, rows: Measured, distribution: str) -> list[Table]:
    """Bias and sd by level, then RMSE; ours under the estimators, the published rows under those."""
    shown = [(row.estimator, row.critic or "–", row.spreads) for row in rows if row.distribution == distribution]
    if distribution == "gaussian" and tuple(config.levels) == LEVELS:
        shown += [(f"{name}, published", critic, found) for (name, critic), found in PUBLISHED.items()]
    columns = ["estimator", "critic", *(f"{level:g}" for level in config.levels)]
    count = len(config.seeds)
    note = (
        f"{distribution}, d = {config.dimensions}, by level in nats. {config.steps:,} steps a level, fresh "
        f"batches of {config.batch}, Adam {config.rate:g}, ReLU width {config.width}, embedding "
        f"{config.embedding}; a reading is one batch, read before it is trained on; the last half of each "
        f"level, {count} seed{'s' if count > 1 else ''}. Oracle: the true log ratio's mean over a batch. "
        f"Published: one run of 4,000 steps a level, batches of 64, read off a figure."
    )
    if config.ours:
        note += (
            f" Averaged: trained by JSD + InfoNCE both ways, Adam {config.ours_rate:g}, read with weights "
            f"averaged at decay {config.average:g}."
        )
    return [
        Table(
            f"Staircase, {distribution}: bias/sd",
            columns,
            [[name, critic, *map(_bias_sd, found)] for name, critic, found in shown],
            note,
        ),
        Table(
            f"Staircase, {distribution}: root mean squared error",
            columns,
            [[name, critic, *(_short(one.rmse) for one in found)] for name, critic, found in shown],
            "As above, in nats.",
        ),
    ]


def _short(value: float) -> str:
    """A number of nats; what has run away, by its power of ten."""
    if not math.isfinite(value):
        return "–"
    return (f"{value:.2f}" if abs(value) < 100 else f"{value:.0e}").replace("-", "−")


def _bias_sd(one: Spread) -> str:
    if not math.isfinite(one.rmse):
        return "diverged"
    sign = "+" if one.bias >= 0 else ""
    return f"{sign}{_short(one.bias)}/{_short(one.sd)}"


def _last(value: float) -> float:
    """For sorting: what diverged comes last."""
    return value if math.isfinite(value) else math.inf


def _words(config: Config, rows: Measured) -> list[str]:
    said = []
    for distribution in config.distributions:
        here = [row for row in rows if row.distribution == distribution and row.critic]
        top = max(range(len(config.levels)), key=lambda i: config.levels[i])
        best = [min(here, key=lambda row, i=i: _last(row.spreads[i].rmse)) for i in range(len(config.levels))]  # type: ignore[misc]
        told = "; ".join(
            f"{level:g} nats, {row.name}, {row.spreads[i].rmse:.2f}"
            for i, (level, row) in enumerate(zip(config.levels, best, strict=True))
        )
        floor = next(row for row in rows if row.distribution == distribution and not row.critic)
        said.append(
            f"{distribution}: the lowest root mean squared error at {told}. The true log ratio itself, "
            f"averaged over {config.batch} pairs, has {floor.spreads[top].rmse:.2f} at "
            f"{config.levels[top]:g} nats."
        )
    return said
