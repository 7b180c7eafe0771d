"""Nonlinear ICA by exact likelihood, beside what each part of it does alone: u, the make, the nonlinearity."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from jaxtyping import Float
from sklearn.decomposition import PCA, FastICA

from mutua import plots
from mutua.data.sources import Mixture, held_out, ivae_mixture
from mutua.evaluation import mcc, spearman
from mutua.ica import LinearICA
from mutua.ica.flow import FlowICA
from mutua.studies import LOGGER
from mutua.types import InputError, Result, Table

__all__ = ["METHODS", "PRESETS", "Config", "Measured", "measured", "run", "summary"]


@dataclass(frozen=True)
class Config:
    """What is mixed, and how long each flow is trained.

    Args:
        segments: Segments of each data set.
        per_segment: Rows of each segment.
        n_sources: Sources, and channels.
        mixing_layers: Layers of the mixing, tanh(x) + 0.1 x between matrices.
        data_sets: Data sets, each with sources and mixing of its own.
        max_iter: Steps of a full run of the flow of layers; the flow of couplings takes a third.
        restarts: Random starts of each flow.
    """

    segments: int = 40
    per_segment: int = 1000
    n_sources: int = 5
    mixing_layers: int = 3
    data_sets: int = 2
    max_iter: int = 6000
    restarts: int = 4


PRESETS = {"cpu": Config(), "full": Config(data_sets=5, max_iter=16_000, restarts=8)}


@dataclass(frozen=True)
class Measured:
    """One method on one data set: MCC of held-out rows, held-out log-likelihood in nats a row, CPU seconds."""

    pearson: float
    spearman: float
    nats: float | None
    seconds: float


Fitted = tuple[Callable[[np.ndarray], np.ndarray], float | None]
"""Rows to estimates, and the held-out log-likelihood where the method has one."""
Fit = Callable[[Float[np.ndarray, "n d"], np.ndarray, Float[np.ndarray, "m d"], np.ndarray, FlowICA], Fitted]


def _linear(x: np.ndarray, u: np.ndarray, test: np.ndarray, test_u: np.ndarray, flow: FlowICA) -> Fitted:
    ica = LinearICA().fit(x)
    return ica.transform, ica.score(test)


def _fast(x: np.ndarray, u: np.ndarray, test: np.ndarray, test_u: np.ndarray, flow: FlowICA) -> Fitted:
    return FastICA(whiten="unit-variance", random_state=0, max_iter=500).fit(x).transform, None


def _flow(**changed: Any) -> Fit:
    def fit(x: np.ndarray, u: np.ndarray, test: np.ndarray, test_u: np.ndarray, flow: FlowICA) -> Fitted:
        settings = flow.get_params() | changed
        if settings["make"] == "coupling":
            settings["max_iter"] = max(1, settings["max_iter"] // 3)
            settings["layers"] = None
        model = FlowICA(**settings).fit(x, None if settings["past"] else u)
        if settings["past"] or not settings["use_u"]:
            return model.transform, model.score(test)
        return model.transform, model.score(test, test_u) if test_u.dtype.kind == "i" else None

    return fit


METHODS: Mapping[str, Fit] = {
    "raw x": lambda x, u, test, test_u, flow: (lambda rows: rows, None),
    "PCA": lambda x, u, test, test_u, flow: (PCA(whiten=True).fit(x).transform, None),
    "FastICA": _fast,
    "LinearICA": _linear,
    "FlowICA": _flow(),
    "FlowICA, u ignored": _flow(use_u=False, past=False),
    "FlowICA, couplings": _flow(make="coupling"),
    "FlowICA, couplings, u ignored": _flow(make="coupling", use_u=False, past=False),
}
"""What is compared. Each sees training rows, their u, test rows, their u, and the settings of a flow."""


def measured(method: str, mixture: Mixture, seed: int, flow: FlowICA) -> Measured:
    """A method fitted on four fifths of a mixture's rows and scored, without u, on the others."""
    train, test = held_out(mixture, seed)
    start = time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that one doesn't converge, or a control isn't better, is in the table
        fitted = METHODS[method](mixture.x[train], mixture.u[train], mixture.x[test], mixture.u[test], flow)
    seconds = time.process_time() - start
    found, true = fitted[0](mixture.x[test]), mixture.s[test]
    return Measured(mcc(true, found), mcc(true, found, spearman), fitted[1], seconds)


