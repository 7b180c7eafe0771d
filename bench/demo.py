"""The demo over three seeds: does learning without labels help where labels are few?"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from statistics import mean, stdev
from typing import Any

from bench.record import Log, keep
from mutua import runs
from mutua.cli.demo import DEPTH, PLAN, RECIPE
from mutua.data import load
from mutua.encoders import dim32
from mutua.evaluation import RANDOM, RANDOM_NOTE, features, few_labels, random_twin, raw, supervised
from mutua.training import fit
from mutua.types import Table

SEEDS = (0, 1, 2)
COUNTS = (1, 5, 10, 100)


def main(args: list[str]) -> None:
    """1-NN accuracy by labels a class: raw pixels, random weights, the demo's method, full supervision."""
    argparse.ArgumentParser(prog="python -m bench demo", description=__doc__).parse_args(args)
    log = Log()
    train, test = load("digits", "train"), load("digits", "test")
    view = runs.view_of(RECIPE)

    def curve(x: Any, z: Any) -> list[float]:
        found = few_labels(
            x, train.labels, z, test.labels, labels_per_class=COUNTS, draws=20, probes=("1-nn",)
        ).values["1-nn"]
        return [found[count][0] for count in COUNTS]

    def read(encoder: Any) -> list[float]:
        return curve(*(features(encoder, images, depths=(DEPTH,))[DEPTH] for images in (train, test)))

    curves: dict[str, list[list[float]]] = {"raw pixels": [curve(raw(train), raw(test))] * len(SEEDS)}
    seconds = []
    for seed in SEEDS:
        curves.setdefault(RANDOM, []).append(read(random_twin(lambda: dim32(1, 8), train, seed=seed)))
        method = runs.compose(replace(RECIPE, seed=seed))
        start = time.monotonic()
        fit(method, train, replace(PLAN, seed=seed))
        seconds.append(time.monotonic() - start)
        curves.setdefault("simclr", []).append(read(method.get_submodule("encoder")))
        plan = replace(PLAN, epochs=30, weight_decay=5e-4, seed=seed)
        top, score = supervised(lambda: dim32(1, 8), train, test, view=view, plan=plan)
        curves.setdefault("full supervision", []).append(read(top.encoder))
        log(f"seed {seed}: trained in {seconds[-1]:.1f} s; the supervised head reads {score.accuracy:.2f} %")
    rows = [
        [name, *((mean(column), stdev(column)) for column in zip(*found, strict=True))]
        for name, found in curves.items()
    ]
    note = (
        f"1-NN on {DEPTH}, percent right on test ({len(test)} images), by labels a class; each the mean over 20 "
        f"draws of the labels; mean and standard deviation over {len(SEEDS)} seeds of the training. {RANDOM_NOTE}"
    )
    table = Table("Few labels", ["encoder", *map(str, COUNTS)], rows, note)
    words = [
        f"{train.source}. {PLAN.epochs} epochs in {mean(seconds):.1f} s. The supervised encoder saw all labels."
    ]
    keep("demo", "The demo over three seeds", [table], log, words, {"recipe": vars(RECIPE), "plan": vars(PLAN)})
