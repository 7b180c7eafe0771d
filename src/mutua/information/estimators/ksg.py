"""Mutual information from the distances to nearest neighbours: no network, nothing to train.

All functions take x and y of n rows, one column (n,) or several (n, d), as arrays, tensors or lists, and return
nats. Columns are first scaled to a deviation of one: that changes no information, and lets distances in x and y be
compared.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from jaxtyping import Float, Int, Shaped
from scipy.spatial import cKDTree
from scipy.spatial.distance import cdist
from scipy.special import digamma

from mutua.data.store import reason
from mutua.estimators.rows import as_array
from mutua.types import InputError

__all__ = ["array_of", "entropy", "ksg", "ksg_labels", "ksg_mixed", "ksg_pointwise", "numbers"]

# Above this many columns a tree visits nearly every pair, and plain distances, chunk by chunk, are faster.
TREE_COLUMNS = 10
CHUNK_CELLS = 4_000_000


def ksg(x: Any, y: Any, k: int = 3) -> float:
    """Kraskov, Stögbauer and Grassberger's first estimator: psi(k) + psi(n) - <psi(n_x + 1) + psi(n_y + 1)>.

    eps_i is the distance (max-norm over all columns of x and y) to the k-th neighbour of row i; n_x counts the
    other rows whose x is strictly nearer than eps_i, n_y likewise. No bound. Nearly unbiased in few columns, and
    zero on average under independence as far as its authors' simulations tell, which is a finding on numbers and
    not a theorem; reads low where the information is high or x and y have many columns (it needs a number of rows
    that grows with exp I). May come out a little below zero.

    Raises `InputError` where k or more rows are equal to a row (the estimator is for continuous variables; use
    `ksg_mixed`), for k that isn't a whole number in 1..n-1, for sides of different lengths, and for what aren't
    real and finite numbers.

    Paper: Kraskov, Stögbauer and Grassberger 2004, Estimating mutual information, arXiv:cond-mat/0305641,
    equation 8.
    """
    return float(ksg_pointwise(x, y, k).mean())


def ksg_pointwise(x: Any, y: Any, k: int = 3) -> Float[np.ndarray, " n"]:
    """The terms whose mean is `ksg`: psi(k) + psi(n) - psi(n_x + 1) - psi(n_y + 1) of each row, (n,).

    Neighbouring rows share neighbours, so the terms are not independent: their deviation over root n is too
    small for an error bar. Raises as `ksg` does.

    Paper: Kraskov, Stögbauer and Grassberger 2004, arXiv:cond-mat/0305641; Lord, Sun and Bollt 2018 for local
    terms.
    """
    a, b = _columns("ksg", x, y, k)
    radius = _radius(a, b, k)  # (n,)
    tied = int((radius == 0).sum())
    if tied:
        raise InputError(
            f"ksg: {tied} of {len(a)} rows have at least {k} exact copies, where it needs continuous values; "
            "use ksg_mixed, which allows ties"
        )
    inside_a, inside_b = _inside(a, radius), _inside(b, radius)  # (n,), (n,): each counts the row itself
    return digamma(k) + digamma(len(a)) - digamma(inside_a) - digamma(inside_b)


def ksg_mixed(x: Any, y: Any, k: int = 3) -> float:
    """After Gao et al., for mixtures of discrete and continuous: <psi(k_i) + log n - psi(m_x) - psi(m_y)>.

    That is what the authors' program computes; the paper writes log for psi in the last two terms.

    Where the k-th neighbour of row i is at distance zero, k_i, m_x and m_y count the rows equal to it (itself
    included) in both, in x, and in y; elsewhere k_i = k, and m_x and m_y are the n_x + 1 and n_y + 1 of `ksg`.
    Continuous variables give `ksg` but for psi(n) against log n; discrete ones the plug-in of counts but for
    psi against log. No bound; consistent for mixtures, also within one variable (zero-inflated counts).

    Raises `InputError` for k that isn't a whole number in 1..n-1, for sides of different lengths, and for what
    aren't real and finite numbers.

    Paper: Gao, Kannan, Oh and Viswanath 2017, Estimating mutual information for discrete-continuous mixtures,
    arXiv:1709.06212.
    """
    a, b = _columns("ksg_mixed", x, y, k)
    n = len(a)
    radius = _radius(a, b, k)  # (n,)
    tied = radius == 0
    copies_a, copies_b, copies = (_copies(z) for z in (a, b, np.hstack([a, b])))  # (n,) each
    near = np.where(tied, copies, k)
    inside_a = np.where(tied, copies_a, _inside(a, radius))
    inside_b = np.where(tied, copies_b, _inside(b, radius))
    return float((digamma(near) + np.log(n) - digamma(inside_a) - digamma(inside_b)).mean())


def ksg_labels(x: Any, labels: Any, k: int = 3) -> float:
    """Ross's estimator for continuous x and a class: psi(n) + <psi(k_i)> - <psi(N_i)> - <psi(m_i)>.

    N_i is the number of rows of row i's class; the radius is the distance to the k_i-th neighbour in that class,
    k_i = min(k, N_i - 1); m_i counts the rows of any class strictly nearer, itself included. Classes of one row
    are left out. Columns of x are scaled over all rows. No bound; nearly unbiased in few columns.

    Raises `InputError` where no class has two rows, for k that isn't a whole number from 1, and for x and labels
    of different lengths.

    Paper: Ross 2014, Mutual information between discrete and continuous data sets, PLoS ONE 9(2) e87357.
    """
    _check_whole("ksg_labels", k)
    rows, classes = numbers(x, "ksg_labels: x"), array_of(labels, "ksg_labels: labels")
    if classes.shape != (len(rows),):
        raise InputError(f"ksg_labels: {len(rows)} rows of x, labels of shape {classes.shape}; give a class each")
    _, code, size = np.unique(classes, return_inverse=True, return_counts=True)
    kept = size[code] > 1
    if not kept.any():
        raise InputError(f"ksg_labels: each of the {len(classes)} labels occurs once; use ksg for continuous y")
    a = _scaled(rows[kept])
    code = code[kept]
    radius, near = np.empty(len(a)), np.empty(len(a))
    for label in np.unique(code):
        own = np.flatnonzero(code == label)
        near[own] = min(k, len(own) - 1)
        radius[own] = _radius(a[own], a[own, :0], min(k, len(own) - 1))
    inside = _inside(a, radius)
    return float((digamma(len(a)) + digamma(near) - digamma(size[code]) - digamma(inside)).mean())


def entropy(y: Any, k: int = 3) -> float:
    """Kozachenko and Leonenko's differential entropy: psi(n) - psi(k) + d <log 2 eps_i>, in nats.

    eps_i is the distance (max-norm) to the k-th neighbour of row i, columns scaled to a deviation of one and
    the log of their deviations added back. Raises `InputError` where k or more rows equal a row, since a variable
    with ties has no density, hence no differential entropy, and as `ksg` does.

    Paper: Kozachenko and Leonenko 1987; Kraskov, Stögbauer and Grassberger 2004, equation 20.
    """
    raw = numbers(y, "entropy: y")
    _check_neighbours("entropy", k, len(raw))
    a = _scaled(raw)
    radius = _radius(a, a[:, :0], k)  # (n,)
    deviation = raw.std(0)
    if not (radius > 0).all() or not (deviation > 0).all():
        raise InputError(
            f"entropy: a row has at least {k} exact copies, or a column is constant, so there is no density; "
            "use the counts of a discrete variable"
        )
    volume = raw.shape[1] * np.log(2 * radius).mean() + np.log(deviation).sum()
    return float(digamma(len(a)) - digamma(k) + volume)


def array_of(values: Any, where: str) -> Shaped[np.ndarray, "n ..."]:
    """An array, a tensor whether or not it requires grad, a data frame or a nested list, as an array.

    Raises `InputError` for what is none, for a single value, and for no columns.
    """
    try:
        array = np.asarray(as_array(values))
    except (ValueError, TypeError, RuntimeError) as error:
        raise InputError(
            f"{where}: can't be read as an array ({reason(error)}); give rows of equal length"
        ) from error
    if array.ndim == 0:
        raise InputError(f"{where}: is a single {type(values).__name__}; give (rows,) or (rows, columns)")
    if array.ndim > 1 and 0 in array.shape[1:]:
        raise InputError(f"{where}: shape {array.shape} has no columns; give at least one")
    return array


def numbers(values: Any, where: str) -> Float[np.ndarray, "n d"]:
    """What `array_of` takes, as rows of float64; one column where there is one axis.

    Raises `InputError` as `array_of` does, and for text, complex numbers, NaN and infinity.
    """
    array = array_of(values, where)
    if array.dtype.kind not in "biufO":
        raise InputError(f"{where}: holds {array.dtype}; give real numbers")
    if any(isinstance(value, str | bytes) for value in (array.flat if array.dtype.kind == "O" else ())):
        raise InputError(f"{where}: holds text; give real numbers")
    try:
        z = array.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"{where}: can't be read as numbers ({reason(error)}); give real numbers") from error
    z = z.reshape(len(z), math.prod(z.shape[1:]))
    finite = np.isfinite(z).all(1)
    if not finite.all():
        raise InputError(
            f"{where}: NaN or infinity in row {int(finite.argmin())}; remove or impute such rows first"
        )
    return z


def _columns(where: str, x: Any, y: Any, k: int) -> tuple[Float[np.ndarray, "n dx"], Float[np.ndarray, "n dy"]]:
    a, b = numbers(x, f"{where}: x"), numbers(y, f"{where}: y")
    if len(a) != len(b):
        raise InputError(f"{where}: x has {len(a)} rows and y has {len(b)}; they must be paired row by row")
    _check_neighbours(where, k, len(a))
    return _scaled(a), _scaled(b)


def _check_neighbours(where: str, k: int, n: int) -> None:
    _check_whole(where, k)
    if k >= n:
        raise InputError(f"{where}: k is {k} with {n} rows; it must be from 1 to n - 1")


def _check_whole(where: str, k: object) -> None:
    if isinstance(k, bool) or not isinstance(k, int | np.integer) or k < 1:
        raise InputError(f"{where}: k is {k!r}; give a whole number of neighbours, 1 or more")


def _scaled(z: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n d"]:
    """Each column over its deviation; equal values stay equal, so ties stay ties."""
    deviation = z.std(0)
    return z / np.where(deviation > 0, deviation, 1.0)


def _chunks(n: int) -> list[slice]:
    size = max(1, CHUNK_CELLS // n)
    return [slice(start, start + size) for start in range(0, n, size)]


def _radius(a: Float[np.ndarray, "n dx"], b: Float[np.ndarray, "n dy"], k: int) -> Float[np.ndarray, " n"]:
    """Distance of each row to its k-th neighbour, in the max-norm over the columns of both."""
    both = np.hstack([a, b])  # (n, dx + dy)
    if both.shape[1] <= TREE_COLUMNS:
        return cKDTree(both).query(both, k=[k + 1], p=np.inf)[0][:, 0]
    # The row itself is among the k + 1 nearest, at distance zero.
    nearest = [np.partition(cdist(both[part], both, "chebyshev"), k, 1)[:, k] for part in _chunks(len(both))]
    return np.concatenate(nearest)


def _inside(z: Float[np.ndarray, "n d"], radius: Float[np.ndarray, " n"]) -> Int[np.ndarray, " n"]:
    """How many rows are strictly nearer than `radius` to each row, itself included (also at radius zero)."""
    if z.shape[1] == 1:
        return _inside_line(z[:, 0], radius)
    closed = np.nextafter(radius, 0)  # the largest number below: < radius is <= this
    if z.shape[1] <= TREE_COLUMNS:
        return cKDTree(z).query_ball_point(z, closed, p=np.inf, return_length=True)
    counts = [(cdist(z[part], z, "chebyshev") <= closed[part, None]).sum(1) for part in _chunks(len(z))]
    return np.concatenate(counts)


def _inside_line(z: Float[np.ndarray, " n"], radius: Float[np.ndarray, " n"]) -> Int[np.ndarray, " n"]:
    """`_inside` on one column, by two binary searches among the distinct values."""
    line, counts = np.unique(z, return_counts=True)
    last = len(line) - 1
    low = np.searchsorted(line, z - radius, side="right")  # (n,), the first value inside
    high = np.searchsorted(line, z + radius, side="left")  # (n,), the first value beyond
    # z +- radius are rounded, and a neighbour stands exactly at the radius of one row in two: move the ends over
    # values that the difference, which the radius was measured by, puts on the other side.
    for _ in range(2):
        low -= (low > 0) & (z - line[np.maximum(low - 1, 0)] < radius)
        low += (low <= last) & (z - line[np.minimum(low, last)] >= radius)
        high += (high <= last) & (line[np.minimum(high, last)] - z < radius)
        high -= (high > 0) & (line[np.maximum(high - 1, 0)] - z >= radius)
    below = np.concatenate([[0], np.cumsum(counts)])
    return np.maximum(below[high] - below[low], 1)


def _copies(z: Float[np.ndarray, "n d"]) -> Int[np.ndarray, " n"]:
    """How many rows equal each row, itself included."""
    _, code, counts = np.unique(z, axis=0, return_inverse=True, return_counts=True)
    return counts[code.reshape(-1)]
