"""What version 2 changed in contrastive predictive coding of images: each change alone, at equal images seen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from statistics import mean, stdev
from typing import Any

import numpy as np
import torch
from torch import Generator

from mutua.data import KINDS, Examples, as_examples, load
from mutua.encoders.grid import Grid, NormName, grid_ahead
from mutua.evaluation import features, linear, random_twin, raw, raw_name
from mutua.methods import cpc
from mutua.methods.cpc import PatchName
from mutua.objectives import Ahead
from mutua.studies import LOGGER
from mutua.studies.cpc.trained import by_horizon, learned, places
from mutua.types import Result, Spec, Table

__all__ = ["PRESETS", "Config", "Switches", "run"]

GENERATED = "generated"


@dataclass(frozen=True)
class Config:
    """Which images, how many are seen by each network, and what it is.

    Args:
        data: Images with labels: a name, a folder or a file; or `generated`, spots of light on noise.
        images: To learn from.
        labelled: Of them, for the probe.
        test: To judge on.
        seen: Images that each network sees in its training, the same for all.
        batch: Images a step, where that is not the switch.
        width: Of the patch network's first layer.
        candidates: Patches that negatives are among.
        rate: Learning rate of Adam.
        seeds: How many of each.
    """

    data: str = "cifar10"
    images: int = 10_000
    labelled: int = 5_000
    test: int = 2_000
    seen: int = 30_000
    batch: int = 64
    width: int = 16
    candidates: int = 784
    rate: float = 1e-3
    seeds: int = 1


PRESETS = {
    "cpu": Config(),
    "full": Config(
        images=50_000, labelled=50_000, test=10_000, seen=5_000_000, width=32, candidates=3136, seeds=3
    ),
    "smoke": Config(
        data=GENERATED, images=32, labelled=32, test=16, seen=32, batch=8, width=2, candidates=49, rate=1e-3
    ),
}


@dataclass(frozen=True)
class Switches:
    """The five changes: version 1 as it stands here, and what may be switched."""

    patches: PatchName = "subcrop"
    directions: int = 1
    wider: int = 1
    norm: NormName = "layer"
    batch: int = 1  # times the configured one


VERSION_1 = Switches()
SWITCHED: dict[str, Switches] = {
    "version 1": VERSION_1,
    "no sub-crop": replace(VERSION_1, patches="none"),
    "patch augmentation": replace(VERSION_1, patches="full"),
    "four directions": replace(VERSION_1, directions=4),
    "larger network": replace(VERSION_1, wider=2),
    "batch norm": replace(VERSION_1, norm="batch"),
    "large batch": replace(VERSION_1, batch=4),
    "version 2, all five": Switches("full", 4, 2, "layer", 4),
}
"""Version 1 here has layer norm: the paper's has no norm at all, version 2's change was from batch norm."""


def run(config: Config) -> Result:
    """Version 2's five changes, each switched in turn: patch augmentation, four directions, a larger network,
    layer norm (shown by batch norm in its place), a large batch. Probes of the mean over patches, beside the
    untrained encoder of each width and norm; nats by row on images not learned from; and how far a foreign
    patch in the batch moves the scores of others.

    Paper: Hénaff et al. 2020, Data-Efficient Image Recognition with Contrastive Predictive Coding,
    arXiv:1905.09272.
    """
    train, test = _images(config)
    assert train.labels is not None
    assert test.labels is not None
    few = train.subset(places(len(train), config.labelled, 0))
    y, w = few.labels, test.labels
    assert y is not None
    rows: list[list[Any]] = [
        [raw_name(train), _probe(raw(few), y, raw(test, train=few), w), None, None, None, None]
    ]
    untrained: dict[tuple[int, NormName], Any] = {}
    for name, switches in SWITCHED.items():
        kind = (switches.wider, switches.norm)
        if kind not in untrained:
            untrained[kind] = [_random(config, switches, few, test, y, w, seed) for seed in range(config.seeds)]
        found = [_one(config, switches, train, few, test, seed) for seed in range(config.seeds)]
        first = found[0][1][min(found[0][1])]
        rows.append(
            [
                name,
                _spread([one[0] for one in found]),
                _spread(untrained[kind]),
                _spread([one[1][min(one[1])]["nats"] for one in found]),
                first["cap"],
                _spread([one[1][min(one[1])]["top1"] for one in found]),
            ]
        )
        LOGGER.info(f"{name}: {rows[-1]}")
    note = (
        f"{len(train):,} images of {train.source}, {config.seen:,} seen by each; percent right of logistic "
        f"regression on the mean over patches, {len(few):,} labels, {len(test):,} test images (a standard error "
        "of "
        f"about {50 / len(test) ** 0.5:.1f} points or less), {config.seeds} seeds. Nats and top-1 of the first "
        "row that shares "
        "no pixel, on test images; nats are at most ln K. Untrained: the same network with random weights."
    )
    columns = ["switched", "linear", "untrained", "nats", "ln K", "top-1, %"]
    leak = [[norm, _moved(config, norm, train)] for norm in ("layer", "batch", "none")]
    tables = [
        Table("Each change by itself", columns, rows, note),
        Table(
            "A foreign patch in the batch",
            ["norm", "scores moved, %"],
            leak,
            "One patch of another image is replaced by noise, in training mode: root mean square change of the "
            "scores "
            "of all other images, relative to their own root mean square, untrained. It must be 0.",
        ),
    ]
    return Result("CPC version 2", tables, {}, _words(rows, leak, len(test)), {**asdict(config)})


def _spread(values: list[float]) -> float | tuple[float, float]:
    return (mean(values), stdev(values)) if len(values) > 1 else values[0]


def _images(config: Config) -> tuple[Examples, Examples]:
    if config.data == GENERATED:
        spec = Spec("image", (3, 8, 8), "uint8")
        n = config.images + config.test
        found = as_examples((KINDS["image"].sample(spec, n, Generator().manual_seed(0)).numpy(), np.arange(n) % 2))
        return found.subset(np.arange(config.images)), found.subset(np.arange(config.images, n))
    train, test = load(config.data, "train"), load(config.data, "test")
    return (
        train.subset(places(len(train), config.images, 0)),
        test.subset(places(len(test), config.test, 1)),
    )


def _encoder(config: Config, switches: Switches, spec: Spec) -> Grid:
    return grid_ahead(spec, config.width * switches.wider, switches.wider, norm=switches.norm)


def _probe(x: np.ndarray, y: np.ndarray, z: np.ndarray, w: np.ndarray) -> float:
    return linear(x, y, z, w, 0).accuracy


def _random(
    config: Config, switches: Switches, few: Examples, test: Examples, y: np.ndarray, w: np.ndarray, seed: int
) -> float:
    twin = random_twin(lambda: _encoder(config, switches, few.spec), few, seed=seed)
    return _probe(features(twin, few)["pool"], y, features(twin, test)["pool"], w)


def _one(
    config: Config, switches: Switches, train: Examples, few: Examples, test: Examples, seed: int
) -> tuple[float, dict[int, Mapping[str, float]]]:
    """(Accuracy, nats and top-1 by horizon) of one network."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        encoder = _encoder(config, switches, train.spec)
        method = cpc(
            encoder,
            steps=3,
            candidates=config.candidates,
            patches=switches.patches,
            directions=switches.directions,
        )
    learned(method, train, config.seen, config.batch * switches.batch, config.rate, seed)
    assert few.labels is not None
    assert test.labels is not None
    accuracy = _probe(features(encoder, few)["pool"], few.labels, features(encoder, test)["pool"], test.labels)
    # Read without what is done to patches, one direction, so that all rows are of one task.
    plain = Ahead(encoder, method.horizons, candidates=config.candidates)
    plain.predict[0].load_state_dict(method.predict[0].state_dict())
    return accuracy, by_horizon(plain, test, config.batch)


