"""The two sides as the families of probes take them: z (n, d) and classes or numbers y, checked once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int64

from mutua.data.labels import as_array
from mutua.types import InputError

__all__ = ["Target", "codes_of", "representation", "target"]


@dataclass(frozen=True)
class Target:
    """y: `codes` (n,) of k classes, or `values` (n, k) of k columns of numbers."""

    k: int
    codes: Int64[np.ndarray, " n"] | None = None
    values: Float[np.ndarray, "n k"] | None = None

    @property
    def discrete(self) -> bool:
        return self.codes is not None

    def __len__(self) -> int:
        side = self.codes if self.codes is not None else self.values
        assert side is not None
        return len(side)

    def rows(self, index: np.ndarray) -> Target:
        """Some of the rows."""
        if self.codes is not None:
            return Target(self.k, codes=self.codes[index])
        assert self.values is not None
        return Target(self.k, values=self.values[index])


def representation(z: Any, name: str = "z") -> Float[np.ndarray, "n d"]:
    """z as float32 (n, d): one dimension is one column, more are flattened.

    Raises `InputError` for what is no array of real numbers, has no rows, or has NaN or infinity.
    """
    try:
        x = np.asarray(as_array(z))
        if x.dtype.kind not in "biuf":
            raise TypeError
    except (TypeError, ValueError):
        raise InputError(f"{name}: not an array of real numbers; give rows by columns, (n, d)") from None
    if x.ndim == 0 or 0 in x.shape:
        raise InputError(f"{name}: shape {x.shape}; give rows by columns, (n, d)")
    x = x.reshape(len(x), -1).astype(np.float32)
    if not (finite := np.isfinite(x)).all():
        row, column = map(int, np.argwhere(~finite)[0])
        raise InputError(f"{name}: NaN or infinity in row {row}, column {column}; leave out or impute such rows")
    return x


def target(y: Any, n: int, discrete: bool | None = None, name: str = "y") -> Target:
    """y as classes or as numbers: whole numbers, booleans and names are classes unless `discrete` is False.

    Raises `InputError` for a length other than n, NaN or infinity, a column that is constant, and one class.
    """
    array = np.asarray(as_array(y))
    if array.dtype == object:
        array = array.astype(str)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim == 0 or len(array) != n:
        raise InputError(
            f"{name}: {len(array) if array.ndim else 'no'} rows where z has {n}; give pairs, row by row"
        )
    whole = array.dtype.kind in "biuUS"
    if discrete if discrete is not None else whole and array.ndim == 1:
        if array.ndim != 1:
            raise InputError(f"{name}: shape {array.shape}; give one class a row, (n,)")
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise InputError(f"{name}: NaN or infinity among the classes; leave out rows without a label")
        found, codes = np.unique(array, return_inverse=True)
        if len(found) < 2:
            raise InputError(f"{name}: only the class {found[0]}; there is nothing to tell, give at least two")
        if len(found) > n // 2:
            raise InputError(
                f"{name}: {len(found)} classes in {n} rows; give classes that repeat, or discrete=False"
            )
        return Target(len(found), codes=codes.astype(np.int64))
    if array.dtype.kind not in "biuf" or array.ndim > 2:
        raise InputError(f"{name}: {array.dtype} of shape {array.shape}; give classes (n,) or numbers (n, k)")
    values = array.reshape(n, -1).astype(np.float64)
    if not np.isfinite(values).all():
        row = int(np.argwhere(~np.isfinite(values))[0, 0])
        raise InputError(f"{name}: NaN or infinity in row {row}; leave out or impute such rows")
    if (still := np.flatnonzero(np.ptp(values, axis=0) == 0)).size:
        raise InputError(f"{name}: column {int(still[0])} is constant; there is nothing to tell, leave it out")
    return Target(values.shape[1], values=values)


def codes_of(y: Any, n: int, name: str = "y") -> Target:
    """y as classes, for what is measured of classes alone."""
    found = target(y, n, name=name)
    if not found.discrete:
        raise InputError(
            f"{name}: numbers, whose code has no uniform start; give classes, or use usable_information"
        )
    return found
