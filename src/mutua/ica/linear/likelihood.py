"""The loss of `mutua.estimators.newton` over a recording, in the precision of the data it is given."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

from mutua.estimators.newton import Evaluate, State
from mutua.estimators.whitening import Whitening
from mutua.ica.linear.densities import Density
from mutua.ica.linear.recording import Recording
from mutua.kernels.ica.linear import Moments, moments, slow_moments

__all__ = ["centred", "has_kernel", "held", "objective"]

Square = Float[np.ndarray, "k k"]
Chunks = Iterator[Float[np.ndarray, "b k"]]


def objective(
    chunks: Callable[[], Chunks], densities: Sequence[Any], matrix: Float[np.ndarray, "k d"] | None = None
) -> Evaluate:
    """(W, curved) to the state at W: the compiled kernel where it knows the densities, else plain numpy.

    `chunks` gives the whitened data, rows at a time, in float32 or float64: that is the precision of the state.
    With `matrix` it gives centred data, which the matrix whitens. Without `curved` the curvature is zero, for
    less time.
    """

    def through(w: Square) -> Float[np.ndarray, "k d"]:
        return w if matrix is None else w @ matrix

    if not has_kernel(densities):
        return lambda w, curved=True: _state(
            w, chunks(), lambda z: slow_moments(through(w) @ z.T, densities, curved)
        )
    known = [density.kernel for density in densities]
    codes = np.array([code for code, _, _ in known], np.int64)
    parameters = np.array([parameter for _, parameter, _ in known], np.float64)
    constants = np.array([constant for _, _, constant in known])

    def part(w: Square, z: np.ndarray, curved: bool) -> Moments:
        sums = moments(z, through(w), codes, parameters, curved)
        return sums._replace(log_prob=sums.log_prob + len(z) * constants)

    return lambda w, curved=True: _state(w, chunks(), lambda z: part(w, z, curved))


def _state(w: Square, chunks: Chunks, part: Callable[[np.ndarray], Moments]) -> State:
    """Means of the chunks' sums, and the loss -log|det W| - sum_i E log p_i."""
    k, n = len(w), 0
    sums = Moments(np.zeros(k), np.zeros((k, k)), np.zeros((k, k)))
    for chunk in chunks:
        sums = Moments(*(a + b for a, b in zip(sums, part(chunk), strict=True)))
        n += len(chunk)
    _, log_det = np.linalg.slogdet(w)
    gradient = sums.gradient / n - np.eye(k)
    log_prob = sums.log_prob / n
    return State(w, float(-log_det - log_prob.sum()), log_prob, gradient, sums.curvature / n)


def has_kernel(densities: Sequence[Density]) -> bool:
    """Whether the compiled kernel knows all of them."""
    return all(hasattr(density, "kernel") for density in densities)


def centred(recording: Recording, white: Whitening) -> Chunks:
    """The recording without its mean, chunk by chunk, in float64."""
    for chunk in recording.chunks():
        yield chunk - white.mean


def held(recording: Recording, white: Whitening, memory_bytes: float) -> Callable[[], Chunks]:
    """Whitened chunks in float32: kept where they fit in `memory_bytes`, else made anew on every pass."""
    n, k = recording.samples, len(white.matrix)
    if 4 * n * k > memory_bytes:
        return lambda: ((chunk @ white.matrix.T).astype(np.float32) for chunk in centred(recording, white))
    kept = np.empty((n, k), np.float32)
    start = 0
    for chunk in centred(recording, white):
        kept[start : start + len(chunk)] = chunk @ white.matrix.T
        start += len(chunk)
    return lambda: iter((kept,))