def summary(found: Mapping[str, list[Measured]]) -> list[list[Any]]:
    """A row a method: data sets, MCC by Pearson (mean, deviation, least) and by Spearman, nats, seconds."""
    rows: list[list[Any]] = []
    for method, pieces in found.items():
        by_pearson = [piece.pearson for piece in pieces]
        nats = [piece.nats for piece in pieces if piece.nats is not None]
        rows.append(
            [
                method,
                len(pieces),
                float(np.mean(by_pearson)),
                float(np.std(by_pearson, ddof=1)) if len(pieces) > 1 else None,
                float(np.min(by_pearson)),
                float(np.mean([piece.spearman for piece in pieces])),
                float(np.mean(nats)) if nats else None,
                float(np.mean([piece.seconds for piece in pieces])),
            ]
        )
    return rows


COLUMNS = ("method", "data sets", "MCC", "deviation", "least", "by ranks", "nats", "CPU s")


def run(config: Config) -> Result:
    """iVAE's mixture with a fresh matrix in each layer: flows of two makes, with u and without; linear methods.

    Paper: Khemakhem, Kingma, Monti and Hyvarinen, Variational autoencoders and nonlinear ICA (2020); Li, Hooi and
    Lee, Identifying through flows for recovering latent representations (2020).
    """
    if config.data_sets < 1:
        raise InputError(f"data_sets: {config.data_sets}; give at least one")
    found: dict[str, list[Measured]] = {method: [] for method in METHODS}
    for seed in range(config.data_sets):
        mixture = ivae_mixture(
            seed,
            segments=config.segments,
            per_segment=config.per_segment,
            d=config.n_sources,
            layers=config.mixing_layers,
        )
        flow = FlowICA(prior="gaussian", max_iter=config.max_iter, n_init=config.restarts, device="cpu")
        for method, pieces in found.items():
            pieces.append(measured(method, mixture, seed, flow))
            LOGGER.info("data set %d, %s: MCC %.4f", seed, method, pieces[-1].pearson)
    rows = summary(found)
    mean = dict(zip(found, (row[COLUMNS.index("MCC")] for row in rows), strict=True))
    with_u, without, linear = mean["FlowICA"], mean["FlowICA, u ignored"], mean["LinearICA"]
    other, other_without = mean["FlowICA, couplings"], mean["FlowICA, couplings, u ignored"]
    words = [
        f"The flow of layers finds the sources to an MCC of {with_u:.3f}, the same flow with u ignored to "
        f"{without:.3f}, LinearICA to {linear:.3f}: u adds {with_u - without:+.3f}.",
        f"A flow of couplings, which are nothing like the mixture's layers, reaches {other:.3f} with u and "
        f"{other_without:.3f} without: what it finds it owes to u.",
    ]
    note = (
        f"{config.segments} segments of {config.per_segment:,} rows. MCC of rows "
        "held out (a fifth of each segment), estimates made without u; mean, deviation and least over data sets. "
        "Nats: held-out log-likelihood a row, given u where the method uses it. CPU seconds, all restarts "
        "included."
    )
    table = Table("Nonlinear ICA by exact likelihood", list(COLUMNS), rows, note)
    caption = "MCC of held-out rows, each data set a point."
    return Result("FlowICA and its controls", [table], {caption: _figure(found)}, words, asdict(config))


def _figure(found: Mapping[str, list[Measured]]) -> str:
    with plots.figure(6.5, 3.4) as (fig, axes):
        for at, pieces in enumerate(found.values()):
            axes.scatter([piece.pearson for piece in pieces], [at] * len(pieces), s=14, color=plots.COLOURS[0])
        axes.set_yticks(range(len(found)), list(found))
        axes.invert_yaxis()
        axes.set(xlabel="MCC", xlim=(0, 1.03))
        return plots.svg(fig)
