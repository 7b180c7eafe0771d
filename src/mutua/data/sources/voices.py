"""Real recordings under a known nonlinear mixing: their loudness modulates them, and the truth is there to ask."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from mutua.data.sources.base import Mixture, check_seed, equal_segments
from mutua.data.sources.mixing import Mixing
from mutua.data.sources.published import Draw, tcl_mixing
from mutua.types import InputError

__all__ = ["voices_mixture"]


def voices_mixture(
    recordings: Sequence[np.ndarray],
    seed: int,
    *,
    layers: int = 2,
    segments: int = 256,
    mixing: Callable[[int, int], Draw] = tcl_mixing,
) -> Mixture:
    """One source for each recording, brought to mean 0 and deviation 1 and cut to the shortest, then mixed.

    u numbers `segments` equal stretches of time. `seed` is of the mixing alone: a recording can't be drawn again,
    so `fresh` and `unseen` of the result raise; use `held_out` and `held_out_segments`.

    Args:
        recordings: two or more, each samples over time (n,), of one rate; join short ones first.
        layers, mixing: the map is that of `mixing(number of recordings, layers)`, the TCL paper's by default.

    Raises `InputError`: fewer than two recordings, one that is not (n,), silent, or with NaN; too many segments.
    """
    check_seed(seed)
    if len(recordings) < 2:
        raise InputError(f"recordings: {len(recordings)}; a mixture takes at least two")
    length = min(len(one) for one in recordings)
    columns = []
    for number, one in enumerate(recordings):
        if np.ndim(one) != 1:
            raise InputError(f"recordings: number {number} has shape {np.shape(one)}; give one channel, (n,)")
        cut = np.asarray(one[:length], np.float64)
        if not np.isfinite(cut).all():
            raise InputError(f"recordings: number {number} has NaN or infinity; repair it first")
        if length < 2 or cut.std() == 0:
            raise InputError(f"recordings: number {number} is silent in its first {length} samples; leave it out")
        columns.append((cut - cut.mean()) / cut.std())
    s = np.stack(columns, 1)
    g: Mixing = mixing(s.shape[1], layers)(np.random.default_rng([seed, 0]))

    def once(_: int) -> Mixture:
        raise InputError("voices_mixture: a recording can't be drawn again; use held_out or held_out_segments")

    return Mixture(g(s), s, equal_segments(length, segments), g, fresh=once, unseen=once)
