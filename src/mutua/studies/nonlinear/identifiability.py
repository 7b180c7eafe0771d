"""Fitted again from other starts: models with u find the same components, and true ones; models without don't."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from mutua import plots
from mutua.data.sources import held_out, ivae_mixture
from mutua.evaluation import mcc, spearman
from mutua.evaluation.sources.evidence import agreement
from mutua.generative import IVAE, VAE, BetaVAE
from mutua.ica import GCL, TCL
from mutua.studies import LOGGER
from mutua.types import InputError, Result, Table

__all__ = ["MODELS", "PRESETS", "Config", "run"]


@dataclass(frozen=True)
class Config:
    """What is drawn, and how often and how long it is fitted.

    Args:
        runs: Fits of each model, from other starts, at least 2.
        segments: In the mixture.
        per_segment: Rows of each segment.
        d: Sources, and channels.
        layers: Matrices of the mixing, a fresh one in each layer.
        steps: Of training of IVAE, VAE and BetaVAE.
        contrast_steps: Of training of TCL and GCL.
        seed: Of the mixture and the starts.
    """

    runs: int = 3
    segments: int = 40
    per_segment: int = 500
    d: int = 3
    layers: int = 2
    steps: int = 1000
    contrast_steps: int = 2000
    seed: int = 0


PRESETS = {
    "cpu": Config(),
    "full": Config(runs=8, per_segment=1000, d=5, layers=3, steps=13_000, contrast_steps=6_000),
}


def _settings(config: Config, seed: int) -> dict[str, Any]:
    return {"whiten": True, "max_iter": config.steps, "learning_rate": 0.02, "device": "cpu", "random_state": seed}


def _contrast(config: Config, seed: int) -> dict[str, Any]:
    return {"max_iter": config.contrast_steps, "baseline": False, "device": "cpu", "random_state": seed}


MODELS: dict[str, Callable[[Config, int], Any]] = {
    "IVAE": lambda config, seed: IVAE(**_settings(config, seed)),
    "TCL": lambda config, seed: TCL(**_contrast(config, seed)),
    "GCL": lambda config, seed: GCL(**_contrast(config, seed)),
    "VAE": lambda config, seed: VAE(**_settings(config, seed)),
    "beta-VAE": lambda config, seed: BetaVAE(**_settings(config, seed)),
}
"""Name to an unfitted model."""

STATISTICS = ("TCL",)
"""Models that find |s|, not s: their truth is that."""


def run(config: Config) -> Result:
    """Each model several times on one mixture; MCC between its runs, and of each run with the truth, held out.

    Two models whose p(x) is the same may have latents that differ by any of infinitely many maps: that is seen
    here as runs that disagree, though their likelihoods agree.

    Paper: Hyvarinen and Pajunen, Nonlinear independent component analysis: existence and uniqueness results
    (1999); Khemakhem et al., Variational autoencoders and nonlinear ICA (2020).
    """
    if config.runs < 2:
        raise InputError(f"runs={config.runs}; agreement is between at least 2")
    mixture = ivae_mixture(
        config.seed, segments=config.segments, per_segment=config.per_segment, d=config.d, layers=config.layers
    )
    train, test = held_out(mixture, config.seed)
    matrices: dict[str, np.ndarray] = {}
    rows = []
    for name, make in MODELS.items():
        found, scores = [], []
        for k in range(config.runs):
            model = make(config, config.seed + k)
            model.fit(mixture.x[train], mixture.u[train])
            found.append(np.asarray(model.transform(mixture.x[test])))
            scores.append(float(model.score(mixture.x[test], mixture.u[test])))
        truth = np.abs(mixture.s[test]) if name in STATISTICS else mixture.s[test]
        same, ranks = agreement(found), agreement(found, spearman)
        matrices[name] = _with_truth(same.matrix, [mcc(truth, z) for z in found])
        near = [mcc(truth, z) for z in found]
        rows.append(
            [
                name,
                same.mean,
                same.lowest,
                ranks.mean,
                float(np.mean(near)),
                float(np.std(near)),
                float(np.mean(scores)),
                float(np.std(scores)),
            ]
        )
        LOGGER.info("%s: runs agree %.3f, with the truth %.3f", name, same.mean, np.mean(near))
    columns = ["model", "agreement", "lowest", "by ranks", "with truth", "sd", "score", "sd of score"]
    note = (
        f"{config.runs} fits of each on the same rows from other starts. Agreement: MCC between two runs on rows "
        "held out, mean and lowest over pairs. With truth: of each run with the sources (TCL: with their "
        "magnitudes). Score: held out, in nats a row: an ELBO (IVAE given u, VAE not), a contrast (TCL, GCL)."
    )
    table = Table("Do runs agree?", columns, rows, note)
    by_name = {row[0]: row for row in rows}
    words = [
        f"Without the truth: runs of IVAE agree with MCC {by_name['IVAE'][1]:.2f}, runs of VAE with "
        f"{by_name['VAE'][1]:.2f} and of beta-VAE with {by_name['beta-VAE'][1]:.2f}.",
        f"With it: IVAE {by_name['IVAE'][4]:.2f}, VAE {by_name['VAE'][4]:.2f}; the VAE's runs score alike "
        f"(deviation {by_name['VAE'][7]:.3f} nats), so no likelihood tells its answers apart.",
    ]
    caption = "MCC between runs; the last row and column are the true sources."
    return Result("Identifiability over starts", [table], {caption: _figure(matrices)}, words, asdict(config))


def _with_truth(matrix: Float[np.ndarray, "r r"], truth: list[float]) -> Float[np.ndarray, "q q"]:
    """The matrix of runs with one more row and column: each run's MCC with the truth."""
    whole = np.eye(len(matrix) + 1)
    whole[:-1, :-1] = matrix
    whole[-1, :-1] = whole[:-1, -1] = truth
    return whole


def _figure(matrices: Mapping[str, np.ndarray]) -> str:
    with plots.figure(2.1 * len(matrices), 2.5, 1, len(matrices)) as (fig, axes):
        for axis, (name, matrix) in zip(np.ravel(np.asarray(axes)), matrices.items(), strict=True):
            axis.imshow(matrix, vmin=0, vmax=1, cmap="viridis")
            for (i, j), value in np.ndenumerate(matrix):
                ink = "black" if value > 0.6 else "white"  # on viridis, light from there
                axis.text(j, i, f"{value:.2f}", ha="center", va="center", fontsize=7, color=ink)
            ticks = [*map(str, range(1, len(matrix))), "truth"]
            axis.set_xticks(range(len(matrix)), ticks, fontsize=7, rotation=60)
            axis.set_yticks(range(len(matrix)), ticks, fontsize=7)
            axis.set_title(name)
        return plots.svg(fig)
