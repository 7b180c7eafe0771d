"""The three methods on Deep InfoMax's encoder, CIFAR-10, at a budget for two cores, beside three controls.

Long, so in pieces that are kept: `python -m bench cifar10 simclr` trains one method (resumed where it was
stopped), and a row of the table that was measured is not measured again. Delete runs/bench to start anew.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from bench.record import Log, keep
from mutua import runs
from mutua.data import Images, load
from mutua.data.store import replacing
from mutua.encoders import dim32, image_spec
from mutua.evaluation import PROBES, RANDOM, RANDOM_NOTE, features, random_twin, raw, supervised
from mutua.training import Plan
from mutua.types import Table

FOLDER = Path("runs/bench")
DEPTHS = ("fc", "Y")
PLAN = Plan(epochs=20, warmup=1, precision="bf16-mixed", save_every=60.0, log_every=50)
RUNS: dict[str, tuple[runs.Recipe, Plan]] = {
    "simclr": (
        runs.Recipe("simclr", "dim32", image_spec(3, 32)),
        replace(PLAN, batch=256, optimizer="adamw", lr=1e-3, weight_decay=1e-4),
    ),
    "deep_infomax": (
        # Eight of the 64 locations a step, drawn anew, as the authors' code allows: an eighth of the work.
        runs.Recipe("deep_infomax", "dim32", image_spec(3, 32), {"locations": 8}),
        replace(PLAN, batch=64, optimizer="adam", lr=2e-4, weight_decay=0.0, momentum=0.5),
    ),
    "rotation": (
        runs.Recipe("rotation", "dim32", image_spec(3, 32)),
        replace(PLAN, batch=128, optimizer="sgd", lr=0.1, weight_decay=5e-4, schedule="steps", warmup=0),
    ),
}
SUPERVISED = replace(PLAN, batch=128, optimizer="adamw", lr=1e-3, weight_decay=5e-4)


def trained(name: str, log: Log) -> Path:
    """The run of a method: as it stands if it is finished, resumed if it was stopped, else trained."""
    recipe, plan = RUNS[name]
    run = FOLDER / f"cifar10-{name}"
    if (run / "encoder.safetensors").exists():
        log(f"{name}: the run in {run} is finished")
        return run
    resume = (run / "checkpoint.pt").exists()
    log(f"{name}: {'resuming' if resume else 'training'}")
    data = {"name": "cifar10", "split": "train", "size": None, "skip_bad": False}
    runs.train(recipe, load("cifar10", "train"), plan, run, data=data, resume=resume, progress=True)
    log(f"{name}: trained")
    return run


def kept(name: str, measure: Any) -> Any:
    """What was measured under a name, or what `measure()` returns now."""
    path = FOLDER / "cifar10-rows" / f"{name}.json"
    if path.exists():
        return json.loads(path.read_text())
    found = measure()
    with replacing(path) as file:
        file.write(json.dumps(found).encode())
    return found


def row(name: str, depth: str, train: Images, test: Images, encoder: Any, log: Log) -> list[Any]:
    """Linear and k-NN accuracy at a depth; of raw pixels without an encoder."""

    def measure() -> list[Any]:
        log(f"{name} {depth}")
        if encoder is None:
            x, z = raw(train), raw(test)
        else:
            network = encoder()
            x, z = (features(network, images, depths=(depth,))[depth] for images in (train, test))
        accuracies = [PROBES[probe](x, train.labels, z, test.labels, 0).accuracy for probe in ("linear", "knn")]
        return [name, depth, x.shape[1], *accuracies]

    return kept(_place(name, depth).stem, measure)


def _place(name: str, depth: str) -> Path:
    return FOLDER / "cifar10-rows" / f"{f'{name}-{depth}'.replace(' ', '-').replace(',', '')}.json"


def _supervised(train: Images, test: Images) -> Iterator[Any]:
    run = FOLDER / "cifar10-supervised.safetensors"
    view = runs.view_of(RUNS["simclr"][0])
    if not run.exists():
        method, score = supervised(lambda: dim32(3, 32), train, test, view=view, plan=SUPERVISED, progress=True)
        kept("supervised-head", lambda: score.accuracy)
        runs.keep(run, method, RUNS["simclr"][0])
    yield runs.load(run)


def main(args: list[str]) -> None:
    """Train the methods named (or "supervised"), measure "rows" of what is finished; without names, everything.

    "record" writes the record of the rows that are there.
    """
    parser = argparse.ArgumentParser(prog="python -m bench cifar10", description=__doc__)
    known = [*RUNS, "supervised", "rows", "record"]
    parser.add_argument("pieces", nargs="*", choices=[*known, []], default=[], help="default: everything")
    args = parser.parse_args(args).pieces
    log = Log()
    train, test = load("cifar10", "train"), load("cifar10", "test")
    if args == ["record"]:
        names = [("raw pixels", ""), *((n, d) for n in (RANDOM, *RUNS, "full supervision") for d in DEPTHS)]
        there = [(name, depth) for name, depth in names if _place(name, depth).exists()]
        rows = [json.loads(_place(name, depth).read_text()) for name, depth in there]
        _record(rows, [f"{name} {depth}" for name, depth in names if (name, depth) not in there], train, test, log)
        return
    for name in args:
        if name == "supervised":
            next(_supervised(train, test))
        elif name != "rows":
            trained(name, log)
    if args and "rows" not in args:
        return
    makers: dict[str, Any] = {RANDOM: lambda: random_twin(lambda: dim32(3, 32), train)}
    for name in RUNS:
        run = FOLDER / f"cifar10-{name}" if args else trained(name, log)
        if (run / "encoder.safetensors").exists():
            makers[name] = lambda run=run: runs.load(run)
    if not args or (FOLDER / "cifar10-supervised.safetensors").exists():
        makers["full supervision"] = lambda: next(_supervised(train, test))
    rows = [row("raw pixels", "", train, test, None, log)]
    rows += [row(name, depth, train, test, make, log) for name, make in makers.items() for depth in DEPTHS]
    _record(rows, [name for name in RUNS if name not in makers], train, test, log)


def _record(rows: list[list[Any]], missing: list[str], train: Images, test: Images, log: Log) -> None:
    path = FOLDER / "cifar10-rows" / "supervised-head.json"
    note = (
        f"Percent right on test; {len(train)} train and {len(test)} test images of {train.source}. linear: "
        "logistic regression with L2 on standardised features, C chosen on a tenth of train held out. knn: 20 "
        f"nearest by cosine, weights exp(s/0.07). {RANDOM_NOTE}"
    )
    if path.exists():
        head = json.loads(path.read_text())
        note += f" The supervised network's own head reads {head:.2f} % after {SUPERVISED.epochs} epochs."
    if missing:
        note += f" Not measured yet: {', '.join(missing)}."
    table = Table("Accuracy with all labels", ["encoder", "depth", "features", "linear", "knn"], rows, note)
    keep(
        "cifar10",
        "CIFAR-10 on Deep InfoMax's encoder",
        [table],
        log,
        [
            f"{train.source}. {PLAN.epochs} epochs, bfloat16, one seed, last epoch, nothing chosen on test. "
            "Published budgets: 200 epochs (SimCLR), 1,000 (Deep InfoMax), 200 (rotation)."
        ],
        {name: {"recipe": asdict(recipe), "plan": asdict(plan)} for name, (recipe, plan) in RUNS.items()},
    )
