"""What does a puzzle of tiles teach, and what lets it be solved without learning anything?"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch import Generator

from mutua.data import KINDS, load
from mutua.evaluation import PROBES, Labelled, Supervised
from mutua.studies import LOGGER
from mutua.studies.shortcuts.figures import ablation_figure, planted_figure, tiles_figure
from mutua.studies.shortcuts.tasks import Images, Trained, composed, learn, own_place, probe
from mutua.studies.shortcuts.worlds import CUES, SIDE
from mutua.training import Plan, descend, shuffled_batches
from mutua.training.order import seeded
from mutua.types import InputError, Result, Spec, Table

__all__ = ["PRESETS", "Config", "run"]

GENERATED = "generated"


@dataclass(frozen=True)
class Config:
    """What is trained, and for how long.

    Args:
        data: Name of a data set of 32-px images with labels, or generated.
        images: Images to learn from, without labels.
        held: Held-out images, on which nats are read and the probe is tested.
        labelled: Images with labels that the probe learns from.
        planted: Images of each planted cue.
        steps: Of each training.
        planted_steps: Of each training on planted cues.
        batch: Images a step.
        rate: Learning rate of Adam, at first.
        width: Of the network's first layer.
        seed: Of weights, batches and draws.
    """

    data: str = "cifar10"
    images: int = 20_000
    held: int = 5_000
    labelled: int = 5_000
    planted: int = 3_000
    steps: int = 300
    planted_steps: int = 200
    batch: int = 64
    rate: float = 1e-3
    width: int = 32
    seed: int = 0


PRESETS = {
    "cpu": Config(),
    "full": Config(images=50_000, held=10_000, labelled=20_000, planted=20_000, steps=5000, planted_steps=1000),
    "smoke": Config(
        data=GENERATED, images=200, held=60, labelled=100, planted=60, steps=2, planted_steps=2, batch=16, width=4
    ),
}

_CELLS = {"cell": 10, "tile": 8, "jitter": 2}
_ALL: dict[str, Any] = {**_CELLS, "smallest_crop": 0.5}
COUNTERS: dict[str, dict[str, Any]] = {
    "jigsaw": {**_ALL, "grey": 0.5, "shift": 0},
    "relative_position": {**_ALL, "grey": 0.0, "drop": 0.5, "shrink": 0.33},
}
"""Every counter-measure: tiles of 8 px in cells of 10, images rescaled at random, colours dropped."""

OFF: dict[str, dict[str, Any]] = {
    "all counter-measures": {},
    "not rescaled, cells of 10 px": {"smallest_crop": 1.0},
    "not rescaled, cells of 8 px": {"smallest_crop": 1.0, "cell": 8, "jitter": 0},
    "no gap": {"cell": 8, "jitter": 0},
    "not standardised": {"standardise": False},
    "colours kept": {"grey": 0.0, "drop": 0.0},
    "not shrunk": {"shrink": 0.0},
    "batch norm": {"norm": "batch"},
    "none": {
        "smallest_crop": 1.0,
        "cell": 8,
        "jitter": 0,
        "standardise": False,
        "grey": 0.0,
        "drop": 0.0,
        "shrink": 0.0,
    },
}
"""Rows of the ablation: what is changed of `COUNTERS`."""

PERIODS: dict[str, dict[str, Any]] = {
    "2 x 2, cells of 12 px, moved by up to 4": {"cell": 12, "jitter": 4},
    "2 x 2, cells of 16 px, moved over a block": {"cell": 16, "jitter": 7},
}
"""Rows of a 2 x 2 jigsaw of images as they are: tiles whose phase in blocks of 8 px tells their place, or not."""

ALONE: dict[str, tuple[dict[str, Any], bool]] = {
    "all counter-measures": ({}, False),
    "not rescaled, cells of 10 px": ({"smallest_crop": 1.0}, False),
    "cells of 10 px, content from anywhere": ({"smallest_crop": 1.0, "grey": 0.0}, True),
    "cells of 8 px, content from anywhere": ({"smallest_crop": 1.0, "cell": 8, "jitter": 0, "grey": 0.0}, True),
}
"""One tile asked for its own place: with what settings, and whether its content is of another place."""


def run(config: Config) -> Result:
    """Jigsaw and relative position on tiles of 8 px: nats that are told of held-out images, and the linear probe,
    with each counter-measure off in turn; one tile asked for its own place; and cues planted in images without
    content, which must be seen where nothing is done against them.

    Raises `InputError` where the data have too few images.

    Paper: Doersch et al. 2015, arXiv:1505.05192; Noroozi and Favaro 2016, arXiv:1603.09246, whose ablation it is.
    """
    pool, labelled, held, source = _data(config)
    size = pool.pixels.shape[-1]
    rows, C = _controls(config, labelled, held, size)
    untrained = rows[1][-2]
    error = 100 * math.sqrt(untrained / 100 * (1 - untrained / 100) / len(held[0]))
    points: dict[str, list[tuple[str, float, float]]] = {}
    for task, counters in COUNTERS.items():
        points[task] = []
        for name, changed, grid in _variants(task):
            settings = {"grid": grid, **counters, **changed}
            trained = _learned(config, task, size, settings, pool, held[0])
            probed = probe(trained.method.encoder, labelled, held, config.seed, C).accuracy  # type: ignore[arg-type]
            rows.append(_row(task, name, trained, config, probed, probed - untrained))
            points[task].append((name, 100 * trained.learned.nats / trained.learned.most, probed))
            LOGGER.info(
                f"{task}, {name}: {trained.learned.nats:.3f} nats of {trained.learned.most:.2f}, {probed:.1f} %"
            )
    alone = [_alone(config, name, size, pool, held[0]) for name in ALONE]
    planted = [one for cue in CUES for one in _planted(config, cue)]
    tables = [
        Table(
            "Each counter-measure off in turn", _COLUMNS, rows, _note(config, len(pool), held[0], source, error)
        ),
        Table(
            "One tile asked for its own place",
            ["tiles", "nats learned", "error", "of at most", "told right, %"],
            alone,
            f"Jigsaw's tiles, each alone: which of nine cells is it from? {config.planted_steps} steps. Content "
            "from anywhere: each tile is cut from another place of the same phase in blocks of 8 px, so that only "
            "the blocks of lossy files, vignetting and the like can tell. Chance is 0 nats.",
        ),
        Table(
            "Planted shortcuts",
            ["planted", "task", "nats, seen", "nats, countered", "error", "of at most", "counter-measure"],
            planted,
            f"Noise of {SIDE} px in which one thing says where a tile stood; {config.planted_steps} steps on "
            f"{config.planted:,} images, read on as many others, but 2,000 at most. There is no content to learn.",
        ),
    ]
    figures = {
        "Nats learned against the linear probe; the line is the untrained network, its band one standard error": (
            ablation_figure(points, untrained, error)
        ),
        "Planted cues: nats learned where each is left to be seen, and where its counter-measure is on": (
            planted_figure([(cue, task, a, b, most) for cue, task, a, b, _, most, _ in planted])
        ),
        "Tiles as the jigsaw's network gets them, before standardising": tiles_figure(_shown(pool, size, config)),
    }
    return Result(
        "Shortcuts of tile puzzles",
        tables,
        figures,
        _words(rows, alone, planted, untrained, error),
        {**asdict(config), "source": source},
    )


_COLUMNS = [
    "task", "counter-measures", "nats learned", "error", "of at most", "told right, %", "CPU s", "images seen",
    "linear probe, %", "over untrained",
]  # fmt: skip


def _variants(task: str) -> list[tuple[str, dict[str, Any], int]]:
    """(Name, what is changed, cells a side) of a task's rows; a row that changes nothing of it is left out."""
    known = set(COUNTERS[task]) | {"standardise", "norm"}
    found = []
    for name, changed in OFF.items():
        own = {key: value for key, value in changed.items() if key in known}
        if own or not changed:
            found.append((name, own, 3))
    if task == "jigsaw":
        found += [(name, {**changed, "smallest_crop": 1.0}, 2) for name, changed in PERIODS.items()]
    return found


