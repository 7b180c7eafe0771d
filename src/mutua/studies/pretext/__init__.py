"""How much each pretext task teaches: nats of its labels, and probes at every depth; equal images, equal time."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from mutua import encoders, runs
from mutua.data import Images
from mutua.evaluation import PROBES, features, nats_learned, random_twin, raw, supervised
from mutua.objectives import Telling
from mutua.studies import LOGGER
from mutua.studies.kept import available, digest, kept, labelled_images
from mutua.studies.pretext.tables import tables, taught_figure, words
from mutua.training import Plan, fit
from mutua.types import InputError, Result, names

__all__ = ["PRESETS", "TASKS", "Config", "Task", "run"]


@dataclass(frozen=True)
class Task:
    """A row: a method with its settings, and what its encoder's name ends in."""

    settings: Mapping[str, Any] = field(default_factory=dict)
    variant: str = ""


TASKS: dict[str, Task] = {
    "rotation": Task(),
    "relative_position": Task({"scale_to": 64}),  # tiles of 32 px images would be too small
    "jigsaw": Task(),
    "colorization": Task(variant="-lightness"),
    "inpainting": Task(),
    "masked": Task(),
    "denoising": Task(),
    "undo": Task(),
    "simclr": Task(),
    "deep_infomax": Task({"locations": 8}),
}
"""Method to how it is trained here; everything else is its default."""

PIXELS, UNTRAINED, SUPERVISED = "raw pixels", "untrained", "supervised"


@dataclass(frozen=True)
class Config:
    """What is trained on what, how long, and how it is read.

    Args:
        data: Data sets by name, or folders of images; those that aren't on this machine are left out, and said.
        size: Height and width of images, 0 for the data's own.
        tasks: Methods, by name.
        encoder: Network of every row; colorization takes the one that sees lightness alone.
        examples: Images to learn from; a fifth of them is held out to choose depths on. 0 for all.
        tests: Images to test on, 0 for all.
        epochs: Of the trainings at equal images.
        seconds: CPU seconds of the trainings at equal time, in whole epochs.
        batch: Images a step.
        rate: Adam's learning rate, to 0 as a cosine.
        probes: Of `mutua.evaluation.PROBES`.
        seeds: A training of every row under each.
        folder: Where finished rows are kept: a run that was stopped goes on.
    """

    data: tuple[str, ...] = ("cifar10",)
    size: int = 0
    tasks: tuple[str, ...] = tuple(TASKS)
    encoder: str = "dim32"
    examples: int = 5_000
    tests: int = 2_000
    epochs: int = 8
    seconds: float = 120.0
    batch: int = 64
    rate: float = 5e-4
    probes: tuple[str, ...] = ("linear", "knn")
    seeds: tuple[int, ...] = (0,)
    folder: str = "runs/pretext"


PRESETS = {
    "cpu": Config(),
    "full": Config(
        data=("cifar10", "imagenette"),
        size=64,
        encoder="resnet18",
        examples=0,
        tests=0,
        epochs=100,
        seconds=36_000,
        seeds=(0, 1, 2),
    ),
    "smoke": Config(
        data=("digits",),
        tasks=("rotation", "denoising", "colorization"),
        examples=120,
        tests=60,
        epochs=1,
        seconds=0.01,
        batch=32,
        probes=("linear", "knn"),
    ),
}


