"""Rows of the nonlinear ICA tables: how well sources are found on samples that nothing was fitted on."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float
from sklearn.decomposition import PCA, FastICA
from sklearn.exceptions import ConvergenceWarning

from mutua import plots
from mutua.data.sources import Mixture
from mutua.evaluation import mcc, spearman
from mutua.ica import LinearICA
from mutua.studies import LOGGER
from mutua.types import Table

__all__ = ["CONTROLS", "Pieces", "Row", "compared", "controls", "curves", "found", "measured", "summary"]

Row = dict[str, Any]
"""method, pearson, spearman (held-out MCC), seconds (CPU), nats (held-out contrast, None for controls)."""

Fold = Callable[[np.ndarray], np.ndarray]
"""What sources and estimates go through before they are compared, such as the absolute value."""


class _Raw:
    """x as it is."""

    def fit(self, x: Float[np.ndarray, "n d"]) -> _Raw:
        return self

    def transform(self, x: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n d"]:
        return x


CONTROLS: dict[str, Callable[[], Any]] = {
    "raw x": _Raw,
    "PCA": lambda: PCA(random_state=0),
    "FastICA": lambda: FastICA(whiten="unit-variance", max_iter=500, random_state=0),
    "LinearICA": lambda: LinearICA(random_state=0),
}
"""What every table has beside the method."""

# In the rows of a piece: the controls come first, linear ICA their last.
_FOUND = len(CONTROLS)

Pieces = dict[str, list[list[Row]]]
"""Setting to the rows of each seed."""


def controls(mixture: Mixture, fold: Fold) -> list[Row]:
    """Each control fitted on the mixture's rows and judged on fresh ones."""
    rows, fresh = [], mixture.fresh(0)
    for name, make in CONTROLS.items():
        start = time.process_time()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # what is asked is the MCC
            model = make().fit(mixture.x)
        seconds = time.process_time() - start
        rows.append(_row(name, fold(fresh.s), fold(model.transform(fresh.x)), seconds, None))
    return rows


def found(
    name: str, make: Callable[[], Any], mixture: Mixture, u: Any, fold: Fold, *, signed: str = ""
) -> list[Row]:
    """An estimator's row, judged on fresh rows without u: transform(x) against fold(s).

    signed: a further row of this name, of the features with their sign against the sources themselves.
    """
    fresh = mixture.fresh(0)
    start = time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # that it doesn't beat linear ICA is for the table to say
        model = make().fit(mixture.x, u)
    seconds = time.process_time() - start
    nats = float(model.contrasts_.max())
    rows = [_row(name, fold(fresh.s), model.transform(fresh.x), seconds, nats)]
    if signed:
        rows.append(_row(signed, fresh.s, model.features(fresh.x), seconds, nats))
    return rows


def _row(
    method: str,
    s: Float[np.ndarray, "n k"],
    estimate: Float[np.ndarray, "n m"],
    seconds: float,
    nats: float | None,
) -> Row:
    return {
        "method": method,
        "pearson": mcc(s, estimate),
        "spearman": mcc(s, estimate, spearman),
        "seconds": seconds,
        "nats": nats,
    }


def summary(title: str, pieces: Mapping[str, Sequence[Sequence[Row]]], first: str, note: str) -> Table:
    """A table over seeds: pieces are {setting: [rows of each seed]}; `first` names the setting's column."""
    rows: list[list[Any]] = []
    for setting, seeds in pieces.items():
        for at, row in enumerate(seeds[0] if seeds else ()):
            pearson, ranks, seconds = (
                np.array([seed[at][key] for seed in seeds]) for key in ("pearson", "spearman", "seconds")
            )
            deviation = float(pearson.std(ddof=1)) if len(seeds) > 1 else None
            nats = None if row["nats"] is None else float(np.mean([seed[at]["nats"] for seed in seeds]))
            rows.append(
                [
                    *(setting, row["method"], len(seeds), float(pearson.mean()), deviation, float(pearson.min())),
                    *(float(ranks.mean()), nats, float(seconds.mean())),
                ]
            )
    columns = [first, "method", "seeds", "MCC", "sd", "lowest", "MCC, ranks", "held-out nats", "CPU s"]
    return Table(title, columns, rows, note)


def measured(
    piece: Callable[[Any, Any, int], list[Row]], config: Any, settings: Sequence[Any], seeds: int
) -> Pieces:
    """The rows of every setting and seed."""
    pieces: Pieces = {}
    for setting in settings:
        pieces[str(setting)] = []
        for seed in range(seeds):
            rows = piece(config, setting, seed)
            pieces[str(setting)].append(rows)
            LOGGER.info("%s, seed %d: %s %.3f", setting, seed, rows[_FOUND]["method"], rows[_FOUND]["pearson"])
    return pieces


def compared(method: str, first: str, pieces: Pieces) -> str:
    """A sentence: the mean MCC of the method in each setting, beside linear ICA's."""

    def mean(seeds: Sequence[Sequence[Row]], at: int) -> float:
        return float(np.mean([rows[at]["pearson"] for rows in seeds]))

    each = [
        f"{setting}: {mean(seeds, _FOUND):.3f} and {mean(seeds, _FOUND - 1):.3f}"
        for setting, seeds in pieces.items()
        if seeds
    ]
    return f"MCC of {method}, and of linear ICA, by {first}: {'; '.join(each)}."


def curves(pieces: Pieces, across: str) -> str:
    """MCC of each method against the setting."""
    with plots.figure(6.4, 3.6) as (fig, axes):
        settings = [setting for setting, seeds in pieces.items() if seeds]
        methods: Sequence[str] = [row["method"] for row in pieces[settings[0]][0]]
        for at, method in enumerate(methods):
            values = [[rows[at]["pearson"] for rows in pieces[setting]] for setting in settings]
            colour = plots.COLOURS[at % len(plots.COLOURS)]
            style = "--" if at >= len(plots.COLOURS) else "-"
            mean = [np.mean(each) for each in values]
            axes.plot(range(len(settings)), mean, style, color=colour, label=method)
            for place, each in enumerate(values):
                axes.scatter([place] * len(each), each, s=10, color=colour)
        axes.set_xticks(range(len(settings)), settings)
        axes.set(xlabel=across, ylabel="MCC, held out", ylim=(0, 1.03))
        fig.legend(loc="outside right upper", fontsize=8)
        return plots.svg(fig)
