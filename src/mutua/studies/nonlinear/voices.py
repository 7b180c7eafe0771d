"""Real voices, mixed by a nonlinear map that is known: what each method gives back of them, never told the map."""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.decomposition import PCA, FastICA

from mutua import plots
from mutua.data.sound.files import opened
from mutua.data.sources import Mixture, held_out_segments, voices_mixture
from mutua.evaluation import mcc, spearman
from mutua.ica import GCL, TCL, LinearICA
from mutua.ica.flow import FlowICA
from mutua.studies import LOGGER
from mutua.types import InputError, Result, Table

__all__ = ["METHODS", "PRESETS", "Config", "Measured", "mixtures", "piece", "run", "told"]


@dataclass(frozen=True)
class Config:
    """The voices, how they are mixed, and how long each method is trained.

    Args:
        recordings: Sound files of one channel and one rate, a voice each; empty: the speakers of fsdd.npz in the
            folder that MUTUA_DATA names, their digits joined.
        voices: How many of fsdd's speakers.
        layers: Of the mixing: matrices with leaky ReLUs between, as in the paper of TCL.
        segments: Equal stretches of time: u is the number of the stretch.
        mixtures: Mixings of the same voices, each with its own matrices.
        flow_iter: Steps of FlowICA.
        contrast_iter: Steps of GCL and TCL.
        restarts: Random starts of each, the best kept by its own criterion.
    """

    recordings: tuple[str, ...] = ()
    voices: int = 5
    layers: int = 2
    segments: int = 256
    mixtures: int = 1
    flow_iter: int = 6000
    contrast_iter: int = 6000
    restarts: int = 2


PRESETS = {"cpu": Config(), "full": Config(mixtures=3, flow_iter=16_000, contrast_iter=20_000, restarts=4)}

# 20 ms at fsdd's 8 kHz: in it a voice's loudness hardly changes.
_BLOCK = 160


@dataclass(frozen=True)
class Measured:
    """A method on a mixture: MCC with the voices in stretches of time that nothing was fitted on, CPU seconds."""

    pearson: float
    spearman: float
    seconds: float


Maker = Callable[[Config, int], Any]
"""A config and a seed to an estimator."""


class _Raw:
    def fit(self, x: np.ndarray) -> _Raw:
        return self

    def transform(self, x: np.ndarray) -> np.ndarray:
        return x


def _flow(**changed: Any) -> Maker:
    def make(config: Config, seed: int) -> FlowICA:
        return FlowICA(
            max_iter=config.flow_iter, n_init=config.restarts, device="cpu", random_state=seed, **changed
        )

    return make


def _gcl(config: Config, seed: int) -> GCL:
    return GCL(max_iter=config.contrast_iter, n_init=config.restarts, device="cpu", random_state=seed)


def _tcl(config: Config, seed: int) -> TCL:
    return TCL(max_iter=config.contrast_iter, n_init=config.restarts, device="cpu", random_state=seed)


METHODS: Mapping[str, tuple[Maker, bool]] = {
    "raw x": (lambda config, seed: _Raw(), False),
    "PCA": (lambda config, seed: PCA(random_state=0), False),
    "FastICA": (lambda config, seed: FastICA(whiten="unit-variance", max_iter=500, random_state=seed), False),
    "LinearICA": (lambda config, seed: LinearICA(random_state=seed), False),
    "LinearICA, loudness": (lambda config, seed: LinearICA(modulation=_BLOCK, random_state=seed), False),
    "FlowICA": (_flow(), True),
    "FlowICA, u ignored": (_flow(use_u=False), True),
    "FlowICA, couplings": (_flow(make="coupling", layers=None), True),
    "GCL": (_gcl, True),
    "TCL, with sign": (_tcl, True),
}
"""Name to what makes the estimator, and whether its `fit` is given u."""


def mixtures(config: Config) -> list[Mixture]:
    """The voices under each mixing. Raises `InputError` where recordings are missing or can't be read."""
    if config.mixtures < 1:
        raise InputError(f"mixtures={config.mixtures}; give at least 1")
    voices = _recorded(config.recordings) if config.recordings else _speakers(config.voices)
    return [
        voices_mixture(voices, seed, layers=config.layers, segments=config.segments)
        for seed in range(config.mixtures)
    ]


def _recorded(paths: Sequence[str]) -> list[np.ndarray]:
    with opened([Path(path) for path in paths]) as sound:
        return [np.array(sound.samples[:, channel], np.float64) for channel in range(sound.samples.shape[1])]