def _moved(config: Config, norm: NormName, train: Examples) -> float:
    """By how much scores move, in percent, where a patch of the last image of a batch is another."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        encoder = grid_ahead(train.spec, config.width, norm=norm).train()
        method = Ahead(encoder, (encoder.clean,))
    images = train.take(torch.arange(min(8, len(train))))
    patches = encoder.cut(images)
    foreign = patches.clone()
    foreign[-1] = torch.randint(256, foreign[-1].shape, generator=Generator().manual_seed(0)).to(foreign.dtype)
    scores = []
    with torch.no_grad():
        for one in (patches, foreign):
            pieces = encoder.turned(encoder.codes(one), 0)
            ahead = method.predict[0](pieces.c[:-1]).flatten(0, 2)
            scores.append(ahead @ pieces.z[:-1].flatten(0, 2).T)
    return 100 * float((scores[1] - scores[0]).square().mean().sqrt() / scores[0].square().mean().sqrt())


def _words(rows: list[list[Any]], leak: list[list[Any]], n: int) -> list[str]:
    def middle(value: Any) -> float:
        return value[0] if isinstance(value, tuple) else value

    base = middle(rows[1][1])
    error = 100 * (2 * base / 100 * (1 - base / 100) / n) ** 0.5
    words = [
        f"Version 1 reads {base:.1f} % where the same network untrained reads {middle(rows[1][2]):.1f} % and raw "
        f"pixels {middle(rows[0][1]):.1f} %; two such figures differ by chance by {error:.1f} points (one "
        "standard error)."
    ]
    words += [
        f"{row[0]}: {middle(row[1]) - base:+.1f} points, {middle(row[3]):.2f} nats of {row[4]:.2f} "
        f"(untrained {middle(row[2]):.1f} %)."
        for row in rows[2:]
    ]
    words.append(
        "A patch of another image moves the scores by "
        + ", ".join(f"{moved:.2g} % with {'no' if norm == 'none' else norm} norm" for norm, moved in leak)
        + ": batch norm ties the patches of a batch together."
    )
    return words
