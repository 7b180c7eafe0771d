"""Recordings read at another speed, in one compiled loop: `mutua.views.sound.Speed` is the definition.

Each recording depends on its own row alone. Where a sinc is asked for, its weights are taken from a table of
`_PHASES` places between two samples, linear between those: within 1e-5 of a signal in [-1, 1].
"""

from __future__ import annotations

from typing import no_type_check

import numba
import numpy as np

__all__ = ["by_line", "by_sinc"]

_PHASES = 256


@numba.njit(cache=True, nogil=True)
@no_type_check
def by_line(x, factor, length, after, out):
    """out[i, c, j] = x[i, c] at j factor[i], on the straight line between samples; zero from after[i] on.

    x and out are (n, c, t) float32; only the first length[i] samples of a row are read.
    """
    n, channels, _ = x.shape
    for i in range(n):
        last = max(length[i] - 1, 0)
        for c in range(channels):
            row, to = x[i, c], out[i, c]
            for j in range(after[i]):
                position = min(j * factor[i], float(last))
                k = int(position)
                part = np.float32(position - k)
                low, high = row[k], row[min(k + 1, last)]
                to[j] = low + part * (high - low)
            to[after[i] :] = 0


@numba.njit(cache=True, nogil=True, fastmath={"reassoc", "contract", "nsz"})
@no_type_check
def by_sinc(x, factor, length, after, half, out):
    """The same through a windowed sinc of `half` samples on each side, its weights normalised to sum 1."""
    n, channels, t = x.shape
    taps = 2 * half
    table = np.empty((_PHASES + 2, taps), np.float32)  # one more than there are, which rounding may ask for
    weights = np.empty(taps, np.float32)
    padded = np.empty(t + 2 * taps, np.float32)
    for i in range(n):
        _fill(table, half, min(1.0, 1.0 / factor[i]))
        last = max(length[i] - 1, 0)
        for c in range(channels):
            padded[:] = 0
            padded[taps : taps + length[i]] = x[i, c, : length[i]]
            to = out[i, c]
            for j in range(after[i]):
                position = min(j * factor[i], float(last))
                k = int(position)
                phase = (position - k) * _PHASES
                place = int(phase)
                part = np.float32(phase - place)
                low, high = table[place], table[place + 1]
                for tap in range(taps):
                    weights[tap] = low[tap] + part * (high[tap] - low[tap])
                start = k + taps + 1 - half
                value = np.float32(0)
                for tap in range(taps):
                    value += weights[tap] * padded[start + tap]
                to[j] = value
            to[after[i] :] = 0


@numba.njit(cache=True, nogil=True)
@no_type_check
def _fill(table, half, r):
    """Row p: the weights of samples 1 - half .. half away from a place p / _PHASES after a sample."""
    for p in range(len(table)):
        total = 0.0
        for tap in range(2 * half):
            d = p / _PHASES - (tap + 1 - half)
            angle = np.pi * r * d
            weight = 1.0 if abs(angle) < 1e-9 else np.sin(angle) / angle
            weight *= 0.5 + 0.5 * np.cos(np.pi * d / half)
            table[p, tap] = weight
            total += weight
        for tap in range(2 * half):
            table[p, tap] /= total
