"""Generalised contrastive learning with each kind of u: segment, time, past, and iVAE's setting."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from mutua.data.sources import (
    Mixture,
    gcl_past_mixture,
    gcl_segment_mixture,
    gcl_time_mixture,
    ivae_mixture,
)
from mutua.ica import GCL
from mutua.studies.nonlinear.table import Pieces, Row, compared, controls, curves, found, measured, summary
from mutua.types import InputError, Result, names

__all__ = ["PRESETS", "SETTINGS", "Config", "piece", "run"]

SETTINGS: dict[str, tuple[Callable[[int], Mixture], str]] = {
    "segment": (gcl_segment_mixture, "scales"),
    "time": (gcl_time_mixture, "scales"),
    "past": (gcl_past_mixture, "innovation"),
    "ivae": (ivae_mixture, "scales"),
}
"""The mixture of each u, and the statistics: what is known to be modulated, scales or means."""


@dataclass(frozen=True)
class Config:
    """What is mixed, and how long it is trained.

    Args:
        settings: Of segment, time, past and ivae, which to run.
        seeds: Mixtures of each, numbered from 0.
        max_iter: Steps of training.
    """

    settings: tuple[str, ...] = ("segment", "time", "past", "ivae")
    seeds: int = 1
    max_iter: int = 4_000


PRESETS = {"cpu": Config(), "full": Config(seeds=5, max_iter=6_000)}


def piece(config: Config, setting: str, seed: int) -> list[Row]:
    """Controls and GCL on one mixture: sources against estimates, with their sign."""
    make, statistics = SETTINGS[setting]
    mixture = make(seed)

    def model() -> Any:
        return GCL(statistics=statistics, max_iter=config.max_iter, random_state=seed)

    return [*controls(mixture, np.asarray), *found("GCL", model, mixture, mixture.u, np.asarray)]


def run(config: Config) -> Result:
    """Five sources that a segment, smooth time or their own past modulates, under two layers of leaky ReLU, and
    iVAE's (Gaussian, three layers of tanh(x) + 0.1 x, a fresh matrix in each): how well they are found.

    Paper: Hyvärinen, Sasaki and Turner, Nonlinear ICA Using Auxiliary Variables and Generalized Contrastive
    Learning (2019); Khemakhem et al., Variational autoencoders and nonlinear ICA (2020), for the last setting.
    """
    if config.seeds < 1:
        raise InputError(f"seeds={config.seeds}; give at least one")
    unknown = set(config.settings) - set(SETTINGS)
    if unknown or not config.settings:
        raise InputError(f"settings: {', '.join(unknown) or 'none'}; use some of {names(SETTINGS)}")
    return told(config, measured(piece, config, config.settings, config.seeds))


def told(config: Config, pieces: Pieces) -> Result:
    """The table and figure of what was measured."""
    note = (
        "5 sources. MCC of s with estimates, signs and scales as they are, on other samples of the same segments "
        "(or course of time), u not used; no choice by the truth."
    )
    table = summary("GCL with each kind of u", pieces, "u", note)
    caption = "Held-out MCC with each auxiliary variable; points are mixtures."
    words = [compared("GCL", "u", pieces)]
    return Result(
        "Generalised contrastive learning", [table], {caption: curves(pieces, "u")}, words, asdict(config)
    )
