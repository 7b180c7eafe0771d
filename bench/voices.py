"""Real voices under a known nonlinear mixing: nonlinear ICA beside linear ICA, in stretches of time never fitted.

A piece is a method on one mixing; pieces that are there are not measured again. `record` writes what is there.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, replace
from pathlib import Path

import torch

from bench.record import Log, keep
from mutua.data.store import replacing
from mutua.studies.nonlinear.voices import METHODS, PRESETS, Measured, mixtures, piece, told

PLACE = Path("runs/bench/voices")
CONFIG = replace(PRESETS["cpu"], mixtures=3)


def main(args: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench voices", description=__doc__)
    parser.add_argument("parts", nargs="*", choices=["measure", "record"])
    parser.add_argument("--mixtures", type=int, default=CONFIG.mixtures)
    given = parser.parse_args(args)
    parts = given.parts or ["measure", "record"]
    torch.set_num_threads(1)
    log, config = Log(), replace(CONFIG, mixtures=given.mixtures)
    mixed = mixtures(config)
    found: dict[str, list[Measured]] = {method: [] for method in METHODS}
    for seed, mixture in enumerate(mixed):
        for method, pieces in found.items():
            path = PLACE / f"{method.replace(', ', '_').replace(' ', '_')}-{seed}.json"
            if not path.exists() and "measure" in parts:
                one = piece(config, method, mixture, seed)
                path.parent.mkdir(parents=True, exist_ok=True)
                with replacing(path) as file:
                    file.write(json.dumps(asdict(one)).encode())
                log(f"mixing {seed}, {method}: {one.pearson:.4f} ({one.spearman:.4f}), {one.seconds:.0f} CPU s")
            if path.exists():
                pieces.append(Measured(**json.loads(path.read_text())))
    if "record" in parts:
        result = told(config, found, len(mixed[0].x))
        keep("voices", result.title, result.tables, log, result.words, result.settings)
