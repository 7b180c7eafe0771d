"""The staircase of mutual information at its published setting: 2 to 10 nats, 4,000 steps a level, batches of 64.

Long, so in pieces that are kept in runs/bench: `python -m bench mi_studies ours` takes the rows of averaged
weights; `separable`, `bilinear`, `concat` and `conditional` those of the catalogue on that critic; `record` writes
the record of the pieces that are there. `--seeds 0 1 2` and `--distributions gaussian cubic` choose of each; a
piece that was measured is not measured again. Without names: everything (hours on one core).
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import replace
from math import isnan
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import torch

from bench.record import Log, keep
from mutua.data.store import replacing
from mutua.studies.mi_estimators import PRESETS, plans
from mutua.studies.mi_estimators.cost import cost_table
from mutua.studies.mi_estimators.published import FLOOR, LEVELS, PUBLISHED
from mutua.studies.mi_estimators.staircase import climb, spreads, stairs
from mutua.types import Table

FOLDER = Path("runs/bench/mi-staircase")
CONFIG = PRESETS["full"]
SEEDS = (0, 1, 2)
PIECES = ("ours", "separable", "bilinear", "concat", "conditional")
TARGET = ("smile_1", "separable")


def _chosen(piece: str) -> list[Any]:
    """(climb, critic's name, maker, rate) of a piece."""
    if piece == "ours":
        return plans(replace(CONFIG, estimators=()))
    if piece == "conditional":
        return [one for one in plans(replace(CONFIG, ours=False)) if one[1] == "q(y | x)"]
    return [one for one in plans(replace(CONFIG, ours=False, critics=(piece,))) if one[1] == piece]


def take(pieces: Sequence[str], seeds: Sequence[int], distributions: Sequence[str], log: Log) -> None:
    """Measure what is not there yet: for each reading, bias and sd at each level."""
    for distribution in distributions:
        levels = stairs(distribution, CONFIG.dimensions, LEVELS)
        for seed in seeds:
            for piece in pieces:
                for plan, critic, make, rate in _chosen(piece):
                    path = FOLDER / f"{distribution}-{critic}-{'+'.join(plan.reads)}-{seed}.json".replace(" ", "")
                    if path.exists():
                        continue
                    found = climb(plan, make, levels, steps=CONFIG.steps, batch=CONFIG.batch, lr=rate, seed=seed)
                    rows = {
                        name: [[one.bias, one.sd] for one in spreads(readings, LEVELS)]
                        for name, readings in found.items()
                    }
                    with replacing(path) as file:
                        file.write(
                            json.dumps(
                                {"distribution": distribution, "critic": critic, "seed": seed, "rows": rows}
                            ).encode()
                        )
                    log(f"{path.stem}: " + "; ".join(f"{name} {_short(row)}" for name, row in rows.items()))


def _short(row: Sequence[Sequence[float]]) -> str:
    return " ".join(f"{bias:+.2f}/{sd:.2f}" for bias, sd in row)


def record(log: Log) -> None:
    """Tables of the pieces that are there, under the floor and the published rows."""
    found: dict[tuple[str, str, str], list[list[list[float]]]] = {}
    for path in sorted(FOLDER.glob("*.json")):
        piece = json.loads(path.read_text())
        for name, row in piece["rows"].items():
            found.setdefault((piece["distribution"], name, piece["critic"]), []).append(row)
    tables, words = [], []
    for distribution in dict.fromkeys(key[0] for key in found):
        here = {key[1:]: runs for key, runs in found.items() if key[0] == distribution}
        tables.append(_table(distribution, here))
        words.append(_verdict(distribution, here))
    tables.append(cost_table(("separable", "bilinear", "concat"), CONFIG.dimensions, CONFIG.width, 32, (64, 256)))
    settings = {"steps": CONFIG.steps, "batch": CONFIG.batch, "rate": CONFIG.rate, "ours_rate": CONFIG.ours_rate}
    settings |= {"average": CONFIG.average, "width": CONFIG.width, "embedding": CONFIG.embedding}
    keep("mi_studies", "Estimators of mutual information on the staircase", tables, log, words, settings)


def _rmse(runs: Sequence[Sequence[Sequence[float]]], level: int) -> list[float]:
    return [float((row[level][0] ** 2 + row[level][1] ** 2) ** 0.5) for row in runs]


def _table(distribution: str, here: dict[tuple[str, str], list[list[list[float]]]]) -> Table:
    def line(name: str, critic: str, runs: Sequence[Sequence[Sequence[float]]], seeds: int) -> list[Any]:
        cells, errors = [], []
        for i in range(len(LEVELS)):
            bias, sd = mean(row[i][0] for row in runs), mean(row[i][1] for row in runs)
            cells.append("diverged" if isnan(bias) else f"{bias:+.2f}/{sd:.2f}".replace("-", "−"))
            rmse = _rmse(runs, i)
            errors.append(None if isnan(bias) else (mean(rmse), stdev(rmse)) if len(rmse) > 1 else mean(rmse))
        return [name, critic, seeds, *cells, *errors]

    heads = [f"{level:g}" for level in LEVELS]
    columns = ["estimator", "critic", "seeds", *heads, *(f"RMSE {head}" for head in heads)]
    rows = [["oracle log ratio, 64 pairs", "–", None, *(f"+0.00/{sd:.2f}" for sd in FLOOR), *FLOOR]]
    rows += [line(name, critic, runs, len(runs)) for (name, critic), runs in here.items()]
    if distribution == "gaussian":
        for (name, critic), spread in PUBLISHED.items():
            rows.append(line(f"{name}, published", critic, [[[one.bias, one.sd] for one in spread]], 1))
    note = (
        f"{distribution}, d = 20: bias/sd in nats by level (mean over seeds), then RMSE (mean ± sd over "
        f"seeds). Fresh batches of 64, {CONFIG.steps:,} steps a level, last half of each; a reading is one "
        f"batch, read before it is trained on. ReLU width {CONFIG.width}, embedding {CONFIG.embedding}; "
        f"catalogue: Adam {CONFIG.rate:g}; averaged: JSD + InfoNCE both ways, Adam {CONFIG.ours_rate:g}, "
        f"weights averaged at decay {CONFIG.average:g}. Published: one run, read off a figure."
    )
    return Table(f"Staircase, {distribution}", columns, rows, note)


def _verdict(distribution: str, here: dict[tuple[str, str], list[list[list[float]]]]) -> str:
    if distribution != "gaussian":
        return f"{distribution}: nothing published to stand beside."
    target = [one.rmse for one in PUBLISHED[TARGET]]
    said = []
    for critic in ("separable", "separable, skip"):
        runs = here.get(("averaged, bridge", critic))
        if runs:
            errors = [mean(_rmse(runs, i)) for i in range(len(LEVELS))]
            beaten = [f"{level:g}" for level, a, b in zip(LEVELS, errors, target, strict=True) if a <= b]
            said.append(
                f"averaged, bridge ({critic}, {len(runs)} seeds) reads with RMSE "
                f"{'/'.join(f'{one:.3f}' for one in errors)}: at or below the published row at "
                f"{', '.join(beaten)} nats"
            )
    published = "/".join(f"{one:.3f}" for one in target)
    return f"Published SMILE, tau 1, separable: RMSE {published} at 2/4/6/8/10 nats. {'; '.join(said)}."


def main(args: list[str]) -> None:
    """Take the pieces named; write the record where it is named, or nothing is."""
    parser = argparse.ArgumentParser(prog="python -m bench mi_studies")
    parser.add_argument("pieces", nargs="*", help=", ".join((*PIECES, "record")))
    parser.add_argument("--seeds", nargs="+", type=int, default=list(SEEDS))
    parser.add_argument("--distributions", nargs="+", default=list(CONFIG.distributions))
    parsed = parser.parse_args(args)
    for name in parsed.pieces:
        if name not in (*PIECES, "record"):
            parser.error(f"no piece is called {name}; choose of {', '.join((*PIECES, 'record'))}")
    torch.set_num_threads(1)
    log = Log()
    take([name for name in parsed.pieces or PIECES if name != "record"], parsed.seeds, parsed.distributions, log)
    if not parsed.pieces or "record" in parsed.pieces:
        record(log)