def _learned(
    config: Config, task: str, size: int, settings: Mapping[str, Any], train: Images, test: Images
) -> Trained:
    method = composed(task, size, settings, config.width, config.seed)
    return learn(method, train, test, config.steps, config.batch, config.rate, config.seed)


def _row(task: str, name: str, trained: Trained, config: Config, probed: float, over: float) -> list[Any]:
    one = trained.learned
    seen = config.steps * config.batch
    return [task, name, one.nats, one.error, one.most, one.accuracy, trained.seconds, seen, probed, over]


Part = tuple[Images, np.ndarray]


def _controls(config: Config, labelled: Part, held: Part, size: int) -> tuple[list[list[Any]], float]:
    """Rows of raw pixels, of the untrained network, and of it with all the probe's labels; and the probe's C."""
    flat = [part[0].pixels.flatten(1).float().numpy() / 255 for part in (labelled, held)]
    pixels = PROBES["linear"](flat[0], labelled[1], flat[1], held[1], config.seed).accuracy
    encoder = composed("jigsaw", size, COUNTERS["jigsaw"], config.width, config.seed).encoder
    score = probe(encoder, labelled, held, config.seed)  # type: ignore[arg-type]
    untrained, C = score.accuracy, score.settings["C"]
    classes = int(max(labelled[1].max(), held[1].max())) + 1
    torch.manual_seed(config.seed)
    told = Supervised(encoder, classes).train()
    labels = torch.from_numpy(labelled[1])
    descend(
        lambda rows: told.step((labelled[0].take(rows), labels[rows]), seeded(config.seed)).loss,
        told.parameters(),
        shuffled_batches(len(labels), config.batch, Generator().manual_seed(config.seed)),
        Plan(epochs=config.steps, optimizer="adam", lr=config.rate, weight_decay=0.0, schedule="cosine"),
    )
    supervised = probe(encoder, labelled, held, config.seed, C).accuracy  # type: ignore[arg-type]
    none = [None] * 6
    LOGGER.info(f"raw pixels {pixels:.1f} %, untrained {untrained:.1f} %, supervised {supervised:.1f} %")
    rows = [
        ["none", "raw pixels", *none, pixels, pixels - untrained],
        ["none", "untrained network", *none, untrained, 0.0],
        ["labels", "supervised, as many steps", *none, supervised, supervised - untrained],
    ]
    return rows, C


