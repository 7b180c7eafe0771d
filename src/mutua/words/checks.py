"""Settings of `Word2Vec`, held to what can be used."""

from __future__ import annotations

import math
from numbers import Integral, Real
from typing import Any

from mutua.types import InputError

__all__ = ["checked_settings"]


def checked_settings(estimator: Any) -> None:
    """Raise `InputError` for a setting out of its range, naming the range."""
    for name in ("vector_size", "window", "negatives", "epochs", "min_count", "max_words"):
        value = getattr(estimator, name)
        if name == "max_words" and value is None:
            continue
        if not isinstance(value, Integral) or isinstance(value, bool) or value < 1:
            raise InputError(f"{name}: {value!r}; use a whole number of at least 1")
    for name in ("sample", "power", "learning_rate", "final_rate"):
        value = getattr(estimator, name)
        if not isinstance(value, Real) or not math.isfinite(value) or value < 0:
            raise InputError(f"{name}: {value!r}; use a finite number of at least 0")
    if estimator.n_jobs is not None and (not isinstance(estimator.n_jobs, Integral) or estimator.n_jobs == 0):
        raise InputError(f"n_jobs: {estimator.n_jobs!r}; use a number of threads, or -1 for all cores")
