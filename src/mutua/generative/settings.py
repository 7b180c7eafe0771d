"""Arguments of the VAE family, judged."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np
import torch
from sklearn.utils import check_random_state

from mutua.generative.networks import ACTIVATIONS
from mutua.types import InputError, names

__all__ = ["checked_settings", "checked_size", "checked_weights", "device_of", "random_of", "sizes_of"]


def checked_settings(model: Any) -> None:
    """Raise `InputError` for an argument that the networks or their training can't use, naming it."""
    for name, least in {"hidden": 1, "layers": 0, "steps": 1, "batch": 2, "restarts": 1, "trial_steps": 1}.items():
        checked_size(name, getattr(model, name), least)
    for name in ("whiten", "means"):
        value = getattr(model, name, False)
        if not isinstance(value, (bool, np.bool_)):
            raise InputError(f"{name}={value!r}; give True or False")
    for name in ("noise", "lr"):
        value = getattr(model, name)
        if not isinstance(value, Real) or not 0 < float(value) < float("inf"):
            raise InputError(f"{name}={value!r}; give a number above 0")
    if not isinstance(model.held_out, Real) or not 0 < float(model.held_out) < 1:
        raise InputError(f"held_out={model.held_out!r}; give a share between 0 and 1")
    if not isinstance(model.activation, str) or model.activation not in ACTIVATIONS:
        raise InputError(f"activation={model.activation!r}; give one of {names(ACTIVATIONS)}")


def checked_size(name: str, value: Any, least: int) -> None:
    """Raise `InputError` where it is no whole number of `least` or more."""
    if not isinstance(value, Integral) or isinstance(value, bool) or value < least:
        raise InputError(f"{name}={value!r}; give a whole number of {least} or more")


def random_of(state: Any) -> np.random.RandomState:
    """The generator of a `random_state` as scikit-learn has it. Raises `InputError` where it is none."""
    try:
        return check_random_state(state)
    except (TypeError, ValueError):
        raise InputError(f"random_state={state!r}; give a whole number of 0 or more, or None") from None


def sizes_of(wanted: Any, d: int) -> list[int]:
    """Numbers of components to try: d for None, one, or several."""
    sizes = [d] if wanted is None else list(wanted) if isinstance(wanted, Sequence) else [wanted]
    for k in sizes:
        if not isinstance(k, Integral) or isinstance(k, bool) or not 1 <= int(k) <= d:
            raise InputError(f"n_components={wanted!r} for {d} channels; give 1 to {d}, several of them, or None")
    if not sizes:
        raise InputError("n_components: an empty list; name at least one size")
    return [int(k) for k in sizes]


def checked_weights(weights: Any) -> tuple[float, float, float, float] | None:
    """(a, b, c, d) of the decomposed bound, or None."""
    if weights is None:
        return None
    try:
        a, b, c, d = (float(w) for w in weights)
    except (TypeError, ValueError):
        raise InputError(f"weights={weights!r}; give four numbers (a, b, c, d), or None for the ELBO") from None
    if not all(0 <= w < float("inf") for w in (a, b, c, d)):
        raise InputError(f"weights={weights!r}; each must be finite and 0 or more")
    return a, b, c, d


def device_of(device: Any) -> str:
    """ "auto", "cpu" or "cuda" as training calls it: auto is CUDA where there is one."""
    if device not in ("auto", "cpu", "cuda"):
        raise InputError(f"device={device!r}; give 'auto', 'cpu' or 'cuda'")
    if device == "cuda" and not torch.cuda.is_available():
        raise InputError("device='cuda': no CUDA device is seen; give 'cpu' or 'auto'")
    return "cuda" if device != "cpu" and torch.cuda.is_available() else "cpu"