def _alone(config: Config, name: str, size: int, train: Images, test: Images) -> list[Any]:
    changed, anywhere = ALONE[name]
    settings = {**COUNTERS["jigsaw"], **changed}
    method = own_place(
        composed("jigsaw", size, settings, config.width, config.seed), config.width, anywhere, config.seed
    )
    found = learn(method, train, test, config.planted_steps, config.batch, config.rate, config.seed).learned
    LOGGER.info(f"one tile, {name}: {found.nats:.3f} nats of {found.most:.2f}")
    return [name, found.nats, found.error, found.most, found.accuracy]


def _planted(config: Config, name: str) -> list[list[Any]]:
    cue, rows = CUES[name], []
    both = Images(cue.make(2 * config.planted, Generator().manual_seed(config.seed)))
    train, test = Images(both.pixels[: config.planted]), Images(both.pixels[config.planted :])
    quiet = {"jigsaw": {"grey": 0.0, "shift": 0}, "relative_position": {"drop": 0.0, "shrink": 0.0}}
    for task in COUNTERS:
        seen, countered = (
            learn(
                composed(task, SIDE, {**quiet[task], **settings}, config.width, config.seed),
                train,
                test,
                config.planted_steps,
                config.batch,
                config.rate,
                config.seed,
            ).learned
            for settings in (cue.exposed, cue.countered[task])
        )
        LOGGER.info(f"{name}, {task}: {seen.nats:.3f} nats seen, {countered.nats:.3f} countered")
        error = math.hypot(seen.error, countered.error)
        rows.append([name, task, seen.nats, countered.nats, error, seen.most, cue.mend])
    return rows


