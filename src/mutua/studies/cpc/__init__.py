"""Contrastive predictive coding on sound, series and images; what each choice of negatives drops; nats by
horizon."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import get_args

import numpy as np
import torch

from mutua import plots
from mutua.data import as_examples, load
from mutua.encoders import grid_ahead, rows_ahead
from mutua.evaluation import features, linear, raw, raw_name
from mutua.intervals import wilson
from mutua.methods import cpc
from mutua.objectives import Negatives
from mutua.studies import LOGGER
from mutua.studies.cpc.spoken import Told, controls, encoder_of, generated, negatives_of, spoken, told
from mutua.studies.cpc.trained import by_horizon, learned
from mutua.types import InputError, Result, Table

__all__ = ["PRESETS", "Config", "run"]

Horizons = Mapping[int, Mapping[str, float]]


@dataclass(frozen=True)
class Config:
    """How long each form is trained, and on what.

    Args:
        sound: `spoken-digits`, or `generated`, melodies of two instruments.
        negatives: Choices of negatives to compare, of batch, others, same, group and group-others.
        seen: Recordings that each network of sound sees.
        batch: Recordings a step.
        window: Frames of each recording that a step sees.
        steps: Horizons, from 1.
        candidates: Frames that negatives are among.
        width: Of frames and contexts.
        rate: Learning rate of Adam.
        series: Series that the form of series sees in all.
        correlation: Of a row of a series with the next, in each column.
        images: Handwritten digits that the form of images sees.
        seed: Of everything random.
    """

    sound: str = "spoken-digits"
    negatives: tuple[str, ...] = ("batch", "others", "same", "group")
    seen: int = 60_000
    batch: int = 64
    window: int = 32
    steps: int = 6
    candidates: int = 256
    width: int = 64
    rate: float = 2e-3
    series: int = 40_000
    correlation: float = 0.9
    images: int = 30_000
    seed: int = 0


PRESETS = {
    "cpu": Config(),
    "full": Config(negatives=get_args(Negatives), seen=500_000, width=256, series=500_000, images=300_000),
    "smoke": Config(
        sound="generated", negatives=("batch", "group"), seen=32, batch=8, window=12, steps=4, candidates=24,
        width=8, series=64, images=32,
    ),
}  # fmt: skip


def run(config: Config) -> Result:
    """Three forms of contrastive predictive coding: sound (frames of spoken digits), series (rows, whose true
    information is known), images (rows of patches). Nats by horizon with the log of the candidates beside, marked
    where the piece ahead shares samples with the context; probes of recordings, of single frames and on speakers
    left out; and what each choice of negatives keeps and drops.

    Paper: van den Oord, Li and Vinyals 2018, arXiv:1807.03748, tables 1 and 2, figure 3.
    """
    if unknown := set(config.negatives) - set(get_args(Negatives)):
        raise InputError(f"negatives: {', '.join(sorted(unknown))}; choose of {', '.join(get_args(Negatives))}")
    if config.sound not in ("spoken-digits", "generated"):
        raise InputError(f"sound: {config.sound!r}; one of spoken-digits, generated")
    train, test = generated() if config.sound == "generated" else spoken()
    found: dict[str, Told] = dict(controls(train, test))
    LOGGER.info("MFCC and log-mel are judged")
    found["untrained"] = told(train, test, encoder_of(train, config.width, config.seed))
    horizons: dict[str, Horizons] = {}
    clean = 1
    for name in get_args(Negatives):
        if name not in config.negatives:
            continue
        encoder, horizons[name], clean = negatives_of(
            name, train, test, config.seen, config.batch, config.rate, config.width, config.steps, config.window,
            config.candidates, config.seed,
        )  # fmt: skip
        found[f"negatives: {name}"] = told(train, test, encoder)
        LOGGER.info(f"negatives: {name}: {found[f'negatives: {name}']}")
    series, truth = _series(config)
    LOGGER.info("series are learned")
    images, image_rows, image_note = _images(config)
    forms = {f"sound, negatives {name}": (one, clean) for name, one in horizons.items()}
    forms |= {"series": (series, 1), "images": (images, 2)}
    tables = [
        _probes(found, len(test), train.source, config),
        _nats(forms, truth),
        Table("Images: handwritten digits", ["features", "columns", "linear"], image_rows, image_note),
    ]
    figures = {
        "Nats by horizon on unseen recordings; hollow where frames share samples; dotted the cap": _figure(
            horizons, clean
        ),
        "Nats by horizon of series, and the truth": _figure({"learned": series}, 1, truth),
    }
    return Result(
        "Contrastive predictive coding", tables, figures, _words(found, series, truth), {**asdict(config)}
    )


def _series(config: Config) -> tuple[Horizons, dict[int, float]]:
    """(Nats by horizon on held-out series, the truth): two columns, each x_t+1 = r x_t + noise, one of noise."""
    rng, r, n, t = np.random.default_rng(config.seed), config.correlation, 640, 48
    x = rng.normal(size=(n, t, 3)).astype(np.float32)
    for k in range(1, t):
        x[:, k, :2] = r * x[:, k - 1, :2] + math.sqrt(1 - r * r) * x[:, k, :2]
    whole = as_examples(x)
    train, test = whole.subset(np.arange(512)), whole.subset(np.arange(512, n))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        encoder = rows_ahead(whole.spec, config.width, config.width)
        method = cpc(encoder, steps=6, negatives="others", candidates=config.candidates)
    learned(method, train, config.series, min(config.batch, 64), config.rate, config.seed)
    return by_horizon(method, test, 64), {k: -math.log(1 - r ** (2 * k)) for k in method.horizons}


def _images(config: Config) -> tuple[Horizons, list[list[object]], str]:
    """(Nats by row on test digits, accuracies of raw pixels, untrained and learned, how)."""
    train, test = load("digits", "train"), load("digits", "test")
    y, w = train.labels, test.labels
    assert y is not None
    assert w is not None
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        encoder = grid_ahead(train.spec, config.width // 4)
        method = cpc(encoder, patches="none", candidates=config.candidates, negatives="others")

    def accuracy() -> float:
        return linear(features(encoder, train)["pool"], y, features(encoder, test)["pool"], w, 0).accuracy

    rows: list[list[object]] = [[raw_name(train), 64, linear(raw(train), y, raw(test), w, 0).accuracy]]
    rows.append(["untrained, mean over patches", encoder.width, accuracy()])
    learned(method, train, config.images, 32, config.rate, config.seed)
    rows.append(["learned, mean over patches", encoder.width, accuracy()])
    note = (
        f"Percent right of logistic regression on {len(test)} digits of 8 x 8, patches of 2 x 2 in a grid of 7 x "
        "7; "
        f"{config.images:,} seen. A mean over patches says nothing of where they are."
    )
    return by_horizon(method, test, 32), rows, note


def _probes(found: Mapping[str, Told], n: int, source: str, config: Config) -> Table:
    def interval(percent: float, count: int) -> str:
        low, high = wilson(round(percent * count / 100), count)
        return f"{100 * low:.1f} to {100 * high:.1f}"

    rows = [
        [
            name, one.digit, interval(one.digit, n), one.speaker, one.frame_digit, one.frame_speaker, one.unseen,
        ]
        for name, one in found.items()
    ]  # fmt: skip
    frames = next(iter(found.values())).frames
    note = (
        f"Percent right of logistic regression; {source}. Recordings: mean and deviation of the context (of "
        "MFCC, of "
        f"log-mel) in {n} test recordings, with 95 % intervals (Wilson); frames: {frames:,} single ones; unseen "
        "speaker: digits by a speaker left out of the probe, mean over all of them, who are in the training "
        "without "
        f"labels. {config.seen:,} recordings seen, last step, nothing chosen on test. Negatives of the group are "
        "of "
        "the same speaker, so that choice is told who speaks, and never what is said."
    )
    columns = [
        "features", "digit", "95 %", "speaker", "digit by frame", "speaker by frame", "digit, unseen speaker",
    ]  # fmt: skip
    return Table("What each choice of negatives keeps", columns, rows, note)


def _nats(forms: Mapping[str, tuple[Horizons, int]], truth: Mapping[int, float]) -> Table:
    rows = [
        [
            form,
            k,
            "yes" if k < clean else "no",
            one["nats"],
            one["cap"],
            one["top1"],
            truth.get(k) if form == "series" else None,
        ]
        for form, (horizons, clean) in forms.items()
        for k, one in horizons.items()
    ]
    note = (
        "On examples not learned from. ln K is the mean log of the number of candidates, which nats cannot "
        "exceed: "
        "choices of negatives with other K, and same-sequence negatives, which bound what the context tells "
        "beyond "
        "the sequence itself, are not to be compared with each other. Shares samples: the piece ahead overlaps "
        "the "
        "last one of the context."
    )
    columns = ["form", "k", "shares samples", "nats", "ln K", "top-1, %", "truth, nats"]
    return Table("Nats by horizon", columns, rows, note)


def _figure(lines: Mapping[str, Horizons], clean: int, truth: Mapping[int, float] | None = None) -> str:
    with plots.figure(6, 3.8) as (fig, axes):
        for colour, (name, horizons) in zip(plots.COLOURS, lines.items(), strict=False):
            at = list(horizons)
            nats = [one["nats"] for one in horizons.values()]
            axes.plot(at, nats, "-", color=colour, label=name)
            shared: Sequence[bool] = [k < clean for k in at]
            for hollow in (True, False):
                places = [(k, value) for k, value, own in zip(at, nats, shared, strict=True) if own == hollow]
                axes.plot(
                    *zip(*places, strict=True), "o", color=colour, mfc="none" if hollow else colour
                ) if places else None
            axes.plot(at, [one["cap"] for one in horizons.values()], ":", color=colour, linewidth=1)
        if truth:
            axes.plot(list(truth), list(truth.values()), "--", color=plots.COLOURS[6], label="truth")
        axes.set(xlabel="k, pieces ahead", ylabel="nats", ylim=(0, None))
        axes.legend(fontsize=9)
        return plots.svg(fig)


def _words(found: Mapping[str, Told], series: Horizons, truth: Mapping[int, float]) -> list[str]:
    best = max((one for one in found if one.startswith("negatives")), key=lambda name: found[name].unseen)
    words = [
        f"Digits of a speaker left out: {found[best].unseen:.1f} % with {best}, {found['MFCC 39'].unseen:.1f} % "
        "of MFCC, "
        f"{found['untrained'].unseen:.1f} % untrained.",
    ]
    for name, one in found.items():
        if name.startswith("negatives"):
            words.append(
                f"{name}: single frames tell the digit in {one.frame_digit:.1f} % and the speaker in "
                f"{one.frame_speaker:.1f} %; recordings the speaker in {one.speaker:.1f} %."
            )
    if {"negatives: batch", "negatives: group"} <= set(found):
        a, b = found["negatives: batch"], found["negatives: group"]
        assert a.frame_speaker is not None
        assert b.frame_speaker is not None
        words.append(
            "What negatives share: where all of them are by the same speaker, the speaker of a frame goes "
            f"from {a.frame_speaker:.1f} to {b.frame_speaker:.1f} %, and digits of unseen speakers from "
            f"{a.unseen:.1f} to "
            f"{b.unseen:.1f} %."
        )
    first = min(series)
    words.append(
        f"Series: {series[first]['nats']:.2f} nats of the true {truth[first]:.2f} one row ahead, "
        f"{series[max(series)]['nats']:.2f} of {truth[max(series)]:.2f} {max(series)} rows ahead."
    )
    return words
