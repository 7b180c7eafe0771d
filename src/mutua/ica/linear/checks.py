"""What `LinearICA` is given: settings, densities and recordings, held to what can be used."""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Mapping, Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np
from jaxtyping import Float
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import validate_data

from mutua.data.auxiliary import as_array, checked_rows
from mutua.ica.linear import mne
from mutua.ica.linear.densities import Density
from mutua.ica.linear.density_checks import density_of
from mutua.ica.linear.recording import Recording
from mutua.types import InputError, names

__all__ = ["checked_settings", "densities_of", "recording_of", "rows_of", "warn_unconverged"]


def recording_of(estimator: Any, x: Any, *, reset: bool, least: int | None = None) -> Recording:
    """X as a `Recording`: numeric, two-dimensional, finite. No copy of an array, memory-mapped or not.

    Args:
        reset: whether X sets the estimator's number and names of features, or is held to them.
        least: samples needed: 2 where X sets them, else 1.
    """
    if mne.is_mne(x):
        x = mne.samples_of(x)
    recording = Recording(_validated(estimator, x, reset=reset, least=least or (2 if reset else 1)))
    recording.check_finite()
    return recording


def rows_of(estimator: Any, x: Any, *, reset: bool) -> Float[np.ndarray, "n d"]:
    """X, array or tensor, as the nonlinear estimators read it: float64, see `checked_rows`; `reset` as above."""
    least = 2 if reset else 1
    return checked_rows(_validated(estimator, x, reset=reset, least=least), least=least)


def _validated(estimator: Any, x: Any, *, reset: bool, least: int) -> Any:
    """X as scikit-learn checks it, whose refusals become an `InputError` of one line, in its own words.

    But `TypeError` of objects that are no numbers stays one, as its conventions ask.
    """
    try:
        return validate_data(
            estimator, as_array(x), reset=reset, dtype="numeric", ensure_all_finite=False, ensure_min_samples=least
        )
    except (TypeError, ValueError) as error:
        if isinstance(error, TypeError) and "sparse" not in str(error).lower():
            raise
        # Some words quote the array, whole.
        told = str(error)
        if told.startswith("Complex data not supported"):
            told = "Complex data not supported; give real numbers, such as both parts as channels"
        told = re.sub(r":\s*array=.*?(?=Reshape)", "; ", told, flags=re.DOTALL)
        raise InputError(f"X: {' '.join(told.split())}") from None


def densities_of(choice: Any, k: int) -> list[Density] | None:
    """A density for each of k components; None for "auto"."""
    if isinstance(choice, str) and choice == "auto":
        return None
    if isinstance(choice, Sequence) and not isinstance(choice, str):
        if len(choice) != k:
            raise InputError(f"density: a list of {len(choice)} for {k} components; give one each, or one for all")
        return [density_of(one) for one in choice]
    return [density_of(choice)] * k


def checked_settings(estimator: Any, solvers: Mapping[str, Any]) -> None:
    """Raise `InputError` for a setting out of its range, naming the range."""
    if not isinstance(estimator.solver, str) or estimator.solver not in solvers:
        raise InputError(f"solver: no {estimator.solver!r}; use one of {names(solvers)}")
    for name in ("n_components", "max_iter", "batch_size", "modulation"):
        value = getattr(estimator, name)
        if name in ("n_components", "modulation") and value is None:
            continue
        if not isinstance(value, Integral) or isinstance(value, bool) or value < 1:
            raise InputError(f"{name}: {value!r}; use a whole number of at least 1")
    if estimator.n_components is not None and estimator.n_components > estimator.n_features_in_:
        raise InputError(
            f"n_components: {estimator.n_components} of {estimator.n_features_in_} channels; ask for no more than "
            "there are"
        )
    for name in ("tol", "learning_rate", "memory_bytes"):
        value = getattr(estimator, name)
        if not isinstance(value, Real) or not math.isfinite(value) or value < 0:
            raise InputError(f"{name}: {value!r}; use a finite number of at least 0")


def warn_unconverged(estimator: Any, steps: int) -> None:
    """`ConvergenceWarning`, from the line that called fit."""
    warnings.warn(
        f"LinearICA: after {steps} steps of {estimator.solver!r} the largest relative gradient is "
        f"{estimator.gradient_:.3g}; raise max_iter (now {estimator.max_iter}) or tol, or see whether the sources "
        "are too Gaussian or too few samples to tell apart",
        ConvergenceWarning,
        stacklevel=4,
    )
