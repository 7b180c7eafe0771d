"""A fitted `FlowICA` in a file and back."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from mutua.data.auxiliary import Auxiliary
from mutua.data.kept import keep_estimator, kept_estimator, misfit
from mutua.ica.contrastive.saving import check_white, device_here
from mutua.ica.flow.checks import checked_settings
from mutua.ica.flow.makes import MAKES
from mutua.ica.flow.past import Past
from mutua.ica.flow.prior import Prior, Segments
from mutua.ica.flow.smooth import Smooth
from mutua.ica.flow.training import Fit
from mutua.ica.linear.whitening import Whitening
from mutua.types import Result, Table

__all__ = ["kept", "recalled"]

_PRIORS: dict[str, type[Segments] | type[Smooth] | type[Past]] = {
    "Segments": Segments,
    "Smooth": Smooth,
    "Past": Past,
}


def kept(model: Any, path: str | Path) -> None:
    """Write it."""
    coded: Auxiliary | None = model._classes
    prior: Prior = model._fit.prior
    settings = {
        # As fitted: theta is of these, whatever set_params has said since.
        "parameters": model._settings,
        "n_features": model.n_features_in_,
        "names": list(map(str, getattr(model, "feature_names_in_", ()))),
        "steps": model.n_iter_,
        "rank": model._white.rank,
        "report": asdict(model._report),
        "prior": type(prior).__name__,
        "classes": None if coded is None or coded.classes is None else coded.classes.tolist(),
    }
    arrays = {
        "theta": model._fit.theta,
        "white.mean": model._white.mean,
        "white.matrix": model._white.matrix,
        "white.inverse": model._white.inverse,
        "scale": model.scale_,
        "order": model._order,
        "starts": model.log_likelihoods_,
        "finals": model.finals_,
    } | {f"prior.{name}": value for name, value in prior.tensors().items()}
    if coded is not None and coded.centre is not None and coded.spread is not None:
        arrays |= {"u.centre": coded.centre, "u.spread": coded.spread}
    keep_estimator(path, "FlowICA", settings, arrays)


def recalled(cls: Any, path: str | Path) -> Any:
    """Read it. Raises `InputError` naming the file where it is none, or its parts don't fit together."""
    settings, arrays = kept_estimator(path, "FlowICA")
    try:
        return _rebuilt(cls, settings, arrays)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise misfit(path, error) from None


def _rebuilt(cls: Any, settings: dict[str, Any], arrays: dict[str, np.ndarray]) -> Any:
    model = cls(**settings["parameters"])
    checked_settings(model)
    model._settings = model.get_params(deep=False)
    model.n_features_in_, model.n_iter_ = settings["n_features"], settings["steps"]
    if settings["names"]:
        model.feature_names_in_ = np.array(settings["names"], object)
    model._white = Whitening(
        arrays["white.mean"], arrays["white.matrix"], arrays["white.inverse"], settings["rank"]
    )
    check_white(model._white, model.n_features_in_)
    k = model.n_components_ = len(model._white.matrix)
    model.scale_, model._order = arrays["scale"], arrays["order"]
    model.log_likelihoods_, model.finals_ = arrays["starts"], arrays["finals"]
    if model.scale_.shape != (k,) or sorted(model._order.tolist()) != list(range(k)):
        raise ValueError(f"scale and order are not of {k} components")
    tensors = {name.removeprefix("prior."): value for name, value in arrays.items() if name.startswith("prior.")}
    prior = _PRIORS[settings["prior"]].recalled(tensors, model.prior == "laplace")
    model._fit = Fit(arrays["theta"], prior)
    model._make = MAKES[model.make](k, model.layers, model.knees, device_here(model.device))
    if len(model._fit.theta) != model._make.size:
        raise ValueError(f"{len(model._fit.theta)} parameters for a flow of {model._make.size}")
    model._classes = None
    if "u.centre" in arrays:
        model._classes = Auxiliary(
            vector=np.zeros((0, len(arrays["u.centre"]))), centre=arrays["u.centre"], spread=arrays["u.spread"]
        )
    elif settings["classes"] is not None:
        # The training rows' own numbers aren't kept: u that was cut from rows must be given from here on.
        model._classes = Auxiliary(np.zeros(0, np.int64), np.array(settings["classes"]), given=True)
    prior.log_prob(np.zeros((k, 1)), _one(model._classes))  # raises where it is of other components, or another u
    told = settings["report"]
    model._report = Result(**{**told, "tables": [Table(**table) for table in told["tables"]]})
    return model


def _one(coded: Auxiliary | None) -> Auxiliary | None:
    """A value of u as it was read: the last class, or a vector."""
    if coded is None:
        return None
    if coded.centre is not None:
        return Auxiliary(vector=np.zeros((1, len(coded.centre))))
    return Auxiliary(index=np.array([coded.count - 1]))
