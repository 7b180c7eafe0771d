"""What `LinearICA` is given: densities and recordings, held to what can be used."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from mutua.estimators.rows import validated
from mutua.ica.linear import mne
from mutua.ica.linear.densities import Density
from mutua.ica.linear.density_checks import density_of
from mutua.ica.linear.recording import Recording
from mutua.types import InputError

__all__ = ["channels_of", "densities_of", "numbers_of", "recording_of", "warn_rounding", "warn_unconverged"]


def recording_of(
    estimator: Any, x: Any, *, reset: bool, least: int | None = None, whole: bool = False
) -> Recording:
    """X as a `Recording`: numeric, two-dimensional, finite. No copy of an array, memory-mapped or not.

    Of MNE's objects: the channels that `mne.chosen` names, in the order of the model.

    Args:
        reset: whether X sets the estimator's number and names of features, or is held to them.
        least: samples needed: 2 where X sets them, else 1.
        whole: whether segments that are annotated BAD are kept.
    """
    least = least or (2 if reset else 1)
    if not mne.is_mne(x):
        recording = Recording(validated(estimator, x, reset=reset, least=least))
        recording.check_finite()
        return recording
    fitted = None if reset else channels_of(estimator)
    reduced = reset and getattr(estimator, "n_components", None) is not None
    names = mne.chosen(x, fitted, reduced=reduced)
    samples = mne.samples_of(x, names, whole=whole)
    with warnings.catch_warnings():
        # The names were looked at above; scikit-learn, which sees an array, misses them.
        warnings.filterwarnings("ignore", "X does not have valid feature names")
        recording = Recording(validated(estimator, samples, reset=reset, least=least), names or ())
    recording.check_finite()
    if reset and names is not None:
        estimator.feature_names_in_ = np.array(names, object)
    return recording


def channels_of(estimator: Any) -> list[str] | None:
    """The names of the channels that an estimator was fitted on, where it was told them."""
    found = getattr(estimator, "feature_names_in_", None)
    return None if found is None else list(map(str, found))


def numbers_of(components: Any, k: int) -> list[int]:
    """Numbers of components, sorted: of one, of several, or of a mask of k booleans.

    Raises `InputError` for what is none of 0 .. k - 1: a fraction, a mask of another length, text.
    """
    mend = f"give numbers from 0 to {k - 1}, or {k} booleans"
    try:
        array = np.atleast_1d(np.asarray(components if not isinstance(components, set) else sorted(components)))
    except (TypeError, ValueError):
        raise InputError(f"components: {components!r}; {mend}") from None
    if array.ndim != 1 or (array.size and array.dtype.kind not in "iub"):
        raise InputError(f"components: {components!r}; {mend}")
    if array.dtype.kind == "b":
        if len(array) != k:
            raise InputError(f"components: a mask of {len(array)} for {k} components; {mend}")
        return [int(i) for i in np.flatnonzero(array)]
    out = sorted({int(i) for i in array})
    if out and not 0 <= out[0] <= out[-1] < k:
        raise InputError(f"components: {out} asked for, but they are numbered 0 to {k - 1}; use those numbers")
    return out


def densities_of(choice: Any, k: int) -> list[Density] | None:
    """A density for each of k components; None for "auto"."""
    if isinstance(choice, str) and choice == "auto":
        return None
    if isinstance(choice, Sequence) and not isinstance(choice, str):
        if len(choice) != k:
            raise InputError(f"density: a list of {len(choice)} for {k} components; give one each, or one for all")
        return [density_of(one) for one in choice]
    return [density_of(choice)] * k


def warn_rounding(directions: int, channels: int, components: int) -> None:
    """`UserWarning`, from the line that called fit."""
    warnings.warn(
        f"LinearICA: {directions} of {channels} directions of X vary no more than the rounding of its numbers "
        f"does, so that the last of {components} components is no source; n_components={channels - directions} "
        "leaves such out",
        UserWarning,
        stacklevel=4,
    )


def warn_unconverged(estimator: Any, steps: int) -> None:
    """`ConvergenceWarning`, from the line that called fit."""
    warnings.warn(
        f"LinearICA: after {steps} steps of {estimator.solver!r} the largest relative gradient is "
        f"{estimator.gradient_:.3g}; raise max_iter (now {estimator.max_iter}) or tol, or see whether the sources "
        "are too Gaussian or too few samples to tell apart",
        ConvergenceWarning,
        stacklevel=4,
    )
