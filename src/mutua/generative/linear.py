"""The linear model that `IVAE` is compared with: z = A s, each source with a scale of its own in every segment.

It is fitted on the rows that the IVAE learns from, and only scored on others. Among Gaussian sources scales alone
tell which rotation is right, so that W = A^-1 starts at FastICA's, and at none, and goes on to the maximum of

    log|det W| - 1/2 sum_i sum_b q_b log(w_i C_b w_i),   C_b the covariance in segment b, q_b its share of rows.

The W of those four that is likeliest on the training rows, with a Laplace or Gaussian density for each source, is
kept. A vector u is cut into segments by its first principal direction.

Paper: Pham and Cardoso, Blind separation of instantaneous mixtures of nonstationary sources (2001).
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int64
from sklearn.decomposition import FastICA
from sklearn.exceptions import ConvergenceWarning

from mutua.estimators.auxiliary import Auxiliary
from mutua.estimators.nonstationary import FLOOR, Loudness, sharpened

__all__ = ["Bins", "Modulated", "modulated", "quantiles"]

_TOL = 1e-6
_PARTS = ("matrix", "location", "scale", "laplace")


@dataclass(frozen=True)
class Bins:
    """Segments of a vector u: its product with `direction` (du,), cut at `edges`, ascending."""

    direction: Float[np.ndarray, " du"]
    edges: Float[np.ndarray, " m"]

    def __call__(self, vector: Float[np.ndarray, "n du"]) -> Int64[np.ndarray, " n"]:
        return np.searchsorted(self.edges, vector @ self.direction, side="right").astype(np.int64)


def quantiles(vector: Float[np.ndarray, "n du"], count: int) -> Bins:
    """So many segments of about as many rows each."""
    direction = np.linalg.eigh(np.cov(vector.T).reshape(vector.shape[1], -1))[1][:, -1]
    return Bins(direction, np.quantile(vector @ direction, np.arange(1, count) / count))


@dataclass(frozen=True)
class Modulated:
    """Sources matrix z, of their location and deviation in each of m segments; each Laplace or Gaussian."""

    matrix: Float[np.ndarray, "d d"]
    location: Float[np.ndarray, "m d"]
    scale: Float[np.ndarray, "m d"]
    laplace: Bool[np.ndarray, " d"]
    bins: Bins | None = None

    def arrays(self) -> dict[str, np.ndarray]:
        """For a file."""
        own = {f"linear.{name}": getattr(self, name) for name in _PARTS}
        if self.bins is None:
            return own
        return own | {"linear.direction": self.bins.direction, "linear.edges": self.bins.edges}

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, np.ndarray]) -> Modulated | None:
        """What `arrays` gave; None where they weren't there."""
        if "linear.matrix" not in arrays:
            return None
        bins = Bins(arrays["linear.direction"], arrays["linear.edges"]) if "linear.edges" in arrays else None
        matrix, location, scale, laplace = (arrays[f"linear.{name}"] for name in _PARTS)
        return cls(matrix, location, scale, laplace, bins)

    def log_prob(self, z: Float[np.ndarray, "n d"], u: Auxiliary) -> Float[np.ndarray, " n"]:
        """log p(z | u) of rows, in nats."""
        index = _segments_of(u, self.bins)
        scale = self.scale[index]
        away = (z @ self.matrix.T - self.location[index]) / scale
        gaussian = -0.5 * (away**2 + np.log(2 * np.pi))
        laplace = -np.sqrt(2) * np.abs(away) - 0.5 * np.log(2)
        own = np.where(self.laplace, laplace, gaussian) - np.log(scale)
        return own.sum(1) + float(np.linalg.slogdet(self.matrix)[1])


def _segments_of(u: Auxiliary, bins: Bins | None) -> Int64[np.ndarray, " n"]:
    """The segment of each row: u itself, or the bin that its vector is in."""
    if u.index is not None:
        return u.index
    assert u.vector is not None
    assert bins is not None
    return bins(u.vector)


def modulated(
    z: Float[np.ndarray, "n d"], u: Auxiliary, *, means: bool, bins: Bins | None = None
) -> Modulated | None:
    """Fit it to rows z. means: whether locations differ between segments. bins: of a u that is a vector.

    None where the channels are of lower rank: no linear map of them has a density.
    """
    index = _segments_of(u, bins)
    count = u.count if bins is None else len(bins.edges) + 1
    values, vectors = np.linalg.eigh(np.cov(z.T, bias=True).reshape(z.shape[1], -1))
    if values[0] <= 1e-10 * values[-1]:
        return None
    white = (vectors / np.sqrt(values)).T
    rows = (z - z.mean(0)) @ white.T
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # of Gaussian sources: any rotation is as good
        rotated = FastICA(whiten=False, random_state=0).fit(rows).components_
    starts = [np.eye(len(white)), rotated]
    found = _loudness(rows, index, count, means)
    best: tuple[float, Modulated] | None = None
    for w in [*starts, *(sharpened(found, start, tol=_TOL).state.w for start in starts)]:
        one = _scaled(z, w @ white, index, count, means, bins)
        reached = float(one.log_prob(z, u).mean())
        if np.isfinite(reached) and (best is None or reached > best[0]):
            best = reached, one
    return None if best is None else best[1]


def _locations(
    s: Float[np.ndarray, "n d"], index: Int64[np.ndarray, " n"], count: int, means: bool
) -> Float[np.ndarray, "m d"]:
    """Means of segments, or of all rows where they don't differ."""
    return _means(s, index, count) if means else np.tile(s.mean(0), (count, 1))


def _means(
    values: Float[np.ndarray, "n d"], index: Int64[np.ndarray, " n"], count: int
) -> Float[np.ndarray, "m d"]:
    """Of each segment; one without rows has that of all."""
    rows = np.bincount(index, minlength=count)[:, None]
    total = np.stack([np.bincount(index, column, count) for column in values.T], 1)
    return np.where(rows > 0, total / np.maximum(rows, 1), values.mean(0))


def _loudness(rows: Float[np.ndarray, "n d"], index: Int64[np.ndarray, " n"], count: int, means: bool) -> Loudness:
    """Covariances of white rows of each segment about its location, and the shares of the rows."""
    away = rows - _locations(rows, index, count, means)[index]
    counts = np.bincount(index, minlength=count)
    parts = np.split(away[np.argsort(index, kind="stable")], np.cumsum(counts)[:-1])
    covariances = [part.T @ part / max(1, len(part)) + FLOOR * np.eye(rows.shape[1]) for part in parts]
    return Loudness(np.stack(covariances), counts / len(index))


def _scaled(
    z: Float[np.ndarray, "n d"],
    matrix: Float[np.ndarray, "d d"],
    index: Int64[np.ndarray, " n"],
    count: int,
    means: bool,
    bins: Bins | None,
) -> Modulated:
    """The likeliest scales and densities under that matrix."""
    s = z @ matrix.T
    location = _locations(s, index, count, means)
    away = s - location[index]
    rows = np.bincount(index, minlength=count)
    square, absolute = (_means(size, index, count) + FLOOR * size.mean(0) for size in (away**2, np.abs(away)))
    deviation = np.sqrt(square)
    # Likelihoods at their maximum, -log sqrt(2 pi e) v and -log 2 e b, times the rows of each segment.
    gaussian = -rows @ np.log(np.sqrt(2 * np.pi * np.e) * deviation)
    laplace = -rows @ np.log(2 * np.e * absolute) > gaussian
    return Modulated(matrix, location, np.where(laplace, np.sqrt(2) * absolute, deviation), laplace, bins)