def _data(config: Config) -> tuple[Images, Part, Part, str]:
    """(Images to learn from, labelled ones of them, held-out ones, what they are)."""
    if config.data == GENERATED:
        spec = Spec("image", (3, 32, 32), "uint8")
        made = KINDS["image"].sample(spec, config.images + config.held, Generator().manual_seed(config.seed))
        labels = (made[:, 0].float().mean((1, 2)) > made[:, 1].float().mean((1, 2))).long().numpy()
        some = slice(0, config.labelled)
        return (
            Images(made[: config.images]),
            (Images(made[some]), labels[some]),
            (Images(made[config.images :]), labels[config.images :]),
            "generated spots of light",
        )
    parts = {}
    for split, count in (("train", config.images), ("test", config.held)):
        part = load(config.data, split)
        if part.spec.kind != "image" or min(part.spec.shape[1:]) < 32 or part.spec.shape[0] != 3:
            raise InputError(f"data: {config.data} are {part.spec}; give RGB images of 32 px or more")
        if len(part) < count:
            raise InputError(f"{config.data}: {len(part):,} images to {split}; ask for at most that many")
        rows = torch.from_numpy(np.sort(np.random.RandomState(config.seed).permutation(len(part))[:count]))
        pixels, labels = Labelled(part).take(rows)
        parts[split] = (Images(pixels), labels.numpy(), part.source)
    (pool, labels, _), (held, held_labels, source) = parts["train"], parts["test"]
    some = slice(0, config.labelled)
    return pool, (Images(pool.pixels[some]), labels[some]), (held, held_labels), source


def _shown(pool: Images, size: int, config: Config) -> dict[str, np.ndarray]:
    few = pool.pixels[:4]
    columns = {"image": few.float().numpy() / 255}
    for name in ("all counter-measures", "none"):
        settings = {**COUNTERS["jigsaw"], **{k: v for k, v in OFF[name].items() if k not in ("drop", "shrink")}}
        method = composed("jigsaw", size, settings, config.width, config.seed)
        shown = method.shown(few, Generator().manual_seed(config.seed))
        columns |= {f"{key}, {name}": shown[key].float().numpy() for key in ("tiles", "puzzle")}
    return columns


def _note(config: Config, n: int, held: Images, source: str, error: float) -> str:
    return (
        f"{source}: {config.steps} steps of {config.batch} images out of {n:,}, Adam {config.rate:g} to 0 as a "
        f"cosine, no label; nats on held-out images (up to 2,000 of {len(held):,}), of H(label). Probe: logistic "
        f"regression on conv3 of whole images pooled to 3 x 3, {config.labelled:,} labels, {len(held):,} test "
        f"images (standard error {error:.1f}), one seed. Tiles of 8 px, {config.width} to {4 * config.width} "
        "channels, group norm but in one row; C of every probe is the untrained network's, chosen within train. "
        "Labels are drawn after tiles are encoded, and every example has its own: batch norm carries none, and "
        "one mask for a batch has no counterpart here."
    )


def _words(
    rows: Sequence[Sequence[Any]],
    alone: Sequence[Sequence[Any]],
    planted: Sequence[Sequence[Any]],
    untrained: float,
    error: float,
) -> list[str]:
    said = []
    for task in COUNTERS:
        own = [row for row in rows if row[0] == task]
        most, best = max(own, key=lambda row: row[2] / row[4]), max(own, key=lambda row: row[-2])
        above = [row[1] for row in own if row[-1] > 2 * error]
        said.append(
            f"{task.replace('_', ' ').capitalize()}: most of its label is told with {most[1]!r} ({most[2]:.2f} of "
            f"{most[4]:.2f} nats), where the probe reads {most[-2]:.1f} %; the best probe, {best[-2]:.1f} %, is "
            f"with {best[1]!r} ({best[2]:.2f} nats). More than two standard errors above the untrained network's "
            f"{untrained:.1f} %: {', '.join(map(repr, above)) or 'none'}."
        )
    ten, eight = (
        next(row for row in alone if row[0].startswith(start)) for start in ("cells of 10", "cells of 8")
    )
    said.append(
        f"The phase in blocks of 8 px alone gives {ten[1]:.3f} +- {ten[2]:.3f} nats of a tile's own place with "
        f"cells of 10 px, and {eight[1]:.3f} +- {eight[2]:.3f} with cells of 8."
    )
    missed = [f"{row[0]} ({row[1]})" for row in planted if row[2] < 5 * row[4]]
    through = [f"{row[0]} ({row[1]})" for row in planted if row[3] > max(5 * row[4], 0.1 * row[2])]
    said.append(
        f"Planted cues not seen: {', '.join(missed) or 'none'}. Still seen with the counter-measure on: "
        f"{', '.join(through) or 'none'}."
    )
    return said
