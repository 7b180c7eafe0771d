"""Saving and loading of the contrastive estimators: weights, whitening, the coding of u, the report."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

from mutua.data.kept import keep_estimator, kept_estimator, misfit
from mutua.ica.contrastive.pairs import device_of
from mutua.ica.linear.whitening import Whitening
from mutua.types import InputError, Result, Table

__all__ = ["check_white", "device_here", "restored", "saved"]


# Any: a `mutua.ica.contrastive.base.Learned`, which is the floor above.
def saved(estimator: Any, path: str | Path) -> None:
    """Write a fitted one. Raises `InputError` for settings that are no plain values."""
    coding, arrays = estimator._coding()
    settings = {
        # As fitted: the weights are of these, whatever set_params has said since.
        "parameters": estimator._settings,
        "n_features": estimator.n_features_in_,
        "names": list(map(str, getattr(estimator, "feature_names_in_", ()))),
        "n_components": estimator.n_components_,
        "rank": estimator._white.rank,
        "report": asdict(estimator._report),
        "coding": coding,
    }
    arrays |= {
        "white.mean": estimator._white.mean,
        "white.matrix": estimator._white.matrix,
        "white.inverse": estimator._white.inverse,
        "contrasts": estimator.contrasts_,
    }
    if estimator._unmix is not None:
        arrays |= {"unmix.mean": estimator._unmix[0], "unmix.matrix": estimator._unmix[1]}
    state = {f"model.{name}": value for name, value in estimator._model.state_dict().items()}
    keep_estimator(path, type(estimator).__name__, settings, arrays | state)


def restored(kind: Any, path: str | Path) -> Any:
    """An estimator of that class, as `saved` wrote it; on the CPU where its device is not here.

    Raises `InputError` naming the file where it is none, or its parts don't fit together.
    """
    settings, arrays = kept_estimator(path, kind.__name__)
    try:
        return _rebuilt(kind, settings, arrays)
    except (KeyError, TypeError, ValueError, RuntimeError, IndexError, AttributeError) as error:
        raise misfit(path, error) from None


def device_here(name: str) -> torch.device:
    """The device of that name, or the CPU where there is none: what one machine fitted another can use."""
    try:
        return device_of(name)
    except InputError:
        return torch.device("cpu")


def check_white(white: Whitening, features: int) -> None:
    """Raise `ValueError` where the arrays of a whitening that was read don't belong to so many features."""
    k = len(white.matrix)
    if (white.mean.shape, white.matrix.shape, white.inverse.shape) != ((features,), (k, features), (features, k)):
        raise ValueError(f"the whitening is not of {features} features")


def _rebuilt(kind: Any, settings: dict[str, Any], arrays: dict[str, np.ndarray]) -> Any:
    parameters = {
        name: tuple(value) if isinstance(value, list) else value for name, value in settings["parameters"].items()
    }
    estimator = kind(**parameters)
    estimator._settings = estimator.get_params(deep=False)
    estimator.n_features_in_ = settings["n_features"]
    if settings["names"]:
        estimator.feature_names_in_ = np.array(settings["names"], object)
    estimator.n_components_, estimator.n_iter_ = settings["n_components"], estimator.max_iter
    mean, matrix, inverse = (arrays[f"white.{name}"] for name in ("mean", "matrix", "inverse"))
    estimator._white = Whitening(mean, matrix, inverse, settings["rank"])
    check_white(estimator._white, estimator.n_features_in_)
    estimator._unmix = (arrays["unmix.mean"], arrays["unmix.matrix"]) if "unmix.mean" in arrays else None
    estimator.contrasts_ = arrays["contrasts"]
    told = settings["report"]
    estimator._report = Result(**{**told, "tables": [Table(**table) for table in told["tables"]]})
    estimator._recall(settings["coding"], arrays)
    estimator._model = estimator._method(estimator._network(estimator.n_components_), estimator.n_components_, 0)
    weights = {name.removeprefix("model."): each for name, each in arrays.items() if name.startswith("model.")}
    estimator._model.load_state_dict({name: torch.from_numpy(value) for name, value in weights.items()})
    estimator._model.to(device_here(estimator.device)).eval()
    return estimator
