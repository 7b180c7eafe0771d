"""Sources whose loudness changes: the likelihood of Gaussians with a variance of their own in every block of rows.

With C_b the covariance of the recording in block b, which has the share q_b of all rows, the loss in nats a row is

    L(W) = -log|det W| + 1/2 sum_i sum_b q_b log(w_i C_b w_i),

the variances at their maximum, w_i C_b w_i. Its relative gradient is

    G_ij = sum_b q_b (w_i C_b w_j) / (w_i C_b w_i) - delta_ij,

zero where all C_b are diagonalised at once. Where one source pauses, the rows of W of the others are known almost
exactly: recordings of voices are unmixed some 30 dB better than by the shape of their densities. Only the
covariances are looked at, so that a step costs nothing beside one pass over the recording.

Paper: Pham and Cardoso, Blind separation of instantaneous mixtures of nonstationary sources (2001).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from jaxtyping import Float

from mutua.estimators.newton import Evaluate, Solution, State, block_step, maximise
from mutua.estimators.whitening import Whitening

__all__ = ["Loudness", "loudness", "modulated_objective", "sharpened"]

FLOOR = 1e-6
"""Of the whole recording's covariance, added to each block's: silence would make the likelihood infinite."""

_STEPS = 100
_ROUNDING = 1e-14


@dataclass(frozen=True)
class Loudness:
    """Covariances of consecutive blocks of the whitened recording, and their shares of the rows."""

    covariances: Float[np.ndarray, "b k k"]
    shares: Float[np.ndarray, " b"]

    def pieces(self, count: int) -> list[Loudness]:
        """Consecutive parts, as many as there are blocks for."""
        edges = np.linspace(0, len(self.shares), min(count, len(self.shares)) + 1).astype(int)
        return [
            Loudness(self.covariances[a:b], self.shares[a:b] / self.shares[a:b].sum()) for a, b in pairwise(edges)
        ]


@dataclass(frozen=True)
class _Measured(State):
    """Its size is that of the Newton step: gradients are as noisy as the curvature is large, up to 1e6."""

    @property
    def size(self) -> float:
        return float(np.abs(block_step(self.gradient, self.curvature)).max())


def loudness(
    chunks: Iterable[Float[np.ndarray, "m d"]], samples: int, white: Whitening, rows: int, memory_bytes: float
) -> Loudness:
    """One pass over `samples` rows in order: the covariance of every `rows` rows, more where the covariances would
    not fit in memory.

    What is left at the end joins the last block.
    """
    n, k = samples, len(white.matrix)
    rows = max(rows, math.ceil(8 * k * k * n / memory_bytes))
    count = max(1, n // rows)
    sums, sizes = np.zeros((count, k, k)), np.zeros(count)
    start = 0
    for chunk in chunks:
        z = white(chunk)  # (b, k)
        block = np.minimum(np.arange(start, start + len(z)) // rows, count - 1)
        edges = np.concatenate([[0], np.flatnonzero(np.diff(block)) + 1, [len(z)]])
        for a, b in pairwise(edges):
            sums[block[a]] += z[a:b].T @ z[a:b]
            sizes[block[a]] += b - a
        start += len(z)
    floor = FLOOR * sums.sum(0) / n
    return Loudness(sums / sizes[:, None, None] + floor, sizes / n)


def modulated_objective(found: Loudness) -> Evaluate:
    """W to the state of the loss above; `log_prob` is each source's share of it, 1/2 log 2 pi e left in."""

    def evaluate(w: Float[np.ndarray, "k k"], curved: bool = True) -> State:
        d = w @ found.covariances @ w.T  # (b, k, k)
        variance = np.einsum("bii->bi", d)  # (b, k)
        weight = found.shares[:, None] / variance
        gradient = np.einsum("bij,bi->ij", d, weight) - np.eye(len(w))
        log_prob = -0.5 * found.shares @ np.log(2 * math.pi * math.e * variance)
        loss = -float(np.linalg.slogdet(w)[1]) - float(log_prob.sum())
        return _Measured(w, loss, log_prob, gradient, weight.T @ variance)

    return evaluate


def sharpened(found: Loudness, w: Float[np.ndarray, "k k"], *, tol: float) -> Solution:
    """The maximum of the likelihood of changing loudness nearest to w, which a fit by densities gave."""
    evaluate = modulated_objective(found)
    return maximise(evaluate, evaluate(w), tol=tol, max_steps=_STEPS, rounding=_ROUNDING)
