"""Tables, figure and sentences of the study of pretext tasks."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mutua import plots
from mutua.types import Table

__all__ = ["tables", "taught_figure", "words"]

Records = Mapping[str, Sequence[dict[str, Any]]]
"""Row to what was measured under each seed."""


def _best(record: Mapping[str, Any], probe: str) -> tuple[str, float]:
    """The depth that held-out images choose, and percent right on test at it."""
    depth = max(record["depths"], key=lambda depth: record["depths"][depth][probe][0])
    return depth, record["depths"][depth][probe][1]


def _over(rows: Records, name: str, probe: str) -> tuple[float, float]:
    """Points above the untrained network, each at its best depth, and their standard error.

    The error is of test images as if the two rows were read on different ones, or of seeds where that is larger.
    """
    ours, theirs = (np.array([_best(one, probe)[1] for one in rows[of]]) for of in (name, "untrained"))
    tests = rows["untrained"][0]["tests"]
    shares = np.array([ours.mean(), theirs.mean()]) / 100
    of_tests = 100 * math.sqrt((shares * (1 - shares)).sum() / tests)
    of_seeds = float(np.std(ours - theirs, ddof=1) / math.sqrt(len(ours))) if len(ours) > 1 else 0.0
    return float((ours - theirs).mean()), max(of_tests, of_seeds)


def _mean(records: Sequence[Mapping[str, Any]], key: str) -> float | None:
    values = [one[key] for one in records if key in one]
    return float(np.mean(values)) if values else None


def _done(rows: Records) -> dict[str, Sequence[dict[str, Any]]]:
    return {name: records for name, records in rows.items() if not any("failed" in one for one in records)}


def _probes(rows: Records) -> list[str]:
    return list(next(iter(rows["untrained"][0]["depths"].values())))


def tables(config: Mapping[str, Any], found: Mapping[str, Records]) -> list[Table]:
    """Three tables of each data set: each task in its own unit, rows at their best depth, every depth."""
    made = []
    for data, rows in found.items():
        probes, done = _probes(rows), _done(rows)
        tests, seeds = rows["untrained"][0]["tests"], len(rows["untrained"])
        read = f"{tests:,} test images; {seeds} seed{'s' * (seeds > 1)}."
        keys = ("epochs", "seconds", "nats", "error", "most", "right")
        trained = {name: records for name, records in done.items() if "epochs" in records[0]}
        made.append(
            Table(
                f"{data}: what each task taught of its own labels",
                ["row", "epochs", "CPU s", "nats learned", "error", "of at most", "told right, %"],
                [[name, *(_mean(records, key) for key in keys)] for name, records in trained.items()],
                f"{config['encoder']}, {config['examples'] or 'all'} images with a fifth held out, batch "
                f"{config['batch']}, Adam {config['rate']:g} to 0 as a cosine; last epoch. Equal time: "
                f"{config['seconds']:g} CPU s in whole epochs. H(label) - cross-entropy on up to 2,000 of {read}",
            )
        )
        best = []
        for name, records in done.items():
            row: list[Any] = [name]
            for probe in probes:
                depths = sorted({_best(one, probe)[0] for one in records})
                over, error = _over(rows, name, probe)
                value = float(np.mean([_best(one, probe)[1] for one in records]))
                own = name == "untrained"
                row += [" ".join(depths), value, None if own else over, None if own else error]
            best.append(row)
        columns = [c for probe in probes for c in (f"{probe}: depth", f"{probe}, %", "over untrained", "error")]
        made.append(
            Table(
                f"{data}: probes at the best depth",
                ["row", *columns],
                best,
                f"Depth: chosen on the held-out fifth, for each row; percent right at it on {read} Error of the "
                "difference: of test images as if each row had others, or of seeds where that is larger.",
            )
        )
        lines = [
            [
                name,
                depth,
                *(float(np.mean([one["depths"][depth][probe][1] for one in records])) for probe in probes),
            ]
            for name, records in done.items()
            for depth in records[0]["depths"]
        ]
        made.append(
            Table(
                f"{data}: every depth", ["row", "depth", *(f"{probe}, %" for probe in probes)], lines, f"On {read}"
            )
        )
    return made


def taught_figure(rows: Records) -> str:
    """Share of the most nats that were learned, against points of the first probe over the untrained network."""
    probe = _probes(rows)[0]
    with plots.figure(6.4, 4.2) as (fig, axes):
        axes.axhline(0, color=plots.COLOURS[6], linewidth=1)
        for name, records in _done(rows).items():
            if (nats := _mean(records, "nats")) is None:
                continue
            over, error = _over(rows, name, probe)
            share = 100 * nats / (_mean(records, "most") or 1.0)
            colour = plots.COLOURS[int(name.endswith("time"))]
            axes.errorbar(share, over, error, fmt="o", color=colour, markersize=4, linewidth=0.8)
            axes.annotate(
                name.partition(",")[0], (share, over), xytext=(4, 4), textcoords="offset points", fontsize=8
            )
        for k, by in enumerate(("equal images", "equal time")):
            axes.plot([], [], "o", color=plots.COLOURS[k], label=by)
        axes.set(xlabel="nats learned, % of the most", ylabel=f"{probe} probe, points over untrained")
        axes.legend(fontsize=8)
        return plots.svg(fig)


def words(found: Mapping[str, Records], missing: Sequence[str]) -> list[str]:
    """Which rows lie above the untrained network by two standard errors, which don't, which failed."""
    told = []
    for data, rows in found.items():
        probe = _probes(rows)[0]
        above: list[str] = []
        level: list[str] = []
        below: list[str] = []
        for name in _done(rows):
            if name in ("raw pixels", "untrained"):
                continue
            over, error = _over(rows, name, probe)
            (above if over > 2 * error else below if over < -2 * error else level).append(f"{name} {over:+.1f}")
        untrained = float(np.mean([_best(one, probe)[1] for one in rows["untrained"]]))
        told.append(
            f"{data}: the untrained network has {untrained:.1f} % by the {probe} probe at its best depth. "
            f"Above it by two standard errors: {', '.join(above) or 'none'}."
        )
        if level or below:
            told.append(
                f"{data}: not told from it: {', '.join(level) or 'none'}; below it: {', '.join(below) or 'none'}. "
                "These have not beaten a network that learned nothing, at this budget."
            )
        told += [
            f"{data}: {name} was not trained: {records[0]['failed']}."
            for name, records in rows.items()
            if "failed" in records[0]
        ]
    return told + [f"{data} is not on this machine and was left out." for data in missing]
