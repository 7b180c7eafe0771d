"""Are the rows independent? Recordings over time are not, and then neighbours must stay together."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from numpy import ndarray

__all__ = ["block_length"]


def block_length(x: Float[ndarray, "n dx"], y: Float[ndarray, "n dy"], columns: int = 8) -> int:
    """How many neighbouring rows belong together: 1 where either side is white along the rows.

    The mean of a_t b_t over independent series has variance (1/n) sum_k r_a(k) r_b(k): serial dependence misleads
    only where both sides have it. With the largest such sum over up to `columns` columns of each side as the
    correlation time, a block holds three of it; a tenth of the rows at most. Up to a lag of n/10, autocorrelations
    inside +-4/sqrt(n) count as zero.

    Paper: Bartlett 1946, On the theoretical specification and sampling properties of autocorrelated time-series.
    """
    n = len(x)
    lags = max(1, n // 10)
    of_x, of_y = (_autocorrelations(side[:, :columns], lags) for side in (x, y))  # (c, lags), (c', lags)
    if of_x.size == 0 or of_y.size == 0:
        return 1
    time = float(np.max(1 + 2 * np.clip(of_x @ of_y.T, 0, None)))
    if time < 1.2:
        return 1
    return int(min(np.ceil(3 * time), max(1, n // 10)))


def _autocorrelations(z: Float[ndarray, "n c"], lags: int) -> Float[ndarray, "c l"]:
    n = len(z)
    centred = z - z.mean(0)
    power = np.abs(np.fft.rfft(centred, 2 * n, axis=0)) ** 2
    correlation = np.fft.irfft(power, axis=0)[1 : lags + 1].T  # (c, l)
    correlation = correlation / np.maximum((centred * centred).sum(0), 1e-300)[:, None]
    quiet = np.abs(correlation) < 4 / np.sqrt(n)
    # From the first quiet lag on, it is noise.
    return np.where(np.cumsum(quiet, 1) > 0, 0.0, correlation)
