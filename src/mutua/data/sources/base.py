"""A nonlinear mixture that knows its sources, and can be drawn again: same segments, or segments never seen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np
from jaxtyping import Float, Int64

from mutua.data.sources.mixing import Mixing
from mutua.types import InputError

__all__ = ["Mixture", "check_seed", "check_sizes", "held_out", "held_out_segments", "made"]

Sources = Callable[[np.random.Generator], tuple[np.ndarray, np.ndarray]]
"""A generator to sources (n, d) and their u (n,) or (n, du)."""

System = Callable[[np.random.Generator], Sources]
"""A generator to a system with fixed parameters (scales of segments, courses of time), which draws its sources."""


@dataclass(frozen=True)
class Mixture:
    """x = mixing(s) of n rows.

    Args:
        x: (n, d), what is observed.
        s: (n, d), the true sources.
        u: what modulates them: the number of the segment (n,), the time in [0, 1) (n,), or the past x (n, d).
        mixing: the map s -> x, with its inverse and log-determinant.
        fresh: a number (0, 1, ...) to another sample of the same system: same mixing, same segments.
        unseen: a number to a sample of other segments (or another course of time) under the same mixing.
    """

    x: Float[np.ndarray, "n d"]
    s: Float[np.ndarray, "n d"]
    u: np.ndarray
    mixing: Mixing
    fresh: Callable[[int], Mixture]
    unseen: Callable[[int], Mixture]


def made(
    seed: int, mixing: Callable[[np.random.Generator], Mixing], system: System, *, past: bool = False
) -> Mixture:
    """Draw a mixing, a system and its sources, each from its own stream of `seed`.

    past: u is x one step before, and the first row is left out.
    """
    check_seed(seed)
    g = mixing(np.random.default_rng([seed, 0]))

    def sample(drawn: Sources, stream: list[int], of: int) -> Mixture:
        s, u = drawn(np.random.default_rng([seed, *stream]))
        x = g(s)
        if past:
            x, s, u = x[1:], s[1:], x[:-1]

        def fresh(k: Any) -> Mixture:
            check_seed(k, "fresh")
            return sample(drawn, [2, of, 1 + k], of)

        def unseen(k: Any) -> Mixture:
            # Systems are numbered: 0 is the first, k + 1 the k-th never seen.
            check_seed(k, "unseen")
            return sample(system(np.random.default_rng([seed, 1, 1 + k])), [2, 1 + k, 0], 1 + k)

        return Mixture(x, s, u, g, fresh, unseen)

    return sample(system(np.random.default_rng([seed, 1, 0])), [2, 0, 0], 0)


# Any: whatever was given in a number's place.
def check_seed(seed: Any, name: str = "seed") -> None:
    """Raise `InputError` where it is no whole number of 0 or more: -1 would be a stream that is another's."""
    if not isinstance(seed, Integral) or isinstance(seed, bool) or seed < 0:
        raise InputError(f"{name}: {seed!r}; give a whole number of 0 or more")


def check_sizes(**sizes: int) -> None:
    """Raise `InputError` where a size is below 1, naming it."""
    for name, size in sizes.items():
        if size < 1:
            raise InputError(f"{name}: {size}; give 1 or more")


def held_out(
    mixture: Mixture, seed: int, share: float = 0.2
) -> tuple[Int64[np.ndarray, " train"], Int64[np.ndarray, " test"]]:
    """Rows to train on and to test on, ascending: other samples of the SAME segments.

    Where u is a segment, `share` of each one's rows, drawn by `seed`; else, as rows depend on their neighbours,
    the last `share` of all rows.

    Raises `InputError` where a share is none, or leaves one side without rows.
    """
    n = len(mixture.x)
    check_seed(seed)
    if not 0 < share < 1:
        raise InputError(f"share: {share}; give a number between 0 and 1")
    test = np.zeros(n, bool)
    if mixture.u.ndim == 1 and mixture.u.dtype.kind == "i":
        rng = np.random.default_rng([seed, 3])
        for segment in np.unique(mixture.u):
            rows = np.flatnonzero(mixture.u == segment)
            test[rng.permutation(rows)[: round(share * len(rows))]] = True
    else:
        test[n - round(share * n) :] = True
    if test.all() or not test.any():
        side = "train" if test.all() else "test"
        raise InputError(f"share: {share} of {n} rows leaves none to {side} on; give another, or more rows")
    return np.flatnonzero(~test), np.flatnonzero(test)


def held_out_segments(
    mixture: Mixture, seed: int, share: float = 0.2
) -> tuple[Int64[np.ndarray, " train"], Int64[np.ndarray, " test"]]:
    """Rows to train on and to test on, ascending: `share` of the segments, drawn by `seed`, are tested on whole.

    Raises `InputError` where u is no segment, or either side would have none.
    """
    if mixture.u.ndim != 1 or mixture.u.dtype.kind != "i":
        raise InputError("held_out_segments: u is no segment; use held_out, or mixture.unseen")
    check_seed(seed)
    segments = np.unique(mixture.u)
    count = round(share * len(segments))
    if not 0 < count < len(segments):
        raise InputError(f"share: {share} of {len(segments)} segments leaves one side with none")
    out = np.random.default_rng([seed, 4]).permutation(segments)[:count]
    test = np.isin(mixture.u, out)
    return np.flatnonzero(~test), np.flatnonzero(test)


def equal_segments(n: int, count: int) -> Int64[np.ndarray, " n"]:
    """The number of the segment of each of n rows in order: `count` segments, lengths equal or one apart.

    Raises `InputError` unless 1 <= count <= n.

    >>> equal_segments(7, 3)
    array([0, 0, 0, 1, 1, 2, 2])
    """
    if not 1 <= count <= n:
        raise InputError(f"segments: {count} of {n} rows; give 1 to {n}")
    return np.arange(n, dtype=np.int64) * count // n
