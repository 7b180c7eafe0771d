"""Deep InfoMax's table, whole: its ten rows and their controls, three measures, two critics, two probes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load, save

from mutua.data import Images
from mutua.data import load as load_data
from mutua.data.store import replacing
from mutua.encoders import build
from mutua.evaluation import PROBES
from mutua.studies import LOGGER
from mutua.studies.dim_table.figures import curves_figure, pictures_figure
from mutua.studies.dim_table.measures import probed, unlabelled
from mutua.studies.dim_table.published import ERRORS
from mutua.studies.dim_table.rows import ROWS, trained
from mutua.studies.dim_table.tables import Found, tables, words
from mutua.studies.kept import available, digest, labelled_images
from mutua.training import Plan
from mutua.types import InputError, Result, names

__all__ = ["PRESETS", "Config", "run"]


@dataclass(frozen=True)
class Config:
    """What is trained on what, and how it is read.

    Args:
        data: Data sets by name, or folders of images; those that aren't on this machine are left out, and said.
        rows: Of the table, by name.
        encoder: Network of every row; it is read at `depths`. dim64 for STL-10, whose images have 96 px.
        depths: Depths that probes read.
        examples: Images to learn from, and that probes learn from; 0 for all.
        tests: Images to test on; 0 for all.
        epochs: Of every row.
        batch: Images a step; NAT has 256.
        rate: Adam's learning rate, with a first beta of .5 as published.
        schedule: Of the rate: cosine or constant.
        precision: 32-true, or bf16-mixed.
        locations: Of each map that DIM(L) scores in a step; 0 for all 64.
        seeds: A training of every row under each.
        probes: Of `mutua.evaluation.PROBES`.
        mlp_epochs: Of the MLP.
        mlp_batch: Its batch.
        mlp_rate: Its learning rate.
        mlp_schedule: Of its rate: cosine, or constant as published.
        averaged: Last epochs of the MLP whose mean stands beside the last; the paper has 100.
        decoder_epochs: Of the decoder that MS-SSIM is read through.
        dependency_steps: Of the network that tells whether the columns of Y depend on each other.
        mine: Whether MINE is read.
        mine_rows: Images that MINE is read of.
        folder: Where trainings and finished rows are kept: a run that was stopped goes on.
    """

    data: tuple[str, ...] = ("cifar10",)
    rows: tuple[str, ...] = tuple(ROWS)
    encoder: str = "dim32"
    depths: tuple[str, ...] = ("conv", "fc", "Y")
    examples: int = 10_000
    tests: int = 5_000
    epochs: int = 3
    batch: int = 64
    rate: float = 5e-4
    schedule: str = "cosine"
    precision: str = "32-true"
    locations: int = 8
    seeds: tuple[int, ...] = (0,)
    probes: tuple[str, ...] = ("mlp", "hinge", "linear", "knn")
    mlp_epochs: int = 8
    mlp_batch: int = 128
    mlp_rate: float = 1e-3
    mlp_schedule: str = "cosine"
    averaged: int = 3
    decoder_epochs: int = 2
    dependency_steps: int = 500
    mine: bool = True
    mine_rows: int = 1_000
    folder: str = "runs/dim-table"


PRESETS = {
    "cpu": Config(),
    "full": Config(
        data=("cifar10", "cifar100"),
        examples=0,
        tests=0,
        epochs=1000,
        rate=1e-4,
        schedule="constant",
        precision="bf16-mixed",
        locations=0,
        seeds=(0, 1, 2),
        probes=("mlp", "hinge", "svm", "linear", "knn"),
        mlp_epochs=200,
        mlp_batch=64,
        mlp_rate=1e-4,
        mlp_schedule="constant",
        averaged=100,
        decoder_epochs=50,
        dependency_steps=3000,
        mine_rows=10_000,
    ),
    "smoke": Config(
        data=("digits",),
        examples=192,
        tests=96,
        epochs=1,
        batch=32,
        locations=2,
        probes=("mlp", "hinge", "knn"),
        mlp_epochs=1,
        averaged=1,
        decoder_epochs=1,
        dependency_steps=50,
        mine_rows=60,
        mine=False,
    ),
}

# What a training is, and what it is read by: files under other words of them are another study's.
_TRAINING = ("encoder", "examples", "epochs", "batch", "rate", "schedule", "precision", "locations")
_READING = (
    "depths",
    "tests",
    "probes",
    "mlp_epochs",
    "mlp_batch",
    "mlp_rate",
    "mlp_schedule",
    "averaged",
    "decoder_epochs",
    "dependency_steps",
    "mine",
    "mine_rows",
)


def run(config: Config) -> Result:
    """Every row of Deep InfoMax's table at a stated budget, beside raw pixels, random weights and full
    supervision.

    A row is kept as it finishes, in `folder`, and not measured again; a training that was stopped goes on from its
    checkpoint; one whose training fails is said, and tried again the next time. Nothing is chosen on test: last
    epoch, or BiGAN's rule without labels; the probes' C on held-out rows of train.

    Raises `InputError` where no data set is on this machine, for rows, probes or depths that don't exist,
    before anything is trained.

    Paper: Hjelm et al. 2019, Learning deep representations by mutual information estimation and maximization,
    arXiv:1808.06670; Donahue, Krahenbuhl and Darrell 2017, Adversarial feature learning, arXiv:1605.09782;
    Bojanowski and Joulin 2017, Unsupervised learning by predicting noise, arXiv:1704.05310.
    """
    here, missing = _checked(config)
    found: dict[str, Found] = {}
    pictures: dict[str, dict[str, np.ndarray]] = {}
    for data in here:
        train, test = (
            labelled_images(data, split, count)
            for split, count in (("train", config.examples), ("test", config.tests))
        )
        for depth in config.depths:
            if depth not in (known := build(config.encoder, train.spec).depths):
                raise InputError(f"depths: {depth!r} is none of {config.encoder}'s {', '.join(known)}")
        found[data] = {}
        for name in config.rows:
            for seed in config.seeds:
                record, shown = _row(config, data, name, seed, train, test)
                found[data].setdefault(name, []).append(record)
                pictures.setdefault(data, {}).update(shown if seed == config.seeds[0] else {})
    figures = {}
    for data in here:
        curves = {ROWS[name].title: records[0]["curve"] for name, records in found[data].items()}
        if told := {title: curve for title, curve in curves.items() if curve}:
            caption = f"{data}: how each training went. Each line as a share of its largest value, over epochs"
            figures[caption] = curves_figure(told)
        if pictures[data]:
            caption = f"{data}: test images, and what decoders make of codes and of draws from the prior"
            figures[caption] = pictures_figure(pictures[data])
    sources = {data: load_data(data, "test").source for data in here}
    said = words(config, found, sources, missing) + list(ERRORS)
    return Result("Deep InfoMax's table, whole", tables(config, found), figures, said, asdict(config))


def _checked(config: Config) -> tuple[list[str], list[str]]:
    """(Data sets that are here, those that aren't)."""
    for name, chosen, known in (("rows", config.rows, ROWS), ("probes", config.probes, PROBES)):
        if not chosen or (unknown := set(chosen) - set(known)):
            raise InputError(f"{name}: {names(unknown) if chosen else 'none'} is none of {names(known)}")
    if not config.seeds or not config.depths:
        raise InputError(f"seeds, depths: {config.seeds}, {config.depths}; give at least one of each")
    for name in ("epochs", "batch", "mlp_epochs", "mlp_batch", "decoder_epochs", "dependency_steps"):
        if getattr(config, name) < 1:
            raise InputError(f"{name}: {getattr(config, name)} is too few; give 1 or more")
    for name, least in (("examples", 50), ("tests", 40)):
        if 0 < getattr(config, name) < least:
            raise InputError(f"{name}: {getattr(config, name)} is too few; give {least} or more, or 0 for all")
    _plan(config, 0)
    Plan(lr=config.mlp_rate, schedule=config.mlp_schedule)  # type: ignore[arg-type]
    return available(config.data)


def _plan(config: Config, seed: int) -> Plan:
    return Plan(
        epochs=config.epochs,
        batch=config.batch,
        optimizer="adam",
        lr=config.rate,
        weight_decay=0.0,
        momentum=0.5,
        schedule=config.schedule,  # type: ignore[arg-type]
        precision=config.precision,  # type: ignore[arg-type]
        seed=seed,
        save_every=60.0,
        log_every=20,
    )


def _digest(config: Config, keys: Sequence[str], extra: Any = None) -> str:
    return digest([{key: getattr(config, key) for key in keys}, extra])


def _row(
    config: Config, data: str, name: str, seed: int, train: Images, test: Images
) -> tuple[dict[str, Any], Mapping[str, np.ndarray]]:
    """A row under a seed: what was measured, and pictures; from its files where they are."""
    row = ROWS[name]
    kept = (
        Path(config.folder)
        / f"{Path(data).name}-{_digest(config, _TRAINING, dict(row.settings))}"
        / f"{name}-{seed}"
    )
    file = kept / f"measured-{_digest(config, _READING)}.json"
    beside = file.with_suffix(".safetensors")
    if file.exists() and beside.exists():
        return json.loads(file.read_text(encoding="utf-8")), load(beside.read_bytes())
    LOGGER.info(f"{data}, {row.title}, seed {seed}: training")
    try:
        made = trained(row, train, test, _plan(config, seed), config.encoder, config.locations, kept)
    except InputError as error:  # a discriminator that has won, a loss that isn't finite: the other rows go on
        LOGGER.info(f"{data}, {row.title}, seed {seed}: {error}")
        return {"probes": {}, "curve": [], "failed": str(error)}, {}
    LOGGER.info(f"{data}, {row.title}, seed {seed}: probes")
    settings = {
        "epochs": config.mlp_epochs,
        "batch": config.mlp_batch,
        "rate": config.mlp_rate,
        "schedule": config.mlp_schedule,
        "averaged": config.averaged,
    }
    record: dict[str, Any] = {
        "probes": probed(made.encoder, train, test, config.depths, config.probes, settings, seed),
        "curve": made.curve,
    }
    shown: dict[str, np.ndarray] = {f"{row.title}, {what}": part.numpy() for what, part in made.pictures.items()}
    shown.pop(f"{row.title}, original", None)
    if made.encoder is not None:
        LOGGER.info(f"{data}, {row.title}, seed {seed}: without labels")
        found, images = unlabelled(
            made.encoder,
            train,
            test,
            epochs=config.decoder_epochs,
            steps=config.dependency_steps,
            rows=config.mine_rows,
            mine=config.mine,
            seed=seed,
        )
        record["measures"] = found
        shown[f"{row.title}, decoded from Y"] = (255 * images).round().byte().numpy()
    else:
        shown["test images"] = test.take(np.arange(8)).numpy()
    for path, content in ((beside, save(shown)), (file, json.dumps(record).encode())):
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as opened:
            opened.write(content)
    return record, shown
