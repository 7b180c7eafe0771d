"""Settings of `FlowICA`, held to what can be used."""

from __future__ import annotations

import math
from numbers import Integral, Real
from typing import Any

from mutua.ica.flow.makes import MAKES
from mutua.types import InputError, names

__all__ = ["PRIORS", "checked_settings", "checked_size"]

PRIORS = ("gaussian", "laplace")


def checked_settings(estimator: Any) -> None:
    """Raise `InputError` for a setting out of its range, naming the range."""
    least = {"knees": 1, "max_iter": 1, "batch_size": 1, "restarts": 1, "finalists": 1, "random_state": 0}
    for name, low in least.items():
        checked_size(name, getattr(estimator, name), low)
    for name, low in {"n_components": 1, "layers": 0}.items():
        if getattr(estimator, name) is not None:
            checked_size(name, getattr(estimator, name), low, ", or None")
    if not isinstance(estimator.make, str) or estimator.make not in MAKES:
        raise InputError(f"make: no {estimator.make!r}; use one of {names(MAKES)}")
    if not isinstance(estimator.prior, str) or estimator.prior not in PRIORS:
        raise InputError(f"prior: no {estimator.prior!r}; use one of {names(PRIORS)}")
    for name in ("past", "use_u"):
        if not isinstance(getattr(estimator, name), bool):
            raise InputError(f"{name}: {getattr(estimator, name)!r}; use True or False")
    rate = estimator.learning_rate
    if not isinstance(rate, Real) or not math.isfinite(rate) or rate <= 0:
        raise InputError(f"learning_rate: {rate!r}; use a finite number above 0")
    share = estimator.validation
    if not isinstance(share, Real) or not 0 <= float(share) < 1:
        raise InputError(f"validation: {share!r}; use a share of the rows in [0, 1)")


def checked_size(name: str, value: Any, low: int, otherwise: str = "") -> None:
    """Raise `InputError` where it is no whole number of at least `low`."""
    if not isinstance(value, Integral) or isinstance(value, bool) or value < low:
        raise InputError(f"{name}: {value!r}; use a whole number of at least {low}{otherwise}")
