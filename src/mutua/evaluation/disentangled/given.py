"""Codes and factors as the metrics take them, checked once; and what several metrics read: bins and
information."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int64

from mutua.data.labels import as_array
from mutua.data.splits import split_rows
from mutua.types import InputError

__all__ = [
    "Given",
    "adjusted_information",
    "entropy",
    "equal_mass",
    "equal_width",
    "given",
    "information",
    "top_two",
]

Matrix = Float[np.ndarray, "d k"]
_ROUNDING = 1e-12


@dataclass(frozen=True)
class Given:
    """codes (n, d) in float64; factors (n, k), each column numbered from 0 in the order of its values."""

    codes: Float[np.ndarray, "n d"]
    factors: Int64[np.ndarray, "n k"]

    @property
    def levels(self) -> list[int]:
        """How many values each factor has."""
        return [int(top) + 1 for top in self.factors.max(0)]

    @property
    def alive(self) -> Bool[np.ndarray, " d"]:
        """Codes that vary, beyond rounding, by a hundredth at least of the code that varies most (as the mean
        distance from the median, which an outlier moves little)."""
        spread = np.abs(self.codes - np.median(self.codes, axis=0)).mean(0)
        size = np.abs(self.codes).max(0, initial=0.0)
        return (spread > 1e-7 * np.maximum(size, 1e-300)) & (spread > 1e-2 * spread.max())

    def rows(self, index: np.ndarray) -> Given:
        """Some of the rows. A factor keeps its numbers, so that one may lack values."""
        return Given(self.codes[index], self.factors[index])

    def living(self) -> Given:
        """Without the codes that are dead."""
        return Given(self.codes[:, self.alive], self.factors)

    def split(self, seed: int) -> tuple[Given, Given]:
        """Two thirds to learn from and a third to judge on."""
        train, test = split_rows(len(self.codes), None, 1 / 3, seed)
        return self.rows(train), self.rows(test)


def given(codes: Any, factors: Any) -> Given:
    """Checked codes and factors.

    Raises `InputError` of one line: NaN or infinity in a code, fewer rows than columns of codes, all codes
    constant; one factor, a factor that is constant, that is continuous (not whole numbers, or more than half as
    many values as rows); other numbers of rows.
    """
    try:
        z, v = np.asarray(as_array(codes)), np.asarray(as_array(factors))
        if z.dtype.kind not in "biuf":
            raise TypeError
    except (TypeError, ValueError):
        raise InputError("codes: not an array of real numbers; give rows by codes, (n, d)") from None
    if z.ndim != 2 or 0 in z.shape:
        raise InputError(f"codes: shape {z.shape}; give rows by codes, (n, d)")
    z = z.astype(np.float64)
    if not np.isfinite(z).all():
        row, column = map(int, np.argwhere(~np.isfinite(z))[0])
        raise InputError(
            f"codes: NaN or infinity in row {row}, column {column}; look at that example or leave it out"
        )
    if v.ndim != 2 or len(v) != len(z):
        raise InputError(
            f"factors: shape {v.shape} for {len(z)} rows of codes; give the same rows by factors, (n, k)"
        )
    if v.shape[1] < 2:
        raise InputError(
            "factors: one alone; apart from what is a code apart? give two or more, or use usable_information"
        )
    if len(z) <= z.shape[1]:
        raise InputError(
            f"codes: {len(z)} rows of {z.shape[1]} codes; give more rows than codes, thousands if you can"
        )
    columns = [_factor(v[:, j], j) for j in range(v.shape[1])]
    found = Given(z, np.stack(columns, 1))
    if not np.ptp(z, axis=0).any():
        raise InputError("codes: every one is constant, the encoder is dead; nothing can be read from them")
    return found


def _factor(column: np.ndarray, j: int) -> np.ndarray:
    if column.dtype.kind == "f":
        if not np.isfinite(column).all():
            row = int(np.flatnonzero(~np.isfinite(column))[0])
            raise InputError(f"factors: NaN or infinity in row {row}, column {j}; leave that row out")
        if (column != np.round(column)).any():
            raise InputError(
                f"factors: column {j} is continuous; cut it into bins first, such as numpy.digitize makes"
            )
    values, codes = np.unique(column.astype(str) if column.dtype == object else column, return_inverse=True)
    if len(values) < 2:
        raise InputError(f"factors: column {j} is constant; no code can stand for it, leave it out")
    if len(values) > max(len(column) // 2, 2):
        raise InputError(
            f"factors: column {j} has {len(values)} values in {len(column)} rows; cut it into fewer bins"
        )
    return codes.astype(np.int64)


def equal_width(codes: Float[np.ndarray, "n d"], bins: int = 20) -> Int64[np.ndarray, "n d"]:
    """Each column in bins of equal width over its range, as numpy.histogram cuts them: published metrics' bins."""
    found = np.empty(codes.shape, np.int64)
    for j, column in enumerate(codes.T):
        # The edges but the last, so that the largest value is in a bin of its own, 21st: as published.
        edges = np.histogram_bin_edges(column, bins)[:-1]
        found[:, j] = np.digitize(column, edges) - 1
    return found


