"""Time-contrastive learning on its own mixtures: MCC against the depth of the mixture."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import partial

import numpy as np

from mutua.data.sources import tcl_mixture
from mutua.ica import TCL
from mutua.studies.nonlinear.table import Pieces, Row, compared, controls, curves, found, measured, summary
from mutua.types import InputError, Result

__all__ = ["PRESETS", "Config", "piece", "run"]


@dataclass(frozen=True)
class Config:
    """What is mixed, and how long it is trained.

    Args:
        n_sources: Sources, and channels.
        segments: Segments of the recording, each with scales of its own.
        per_segment: Rows of a segment.
        layers: Depths of the mixtures.
        seeds: Mixtures of each depth, numbered from 0.
        max_iter: Steps of training at depths up to 3; three times as many beyond.
        maxout: Also the published network, as many steps.
    """

    n_sources: int = 10
    segments: int = 64
    per_segment: int = 512
    layers: tuple[int, ...] = (1, 2, 3)
    seeds: int = 1
    max_iter: int = 6_000
    maxout: bool = True


PRESETS = {
    "cpu": Config(),
    "full": Config(n_sources=20, segments=256, layers=(1, 2, 3, 4, 5), seeds=3, max_iter=20_000),
}


def piece(config: Config, layers: int, seed: int) -> list[Row]:
    """Controls and TCL on one mixture: |s| against |estimates|, and s against features with their sign."""
    mixture = tcl_mixture(
        seed, d=config.n_sources, segments=config.segments, per_segment=config.per_segment, layers=layers
    )
    steps = config.max_iter if layers <= 3 else 3 * config.max_iter
    # Two maps more than the mixture has, from 4: square networks of its own depth often stop short.
    depth = max(4, layers + 1)
    rows = controls(mixture, np.abs)
    networks = {"TCL": "bent", "TCL, maxout": "maxout"} if config.maxout else {"TCL": "bent"}
    for name, network in networks.items():
        make = partial(
            TCL, network=network, hidden_layer_sizes=(None,) * (depth - 1), max_iter=steps, random_state=seed
        )
        rows += found(name, make, mixture, mixture.u, np.abs, signed=f"{name}, s with sign")
    return rows


def run(config: Config) -> Result:
    """Laplace sources whose scales differ from segment to segment, mixed by networks: how well the magnitudes
    of the sources are found on samples held out.

    Paper: Hyvärinen and Morioka, Unsupervised Feature Extraction by Time-Contrastive Learning and Nonlinear ICA
    (2016), figure 2.
    """
    if config.seeds < 1 or not config.layers:
        raise InputError(f"seeds={config.seeds}, layers={config.layers}; give at least one of each")
    return told(config, measured(piece, config, config.layers, config.seeds))


def told(config: Config, pieces: Pieces) -> Result:
    """The table and curves of what was measured."""
    note = (
        f"{config.n_sources} sources, {config.segments} segments x {config.per_segment}. MCC of |s| with "
        "|estimates|, for TCL after the linear ICA of its features; rows with sign are of s itself. All on other "
        "samples of the same segments, u not used; no choice by the truth."
    )
    table = summary("TCL against the depth of the mixture", pieces, "layers", note)
    caption = "Held-out MCC of |s| against the layers of the mixture; points are mixtures."
    figure = curves(pieces, "layers of the mixture")
    words = [compared("TCL", "layers", pieces)]
    return Result("Time-contrastive learning", [table], {caption: figure}, words, asdict(config))
