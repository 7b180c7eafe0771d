"""A fitted `FlowICA` in a file and back."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from mutua.data.auxiliary import Auxiliary
from mutua.data.kept import keep_estimator, kept_estimator
from mutua.ica.flow.makes import MAKES
from mutua.ica.flow.past import Past
from mutua.ica.flow.prior import Prior, Segments
from mutua.ica.flow.smooth import Smooth
from mutua.ica.flow.training import Fit
from mutua.ica.pairs import device_of
from mutua.ica.whitening import Whitening
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
        "parameters": model.get_params(deep=False),
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
    """Read it. Raises `InputError` naming the file where it is none."""
    settings, arrays = kept_estimator(path, "FlowICA")
    model = cls(**settings["parameters"])
    model.n_features_in_, model.n_iter_ = settings["n_features"], settings["steps"]
    if settings["names"]:
        model.feature_names_in_ = np.array(settings["names"], object)
    model._white = Whitening(
        arrays["white.mean"], arrays["white.matrix"], arrays["white.inverse"], settings["rank"]
    )
    model.n_components_ = len(model._white.matrix)
    model.scale_, model._order = arrays["scale"], arrays["order"]
    model.log_likelihoods_, model.finals_ = arrays["starts"], arrays["finals"]
    tensors = {name.removeprefix("prior."): value for name, value in arrays.items() if name.startswith("prior.")}
    prior = _PRIORS[settings["prior"]].recalled(tensors, model.prior == "laplace")
    model._fit = Fit(arrays["theta"], prior)
    model._make = MAKES[model.make](model.n_components_, model.layers, model.knees, device_of(model.device))
    model._classes = None
    if "u.centre" in arrays:
        model._classes = Auxiliary(
            vector=np.zeros((0, len(arrays["u.centre"]))), centre=arrays["u.centre"], spread=arrays["u.spread"]
        )
    elif settings["classes"] is not None:
        # The training rows' own numbers aren't kept: u that was cut from rows must be given from here on.
        model._classes = Auxiliary(np.zeros(0, np.int64), np.array(settings["classes"]), given=True)
    told = settings["report"]
    model._report = Result(**{**told, "tables": [Table(**table) for table in told["tables"]]})
    return model
