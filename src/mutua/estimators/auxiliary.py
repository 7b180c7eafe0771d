"""The auxiliary variable u of nonlinear ICA, read: a class each row (segment, label), or a vector (time, past).

What can't be used is refused here, once for every method.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from numbers import Integral
from typing import Any

import numpy as np
from jaxtyping import Float, Int64

from mutua.data.labels import array_of
from mutua.data.sources.base import equal_segments
from mutua.types import InputError

__all__ = ["Auxiliary", "again", "auxiliary", "check_segments", "check_u", "onehot"]

_SEGMENT_ROWS, _MOST_SEGMENTS = 128, 256
"""Of segments that nobody gave: at least so many rows each, and at most so many of them."""


@dataclass(frozen=True)
class Auxiliary:
    """u of n rows.

    Args:
        index: (n,), 0 .. k-1, where u is discrete; else None.
        classes: (k,), the labels as given, ascending; `index` numbers them.
        vector: (n, du), where u is continuous, each column at mean 0 and deviation 1; else None.
        centre, spread: (du,), what `vector` was standardised by.
        given: False where nobody gave u and the rows were cut into equal segments.
    """

    index: Int64[np.ndarray, " n"] | None = None
    classes: np.ndarray | None = None
    vector: Float[np.ndarray, "n du"] | None = None
    centre: Float[np.ndarray, " du"] | None = None
    spread: Float[np.ndarray, " du"] | None = None
    given: bool = True

    @property
    def discrete(self) -> bool:
        return self.index is not None

    @property
    def count(self) -> int:
        """How many classes; 0 where u is a vector."""
        return 0 if self.classes is None else len(self.classes)

    @property
    def width(self) -> int:
        """Columns of `columns()`: the classes, or the entries of the vector."""
        return self.count if self.vector is None else self.vector.shape[1]

    def columns(self) -> Float[np.ndarray, "n width"]:
        """u as numbers: one-hot where it is discrete, else the standardised vector."""
        if self.index is not None:
            return onehot(self.index, self.count)
        assert self.vector is not None
        return self.vector

    def take(self, rows: Int64[np.ndarray, " m"]) -> Auxiliary:
        """u of some of the rows."""
        index = None if self.index is None else self.index[rows]
        return replace(self, index=index, vector=None if self.vector is None else self.vector[rows])

    def coding(self) -> tuple[list[Any] | None, dict[str, np.ndarray]]:
        """How it was read, for a file: the classes and how many rows each has, or what vectors are measured by."""
        if self.index is not None and self.classes is not None:
            return self.classes.tolist(), {"u.counts": np.bincount(self.index, minlength=self.count)}
        assert self.centre is not None
        assert self.spread is not None
        return None, {"u.centre": self.centre, "u.spread": self.spread}

    @classmethod
    def of_coding(cls, classes: list[Any] | None, arrays: Mapping[str, np.ndarray]) -> Auxiliary | None:
        """What `coding` told of; None where it told of nothing. The rows' own values aren't kept."""
        if classes is not None:
            counts = arrays.get("u.counts", np.zeros(len(classes), np.int64))
            return cls(np.repeat(np.arange(len(classes)), counts), np.array(classes))
        if "u.centre" not in arrays:
            return None
        centre = arrays["u.centre"]
        return cls(vector=np.zeros((0, len(centre))), centre=centre, spread=arrays["u.spread"])


def onehot(index: Int64[np.ndarray, " n"], count: int) -> Float[np.ndarray, "n count"]:
    """A row of zeros with a 1 at its class."""
    rows = np.zeros((len(index), count))
    rows[np.arange(len(index)), index] = 1.0
    return rows


# Any: segments come from an estimator, and are judged here.
def auxiliary(u: Any, n: int, *, segments: Any = None) -> Auxiliary:
    """Read u, the auxiliary variable of n rows.

    Whole numbers, booleans or strings (n,) are classes, and so are rows (n, k) with one 1 and zeros (one-hot; the
    class is the column). Floats (n,) or (n, du) are a vector. None cuts the rows, in their order, into equal
    `segments` with a UserWarning: as many as have 128 rows each, from 2 to 256, where no number is given.

    Raises `InputError`: u of another length, a single class, NaN or infinity, a constant column of a vector;
    segments that are no whole number of at least 2.
    """
    if segments is not None and (not isinstance(segments, Integral) or isinstance(segments, bool)):
        raise InputError(f"segments: {segments!r}; give a whole number of at least 2, or None")
    if u is None:
        count = max(2, min(_MOST_SEGMENTS, n // _SEGMENT_ROWS)) if segments is None else int(segments)
        if count < 2:
            raise InputError(f"segments: {count}; sources are told apart by what changes, give at least 2")
        warnings.warn(
            f"u was not given: {n} rows are cut, in their order, into {count} equal segments; this helps only "
            "where the rows are a recording whose sources change over time",
            UserWarning,
            stacklevel=3,
        )
        return Auxiliary(index=equal_segments(n, count), classes=np.arange(count), given=False)
    array = _array(u, n)
    if (labels := _labels(array)) is not None:
        classes, index = np.unique(labels, return_inverse=True)
        if len(classes) < 2:
            raise InputError(
                f"u: every row has the same value, {classes[0]!s}; give at least two segments or labels (with "
                "one, no nonlinear model is identified)"
            )
        return Auxiliary(index=index.reshape(-1).astype(np.int64), classes=classes)
    vector = _vector(array)
    if vector.shape[1] == 1 and len(np.unique(vector)) <= max(2, n // 10) and (vector == np.round(vector)).all():
        warnings.warn(
            "u: whole numbers given as floats are read as a quantity, as time is; give integers for segments or "
            "labels",
            UserWarning,
            stacklevel=3,
        )
    centre, spread = vector.mean(0), vector.std(0)
    # The rounding of a mean is no variation.
    constant = np.flatnonzero(spread <= 1e-12 * np.abs(vector).max(0))
    if len(constant):
        raise InputError(f"u: column {int(constant[0])} is constant and tells nothing apart; leave it out")
    return Auxiliary(vector=(vector - centre) / spread, centre=centre, spread=spread)


def again(u: Any, n: int, fitted: Auxiliary) -> Auxiliary:
    """u of n other rows, coded as `fitted` was.

    None is accepted only where `fitted` cut as many rows into segments itself: then these are cut alike.

    Raises `InputError`: no u, u of another length or kind, NaN, and a class that was not there when it was fitted.
    """
    if u is None:
        if fitted.given or fitted.index is None or len(fitted.index) != n:
            raise InputError("u: none given; give the segment, label or vector of each row, as for the fit")
        return fitted
    array = _array(u, n)
    if fitted.centre is not None and fitted.spread is not None:
        vector = _vector(array)
        if vector.shape[1] != len(fitted.centre):
            raise InputError(f"u: {vector.shape[1]} columns, but the fit had {len(fitted.centre)}; give the same")
        return Auxiliary(
            vector=(vector - fitted.centre) / fitted.spread, centre=fitted.centre, spread=fitted.spread
        )
    labels = _labels(array)
    classes = fitted.classes
    if labels is None or classes is None:
        raise InputError(f"u: a vector, but the fit had {fitted.count} classes; give a class for each row")
    if (labels.dtype.kind in "US") != (classes.dtype.kind in "US"):
        raise InputError(
            f"u: of type {labels.dtype}, but {classes.dtype} in the fit; give labels of the same kind"
        )
    at = np.minimum(np.searchsorted(classes, labels), len(classes) - 1)
    unseen = np.flatnonzero(classes[at] != labels)
    if len(unseen):
        raise InputError(
            f"u: {labels[unseen[0]]!s} in row {int(unseen[0])} was not among the {len(classes)} classes of the "
            "fit; transform such rows without u, or fit with them"
        )
    return Auxiliary(index=at.astype(np.int64), classes=classes)


def check_u(u: Any, n: int) -> None:
    """Raise `InputError` as `auxiliary` does for a u that n rows can't have, where u is given but not used."""
    if u is not None:
        _labels(_array(u, n))


