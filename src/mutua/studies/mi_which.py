"""Which one should I use? The lecture's last table on estimators, answered from measurements."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from mutua import plots
from mutua.information.estimators.catalogue import ESTIMATORS
from mutua.studies import mi_estimators as comparison
from mutua.studies.mi_estimators import Row
from mutua.studies.mi_estimators.cost import seconds
from mutua.studies.mi_estimators.published import LEVELS
from mutua.types import InputError, Result, Table

__all__ = ["PRESETS", "Config", "answer", "run"]


@dataclass(frozen=True)
class Config:
    """What the answer is measured with.

    Args:
        distribution: gaussian, cubic or mixed_cubic.
        dimensions: Columns of x and of y.
        levels: Of the staircase, in nats.
        steps: Batches at each level.
        batch: Pairs in a batch; one reading is of one batch.
        rate: Learning rate of Adam.
        width: Of the critic's two hidden layers.
        embedding: Of the separable critic.
        estimators: Names of the catalogue.
        critic: separable, concat, bilinear, or "separable, skip".
        ours: Add the rows of averaged weights.
        average: Decay of the average of weights in those, a step.
        seeds: Runs of everything, one a seed.
    """

    distribution: str = "gaussian"
    dimensions: int = 20
    levels: tuple[float, ...] = LEVELS
    steps: int = 500
    batch: int = 64
    rate: float = 5e-4
    width: int = 256
    embedding: int = 32
    estimators: tuple[str, ...] = tuple(ESTIMATORS)
    critic: str = "separable"
    ours: bool = True
    average: float = 0.98
    seeds: tuple[int, ...] = (0,)


PRESETS = {"cpu": Config(), "full": Config(steps=4000, average=0.998, seeds=(0, 1, 2))}


def run(config: Config) -> Result:
    """Climb the staircase with every estimator on one critic, and say what the numbers advise.

    Raises `InputError` for a name that is unknown and for sizes too small.

    Paper: Song and Ermon 2020, arXiv:1910.06222; Poole et al. 2019, arXiv:1905.06922; McAllester and Stratos 2020,
    Formal limitations on the measurement of mutual information, arXiv:1811.04251.
    """
    plan = comparison.Config(
        distributions=(config.distribution,),
        dimensions=config.dimensions,
        levels=config.levels,
        steps=config.steps,
        batch=config.batch,
        rate=config.rate,
        width=config.width,
        embedding=config.embedding,
        estimators=config.estimators,
        critics=(config.critic,),
        concat_estimators=config.estimators,
        ours=config.ours,
        average=config.average,
        seeds=config.seeds,
    )
    comparison.check(plan)
    if len(config.levels) < 2 or list(config.levels) != sorted(config.levels):
        raise InputError("levels: give two or more, rising, so that low and high information can be told apart")
    rows = comparison.measure(plan)
    return Result(
        "Which one should I use?",
        [_table(config, rows)],
        {"Bias against standard deviation at each level, from the lowest (small mark) up": _figure(rows, config)},
        answer(config, rows),
    )


def _cost(config: Config, evaluations: str) -> float:
    return 1e3 * seconds(
        config.critic, evaluations, config.batch, config.dimensions, config.width, config.embedding
    )


def _table(config: Config, rows: Sequence[Row]) -> Table:
    low, high = f"{config.levels[0]:g}", f"{config.levels[-1]:g}"
    body: list[list[object]] = []
    for row in sorted(rows, key=_mean_rmse):
        member = ESTIMATORS.get(row.estimator)
        first, last = row.spreads[0], row.spreads[-1]
        body.append(
            [
                row.name,
                member.side if member else "neither",
                member.evaluations if member else "N^2" if row.critic else "none",
                *(_finite(v) for v in (first.bias, first.sd, last.bias, last.sd, _mean_rmse(row))),
            ]
        )
    columns = ["estimator", "bound", "evaluations"]
    columns += [f"bias {low}", f"sd {low}", f"bias {high}", f"sd {high}", "mean RMSE"]
    note = (
        f"{config.distribution}, d = {config.dimensions}, {config.critic} critic, {config.steps:,} steps a "
        f"level at {', '.join(f'{level:g}' for level in config.levels)} nats, fresh batches of "
        f"{config.batch}; a reading is one batch; last half of each level, {len(config.seeds)} "
        f"seed{'s' if len(config.seeds) > 1 else ''}. In order of the root mean squared error, averaged "
        f"over levels. bound: the side of the truth in expectation. JSD trains jsd, smile and the plug-in, "
        f"and is itself no estimate."
    )
    return Table("Which one should I use?", columns, body, note)


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _mean_rmse(row: Row) -> float:
    value = sum(one.rmse for one in row.spreads) / len(row.spreads)
    return value if math.isfinite(value) else math.inf


def answer(config: Config, rows: Sequence[Row]) -> list[str]:
    """The words: each picks its estimator by the numbers of `rows`, and quotes them."""
    low, high = config.levels[0], config.levels[-1]
    trained = [row for row in rows if row.critic]
    lower = [row for row in trained if row.estimator in ESTIMATORS and ESTIMATORS[row.estimator].side == "lower"]
    said = []
    best = min(trained, key=_mean_rmse)
    side = ESTIMATORS[best.estimator].side if best.estimator in ESTIMATORS else "neither"
    kind = "no bound" if side == "neither" else f"a bound from {'below' if side == 'lower' else 'above'}"
    said.append(
        f"For a number: {best.name}. Its root mean squared error is {best.spreads[0].rmse:.2f} at {low:g} "
        f"nats and {best.spreads[-1].rmse:.2f} at {high:g}, the lowest over all levels; it is {kind}."
    )
    if lower:
        # A bound from below is of use where it seldom passes the truth: two standard deviations above its mean.
        safe = [row for row in lower if all(one.bias + 2 * one.sd <= 0.5 for one in row.spreads)]
        pool = safe or lower
        sure = min(pool, key=_mean_rmse)
        over = max(one.bias + 2 * one.sd for one in sure.spreads)
        said.append(
            f"For 'at least': {sure.name}, the best of {len(safe)} lower bounds whose readings stay within "
            f"half a nat above the truth (mean + 2 sd is at most {over:+.2f} off it); it gives away "
            f"{-sure.spreads[0].bias:.2f} nats at {low:g} and {-sure.spreads[-1].bias:.2f} at {high:g}."
            if safe
            else f"For 'at least': no lower bound kept within half a nat above the truth from one batch; "
            f"average many batches. {sure.name} came nearest the truth."
        )
    infonce = next((row for row in trained if row.estimator == "infonce"), None)
    if infonce:
        cap = math.log(config.batch)
        verdict = "past it" if high > cap else "under it"
        said.append(
            f"InfoNCE at batches of {config.batch} cannot read above log K = {cap:.2f}; at {high:g} nats, "
            f"{verdict}, its bias is {infonce.spreads[-1].bias:+.2f} and its sd "
            f"{infonce.spreads[-1].sd:.2f}. "
            + (
                f"For {high:g} nats it would need K above {math.exp(high):,.0f}."
                if high > cap
                else "A larger batch lowers the bias further."
            )
        )
    finite = [row for row in trained if math.isfinite(_mean_rmse(row))]
    steep = max(finite, key=lambda row: row.spreads[-1].sd)
    flat = min(finite, key=lambda row: row.spreads[-1].sd)
    said.append(
        f"Variance at {high:g} nats runs from {flat.spreads[-1].sd:.2f} ({flat.name}) to "
        f"{steep.spreads[-1].sd:.2f} ({steep.name})."
    )
    diverged = [row.name for row in trained if not math.isfinite(_mean_rmse(row))]
    if diverged:
        said.append(f"Diverged here: {', '.join(diverged)}.")
    few, all_ = _cost(config, "2N"), _cost(config, "N^2")
    saved = "worth taking all pairs" if all_ < 1.5 * few else "the price of all pairs"
    said.append(
        f"Cost: a step of {config.batch} pairs on the {config.critic} critic takes {few:.1f} ms with 2N "
        f"evaluations and {all_:.1f} ms with N^2, {all_ / few:.1f} times: {saved}."
    )
    return said


def _figure(rows: Sequence[Row], config: Config) -> str:
    names = [row.name for row in rows]
    with plots.figure(7.4, 5.4) as (fig, axes):
        axes.axvline(0, color=plots.COLOURS[6], linewidth=1)
        for i, row in enumerate(rows):
            biases, sds = [one.bias for one in row.spreads], [one.sd for one in row.spreads]
            colour, style = plots.COLOURS[i % 6], ("-", "--", ":")[i // 6 % 3]
            axes.plot(biases, sds, style, color=colour, linewidth=1, label=names[i])
            axes.scatter(biases, sds, [6 + 7 * j for j in range(len(biases))], color=colour)
        axes.set_xscale("symlog", linthresh=1)
        axes.set_yscale("log")
        axes.set_xlabel("bias, nats")
        axes.set_ylabel("standard deviation of a reading, nats")
        fig.legend(loc="outside lower center", ncols=3, fontsize=8)
        return plots.svg(fig)
