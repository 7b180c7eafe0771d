"""Random draws of word embeddings: each depends on a key and a position alone, never on what was drawn before.

So the same corpus is thinned, windowed and contrasted the same way however it is cut into jobs.
"""

from __future__ import annotations

from typing import no_type_check

import numba
import numpy as np
from jaxtyping import Float64, Int32, UInt32

__all__ = ["alias_table", "draw", "mixed", "noise_word", "pass_key"]

_GOLDEN = 0x9E3779B97F4A7C15
_MASK = (1 << 64) - 1


@numba.njit(cache=True, inline="always")
@no_type_check
def mixed(z):
    """The finaliser of splitmix64: 64 bits to 64 bits, each depending on all.

    Paper: Steele, Lea and Flood 2014, Fast Splittable Pseudorandom Number Generators.
    """
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


@numba.njit(cache=True, inline="always")
@no_type_check
def draw(key, i):
    """64 random bits: the i-th of the sequence that `key` names."""
    return mixed(key + (np.uint64(i) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15))


@numba.njit(cache=True, inline="always")
@no_type_check
def noise_word(bits, threshold, other):
    """A word from the alias table, by 64 random bits."""
    i = np.int64(((bits >> np.uint64(32)) * np.uint64(len(threshold))) >> np.uint64(32))
    return i if (bits & np.uint64(0xFFFFFFFF)) <= np.uint64(threshold[i]) else np.int64(other[i])


def pass_key(seed: int, epoch: int) -> np.uint64:
    """The key of one pass over the corpus."""
    z = ((seed & _MASK) * 0xD1342543DE82EF95 + (epoch + 1) * _GOLDEN) & _MASK
    with np.errstate(over="ignore"):
        return np.uint64(mixed.py_func(np.uint64(z)))


def alias_table(weights: Float64[np.ndarray, " v"]) -> tuple[UInt32[np.ndarray, " v"], Int32[np.ndarray, " v"]]:
    """`threshold` and `other`: draw i uniformly, keep it while 32 random bits are at most threshold, else other.

    Paper: Walker 1977; Vose 1991, A linear algorithm for generating random numbers with a given distribution.
    """
    threshold, other = _alias(weights * (len(weights) / weights.sum()))
    return np.minimum(threshold * 2.0**32, 2.0**32 - 1).astype(np.uint32), other


@numba.njit(cache=True)
@no_type_check
def _alias(share):
    n = len(share)
    threshold, other = np.ones(n), np.arange(n).astype(np.int32)
    small, large = np.empty(n, np.int64), np.empty(n, np.int64)
    n_small = n_large = 0
    for i in range(n):
        if share[i] < 1:
            small[n_small] = i
            n_small += 1
        else:
            large[n_large] = i
            n_large += 1
    share = share.copy()
    while n_small and n_large:
        n_small -= 1
        i, j = small[n_small], large[n_large - 1]
        threshold[i], other[i] = share[i], j
        share[j] -= 1 - share[i]
        if share[j] < 1:
            n_large -= 1
            small[n_small] = j
            n_small += 1
    return threshold, other
