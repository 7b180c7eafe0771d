"""All metrics of codes and factors in one table, with intervals."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mutua.evaluation.disentangled.dci import dci, dci_mended
from mutua.evaluation.disentangled.given import Given, given
from mutua.evaluation.disentangled.infomec import infomec, infomec_mended
from mutua.evaluation.disentangled.irs import irs, irs_mended
from mutua.evaluation.disentangled.mig import mig, mig_mended
from mutua.evaluation.disentangled.modularity import (
    explicitness,
    explicitness_mended,
    modularity,
    modularity_mended,
)
from mutua.evaluation.disentangled.sap import sap, sap_mended
from mutua.evaluation.disentangled.votes import (
    beta_vae_mended,
    beta_vae_score,
    factor_vae_mended,
    factor_vae_score,
)
from mutua.types import InputError, Interval, Table, names

__all__ = ["DISENTANGLEMENT", "Metric", "disentanglement"]

Read = Callable[[Given, int], dict[str, float]]


@dataclass(frozen=True)
class Metric:
    """A metric as published and mended, what it asks, in a line, and whether a resample of the rows is cheap to
    read."""

    published: Read
    mended: Read
    about: str
    resampled: bool = False


DISENTANGLEMENT: dict[str, Metric] = {
    "mig": Metric(mig, mig_mended, "Is a factor in one code alone? A gap of information.", True),
    "dci": Metric(dci, dci_mended, "One factor a code, one code a factor, and is it read? By boosted trees."),
    "sap": Metric(sap, sap_mended, "Is a factor in one code alone? A gap of accuracy."),
    "modularity": Metric(modularity, modularity_mended, "Does a code tell of one factor alone?", True),
    "explicitness": Metric(explicitness, explicitness_mended, "Does a linear classifier read the factors?"),
    "beta_vae": Metric(beta_vae_score, beta_vae_mended, "Which factor do pairs share? By logistic regression."),
    "factor_vae": Metric(
        factor_vae_score, factor_vae_mended, "Which factor do points share? By the stillest code."
    ),
    "irs": Metric(irs, irs_mended, "Does a code stay put when other factors change?", True),
    "infomec": Metric(infomec, infomec_mended, "Modular, explicit, compact, in shares of information."),
}


def disentanglement(
    codes: Any,
    factors: Any,
    *,
    metrics: Sequence[str] | None = None,
    bootstrap: int = 50,
    seed: int = 0,
) -> Table:
    """Every metric of disentanglement, as published and mended side by side.

    Each metric's docstring says what it can reach, what one outlier does and how dead codes count; see
    `DISENTANGLEMENT`. UDR compares several models: `mutua.evaluation.disentangled.udr`.

    Args:
        codes: (n, d), such as posterior means.
        factors: (n, k) whole numbers or names; continuous factors are cut into bins first.
        metrics: names of `DISENTANGLEMENT`; all by default.
        bootstrap: resamples of the rows for 95 % intervals of the metrics that only count (mig, modularity, irs);
            those that train have none. A resample repeats rows, which by itself adds information: intervals are
            centred on the value by the bootstrap's own bias.
        seed: of splits, draws and resamples.

    Raises `InputError` of one line for what `given` refuses, and for other names.

    >>> rng = np.random.default_rng(0)
    >>> factors = rng.integers(0, 4, (500, 2))
    >>> disentanglement(factors + 0.01 * rng.normal(size=(500, 2)), factors, metrics=["mig"]).rows[0][:2]
    ['mig', 'MIG']
    """
    chosen = tuple(DISENTANGLEMENT) if metrics is None else tuple(metrics)
    if not chosen or (unknown := set(chosen) - set(DISENTANGLEMENT)):
        raise InputError(f"metrics: {names(unknown) if chosen else 'none'} is none of {names(DISENTANGLEMENT)}")
    data = given(codes, factors)
    draws = np.random.default_rng(seed)
    samples = [data.rows(draws.integers(len(data.codes), size=len(data.codes))) for _ in range(bootstrap)]
    rows = []
    for name in chosen:
        metric = DISENTANGLEMENT[name]
        published, mended = metric.published(data, seed), metric.mended(data, seed)
        resampled = metric.resampled and bootstrap > 1
        spread = [
            _intervals(read, samples, value, seed) if resampled else {}
            for read, value in ((metric.published, published), (metric.mended, mended))
        ]
        rows += [
            [name, part, value, spread[0].get(part), mended.get(part), spread[1].get(part)]
            for part, value in published.items()
        ]
    d, k = data.codes.shape[1], data.factors.shape[1]
    dead = int((~data.alive).sum())
    note = (
        f"{len(data.codes):,} rows, {d} codes of which {dead} dead, {k} factors of "
        f"{', '.join(map(str, data.levels))} values. Mended: equal-mass bins, information less what binning alone "
        "reads, dead codes left out, chance at 0. Train: on the rows learned from. "
        f"Intervals: 95 %, {bootstrap} resamples of the rows."
    )
    return Table("Disentanglement", ["metric", "part", "published", "interval", "mended", "interval "], rows, note)


def _intervals(read: Read, samples: Sequence[Given], value: dict[str, float], seed: int) -> dict[str, Interval]:
    found: dict[str, list[float]] = {part: [] for part in value}
    for sample in samples:
        for part, each in read(sample, seed).items():
            found[part].append(each)
    told = {}
    for part, values in found.items():
        off = np.array(values) - np.mean(values)
        low, high = value[part] + np.quantile(off, [0.025, 0.975])
        told[part] = Interval(float(low), float(high))
    return told
