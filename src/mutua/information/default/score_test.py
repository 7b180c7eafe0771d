"""Is there any information at all? An exact test on all rows, by correlations of functions of the two sides."""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray
from scipy.stats import gamma

from mutua.information.variables import Variable

__all__ = ["combined", "score_test"]

LINEAR = 0.8
"""The share of the level that goes to linear correlation; the rest to functions that bend."""
COLUMNS, DIRECTIONS, WORK = 12, 64, 4_000_000


def score_test(
    x: Variable,
    y: Variable,
    permutations: int = 999,
    block: int = 1,
    seed: int = 0,
    within: Int[ndarray, " n"] | None = None,
) -> float:
    """p-value of independence by permuting the rows of y, in runs of `block` neighbours.

    Two statistics: the sum of squared canonical correlations of normal scores and indicators (for two columns the
    squared correlation of scores, whose power on Gaussians is that of Pearson's), and the sum of squared
    correlations of Hermite polynomials of the scores up to the third, products of columns, and indicators, the
    linear ones left out. Each has a p-value among the permutations; the test rejects for a small min(p_1/.8,
    p_2/.2), whose own law is taken from the same permutations, so that the level is exact. Of many rows a random
    sample is used.

    Args:
        within: classes of rows; only rows of a class are permuted among each other. Not with runs.

    Paper: Westfall and Young 1993, Resampling-based multiple testing (the minimum of p-values); Hotelling 1936.
    """
    rng = np.random.default_rng(seed)
    pairs = [(_whitened(x), _whitened(y)), (_bent(x), _bent(y))]
    cost = sum(a.shape[1] * b.shape[1] + b.shape[1] for a, b in pairs)
    rows = np.arange(len(x))
    most = max(2000, WORK // cost)
    if len(x) > most:
        runs = np.sort(rng.choice(len(x) // block, most // block, replace=False))
        rows = (runs[:, None] * block + np.arange(block)).reshape(-1)
    rows = rows[: len(rows) // block * block]
    if len(rows) // block < 4:
        return math.nan
    pairs = [(a[rows], b[rows]) for a, b in pairs]
    linear = [pairs[1][0][:, : _linear(x)], pairs[1][1][:, : _linear(y)]]
    found = np.empty((2, permutations + 1))
    groups = None if within is None else _groups(within[rows])
    for k in range(permutations + 1):
        order = np.arange(len(rows)) if k == 0 else _permuted(len(rows), block, groups, rng)
        found[0, k] = _squared(pairs[0][0], pairs[0][1][order])
        bent = _squared(pairs[1][0], pairs[1][1][order])
        found[1, k] = bent - _squared(linear[0], linear[1][order])
    share = np.stack([_tail(values) for values in found])  # logs
    least = np.minimum(share[0] - math.log(LINEAR), share[1] - math.log(1 - LINEAR))
    # A hair of tolerance: the same terms may be summed in another order.
    return float((1 + (least[1:] <= least[0] + 1e-9 * max(1.0, abs(least[0]))).sum()) / (1 + permutations))


def combined(*p_values: float) -> float:
    """One p-value of several: the Cauchy combination 1/2 - arctan(mean tan((1/2 - p) pi))/pi. NaNs are left out.

    Uniform for independent tests and for identical ones; between them right in the tail.

    Paper: Liu and Xie 2020, Cauchy combination test, arXiv:1808.09011.
    """
    known = [p for p in p_values if not math.isnan(p)]
    if not known:
        return math.nan
    # A p-value of 1, which permutations give, would outweigh any other.
    mean = float(np.mean([math.tan((0.5 - min(p, 0.99)) * math.pi) for p in known]))
    return 0.5 - math.atan(mean) / math.pi


def _permuted(n: int, block: int, groups: list[ndarray] | None, rng: np.random.Generator) -> Int[ndarray, " n"]:
    if groups is not None:
        order = np.empty(n, np.int64)
        for rows in groups:
            order[rows] = rng.permutation(rows)
        return order
    if block == 1:
        return rng.permutation(n)
    return (rng.permutation(n // block)[:, None] * block + np.arange(block)).reshape(-1)


def _groups(codes: Int[ndarray, " n"]) -> list[ndarray]:
    order = np.argsort(codes, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(codes[order])) + 1)


def _squared(a: Float[ndarray, "n p"], b: Float[ndarray, "n q"]) -> float:
    product = a.T @ b
    return float((product * product).sum())


def _tail(values: Float[ndarray, " m"]) -> Float[ndarray, " m"]:
    """Of each value, the log of the share that reach it by a gamma law of all values' moments, the top 2 % aside.

    The same function of all values for each of them, so that a test by the rank of the observed one stays exact; a
    share counted among them would end at 1/m, and hide how far beyond all others a value is.
    """
    inner = np.sort(values)[: max(2, int(0.98 * len(values)))]
    mean, variance = float(inner.mean()), float(inner.var())
    if not mean > 0 or not variance > 0:
        return np.where(values > mean, -1.0, 0.0)
    # Far beyond all others the log is that of 0.
    return np.maximum(gamma.logsf(values, mean * mean / variance, scale=variance / mean), -1e9)


def _sides(side: Variable) -> Float[ndarray, "n d"]:
    return np.hstack([side.continuous, side.labels])


def _whitened(side: Variable) -> Float[ndarray, "n k"]:
    """Principal directions of all columns, at unit variance; of few rows a quarter as many at most."""
    columns = _sides(side)
    columns = columns - columns.mean(0)
    n, d = columns.shape
    if d == 1:
        return columns / max(float(np.sqrt((columns * columns).sum())), 1e-300)
    u, s, _ = np.linalg.svd(columns, full_matrices=False) if n < 4 * d else _by_covariance(columns)
    kept = int((s > 1e-6 * s[0]).sum())
    return u[:, : max(1, min(kept, n // 4, DIRECTIONS))]


def _by_covariance(columns: Float[ndarray, "n d"]) -> tuple[ndarray, ndarray, None]:
    values, vectors = np.linalg.eigh(columns.T @ columns)
    values, vectors = np.maximum(values[::-1], 0.0), vectors[:, ::-1]
    s = np.sqrt(values)
    return columns @ vectors / np.maximum(s, 1e-300), s, None


def _linear(side: Variable) -> int:
    return min(side.values.shape[1] + side.labels.shape[1], COLUMNS)


def _bent(side: Variable) -> Float[ndarray, "n m"]:
    """The columns, or their leading directions, then functions of the continuous ones; all at unit length."""
    columns = _sides(side)
    if columns.shape[1] > COLUMNS:
        columns = _whitened(side)[:, :COLUMNS] * math.sqrt(len(side))
    z = side.continuous if side.values.shape[1] + side.labels.shape[1] <= COLUMNS else columns
    parts = [columns, z * z, z**3 - 3 * z]
    c = min(z.shape[1], 4)
    parts += [(z[:, i] * z[:, j])[:, None] for i in range(c) for j in range(i)]
    if z.shape[1] > 4:
        parts.append((z * z).sum(1, keepdims=True))
    stacked = np.hstack(parts)
    stacked = stacked - stacked.mean(0)
    length = np.sqrt((stacked * stacked).sum(0))
    return stacked / np.where(length > 1e-9, length, np.inf)
