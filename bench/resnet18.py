"""SimCLR on ResNet-18, CIFAR-10, 200 epochs at batch 512, on CUDA: k-NN accuracy and how long it takes.

`choose` trains several settings for a few epochs on nine tenths of train and prints k-NN accuracy on the rest.
Without it the run is trained (or resumed) with the settings below, judged once on test, and recorded.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from bench.record import Log, keep
from mutua import runs
from mutua.data import Images, load
from mutua.data.splits import split_off
from mutua.encoders import image_spec, resnet18
from mutua.evaluation import RANDOM, RANDOM_NOTE, features, random_twin, raw, supervised
from mutua.evaluation.probes.catalogue import knn
from mutua.methods import simclr
from mutua.training import Plan, fit
from mutua.types import Encode, Table

FOLDER = Path("runs/bench/resnet18")
BATCH = 512
PLAN = Plan(
    epochs=200,
    batch=BATCH,
    optimizer="sgd",
    lr=0.5,
    weight_decay=1e-4,
    warmup=5,
    precision="bf16-mixed",
    accelerator="cuda",
    log_every=97,
)
SETTINGS: dict[str, Any] = {"temperature": 0.5, "smallest_crop": 0.2}

# What `choose` changes of those, one at a time.
CHOICES: dict[str, tuple[Mapping[str, Any], Mapping[str, Any]]] = {
    "as it is": ({}, {}),
    "temperature 0.2": ({}, {"temperature": 0.2}),
    "crops from 0.08": ({}, {"smallest_crop": 0.08}),
    "lr 0.25": ({"lr": 0.25}, {}),
    "lr 1": ({"lr": 1.0}, {}),
    "decay 5e-4": ({"weight_decay": 5e-4}, {}),
    "strength 0.8": ({}, {"strength": 0.8}),
    "lightly's: lr 0.24, decay 5e-4, crops from 0.08": (
        {"lr": 0.24, "weight_decay": 5e-4},
        {"smallest_crop": 0.08},
    ),
}
PROBES = {"k-NN, k=20": (20, 0.07), "k-NN, k=200": (200, 0.1)}


def _judged(encode: Encode | nn.Module | None, train: Images, test: Images) -> dict[str, float]:
    """k-NN accuracy of features, of raw pixels without an encoder."""
    if encode is None:
        x, y = raw(train), raw(test)
    else:
        x, y = (next(iter(features(encode, part, device="cuda").values())) for part in (train, test))
    assert train.labels is not None
    assert test.labels is not None
    return {
        name: knn(x, train.labels, y, test.labels, k=k, temperature=temperature, device="cuda").accuracy
        for name, (k, temperature) in PROBES.items()
    }


def choose(names: list[str], epochs: int, seconds: float, log: Log) -> None:
    """k-NN accuracy on a tenth of train held out, for as many of the settings as `seconds` allow."""
    rest, held = split_off(load("cifar10", "train"), 0.1, 0)
    start = time.monotonic()
    for name in names or list(CHOICES):
        if time.monotonic() - start > seconds:
            log(f"no time left for {name} and what follows")
            return
        plan, settings = CHOICES[name]
        torch.manual_seed(0)
        method = simclr(resnet18(), **{**SETTINGS, **settings})
        clock = time.monotonic()
        rows = fit(method, rest, replace(PLAN, **{"epochs": epochs, "warmup": min(1, epochs / 10), **plan}))
        took = time.monotonic() - clock
        found = _judged(method.encoder, rest, held)
        log(f"{name}: {found}, loss {rows[-1]['loss']:.4f}, {took:.1f} s, {rows[-1]['examples_per_second']:.0f}/s")


def _trained(plan: Plan, images: Images, folder: Path, log: Log) -> float:
    """Train the run or go on with it; seconds by the clock, of this part."""
    if (folder / "encoder.safetensors").exists():
        log(f"the run in {folder} is finished")
        return float(np.nan)
    resume = (folder / "checkpoint.pt").exists()
    recipe = runs.Recipe("simclr", "resnet18", image_spec(3, 32), SETTINGS, plan.seed)
    clock = time.monotonic()
    data = {"name": "cifar10", "split": "train", "size": None, "skip_bad": False}
    runs.train(recipe, images, plan, folder, data=data, resume=resume)
    took = time.monotonic() - clock
    log(f"{'resumed and ' if resume else ''}trained in {took:.0f} s")
    return took


def main(args: list[str]) -> None:
    """Train and record; or `choose`."""
    parser = argparse.ArgumentParser(prog="python -m bench resnet18", description=__doc__)
    parser.add_argument("what", nargs="?", choices=["choose"])
    parser.add_argument("--names", nargs="*", default=[], help=f"of {', '.join(CHOICES)}")
    parser.add_argument("--epochs", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=float("inf"), help="after which nothing new is begun")
    parser.add_argument("--supervised", type=int, default=30, help="epochs of the control with all labels")
    parser.add_argument("--folder", type=Path, default=FOLDER)
    given = parser.parse_args(args)
    if not torch.cuda.is_available():
        raise SystemExit("resnet18: there is no CUDA device here")
    log = Log()
    if given.what:
        choose(given.names, given.epochs or 10, given.seconds, log)
        return
    plan = replace(PLAN, epochs=given.epochs or PLAN.epochs)
    train, test = load("cifar10", "train"), load("cifar10", "test")
    took = _trained(plan, train, given.folder, log)
    rows: list[list[Any]] = []

    def row(name: str, found: Mapping[str, float], seconds: float | None) -> None:
        rows.append([name, *found.values(), seconds])
        log(f"{name}: {found}")

    row(f"SimCLR, {plan.epochs} epochs", _judged(runs.load(given.folder), train, test), took)
    row("raw pixels", _judged(None, train, test), None)
    row(RANDOM, _judged(random_twin(resnet18, train, device="cuda"), train, test), None)
    _keep(rows, plan, train, test, log)
    if given.supervised:
        clock = time.monotonic()
        view = runs.view_of(runs.Recipe("simclr", "resnet18", image_spec(3, 32), SETTINGS))
        full = replace(plan, epochs=given.supervised, lr=0.1, weight_decay=5e-4, warmup=1, batch=128)
        method, score = supervised(resnet18, train, test, view=view, plan=full)
        seconds = time.monotonic() - clock
        log(f"full supervision: its own head {score.accuracy}")
        row(f"full supervision, {given.supervised} epochs", _judged(method.encode, train, test), seconds)
        _keep(rows, plan, train, test, log)


def _keep(rows: list[list[Any]], plan: Plan, train: Images, test: Images, log: Log) -> None:
    columns = ["features", *PROBES, "seconds of training"]
    table = Table(f"Percent right on test, {len(train):,} train and {len(test):,} test images", columns, rows)
    words = [
        f"{train.source}. SimCLR's views ({SETTINGS}), batch {plan.batch}, {plan.optimizer}, learning rate "
        f"{plan.lr}, weight decay {plan.weight_decay}, {plan.precision}; the last epoch, one seed, judged once on "
        "test. Features are the 512 after pooling, of images without augmentation; neighbours by cosine, votes "
        "exp(s / 0.07) of 20 or exp(s / 0.1) of 200 (lightly's protocol, whose published 84.8 is the best over "
        "epochs on test, after 87 minutes). Settings were chosen with `choose`, by k-NN on a tenth of train.",
        RANDOM_NOTE,
    ]
    keep("resnet18", "SimCLR on ResNet-18", [table], log, words, {"settings": SETTINGS, "plan": vars(plan)})