def equal_mass(codes: Float[np.ndarray, "n d"], bins: int = 20) -> Int64[np.ndarray, "n d"]:
    """Each column in bins of equally many rows, equal values together; a column of few values by its values."""
    n = len(codes)
    found = np.empty(codes.shape, np.int64)
    for j, column in enumerate(codes.T):
        values, place, counts = np.unique(column, return_inverse=True, return_counts=True)
        if len(values) * bins <= n:
            found[:, j] = place
        else:
            middle = np.cumsum(counts) - counts / 2
            found[:, j] = np.minimum((middle * bins / n).astype(np.int64), bins - 1)[place]
    return found


def entropy(column: Int64[np.ndarray, " n"]) -> float:
    """Plug-in, in nats."""
    share = np.bincount(column) / len(column)
    share = share[share > 0]
    return float(-(share * np.log(share)).sum())


def information(bins: Int64[np.ndarray, "n d"], factors: Int64[np.ndarray, "n k"]) -> Matrix:
    """Plug-in mutual information of every binned code with every factor, in nats."""
    d, k = bins.shape[1], factors.shape[1]
    of_code = [entropy(bins[:, i]) for i in range(d)]
    of_factor = [entropy(factors[:, j]) for j in range(k)]
    found = np.empty((d, k))
    for j in range(k):
        wide = int(factors[:, j].max()) + 1
        for i in range(d):
            found[i, j] = of_code[i] + of_factor[j] - entropy(bins[:, i] * wide + factors[:, j])
    return np.maximum(found, 0.0)


def adjusted_information(
    bins: Int64[np.ndarray, "n d"], factors: Int64[np.ndarray, "n k"], seed: int, permutations: int = 4
) -> tuple[Matrix, Float[np.ndarray, "d k"]]:
    """(I - B, H - B): information less its mean B over permutations of the rows, which is what binning alone
    reads, and the factor's entropy less the same. Their ratio is 1 where the code gives the factor, about 0 where
    it says nothing."""
    rng = np.random.default_rng(seed)
    bias = np.mean([information(bins, factors[rng.permutation(len(bins))]) for _ in range(permutations)], 0)
    full = np.array([entropy(column) for column in factors.T])
    return np.maximum(information(bins, factors) - bias, 0.0), np.maximum(full - bias, _ROUNDING)


def top_two(matrix: Float[np.ndarray, "d k"]) -> Float[np.ndarray, " k"]:
    """The largest of each column less the second; the largest where there is one row."""
    ordered = np.sort(matrix, axis=0)
    return ordered[-1] - (ordered[-2] if len(ordered) > 1 else 0.0)
