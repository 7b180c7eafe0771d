"""A nonlinear mixture that knows its sources, and can be drawn again: same segments, or segments never seen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int64

from mutua.data.sources.mixing import Mixing
from mutua.types import InputError

__all__ = ["Mixture", "check_sizes", "held_out", "held_out_segments", "made"]

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
    if seed < 0:
        raise InputError(f"seed: {seed}; give 0 or more")
    g = mixing(np.random.default_rng([seed, 0]))

    def sample(drawn: Sources, stream: list[int], of: int) -> Mixture:
        s, u = drawn(np.random.default_rng([seed, *stream]))
        x = g(s)
        if past:
            x, s, u = x[1:], s[1:], x[:-1]
        return Mixture(
            x,
            s,
            u,
            g,
            fresh=lambda k: sample(drawn, [2, of, 1 + k], of),
            # Systems are numbered: 0 is the first, k + 1 the k-th never seen.
            unseen=lambda k: sample(system(np.random.default_rng([seed, 1, 1 + k])), [2, 1 + k, 0], 1 + k),
        )

    return sample(system(np.random.default_rng([seed, 1, 0])), [2, 0, 0], 0)


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
    """
    n = len(mixture.x)
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
    return np.flatnonzero(~test), np.flatnonzero(test)


def held_out_segments(
    mixture: Mixture, seed: int, share: float = 0.2
) -> tuple[Int64[np.ndarray, " train"], Int64[np.ndarray, " test"]]:
    """Rows to train on and to test on, ascending: `share` of the segments, drawn by `seed`, are tested on whole.

    Raises `InputError` where u is no segment, or either side would have none.
    """
    if mixture.u.ndim != 1 or mixture.u.dtype.kind != "i":
        raise InputError("held_out_segments: u is no segment; use held_out, or mixture.unseen")
    segments = np.unique(mixture.u)
    count = round(share * len(segments))
    if not 0 < count < len(segments):
        raise InputError(f"share: {share} of {len(segments)} segments leaves one side with none")
    out = np.random.default_rng([seed, 4]).permutation(segments)[:count]
    test = np.isin(mixture.u, out)
    return np.flatnonzero(~test), np.flatnonzero(test)