def run(config: Config) -> Result:
    """Every pretext task on one encoder, at equal images seen and at equal CPU time: what it taught of its own
    labels in nats, on held-out images, and what probes read at each depth, beside raw pixels, the untrained
    network with its batch norms calibrated, and full supervision.

    The depth of each row is chosen on a fifth of the training images that nothing was trained on; test is read at
    it once. A method that is not two standard errors above the untrained network at its best depth is said so, and
    one that cannot be trained on the data (colorization on grey images) is named. A row is kept as it finishes, in
    `folder`, and not measured again.

    Raises `InputError` where no data set is on this machine, and for tasks or probes that don't exist, before
    anything is trained.

    Paper: Kolesnikov, Zhai and Beyer 2019, Revisiting Self-Supervised Visual Representation Learning,
    arXiv:1901.09005; Barber and Agakov 2003, The IM Algorithm: A Variational Approach to Information Maximization.
    """
    here, missing = _checked(config)
    found: dict[str, dict[str, list[dict[str, Any]]]] = {}
    for data in here:
        size = config.size or None
        pool, test = (
            labelled_images(data, split, count, size)
            for split, count in (("train", config.examples), ("test", config.tests))
        )
        order = np.random.RandomState(1).permutation(len(pool))
        held, train = (pool.subset(np.sort(rows)) for rows in (order[: len(pool) // 5], order[len(pool) // 5 :]))
        found[data] = {}
        for seed in config.seeds:
            for name, record in _rows(config, data, seed, (train, held, test)).items():
                found[data].setdefault(name, []).append(record)
    figures = {
        f"{data}: what a task taught of its own labels, and what a linear probe gained by it": taught_figure(rows)
        for data, rows in found.items()
    }
    said = words(found, missing)
    return Result(
        "How much each pretext task teaches", tables(asdict(config), found), figures, said, asdict(config)
    )


def _checked(config: Config) -> tuple[list[str], list[str]]:
    for name, chosen, known in (("tasks", config.tasks, TASKS), ("probes", config.probes, PROBES)):
        if not chosen or (unknown := set(chosen) - set(known)):
            raise InputError(f"{name}: {names(unknown) if chosen else 'none'} is none of {names(known)}")
    if not config.seeds or config.epochs < 1 or config.seconds <= 0:
        told = f"{config.seeds}, {config.epochs}, {config.seconds}"
        raise InputError(f"seeds, epochs, seconds: {told}; give a seed, 1 epoch and some time at least")
    for name, least in (("examples", 50), ("tests", 40)):
        if 0 < getattr(config, name) < least:
            raise InputError(f"{name}: {getattr(config, name)} is too few; give {least} or more, or 0 for all")
    _plan(config, config.epochs, 0)
    return available(config.data)


def _plan(config: Config, epochs: int, seed: int) -> Plan:
    return Plan(
        epochs=epochs,
        batch=config.batch,
        optimizer="adam",
        lr=config.rate,
        weight_decay=0.0,
        warmup=min(1.0, epochs / 10),
        accelerator="cpu",
        seed=seed,
    )


Parts = tuple[Images, Images, Images]


def _rows(config: Config, data: str, seed: int, parts: Parts) -> dict[str, dict[str, Any]]:
    """Row to what was measured under a seed: of each task and of supervision one at equal images, one at equal
    time."""
    common = {name: getattr(config, name) for name in ("size", "encoder", "examples", "tests", "batch", "rate")}
    place = Path(config.folder) / f"{Path(data).name}-{digest([common, config.probes])}"
    found = {}
    for name in (PIXELS, UNTRAINED):
        LOGGER.info(f"{data}, seed {seed}: {name}")
        file = place / f"{name.replace(' ', '-')}-{seed}.json"
        found[name] = kept(file, partial(_control, config, name, seed, parts))
    for name in (*config.tasks, SUPERVISED):
        cost = None
        for by in ("images", "time"):
            epochs = config.epochs if cost is None else max(1, round(config.epochs * config.seconds / cost))
            LOGGER.info(f"{data}, seed {seed}: {name}, {epochs} epochs")
            try:
                file = place / f"{name}-{epochs}-{seed}.json"
                record = kept(file, partial(_trained, config, name, epochs, seed, parts))
            except InputError as error:  # grey images have no colours to tell
                LOGGER.info(f"{data}, seed {seed}: {name}: {error}")
                found[name] = {"failed": str(error)}
                break
            cost = record["seconds"]
            found[f"{name}, equal {by}"] = {**record, "epochs": epochs, "task": name}
    return found


def _control(config: Config, name: str, seed: int, parts: Parts) -> dict[str, Any]:
    train, _, test = parts
    encoder = (
        None
        if name == PIXELS
        else random_twin(lambda: encoders.build(config.encoder, train.spec), train, seed=seed)
    )
    return {"depths": _probed(config, encoder, parts, seed), "tests": len(test)}


def _trained(config: Config, name: str, epochs: int, seed: int, parts: Parts) -> dict[str, Any]:
    train, _, test = parts
    plan = _plan(config, epochs, seed)
    begun = time.process_time()
    if name == SUPERVISED:
        method, _ = supervised(lambda: encoders.build(config.encoder, train.spec), train, test, plan=plan)
    else:
        task = TASKS[name]
        recipe = runs.Recipe(name, config.encoder + task.variant, train.spec, dict(task.settings), seed)
        method = runs.compose(recipe)  # type: ignore[assignment]
        fit(method, train, plan)
    record: dict[str, Any] = {"seconds": time.process_time() - begun}
    if isinstance(method, Telling):
        learned = nats_learned(method.eval(), test, rows=2_000, seed=seed)
        record |= {"nats": learned.nats, "error": learned.error, "most": learned.most, "right": learned.accuracy}
    return {**record, "depths": _probed(config, method.get_submodule("encoder").eval(), parts, seed)}


def _probed(
    config: Config, encoder: nn.Module | None, parts: Parts, seed: int
) -> dict[str, dict[str, list[float]]]:
    """Depth to probe to percent right, on held-out images and on test; raw pixels' depth is ""."""
    labels = [np.asarray(part.labels) for part in parts]
    found: dict[str, dict[str, list[float]]] = {}
    for depth in getattr(encoder, "depths", ("",)):
        x, *read = (raw(p) if encoder is None else features(encoder, p, depths=(depth,))[depth] for p in parts)
        found[depth] = {
            probe: [
                PROBES[probe](x, labels[0], z, of, seed).accuracy for z, of in zip(read, labels[1:], strict=True)
            ]
            for probe in config.probes
        }
    return found
