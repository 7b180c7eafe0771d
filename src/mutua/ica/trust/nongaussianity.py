"""How far directions of a recording are from Gaussian, before any fit and of components after it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float
from scipy.stats import chi2, norm
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state

from mutua.estimators.whitening import Whitening, check_orientation, whitening
from mutua.ica.linear.checks import recording_of
from mutua.ica.linear.recording import Recording
from mutua.ica.trust.block_bootstrap import block_edges, block_sums, resampled_means
from mutua.types import InputError, Interval, Table

__all__ = ["Shape", "nongaussianity", "shape_of", "whitened_rows"]

_GAUSSIAN_ABS = math.sqrt(2 / math.pi)
_ASYMMETRY, _PEAK = 36 / (8 * math.sqrt(3) - 9), 1 / (2 - 6 / math.pi)
# Kept of a long recording: enough for every number here to three digits.
MOST_ROWS = 50_000


@dataclass(frozen=True)
class Shape:
    """Of each column y at unit variance: two means that are 0 for a Gaussian, and how sure they are.

    peak: sqrt(2/pi) - E|y|, above 0 where the distribution is peaked with long tails (super-Gaussian), below
    where it is flat (sub-Gaussian). skew: E[y exp(-y^2/2)]. deviation: their bootstrap standard errors.
    distance: Wald's (peak, skew) Cov^-1 (peak, skew)^T, chi-squared with 2 degrees of freedom for a Gaussian.
    """

    peak: Float[np.ndarray, " k"]
    skew: Float[np.ndarray, " k"]
    peak_deviation: Float[np.ndarray, " k"]
    skew_deviation: Float[np.ndarray, " k"]
    distance: Float[np.ndarray, " k"]

    @property
    def negentropy(self) -> Float[np.ndarray, " k"]:
        """J(y) near to 36/(8 sqrt(3) - 9) skew^2 + 1/(2 - 6/pi) peak^2, in nats.

        Paper: Hyvarinen, New approximations of differential entropy (1998).
        """
        return _ASYMMETRY * self.skew**2 + _PEAK * self.peak**2


def shape_of(
    y: Float[np.ndarray, "n k"], *, repeats: int = 200, random_state: int | np.random.RandomState = 0
) -> Shape:
    """The shape of each column of consecutive samples, its errors by the bootstrap of blocks."""
    y = y - y.mean(0)
    y = y / np.sqrt(np.mean(y**2, 0))
    edges = block_edges(len(y))
    bell = np.exp(-(y**2) / 2)
    statistics = np.concatenate([np.abs(y), y * bell, y**2, y], 1)  # (n, 4k)
    sums = block_sums([statistics], edges)
    means = np.concatenate(
        [sums.sum(0)[None] / len(y), resampled_means(sums, edges, repeats, check_random_state(random_state))]
    )  # (1 + repeats, 4k)
    absolute, skewed, square, mean = np.split(means, 4, axis=1)  # (1 + repeats, k) each
    # Resampled rows are centred and scaled anew, to first order.
    variance = square - mean**2
    peak = _GAUSSIAN_ABS - (absolute - mean * np.sign(y).mean(0)) / np.sqrt(variance)
    slope = (1 - y**2) * bell
    skew = skewed - mean * slope.mean(0) - 0.5 * (variance - 1) * (y * slope).mean(0)
    both = np.stack([peak, skew], -1)  # (1 + repeats, k, 2)
    spread = both[1:] - both[1:].mean(0)
    covariance = np.einsum("rka,rkb->kab", spread, spread) / (repeats - 1)  # (k, 2, 2)
    solved = np.linalg.solve(covariance + 1e-18 * np.eye(2), both[0][..., None])[..., 0]
    return Shape(
        peak[0],
        skew[0],
        np.sqrt(covariance[:, 0, 0]),
        np.sqrt(covariance[:, 1, 1]),
        (both[0] * solved).sum(-1),
    )


def whitened_rows(
    recording: Recording, white: Whitening, most: int, generator: np.random.RandomState
) -> Float[np.ndarray, "m k"]:
    """At most `most` rows, in their order in time, whitened."""
    n = recording.samples
    if n <= most:
        return np.concatenate([(chunk - white.mean) @ white.matrix.T for chunk in recording.chunks()])
    index = np.sort(generator.choice(n, most, replace=False) if n < 10 * most else generator.randint(n, size=most))
    return (recording.rows(index) - white.mean) @ white.matrix.T


def nongaussianity(X: Any, *, level: float = 0.95, repeats: int = 500, random_state: int = 0) -> Table:
    """Is there anything to unmix? Non-Gaussianity of directions of X (n, d), before a fit, with intervals.

    Two sets of directions of the whitened recording: its principal components, and those of extreme fourth
    moment (eigenvectors of E[|z|^2 z z^T]) found on every other block of rows and measured on the rest, so that
    the search can't flatter them. What ICA identifies is non-Gaussian, one source excepted; where no direction
    is told from a Gaussian here, a fit has nothing to go by, or needs more samples.

    Intervals are of the bootstrap over contiguous blocks. The verdict is Wald's test at 1 - level, shared among
    the directions (Bonferroni). Recordings of more than 50,000 rows are sampled.

    Raises `InputError` for what `LinearICA` refuses, except that dependent channels are left out, and for a
    level outside (0, 1).

    >>> rng = np.random.default_rng(0)
    >>> X = np.stack([rng.laplace(size=3000), rng.normal(size=3000)], 1)
    >>> [row[-1] for row in nongaussianity(X).rows[2:]]
    ['super-Gaussian', 'not told from a Gaussian']

    Paper: Cardoso, Source separation using higher order moments (1989).
    """
    if not 0 < level < 1:
        raise InputError(f"level: {level}; use a share between 0 and 1, such as 0.95")
    recording = recording_of(BaseEstimator(), X, reset=True)
    check_orientation(recording.samples, recording.channels)
    generator = check_random_state(random_state)
    mean, covariance = recording.moments()
    white = whitening(mean, covariance, None, samples=recording.samples, reduce_rank=True)
    z = whitened_rows(recording, white, MOST_ROWS, generator)  # (m, k)
    edges = block_edges(len(z))
    blocks = np.repeat(np.arange(len(edges) - 1), np.diff(edges))
    found, tested = z[blocks % 2 == 0], z[blocks % 2 == 1]
    k = z.shape[1]
    fourth = (found * np.square(found).sum(1, keepdims=True)).T @ found / len(found)  # (k, k)
    values, vectors = np.linalg.eigh(fourth)
    extreme = vectors[:, np.argsort(-np.abs(values - (k + 2)))]  # k + 2: a Gaussian's
    least, z_level = float(chi2.isf((1 - level) / (2 * k), 2)), float(norm.isf((1 - level) / 2))
    rows: list[list[Any]] = []
    for name, y in (("principal", z), ("fourth-order", tested @ extreme)):
        shape = shape_of(y, repeats=repeats, random_state=generator)
        rows += [
            [
                f"{name} {i}",
                float(shape.peak[i]),
                _interval(shape.peak[i], z_level * shape.peak_deviation[i]),
                float(shape.skew[i]),
                _interval(shape.skew[i], z_level * shape.skew_deviation[i]),
                float(shape.negentropy[i]),
                _verdict(shape, i, least, z_level),
            ]
            for i in range(k)
        ]
    percent = f"{100 * level:g} %"
    columns = ["direction", "peak", percent, "skew", f"{percent} ", "negentropy", "verdict"]
    note = (
        f"{len(z):,} samples, unit variance. Peak: sqrt(2/pi) - E|y|, above 0 super-Gaussian, below sub-Gaussian."
        " Skew: E[y exp(-y^2/2)]. Negentropy: from both, in nats, approximate. Intervals: bootstrap. Fourth-order "
        "directions were found on half of the samples and measured on the other half."
    )
    return Table("Non-Gaussianity of directions", columns, rows, note)


def _interval(value: float, half: float) -> Interval:
    return Interval(float(value - half), float(value + half))


def _verdict(shape: Shape, i: int, least: float, z_level: float) -> str:
    if shape.distance[i] < least:
        return "not told from a Gaussian"
    if abs(shape.peak[i]) > z_level * shape.peak_deviation[i]:
        return "super-Gaussian" if shape.peak[i] > 0 else "sub-Gaussian"
    return "asymmetric"
