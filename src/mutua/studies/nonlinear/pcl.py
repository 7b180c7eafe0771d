"""Permutation-contrastive learning on its own mixtures: MCC against the depth of the mixture."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from mutua.data.sources import pcl_mixture
from mutua.ica import PCL
from mutua.studies.nonlinear.table import Pieces, Row, compared, controls, curves, found, measured, summary
from mutua.types import InputError, Result

__all__ = ["PRESETS", "Config", "piece", "run"]


@dataclass(frozen=True)
class Config:
    """What is mixed, and how long it is trained.

    Args:
        n_sources: Sources, and channels.
        n: Rows.
        layers: Depths of the mixtures.
        seeds: Mixtures of each depth, numbered from 0.
        max_iter: Steps of training.
        width: Units between the maps of the network.
    """

    n_sources: int = 10
    n: int = 2**16
    layers: tuple[int, ...] = (1, 2, 3)
    seeds: int = 1
    max_iter: int = 6_000
    width: int = 40


PRESETS = {
    "cpu": Config(),
    "full": Config(n_sources=20, n=2**18, layers=(1, 2, 3, 4, 5), seeds=3, max_iter=50_000, width=80),
}


def piece(config: Config, layers: int, seed: int) -> list[Row]:
    """Controls and PCL on one mixture: sources against estimates, with their sign."""
    mixture = pcl_mixture(seed, d=config.n_sources, n=config.n, layers=layers)

    def model() -> Any:
        sizes = (config.width,) * (max(3, layers) - 1)
        return PCL(hidden_layer_sizes=sizes, max_iter=config.max_iter, random_state=seed)

    return [*controls(mixture, np.asarray), *found("PCL", model, mixture, None, np.asarray)]


def run(config: Config) -> Result:
    """Autoregressive sources with Laplace innovations, mixed by networks: how well they are found.

    Paper: Hyvärinen and Morioka, Nonlinear ICA of Temporally Dependent Stationary Sources (2017), figure 2.
    """
    if config.seeds < 1 or not config.layers:
        raise InputError(f"seeds={config.seeds}, layers={config.layers}; give at least one of each")
    return told(config, measured(piece, config, config.layers, config.seeds))


def told(config: Config, pieces: Pieces) -> Result:
    """The table and curves of what was measured."""
    note = (
        f"{config.n_sources} AR(1) sources (0.7, Laplace innovations), {config.n:,} rows. MCC of s with "
        "estimates, signs and scales as they are, on another draw of the sources; none chosen by the truth."
    )
    table = summary("PCL against the depth of the mixture", pieces, "layers", note)
    caption = "Held-out MCC against the layers of the mixture; points are mixtures."
    figure = curves(pieces, "layers of the mixture")
    words = [compared("PCL", "layers", pieces)]
    return Result("Permutation-contrastive learning", [table], {caption: figure}, words, asdict(config))
