"""Mutual information of discrete variables, from counts."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from jaxtyping import Int, Shaped

from mutua.data.store import reason
from mutua.information.estimators.ksg import array_of
from mutua.types import InputError

__all__ = ["histogram", "histogram_miller_madow"]

MEND = "leave such rows out, or give them a class of their own"


def histogram(x: Any, y: Any) -> float:
    """The plug-in: sum over cells of (c/n) log(c n / c_x c_y), in nats.

    x and y are arrays, tensors or lists of class numbers or any values that can be sorted, a row of several
    columns being one value. No bound: the plug-in reads high, under independence by about (m_x - 1)(m_y - 1)/2n,
    with m the numbers of values that occur, so that variables of nearly n values each always look informative. Of
    the order of n log n in time and n in memory, whatever the number of values.

    Raises `InputError` where x and y differ in length or are empty, for a single value, and for NaN, None and what
    else can't be sorted.

        >>> round(histogram(np.array([0, 0, 1, 1]), np.array([2, 2, 5, 5])), 4)
        0.6931
    """
    n_x, n_y, n_xy, own_x, own_y = _counts(x, y)
    n = int(n_xy.sum())
    return float((n_xy / n * (np.log(n_xy) + np.log(n) - np.log(n_x[own_x]) - np.log(n_y[own_y]))).sum())


def histogram_miller_madow(x: Any, y: Any) -> float:
    """`histogram` less the first-order bias: minus (m_xy - m_x - m_y + 1)/2n, in nats.

    m counts the values, and the cells, that occur. Each entropy H = -sum p log p reads low by about (m - 1)/2n;
    I = H_x + H_y - H_xy takes its three corrections. May come out below zero. Good while most cells hold several
    rows; with as many cells as rows no correction helps.

    Raises as `histogram` does.

    Paper: Miller 1955, Note on the bias of information estimates; Paninski 2003, Estimation of entropy and
    mutual information.
    """
    n_x, n_y, n_xy, _, _ = _counts(x, y)
    return histogram(x, y) - (len(n_xy) - len(n_x) - len(n_y) + 1) / (2 * int(n_xy.sum()))


def _counts(
    x: Any, y: Any
) -> tuple[
    Int[np.ndarray, " mx"],
    Int[np.ndarray, " my"],
    Int[np.ndarray, " mxy"],
    Int[np.ndarray, " mxy"],
    Int[np.ndarray, " mxy"],
]:
    """Counts of the values of x, of y, and of the cells that occur; then each cell's value of x and of y."""
    x, y = array_of(x, "histogram: x"), array_of(y, "histogram: y")
    if len(x) != len(y) or not len(x):
        raise InputError(f"histogram: x has {len(x)} rows and y has {len(y)}; give as many of each, at least one")
    (code_x, n_x), (code_y, n_y) = _codes(x, "histogram: x"), _codes(y, "histogram: y")
    cell, n_xy = np.unique(code_x * len(n_y) + code_y, return_counts=True)
    own_x, own_y = np.divmod(cell, len(n_y))
    return n_x, n_y, n_xy, own_x, own_y


def _codes(z: Shaped[np.ndarray, "n ..."], where: str) -> tuple[Int[np.ndarray, " n"], Int[np.ndarray, " m"]]:
    """Class number of each row, and the counts of the classes."""
    if z.dtype.kind in "fcmM":
        missing = (np.isnat(z) if z.dtype.kind in "mM" else np.isnan(z)).reshape(len(z), -1).any(1)
        if missing.any():
            raise InputError(f"{where}: NaN in row {int(missing.argmax())}; {MEND}")
    if z.dtype.kind == "O":
        return _codes_of_objects(z, where)
    axis = None if z.ndim == 1 else 0
    _, code, counts = np.unique(z, axis=axis, return_inverse=True, return_counts=True)
    return code.reshape(-1).astype(np.int64), counts


def _codes_of_objects(
    z: Shaped[np.ndarray, "n ..."], where: str
) -> tuple[Int[np.ndarray, " n"], Int[np.ndarray, " m"]]:
    """`_codes` column by column, as numpy sorts no rows of objects."""
    columns = z.reshape(len(z), -1).T
    for row, values in enumerate(columns.T):
        if any(value is None or (isinstance(value, float) and math.isnan(value)) for value in values):
            raise InputError(f"{where}: None or NaN in row {row}; {MEND}")
    try:
        codes = [np.unique(column, return_inverse=True)[1].reshape(-1) for column in columns]
    except (TypeError, ValueError) as error:
        raise InputError(f"{where}: can't be sorted ({reason(error)}); give class numbers or text") from error
    return _codes(np.stack(codes, 1), where)
