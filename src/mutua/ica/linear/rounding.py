"""What is only the rounding of numbers in a recording: a converter's steps, counted among its directions."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from mutua.ica.linear.recording import Recording

__all__ = ["rounded_directions", "steps_of"]

_ROWS = 4096
"""Rows that a channel's step is told from."""
_LEAST = 2.0
"""Deviations of a channel below so many steps are no rounding of something finer: counts, switches."""
_MOST = 2.0
"""Times the variance of rounding, step^2 / 12, up to which a direction is no more than that."""


def steps_of(x: Float[np.ndarray, "n d"]) -> Float[np.ndarray, " d"]:
    """The unit of which all values of each channel are whole multiples, but for an offset; 0 where there is none.

    >>> steps_of(np.array([[0.1, 0.123], [0.4, 3.777], [0.7, 1.999], [0.6, 2.1]])).round(6).tolist()
    [0.1, 0.0]
    """
    steps = np.zeros(x.shape[1])
    for i, column in enumerate(x.T):
        apart = np.diff(np.unique(column))
        apart = apart[apart > 1e-6 * np.abs(column).max(initial=0.0)]
        if not len(apart):
            continue
        step = float(apart.min())
        times = apart / step
        if np.abs(times - np.round(times)).max() < 0.02:
            steps[i] = step
    return steps


def rounded_directions(recording: Recording, covariance: Float[np.ndarray, "d d"]) -> int:
    """How many directions of a recording vary no more than its rounding does, by step^2 / 12 a channel.

    0 where a channel isn't rounded, or by steps that aren't small beside it.
    """
    x = np.asarray(recording.x[:_ROWS], np.float64)
    deviation = np.sqrt(np.diag(covariance))
    # The smallest eigenvalues alone can be rounding: an early end where all directions are large.
    if (steps := steps_of(x)).min() <= 0 or (deviation < _LEAST * steps).any():
        return 0
    noise = steps / np.sqrt(12)
    values = np.linalg.eigvalsh(covariance / np.outer(noise, noise))
    return int((values < _MOST).sum())
