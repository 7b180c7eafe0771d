"""Rows X as estimators read them: what can't be used is refused in one line."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from jaxtyping import Float
from sklearn.utils.validation import validate_data

from mutua.data.labels import as_array
from mutua.types import InputError

__all__ = ["LARGEST", "as_array", "checked_rows", "finite_rows", "rows_of", "validated"]

LARGEST = 1e100
"""Rows of larger numbers are refused: their squares, and sums of these, would overflow."""


def rows_of(estimator: Any, x: Any, *, reset: bool) -> Float[np.ndarray, "n d"]:
    """X, array or tensor, as float64: see `checked_rows`.

    reset: whether X sets the estimator's number and names of features, or is held to them.
    """
    least = 2 if reset else 1
    return checked_rows(validated(estimator, x, reset=reset, least=least), least=least)


def validated(estimator: Any, x: Any, *, reset: bool, least: int, dtype: Any = "numeric") -> Any:
    """X as scikit-learn checks it, whose refusals become an `InputError` of one line, in its own words.

    But `TypeError` of objects that are no numbers stays one, as its conventions ask.
    """
    try:
        return validate_data(
            estimator, as_array(x), reset=reset, dtype=dtype, ensure_all_finite=False, ensure_min_samples=least
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


def finite_rows(values: np.ndarray, name: str = "X") -> np.ndarray:
    """What a model makes of rows. Raises `InputError` naming the first row where it is not finite."""
    if not (good := np.isfinite(values)).all():
        row = int(np.argwhere(~good)[0, 0])
        raise InputError(
            f"{name}: row {row} is too large: what the model makes of it is not finite; scale as for the fit"
        )
    return values


def checked_rows(X: Any, *, name: str = "X", least: int = 2) -> Float[np.ndarray, "n d"]:
    """X as float64 rows (n, d), an array or a torch tensor.

    Raises `InputError`: not two-dimensional, not real numbers, fewer than `least` rows, NaN or infinity (in which
    row and channel), numbers beyond 1e100, a constant channel (which; not asked of a single row).
    """
    try:
        array = np.asarray(as_array(X))
        if array.dtype.kind == "c":
            raise InputError(f"{name}: complex numbers; give real ones, such as both parts as channels")
        rows = array.astype(np.float64, copy=False)
    except (TypeError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{name}: not an array of numbers; give rows by channels, (n, d)") from None
    if rows.ndim != 2 or rows.shape[1] == 0:
        raise InputError(f"{name}: shape {rows.shape}; give rows by channels, (n, d)")
    if len(rows) < least:
        raise InputError(f"{name}: {len(rows)} rows; at least {least} are needed")
    finite = np.isfinite(rows)
    if not finite.all():
        row, column = map(int, np.argwhere(~finite)[0])
        raise InputError(f"{name}: NaN or infinity in row {row}, channel {column}; remove or impute such rows")
    if (largest := np.abs(rows).max(initial=0.0)) > LARGEST:
        raise InputError(f"{name}: too large: {largest:.3g} and its square overflow; give other units")
    if len(rows) > 1:
        constant = np.flatnonzero(np.ptp(rows, axis=0) == 0)
        if len(constant) and least > 1:
            raise InputError(f"{name}: channel {int(constant[0])} is constant; leave it out")
    return rows
