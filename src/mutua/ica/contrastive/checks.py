"""Settings of the contrastive estimators, held to what can be used."""

from __future__ import annotations

import math
from numbers import Integral, Real
from typing import Any

import numpy as np

from mutua.ica.contrastive.networks import NETWORKS
from mutua.types import InputError, names

__all__ = ["checked_settings"]


def checked_settings(estimator: Any) -> None:
    """Raise `InputError` for a setting out of its range, naming the range."""
    least = {"layers": 1, "width": 1, "max_iter": 1, "batch_size": 2, "restarts": 1, "random_state": 0}
    for name, low in least.items():
        value = getattr(estimator, name)
        if name == "width" and value is None:
            continue
        if not isinstance(value, Integral) or isinstance(value, bool) or value < low:
            raise InputError(f"{name}: {value!r}; use a whole number of at least {low}")
    if estimator.random_state >= 2**32:
        raise InputError(f"random_state: {estimator.random_state}; use a whole number below 4,294,967,296")
    if not isinstance(estimator.baseline, (bool, np.bool_)):
        raise InputError(f"baseline: {estimator.baseline!r}; use True or False")
    k = estimator.n_components
    if k is not None and k != "auto" and (not isinstance(k, Integral) or isinstance(k, bool) or k < 1):
        raise InputError(f"n_components: {k!r}; use a whole number of at least 1, None or 'auto'")
    rate = estimator.learning_rate
    if not isinstance(rate, Real) or not math.isfinite(rate) or rate <= 0:
        raise InputError(f"learning_rate: {rate!r}; use a finite number above 0")
    if (
        not isinstance(estimator.decorrelate, Real)
        or not math.isfinite(estimator.decorrelate)
        or float(estimator.decorrelate) < 0
    ):
        raise InputError(f"decorrelate: {estimator.decorrelate!r}; use a finite number of at least 0")
    if not isinstance(estimator.validation, Real) or not 0 <= float(estimator.validation) < 1:
        raise InputError(f"validation: {estimator.validation!r}; use a share of the rows in [0, 1)")
    if estimator.validation == 0 and (k == "auto" or estimator.restarts > 1):
        raise InputError("validation: 0 leaves no rows to choose restarts or n_components by; use 0.1 or so")
    if not isinstance(estimator.network, str) or estimator.network not in NETWORKS:
        raise InputError(f"network: no {estimator.network!r}; use one of {names(NETWORKS)}")
