"""What a VAE sees of its data: rows shifted and mapped linearly, and back; and which rows judge it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int64

from mutua.data.auxiliary import Auxiliary
from mutua.types import InputError

__all__ = ["Affine", "judging", "standardised", "whitened"]


@dataclass(frozen=True)
class Affine:
    """z = (x - centre) forward^T, x = z back^T + centre; log_det = log |det forward|."""

    centre: Float[np.ndarray, " d"]
    forward: Float[np.ndarray, "d d"]
    back: Float[np.ndarray, "d d"]

    @property
    def log_det(self) -> float:
        return float(np.linalg.slogdet(self.forward)[1])

    def __call__(self, x: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n d"]:
        return (x - self.centre) @ self.forward.T

    def inverse(self, z: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n d"]:
        return z @ self.back.T + self.centre


def standardised(x: Float[np.ndarray, "n d"]) -> Affine:
    """Each channel to mean 0 and deviation 1."""
    spread = x.std(0)
    return Affine(x.mean(0), np.diag(1 / spread), np.diag(spread))


def whitened(x: Float[np.ndarray, "n d"]) -> Affine:
    """Principal components of deviation 1, largest first.

    Raises `InputError` where the channels have a direction without variance.
    """
    centre = x.mean(0)
    values, vectors = np.linalg.eigh(np.cov((x - centre).T, bias=True).reshape(x.shape[1], -1))
    values, vectors = values[::-1], vectors[:, ::-1]
    rank = int((values > 1e-10 * values[0]).sum())
    if rank < len(values):
        raise InputError(
            f"X: {len(values)} channels of rank {rank}, some are combinations of others; leave "
            f"{len(values) - rank} out, or set whiten=False"
        )
    scale = np.sqrt(values)
    return Affine(centre, (vectors / scale).T, vectors * scale)


def judging(
    u: Auxiliary | None, n: int, share: float, rng: np.random.Generator
) -> tuple[Int64[np.ndarray, " fit"], Int64[np.ndarray, " judge"]]:
    """Rows to fit on, and rows that restarts and sizes are ranked by: `share` of all, of each class alike."""
    rows = rng.permutation(n)
    if u is None or u.index is None:
        count = max(1, round(share * n))
        return np.sort(rows[count:]), np.sort(rows[:count])
    classes = u.index[rows]
    order = np.argsort(classes, kind="stable")
    counts = np.bincount(classes, minlength=u.count)
    place = np.arange(n) - np.repeat(np.cumsum(counts) - counts, counts)  # within its class
    judge = np.zeros(n, bool)
    # A class of one row is learned from: nothing else says what its prior is.
    judge[rows[order]] = place < np.minimum(np.round(share * counts), counts - 1)[classes[order]]
    if not judge.any():
        judge[rows[0]] = n > 1
    return np.flatnonzero(~judge), np.flatnonzero(judge)
