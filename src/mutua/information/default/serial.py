"""Are the rows independent? Recordings over time are not, and then neighbours must stay together."""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from mutua.information.variables import Variable

__all__ = ["block_length", "order_of_rows"]

ROWS = 30_000
"""So many rows tell whether neighbours are alike."""


def order_of_rows(x: Variable, y: Variable, serial: bool | None = None) -> tuple[int, list[str]]:
    """How many neighbouring rows belong together, and a sentence where rows are in the order of a column instead.

    A table sorted by one of its columns looks like a recording: all that depends on the column changes slowly
    along the rows. It is none where the other side, less its mean in the same class (or, where the column is no
    class, less that of its neighbours along the rows), is white.

    Args:
        serial: what the user says: True, at least two rows belong together; False, one; None looks.
    """
    if serial is False:
        return 1, []
    found = block_length(_shown(x), _shown(y))
    if serial:
        return max(found, 2), []
    if found == 1:
        return 1, []
    for side, other, name in ((x, y, "x"), (y, x, "y")):
        groups = _sorted(side)
        if groups is None:
            continue
        left = _residual(_shown(other), groups[:ROWS])
        if block_length(left, left) == 1:
            return 1, [
                f"the rows are in the order of {name}, and taken as independent; if they are a recording over "
                "time, say "
                "serial=True (--serial yes)"
            ]
    return found, []


def _shown(side: Variable, columns: int = 8) -> Float[ndarray, "m c"]:
    """Some columns, and indicators of some classes; of many rows the first."""
    parts = [side.continuous[:ROWS, :columns]]
    for code in side.parts[:columns]:
        values = int(code.max()) + 1
        parts.append((code[:ROWS, None] == np.arange(min(values, columns))).astype(float))
    return np.hstack(parts)


def _sorted(side: Variable) -> Int[ndarray, " n"] | None:
    """Classes of the rows by the column that they are sorted by: its own, or runs of sqrt(n) rows."""
    for code in side.parts:
        values = int(code.max()) + 1
        if int((np.diff(code) != 0).sum()) == values - 1:
            return code
    for column in side.values.T:
        step = np.diff(column)
        if (step >= 0).all() or (step <= 0).all():
            width = max(4, math.isqrt(len(column)))
            return np.minimum(np.arange(len(column)) // width, max(len(column) // width - 1, 0))
    return None


def _residual(z: Float[ndarray, "n c"], groups: Int[ndarray, " n"]) -> Float[ndarray, "n c"]:
    """What is left of the columns within a group: less its mean, and less its slope along the rows."""
    left = np.empty_like(z)
    for group in np.unique(groups):
        rows = np.flatnonzero(groups == group)
        at = np.arange(len(rows)) - (len(rows) - 1) / 2
        own = z[rows] - z[rows].mean(0)
        left[rows] = own - np.outer(at, at @ own) / max(float(at @ at), 1.0)
    return left


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