def _speakers(count: int) -> list[np.ndarray]:
    folder = os.environ.get("MUTUA_DATA", "")
    path = Path(folder) / "audio" / "fsdd.npz"
    if not folder or not path.is_file():
        raise InputError(
            f"recordings: none named, and {path if folder else 'MUTUA_DATA'} is not there; name sound files of a "
            "voice each, or set MUTUA_DATA to the data's folder"
        )
    with np.load(path, allow_pickle=False) as digits:
        audio, offset, speaker = digits["audio"], digits["offset"], digits["speaker"]
    everyone = np.unique(speaker)
    if not 2 <= count <= len(everyone):
        raise InputError(f"voices={count}; give 2 to {len(everyone)}, as many as speak in {path}")
    return [
        np.concatenate([audio[offset[i] : offset[i + 1]] for i in np.flatnonzero(speaker == k)]).astype(float)
        for k in everyone[:count]
    ]


def piece(config: Config, method: str, mixture: Mixture, seed: int) -> Measured:
    """A method fitted on four fifths of the stretches of time and scored, without u, on the others."""
    train, test = held_out_segments(mixture, seed)
    make, needs_u = METHODS[method]
    start = time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that one doesn't converge, or a control isn't better, is in the table
        model = make(config, seed)
        model = model.fit(mixture.x[train], mixture.u[train]) if needs_u else model.fit(mixture.x[train])
    seconds = time.process_time() - start
    found = model.features(mixture.x[test]) if isinstance(model, TCL) else model.transform(mixture.x[test])
    true = mixture.s[test]
    return Measured(mcc(true, found), mcc(true, found, spearman), seconds)


def run(config: Config) -> Result:
    """Voices as sources: their loudness changes from one stretch of time to the next, which is all that is used.

    The mixing is TCL's, of conditioned matrices and leaky ReLUs, known here and told to no method. A fifth of the
    stretches is heard by none.

    Paper: Hyvärinen and Morioka, Unsupervised Feature Extraction by Time-Contrastive Learning and Nonlinear ICA
    (2016), whose recordings were of the brain; Hyvärinen, Sasaki and Turner (2019) for GCL; Li, Hooi and Lee,
    Identifying through flows for recovering latent representations (2020).
    """
    mixed = mixtures(config)
    found: dict[str, list[Measured]] = {method: [] for method in METHODS}
    for seed, mixture in enumerate(mixed):
        for method, pieces in found.items():
            pieces.append(piece(config, method, mixture, seed))
            LOGGER.info("mixing %d, %s: MCC %.3f", seed, method, pieces[-1].pearson)
    return told(config, found, len(mixed[0].x))


def told(config: Config, found: Mapping[str, Sequence[Measured]], samples: int) -> Result:
    """The table and figure of what was measured."""
    rows: list[list[Any]] = []
    for method, pieces in found.items():
        values = [one.pearson for one in pieces]
        deviation = float(np.std(values, ddof=1)) if len(values) > 1 else None
        ranks, seconds = (float(np.mean([getattr(one, key) for one in pieces])) for key in ("spearman", "seconds"))
        rows.append([method, float(np.mean(values)), deviation, min(values), ranks, seconds])
    said = {row[0]: row[1] for row in rows}
    words = [
        f"FlowICA gives the voices back to an MCC of {said['FlowICA']:.3f}, GCL {said['GCL']:.3f}, linear ICA "
        f"{said['LinearICA']:.3f}, and {said['LinearICA, loudness']:.3f} told that loudness changes.",
        f"The same flow with u ignored reaches {said['FlowICA, u ignored']:.3f}, and one of couplings, which are "
        f"nothing like the mixture's layers, {said['FlowICA, couplings']:.3f} with u.",
    ]
    sources = (
        f"{len(config.recordings)} recordings" if config.recordings else f"{config.voices} speakers of digits"
    )
    n = len(next(iter(found.values())))
    note = (
        f"{sources}, {samples:,} samples, {config.segments} stretches of time of which a fifth are tested on and "
        f"were never fitted; {config.layers} layers; {n} mixing{'s' * (n != 1)}. MCC with the true "
        "voices, u not used; nothing chosen by the truth. CPU seconds with all restarts."
    )
    table = Table("Voices found", ["method", "MCC", "deviation", "least", "by ranks", "CPU s"], rows, note)
    caption = "MCC with the voices in stretches of time never fitted, a point for each mixing."
    return Result("Voices under a nonlinear mixing", [table], {caption: _figure(found)}, words, asdict(config))


def _figure(found: Mapping[str, Sequence[Measured]]) -> str:
    with plots.figure(6.5, 3.4) as (fig, axes):
        for at, pieces in enumerate(found.values()):
            axes.scatter([one.pearson for one in pieces], [at] * len(pieces), s=14, color=plots.COLOURS[0])
        axes.set_yticks(range(len(found)), list(found))
        axes.invert_yaxis()
        axes.set(xlabel="MCC", xlim=(0, 1.03))
        return plots.svg(fig)
