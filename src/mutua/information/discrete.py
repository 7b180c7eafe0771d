"""Information of two discrete sides, from counts alone: right with few rows a cell, fast with many rows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray
from scipy.stats import norm

from mutua.information.estimators.counts import (
    coverage_entropy,
    grassberger_entropy,
    histogram,
    histogram_miller_madow,
    plug_in_entropy,
)
from mutua.information.result import MutualInformationResult
from mutua.information.variables import Variable, codes_of

__all__ = ["counted", "counted_given", "histogram", "histogram_miller_madow"]

SECONDS = 0.5
"""Of permutations, about: what more would be needed for is taken from a normal law of those drawn."""
LEAST = 29
SPARSE = 0.25
"""Of what the correction changes, the share that it may be wrong by."""


@dataclass(frozen=True)
class Counts:
    """How often the values of x, those of y, and the cells occur, none of them 0."""

    x: Int[ndarray, " mx"]
    y: Int[ndarray, " my"]
    cells: Int[ndarray, " mxy"]
    ratio: Float[ndarray, " mxy"]
    """log(p_xy / p_x p_y) of each cell, by the counts."""


def counted(
    x: Int[ndarray, " n"],
    y: Int[ndarray, " n"],
    *,
    block: int = 1,
    permutations: int = 999,
    seed: int = 0,
    notes: Sequence[str] = (),
) -> MutualInformationResult:
    """I(X; Y) = H(X) + H(Y) - H(X, Y) of class numbers, each entropy by Chao, Wang and Jost's estimator.

    Nearly unbiased down to a row a cell, where the plug-in is high by half a nat. The interval has three errors in
    quadrature: of sampling (the delta method, and the deviation under independence), the distance to Grassberger's
    estimator, and a quarter of the correction. Where the test doesn't reject, the value is what the plug-in has
    over its mean under permutation.

    The test permutes rows, by drawing tables of the same margins where that is cheaper; where all permutations
    would take longer than half a second, fewer are drawn and the p-value is from their normal law (a statistic
    that sums over thousands of cells), at least 1/(1 + permutations).

    Args:
        block: neighbouring rows that depend on each other.

    Paper: Chao, Wang and Jost 2013, Entropy and the species accumulation curve; Grassberger 2003,
    arXiv:physics/0307138.
    """
    n = len(x)
    counts = _counts(x, y)
    plain, value, other = (
        of(counts.x) + of(counts.y) - of(counts.cells)
        for of in (plug_in_entropy, coverage_entropy, grassberger_entropy)
    )
    p_value, mean = _permuted(x, y, block, permutations, seed)
    if p_value > 0.05:
        value = min(value, plain - mean)
    most = min(coverage_entropy(counts.x), coverage_entropy(counts.y))
    value = min(max(value, 0.0), most)
    share = counts.cells / n
    deviation = math.sqrt(max(float((share * counts.ratio**2).sum()) - plain * plain, 0.0))
    freedom = (len(counts.x) - 1) * (len(counts.y) - 1)
    # The delta method has no first order at independence; the degrees of freedom give the scale of what is left.
    sampling = 1.96 * math.hypot(deviation / math.sqrt(n / block), math.sqrt(min(freedom, n) / 2) / n)
    correction = SPARSE * abs(plain - value)
    half = math.hypot(sampling, min(abs(other - value), abs(plain - value)), correction)
    low = 0.0 if p_value > 0.05 else max(0.0, value - half)
    return MutualInformationResult(
        value=value,
        interval=(low, min(value + half, max(most + sampling, value))),
        lower=0.0 if p_value > 0.05 else max(0.0, value - float(norm.ppf(0.95)) / 1.96 * half),
        p_value=p_value,
        n=n,
        estimator="counts (Chao, Wang and Jost)",
        diagnostics=(*notes, *_doubts(n, len(counts.x), len(counts.y), plain, value)),
        readings={"plug-in": plain, "Miller-Madow": _miller_madow(counts, plain)},
    )


def counted_given(
    x: Variable,
    y: Variable,
    z: Variable,
    *,
    block: int = 1,
    permutations: int = 999,
    seed: int = 0,
    notes: Sequence[str] = (),
) -> MutualInformationResult:
    """I(X; Y | Z) = H(X, Z) + H(Y, Z) - H(Z) - H(X, Y, Z) of classes; the test permutes rows within a class of z.

    The interval and the estimator as of `counted`. `lower` is 0; `p_value` is nan where rows depend (`block` > 1).
    """
    given, n = _codes(z), len(x)
    left, right = (codes_of(_joint(_codes(side), given, int(given.max()) + 1)) for side in (x, y))
    both = codes_of(_joint(left, _codes(y), int(_codes(y).max()) + 1))
    parts = [np.bincount(code) for code in (left, right, given, both)]
    plain, value, other = (
        of(parts[0]) + of(parts[1]) - of(parts[2]) - of(parts[3])
        for of in (plug_in_entropy, coverage_entropy, grassberger_entropy)
    )
    rng, order = np.random.default_rng(seed), np.argsort(given, kind="stable")
    classes = np.split(order, np.flatnonzero(np.diff(given[order])) + 1)
    found, width, codes = np.empty(permutations), int(_codes(y).max()) + 1, _codes(y).copy()
    for k in range(permutations if block == 1 else 0):
        for rows in classes:
            codes[rows] = rng.permutation(codes[rows])
        counts = np.unique(_joint(left, codes, width), return_counts=True)[1]
        found[k] = plug_in_entropy(parts[0]) + plug_in_entropy(parts[1]) - plug_in_entropy(parts[2])
        found[k] -= plug_in_entropy(counts)
    p_value = (1 + int((found >= plain - 1e-12).sum())) / (1 + permutations) if block == 1 else math.nan
    if p_value > 0.05:
        value = min(value, plain - float(found.mean()))
    value = max(value, 0.0)
    ratio = np.log(parts[3][both] * parts[2][given] / (parts[0][left] * parts[1][right]))
    sampling = 1.96 * math.hypot(float(ratio.std()) / math.sqrt(n / block), math.sqrt(len(parts[3]) / 2) / n)
    half = math.hypot(sampling, min(abs(other - value), abs(plain - value)), SPARSE * abs(plain - value))
    return MutualInformationResult(
        value=value,
        interval=(0.0 if p_value > 0.05 else max(0.0, value - half), value + half),
        lower=0.0,
        p_value=p_value,
        n=n,
        estimator="counts given z (Chao, Wang and Jost)",
        diagnostics=tuple(notes),
        readings={"plug-in": plain},
    )


def _codes(side: Variable) -> Int[ndarray, " n"]:
    assert side.codes is not None
    return side.codes


def _doubts(n: int, kx: int, ky: int, plain: float, value: float) -> list[str]:
    if n >= 2 * kx * ky or plain - value < max(0.1, 0.2 * value):
        return []
    return [
        f"{n:,} rows for {kx:,} x {ky:,} cells: counts alone read {plain:.2f} nats, of which most of the "
        "difference is "
        "chance; group values, or collect more rows"
    ]


def _miller_madow(counts: Counts, plain: float) -> float:
    return plain - (len(counts.cells) - len(counts.x) - len(counts.y) + 1) / (2 * int(counts.cells.sum()))


def _counts(x: Int[ndarray, " n"], y: Int[ndarray, " n"]) -> Counts:
    n, ky = len(x), int(y.max()) + 1
    kx = int(x.max()) + 1
    if kx * ky <= 4 * n + 1_000_000:
        table = np.bincount(_joint(x, y, ky), minlength=kx * ky)
        cell = np.flatnonzero(table)
        cells = table[cell]
    else:
        cell, cells = np.unique(_joint(x, y, ky), return_counts=True)
    own_x, own_y = np.divmod(cell, ky)
    of_x, of_y = np.bincount(x, minlength=kx), np.bincount(y, minlength=ky)
    ratio = np.log(cells) + math.log(n) - np.log(of_x[own_x]) - np.log(of_y[own_y])
    return Counts(of_x[of_x > 0], of_y[of_y > 0], cells, ratio)


def _joint(x: Int[ndarray, " n"], y: Int[ndarray, " n"], ky: int) -> Int[ndarray, " n"]:
    joint = x.astype(np.int64) * ky
    joint += y
    return joint


def _permuted(
    x: Int[ndarray, " n"], y: Int[ndarray, " n"], block: int, permutations: int, seed: int
) -> tuple[float, float]:
    """The p-value of the plug-in among permutations, and its mean there, in nats. NaN of fewer than four runs."""
    rng = np.random.default_rng(seed)
    runs = len(x) // block
    n = runs * block
    if runs < 4:
        return math.nan, 0.0
    x, y = x[:n], y[:n]
    kx, ky = int(x.max()) + 1, int(y.max()) + 1
    c = np.arange(n + 1, dtype=np.float64)
    c[1:] *= np.log(c[1:])
    of_x, of_y = np.bincount(x, minlength=kx), np.bincount(y, minlength=ky)
    constant = c[n] - c[of_x].sum() - c[of_y].sum()
    dense = kx * ky <= 4 * n + 1_000_000
    base = x.astype(np.int64) * ky

    def statistic(joint: ndarray) -> float:
        """n times the plug-in."""
        table = np.bincount(joint) if dense else np.unique(joint, return_counts=True)[1]
        return float(c[table].sum() + constant)

    by_table = kx * (1.2e-5 + 3e-7 * ky)
    by_rows = 2e-5 + 2e-8 * n + (1e-9 * kx * ky if dense else 1e-7 * n)
    tables = block == 1 and by_table < by_rows
    drawn = min(permutations, max(LEAST, int(SECONDS / min(by_table, by_rows))))
    observed = statistic(base + y)
    found = np.empty(drawn)
    small = y.astype(np.int32)
    for k in range(drawn):
        if tables:
            found[k] = c[_random_table(of_x, of_y, rng)].sum() + constant
        elif block == 1:
            rng.shuffle(small)
            found[k] = statistic(base + small)
        else:
            order = (rng.permutation(runs)[:, None] * block + np.arange(block)).reshape(-1)
            found[k] = statistic(base + y[order])
    # A hair of tolerance: the same terms may be summed in another order.
    reached = int((found >= observed - 1e-9 * max(1.0, abs(observed))).sum())
    p_value = (1 + reached) / (1 + drawn)
    if drawn < permutations:
        spread = max(float(found.std(ddof=1)), 1e-300)
        p_value = max(float(norm.sf((observed - found.mean()) / spread)), 1 / (1 + permutations))
    return p_value, float(found.mean()) / n


def _random_table(
    of_x: Int[ndarray, " kx"], of_y: Int[ndarray, " ky"], rng: np.random.Generator
) -> Int[ndarray, "kx ky"]:
    """A table of these margins, as a random pairing of rows would give it: row by row, hypergeometric."""
    table = np.zeros((len(of_x), len(of_y)), np.int64)
    left = of_y.copy()
    for k, size in enumerate(of_x[:-1]):
        table[k] = rng.multivariate_hypergeometric(left, size, method="marginals")
        left -= table[k]
    table[-1] = left
    return table