def check_segments(index: Int64[np.ndarray, " n"], d: int) -> None:
    """Raise `InputError` where a class has no more rows than there are channels: its covariance is singular."""
    counts = np.bincount(index)
    short = int(np.where(counts > 0, counts, counts.max() + 1).argmin())
    if counts[short] <= d:
        raise InputError(
            f"u: segment {short} has {int(counts[short])} rows for {d} channels; use fewer, longer segments or "
            "more rows"
        )


def _array(u: Any, n: int) -> np.ndarray:
    """u as an array (n,) or (n, k) of classes or numbers."""
    array = array_of(u, "u")
    if array.ndim not in (1, 2) or array.size == 0:
        raise InputError(f"u: shape {array.shape}; give one value for each row, (n,), or one vector, (n, du)")
    if len(array) != n:
        raise InputError(f"u: {len(array)} values for {n} rows of X; give one for each row")
    if array.dtype.kind == "O":
        kinds = {type(value) for value in array.ravel().tolist()}
        if not all(issubclass(kind, (str, int, bool, np.integer)) for kind in kinds):
            other = next(kind for kind in kinds if not issubclass(kind, (str, int, bool, np.integer)))
            raise InputError(f"u: holds a {other.__name__}; give whole numbers, strings or floats")
        array = array.astype(str) if str in kinds else array.astype(np.int64)
    if array.dtype.kind == "M":
        if np.isnat(array).any():
            raise InputError(f"u: no time in row {int(np.isnat(array).nonzero()[0][0])}; leave such rows out")
        array = (array - np.datetime64(0, "s")) / np.timedelta64(1, "s")
    if array.dtype.kind not in "iubUSf":
        raise InputError(f"u: of type {array.dtype}; give whole numbers, strings or floats")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        row = int(np.argwhere(~np.isfinite(array))[0, 0])
        raise InputError(f"u: NaN or infinity in row {row}; leave such rows out")
    return array


def _labels(array: np.ndarray) -> np.ndarray | None:
    """The class of each row, or None where u is a vector."""
    if array.ndim == 1 or array.shape[1] == 1:
        return array.reshape(-1) if array.dtype.kind != "f" else None
    if array.dtype.kind in "US":
        raise InputError(f"u: strings of shape {array.shape}; give one label for each row, (n,)")
    if ((array == 0) | (array == 1)).all() and (array.sum(1) == 1).all():
        return array.argmax(1)
    return None


def _vector(array: np.ndarray) -> Float[np.ndarray, "n du"]:
    if array.dtype.kind in "US":
        raise InputError("u: strings, but the fit had a vector; give numbers")
    return array.astype(np.float64).reshape(len(array), -1)
