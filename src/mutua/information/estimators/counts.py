"""Mutual information of discrete variables, from counts."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from jaxtyping import Int, Shaped
from scipy.special import digamma, exp1

from mutua.data.store import reason
from mutua.information.estimators.ksg import array_of
from mutua.types import InputError

__all__ = [
    "coverage_entropy",
    "entropies",
    "grassberger_entropy",
    "histogram",
    "histogram_miller_madow",
    "plug_in_entropy",
]

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


def plug_in_entropy(counts: Int[np.ndarray, " m"]) -> float:
    """-sum p log p of counts, none of them 0, in nats."""
    share = counts / counts.sum()
    return float(-(share * np.log(share)).sum())


def grassberger_entropy(counts: Int[np.ndarray, " m"]) -> float:
    """log n - sum c G(c)/n, G(c) = psi(c) + (-1)^c/2 [psi((c + 1)/2) - psi(c/2)], in nats; counts are not 0.

    Paper: Grassberger 2003, Entropy estimates from insufficient samplings, arXiv:physics/0307138.
    """
    n, c = int(counts.sum()), counts.astype(float)
    sign = np.where(counts % 2 == 0, 1.0, -1.0)
    terms = digamma(c) + 0.5 * sign * (digamma((c + 1) / 2) - digamma(c / 2))
    return math.log(n) - float((c * terms).sum()) / n


def coverage_entropy(counts: Int[np.ndarray, " m"]) -> float:
    """Chao, Wang and Jost's estimator, in nats; counts are not 0.

    H = sum c/n [psi(n) - psi(c)] + (f1/n) sum_{j >= 0} (1 - A)^(j + 1)/(n + j), A = 2 f2 / ((n - 1) f1 + 2 f2),
    where
    f1 and f2 values occur once and twice: what values not seen add, as the curve of new values over rows goes on.
    Nearly unbiased down to a row a value.

    Paper: Chao, Wang and Jost 2013, Entropy and the species accumulation curve, Methods in Ecology and Evolution
    4.
    """
    n, c = int(counts.sum()), counts.astype(float)
    once, twice = int((counts == 1).sum()), int((counts == 2).sum())
    seen = float((c / n * (digamma(n) - digamma(c))).sum())
    if not once or n < 2:
        return seen
    if twice:
        a = 2 * twice / ((n - 1) * once + 2 * twice)
    else:
        a = 2 / ((n - 1) * (once - 1) + 2)
    return seen + once / n * _tail(1 - a, n)


def entropies(x: Int[np.ndarray, " n"], y: Int[np.ndarray, " n"]) -> float:
    """I(X; Y) of class numbers from `coverage_entropy` of both and of the cells, in nats; may be below zero."""
    n_x, n_y, n_xy, _, _ = _counts(x, y)
    return coverage_entropy(n_x) + coverage_entropy(n_y) - coverage_entropy(n_xy)


def _tail(q: float, n: int) -> float:
    """sum_{j >= 0} q^(j + 1)/(n + j): by Euler and Maclaurin where it is long, the integral being e^u E1(u)."""
    if q <= 0:
        return 0.0
    rate = -math.log(q)
    if rate > 1e-3:
        j = np.arange(min(int(40 / rate) + 2, 50_000))
        return float((q ** (j + 1) / (n + j)).sum())
    u = rate * n
    integral = math.exp(u) * float(exp1(u)) if u < 600 else 1 / u - 1 / u**2
    return q * (integral + 0.5 / n + (rate / n + 1 / n**2) / 12)


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
