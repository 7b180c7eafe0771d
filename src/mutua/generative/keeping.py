"""A fitted `VAE`, `BetaVAE` or `IVAE` in a file and back."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from mutua.data.auxiliary import Auxiliary
from mutua.data.kept import keep_estimator, kept_estimator, misfit
from mutua.evaluation.sources.evidence import Agreement
from mutua.generative.linear import Bins, Modulated
from mutua.generative.rows import Affine
from mutua.generative.settings import checked_settings
from mutua.generative.variational import Variational

__all__ = ["Trial", "kept", "recalled"]

_LINEAR = ("matrix", "location", "scale", "laplace")


@dataclass(frozen=True)
class Trial:
    """One restart: its number of components, its seed, and its ELBO on the rows held out, in nats a row."""

    components: int
    seed: int
    elbo: float


def kept(model: Any, path: str | Path) -> None:
    """Write it."""
    u: Auxiliary | None = model.auxiliary_
    settings = {
        # As fitted: the weights are of these, whatever set_params has said since.
        "arguments": {**model._settings, "random_state": None},
        "names": list(map(str, getattr(model, "feature_names_in_", ()))),
        "components": model.method_.k,
        "trials": [[trial.components, trial.seed, trial.elbo] for trial in model.trials_],
        "noise": model.noise_,
        "elbo": model.elbo_,
        "classes": None if u is None or u.classes is None else u.classes.tolist(),
    }
    tensors = {f"method.{name}": value for name, value in model.method_.state_dict().items()}
    tensors |= {f"affine.{name}": getattr(model.affine_, name) for name in ("centre", "forward", "back")}
    if u is not None and u.centre is not None and u.spread is not None:
        tensors |= {"u.centre": u.centre, "u.spread": u.spread}
    if u is not None and u.index is not None:
        tensors["u.counts"] = np.bincount(u.index, minlength=u.count)
    if model.agreement_ is not None:
        tensors["agreement"] = model.agreement_.matrix
    if model.linear_ is not None:
        tensors |= _of_linear(model.linear_)
    keep_estimator(path, type(model).__name__, settings, tensors)


def recalled(cls: Any, path: str | Path) -> Any:
    """Read it. Raises `InputError` naming the file where it is none, or its parts don't fit together."""
    settings, arrays = kept_estimator(path, cls.__name__)
    try:
        return _rebuilt(cls, settings, arrays)
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise misfit(path, error) from None


def _rebuilt(cls: Any, settings: dict[str, Any], arrays: dict[str, np.ndarray]) -> Any:
    model = cls(**settings["arguments"])
    checked_settings(model)
    model._settings = model.get_params(deep=False)
    model.auxiliary_ = _auxiliary(settings["classes"], arrays)
    model.affine_ = Affine(*(arrays[f"affine.{name}"] for name in ("centre", "forward", "back")))
    model.agreement_ = _agreement(arrays.get("agreement"))
    model.linear_ = _linear(arrays)
    state = {name[7:]: torch.as_tensor(v) for name, v in arrays.items() if name.startswith("method.")}
    k = int(settings["components"])
    model.method_ = Variational(
        state["encoder.matrix"],
        model._prior(k, model.auxiliary_),
        hidden=model.hidden,
        layers=model.layers,
        activation=model.activation,
        **model._objective(1),
    )
    model.method_.load_state_dict(state)
    model.method_.eval()
    model.n_features_in_, model._n_features_out = len(model.affine_.centre), k
    model.noise_, model.elbo_ = float(settings["noise"]), float(settings["elbo"])
    model.trials_ = [Trial(int(a), int(b), float(c)) for a, b, c in settings["trials"]]
    model.history_ = []
    if settings.get("names"):
        model.feature_names_in_ = np.array(settings["names"], object)
    return model


def _auxiliary(classes: list[Any] | None, arrays: dict[str, np.ndarray]) -> Auxiliary | None:
    """u as the fit read it: its classes and how many rows each has, or where a vector's entries lie."""
    if classes is not None:
        counts = arrays["u.counts"]
        return Auxiliary(index=np.repeat(np.arange(len(counts)), counts), classes=np.array(classes))
    if "u.centre" in arrays:
        centre = arrays["u.centre"]
        return Auxiliary(vector=np.zeros((0, len(centre))), centre=centre, spread=arrays["u.spread"])
    return None


def _of_linear(linear: Modulated) -> dict[str, np.ndarray]:
    tensors = {f"linear.{name}": getattr(linear, name) for name in _LINEAR}
    if linear.bins is None:
        return tensors
    return tensors | {"linear.direction": linear.bins.direction, "linear.edges": linear.bins.edges}


def _linear(arrays: dict[str, np.ndarray]) -> Modulated | None:
    """What `_of_linear` gave; None in a file without."""
    if "linear.matrix" not in arrays:
        return None
    bins = Bins(arrays["linear.direction"], arrays["linear.edges"]) if "linear.edges" in arrays else None
    matrix, location, scale, laplace = (arrays[f"linear.{name}"] for name in _LINEAR)
    return Modulated(matrix, location, scale, laplace, bins)


def _agreement(matrix: np.ndarray | None) -> Agreement | None:
    """Of the MCC of every pair of restarts."""
    if matrix is None:
        return None
    every = matrix[np.triu_indices(len(matrix), 1)]
    return Agreement(float(every.mean()), float(every.min()), matrix)
