"""Settings of `Word2Vec`, held to what can be used."""

from __future__ import annotations

import math
from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.utils import check_random_state

from mutua.types import InputError
from mutua.words.subwords import Subwords

__all__ = ["checked_count", "checked_settings"]


# A window's rows and scores are kept beside it: 10,000 words to either side and 1,000 noise words fit.
_MOST = {"window": 10_000, "negatives": 1_000}


def checked_count(name: str, value: Any, most: int | None = None) -> None:
    """Raise `InputError` for what is no whole number of at least 1 and at most `most`."""
    if not isinstance(value, (int, np.integer)) or isinstance(value, bool) or value < 1:
        raise InputError(f"{name}: {value!r:.60}; use a whole number of at least 1")
    if most is not None and value > most:
        raise InputError(f"{name}: {value:,}; use {most:,} at most")


def checked_settings(estimator: Any) -> None:
    """Raise `InputError` for a setting out of its range, naming the range."""
    for name in ("vector_size", "window", "negatives", "epochs", "min_count", "max_words"):
        value = getattr(estimator, name)
        if name == "max_words" and value is None:
            continue
        checked_count(name, value, _MOST.get(name))
    for name in ("sample", "power", "learning_rate", "final_rate"):
        value = getattr(estimator, name)
        if not isinstance(value, Real) or not math.isfinite(value) or value < 0:
            raise InputError(f"{name}: {value!r:.60}; use a finite number of at least 0")
    if estimator.subwords is not None and not isinstance(estimator.subwords, Subwords):
        raise InputError(f"subwords: {estimator.subwords!r:.60}; use words.Subwords(), or None")
    if estimator.tokenizer is not None and not callable(estimator.tokenizer):
        raise InputError(f"tokenizer: {estimator.tokenizer!r:.60}; use a function of a text to its words, or None")
    if estimator.on_epoch is not None and not callable(estimator.on_epoch):
        raise InputError(f"on_epoch: {estimator.on_epoch!r:.60}; use a function of an epoch and its loss, or None")
    try:
        check_random_state(estimator.random_state)
    except (ValueError, TypeError):
        raise InputError(
            f"random_state: {estimator.random_state!r}; use a whole number from 0 to 4,294,967,295, or None"
        ) from None
    if estimator.n_jobs is not None and (not isinstance(estimator.n_jobs, Integral) or estimator.n_jobs == 0):
        raise InputError(f"n_jobs: {estimator.n_jobs!r}; use a number of threads, or -1 for all cores")
