"""The variability condition of nonlinear ICA: does u modulate every source, each in its own way?

Identifiability by an auxiliary variable needs the vectors of modulation parameters of different u to span all
dimensions: with lambda_j (d k) of segment j the matrix of rows lambda_j - mean lambda must have full column rank.
Estimates always have it; the question is whether its smallest singular value is above what noise makes.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from jaxtyping import Float, Int64

from mutua.types import InputError

__all__ = ["Variability", "binned", "variability_of_means", "variability_of_scales"]

_RESAMPLED = 200
LEVEL = 0.05


@dataclass(frozen=True)
class Variability:
    """How u modulates p statistics of d sources over m segments.

    Args:
        singular: (p,), descending: singular values of the centred modulation matrix (m, p) over sqrt(m), so that
            they don't grow with segments: for log-deviations, the spread of modulation along each direction.
        null: what the smallest would be from the noise of estimation alone (95th percentile).
        p_value: of the smallest under no modulation along its direction; 1/(1 + resamples) at least.
        weakest: (p,), that direction: the combination of statistics that u changes least, of norm 1.
        segments, needed: how many there are, and how many the theory wants: p + 1, unless said otherwise.
    """

    singular: Float[np.ndarray, " p"]
    null: float
    p_value: float
    weakest: Float[np.ndarray, " p"]
    segments: int
    needed: int

    @property
    def met(self) -> bool:
        return self.segments >= self.needed and self.p_value < LEVEL

    def words(self) -> list[str]:
        """The verdict, in sentences."""
        words = []
        if self.segments < self.needed:
            words.append(
                f"There are {self.segments} segments (values of u) and the theory needs at least {self.needed}: "
                "cut finer, or expect sources to stay mixed."
            )
        told = f"{self.singular[-1]:.3g} against {self.null:.3g} from noise alone (p = {self.p_value:.3g})"
        if self.p_value < LEVEL:
            words.append(f"u modulates the sources in all directions: the smallest singular value is {told}.")
        else:
            heavy = np.flatnonzero(np.abs(self.weakest) > 0.5 / math.sqrt(len(self.weakest)))
            words.append(
                f"u is not seen to modulate the sources in all directions: the smallest singular value is {told}; "
                f"the direction that lacks it is made of components {', '.join(map(str, heavy.tolist()))}, which "
                "are not told apart by u."
            )
        return words


def variability_of_scales(
    sources: Float[np.ndarray, "n d"], index: Int64[np.ndarray, " m"], *, seed: int = 0
) -> Variability:
    """Of the log-deviation of each source in each segment, which stand for the natural parameters of a scale.

    `sources` are estimates, `index` the segment of each row, 0 .. m-1. See `_measured` for the null.

    Raises `InputError` where a segment has fewer than 4 rows or a source is constant in one.
    """

    def log_deviation(sums: Float[np.ndarray, "b q"], counts: Float[np.ndarray, " b"]) -> Float[np.ndarray, "b p"]:
        mean, square = np.split(sums / counts[:, None], 2, axis=1)
        return 0.5 * np.log(np.maximum(square - mean**2, 1e-300))

    centred = _centred(sources)
    if len(centred) == len(index):
        for column, values in enumerate(centred.T):
            counts = np.maximum(np.bincount(index), 1)
            mean = np.bincount(index, values) / counts
            spread = np.bincount(index, (values - mean[index]) ** 2) / counts
            still = np.flatnonzero((spread <= 1e-20) & (np.bincount(index) >= 4))
            if len(still):
                raise InputError(f"sources: column {column} is constant in segment {still[0]}; leave either out")
    return _measured(np.hstack([centred, centred**2]), index, log_deviation, seed)


def variability_of_means(
    features: Float[np.ndarray, "n p"], index: Int64[np.ndarray, " m"], *, seed: int = 0
) -> Variability:
    """Of the mean of each feature in each segment, in deviations of the feature: what TCL's |.| outputs ask for.

    Raises `InputError` where a segment has fewer than 4 rows.
    """

    def means(sums: Float[np.ndarray, "b q"], counts: Float[np.ndarray, " b"]) -> Float[np.ndarray, "b p"]:
        return sums / counts[:, None]

    return _measured(_centred(features), index, means, seed)


def binned(vector: Float[np.ndarray, "n du"], count: int) -> Int64[np.ndarray, " n"]:
    """Segments of a continuous u: quantiles of its first principal direction, `count` of them."""
    if not 1 <= count <= len(vector):
        raise InputError(f"segments: {count} of {len(vector)} rows; give 1 to {len(vector)}")
    centred = vector - vector.mean(0)
    direction = np.linalg.eigh(centred.T @ centred)[1][:, -1]
    order = np.argsort(centred @ direction, kind="stable")
    index = np.empty(len(vector), np.int64)
    index[order] = np.arange(len(vector)) * count // len(vector)
    return index


def _centred(columns: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n d"]:
    deviation = columns.std(0)
    if not (deviation > 0).all():
        raise InputError(f"sources: column {int(deviation.argmin())} is constant; leave it out")
    return (columns - columns.mean(0)) / deviation


def _measured(
    terms: Float[np.ndarray, "n q"],
    index: Int64[np.ndarray, " m"],
    parameters: Callable[[np.ndarray, np.ndarray], np.ndarray],
    seed: int,
) -> Variability:
    """M from sums of `terms` by segment, and the null of its smallest singular value.

    The null: M without its weakest direction, plus the noise of M, got by drawing each segment's rows again (in
    runs of about the square root of their number, since rows of a recording hang together).
    """
    if len(terms) != len(index):
        raise InputError(f"index: {len(index)} values for {len(terms)} rows; give the segment of each")
    order = np.argsort(index, kind="stable")
    counts = np.bincount(index)
    if counts.min() < 4:
        raise InputError(f"index: segment {int(counts.argmin())} has {int(counts.min())} rows; give at least 4")
    rng = np.random.default_rng(seed)
    edges = np.concatenate([[0], np.cumsum(counts)])
    drawn, whole = [], []
    for start, stop in pairwise(edges.tolist()):
        rows = terms[order[start:stop]]
        blocks = max(2, (stop - start) // max(1, math.isqrt(stop - start)))
        cuts = np.linspace(0, len(rows), blocks + 1).astype(int)
        sums, sizes = np.add.reduceat(rows, cuts[:-1], axis=0), np.diff(cuts).astype(float)
        times = rng.multinomial(blocks, np.full(blocks, 1 / blocks), size=_RESAMPLED).astype(float)
        whole.append(parameters(sums.sum(0)[None], sizes.sum()[None])[0])
        one = parameters(times @ sums, times @ sizes)  # (resampled, p)
        # Less its own mean, so that the bias of a logarithm is left out; the factor undoes that of few blocks.
        drawn.append((one - one.mean(0)) * math.sqrt(blocks / (blocks - 1)))
    matrix, noise = np.stack(whole), np.stack(drawn, 1)  # (m, p), (resampled, m, p)
    m, p = matrix.shape
    matrix = matrix - matrix.mean(0)
    _, singular, right = np.linalg.svd(matrix, full_matrices=False)
    if len(singular) < p:
        singular = np.concatenate([singular, np.zeros(p - len(singular))])
    weakest = np.linalg.svd(matrix)[2][-1] if m < p else right[-1]
    reduced = matrix - np.outer(matrix @ weakest, weakest)
    noise -= noise.mean(1, keepdims=True)
    null = np.linalg.svd(reduced + noise, compute_uv=False)
    smallest = null[:, p - 1] if null.shape[1] >= p else np.zeros(len(null))
    p_value = (1 + int((smallest >= singular[-1]).sum())) / (1 + _RESAMPLED)
    root = math.sqrt(m)
    bound = float(np.quantile(smallest, 1 - LEVEL)) / root
    return Variability(singular / root, bound, p_value, weakest, m, p + 1)
