"""Changes of colour on planes of float32 in [0, 1], in place: the compiled twins of `mutua.views.image.colour`.

Each takes pieces of planes short enough to stay in the first-level cache, so that several changes one after
another cost little more than one.
"""

from __future__ import annotations

from typing import no_type_check

import numba
import numpy as np

__all__ = ["blend", "blend_grey", "grey", "hue", "luma_sum", "plane_sum", "solarise"]

# Sums may be taken in any order, multiplications and additions fused; what is not finite keeps its meaning.
FAST = {"reassoc", "contract", "nsz"}

ZERO, ONE, TWO, FOUR, SIX = (np.float32(value) for value in (0, 1, 2, 4, 6))
RED, GREEN, BLUE = (np.float32(value) for value in (0.299, 0.587, 0.114))
TINY = np.float32(1e-12)


@numba.njit(cache=True, inline="always")
@no_type_check
def _clip(x):
    x = ZERO if x < ZERO else x
    return ONE if x > ONE else x


@numba.njit(cache=True, nogil=True, error_model="numpy", fastmath=FAST)
@no_type_check
def blend(x, factor, other):
    """clip(factor x + other): brightness with other = 0, contrast with other = (1 - factor) mean."""
    for i in range(len(x)):
        x[i] = _clip(factor * x[i] + other)


@numba.njit(cache=True, nogil=True, error_model="numpy", fastmath=FAST)
@no_type_check
def blend_grey(r, g, b, factor):
    """clip(factor x + (1 - factor) grey): saturation."""
    rest = ONE - factor
    for i in range(len(r)):
        other = rest * (RED * r[i] + GREEN * g[i] + BLUE * b[i])
        r[i] = _clip(factor * r[i] + other)
        g[i] = _clip(factor * g[i] + other)
        b[i] = _clip(factor * b[i] + other)


@numba.njit(cache=True, inline="always")
@no_type_check
def _turned(value, chroma, place):
    """A channel rebuilt, `place` sixths of a turn (-9 to 9) from where the channel is darkest."""
    away = abs(place)
    other = abs(away - SIX)
    away = other if other < away else away  # around the circle of six: 0 to 3
    return value - chroma * _clip(TWO - away)


@numba.njit(cache=True, nogil=True, error_model="numpy", fastmath=FAST)
@no_type_check
def hue(r, g, b, sixths):
    """Hue turned by `sixths` of a turn, -3 to 3.

    The plain definition takes min(k, 4 - k) of k = (6 h + offset) mod 6; with d the distance of k from 2 around
    the circle of six that is 2 - d.
    """
    for i in range(len(r)):
        x, y, z = r[i], g[i], b[i]
        high = x if x > y else y
        high = z if z > high else high
        low = x if x < y else y
        low = z if z < low else low
        chroma = high - low
        per = ONE / (chroma if chroma > TINY else TINY)
        blue_red, red_green = TWO + (z - x) * per, FOUR + (x - y) * per
        place = red_green if high != y else blue_red
        place = (y - z) * per if high == x else place
        place = place + sixths
        r[i] = _turned(high, chroma, place - np.float32(3))
        g[i] = _turned(high, chroma, place + ONE)
        b[i] = _turned(high, chroma, place - ONE)


@numba.njit(cache=True, nogil=True, error_model="numpy", fastmath=FAST)
@no_type_check
def grey(r, g, b):
    """Luma in all three channels."""
    for i in range(len(r)):
        value = RED * r[i] + GREEN * g[i] + BLUE * b[i]
        r[i] = value
        g[i] = value
        b[i] = value


@numba.njit(cache=True, nogil=True, error_model="numpy", fastmath=FAST)
@no_type_check
def solarise(x, threshold):
    """x to 1 - x where x >= threshold."""
    for i in range(len(x)):
        x[i] = ONE - x[i] if x[i] >= threshold else x[i]


@numba.njit(cache=True, nogil=True, error_model="numpy", fastmath=FAST)
@no_type_check
def luma_sum(r, g, b):
    """Sum of the grey of RGB."""
    total = ZERO
    for i in range(len(r)):
        total += RED * r[i] + GREEN * g[i] + BLUE * b[i]
    return total


@numba.njit(cache=True, nogil=True, error_model="numpy", fastmath=FAST)
@no_type_check
def plane_sum(x):
    """Sum of one plane."""
    total = ZERO
    for i in range(len(x)):
        total += x[i]
    return total
