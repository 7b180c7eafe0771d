"""What `LinearICA` is given: densities and recordings, held to what can be used."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

from sklearn.exceptions import ConvergenceWarning

from mutua.estimators.rows import validated
from mutua.ica.linear import mne
from mutua.ica.linear.densities import Density
from mutua.ica.linear.density_checks import density_of
from mutua.ica.linear.recording import Recording
from mutua.types import InputError

__all__ = ["densities_of", "recording_of", "warn_unconverged"]


def recording_of(estimator: Any, x: Any, *, reset: bool, least: int | None = None) -> Recording:
    """X as a `Recording`: numeric, two-dimensional, finite. No copy of an array, memory-mapped or not.

    Args:
        reset: whether X sets the estimator's number and names of features, or is held to them.
        least: samples needed: 2 where X sets them, else 1.
    """
    if mne.is_mne(x):
        x = mne.samples_of(x)
    recording = Recording(validated(estimator, x, reset=reset, least=least or (2 if reset else 1)))
    recording.check_finite()
    return recording


def densities_of(choice: Any, k: int) -> list[Density] | None:
    """A density for each of k components; None for "auto"."""
    if isinstance(choice, str) and choice == "auto":
        return None
    if isinstance(choice, Sequence) and not isinstance(choice, str):
        if len(choice) != k:
            raise InputError(f"density: a list of {len(choice)} for {k} components; give one each, or one for all")
        return [density_of(one) for one in choice]
    return [density_of(choice)] * k


def warn_unconverged(estimator: Any, steps: int) -> None:
    """`ConvergenceWarning`, from the line that called fit."""
    warnings.warn(
        f"LinearICA: after {steps} steps of {estimator.solver!r} the largest relative gradient is "
        f"{estimator.gradient_:.3g}; raise max_iter (now {estimator.max_iter}) or tol, or see whether the sources "
        "are too Gaussian or too few samples to tell apart",
        ConvergenceWarning,
        stacklevel=4,
    )
