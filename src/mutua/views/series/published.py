"""Compositions of views of series as papers publish them."""

from __future__ import annotations

import math

from mutua.types import InputError, View
from mutua.views.base import check_probability
from mutua.views.compose import Compose
from mutua.views.series.columns import Jitter, Negate, Scale
from mutua.views.series.time import Crop, TimeMask, TimeWarp

__all__ = ["simclr"]


def simclr(
    *, strength: float = 1.0, flip: float = 0.0, share: tuple[float, float] = (0.5, 1.0), warp: float = 0.0
) -> Compose:
    """SimCLR's views of series: a window, sign, scale, noise, a span left out; a warped clock where asked for.

    No paper has just these: they are transformations of Um et al. at the sizes of their code (scale .1, jitter
    .05), each with probability one half, after TS2Vec's window and with a span of up to a fifth left out. Their
    warp (.2) is off, and the window is not stretched back: how fast things happen tells many series apart (a
    pulse, a rhythm, a motor), and views that change it teach a network not to see it. Segments in another order
    and columns left out are in `mutua.views.series` and not in this.

    Args:
        strength: s, a factor of all sizes and of the span (at most half). 0 leaves all of these out.
        flip: probability of the other sign; 0 where signs mean something.
        share: smallest and largest share of a series that a window keeps.
        warp: deviation of the clock's speed, with probability one half; for motions done at any pace.

    Raises InputError where a setting is out of range.

    Papers: Chen et al. 2020, arXiv:2002.05709; Um et al. 2017, arXiv:1706.00527; Yue et al. 2022, TS2Vec,
    arXiv:2106.10466; Eldele et al. 2021, TS-TCC, arXiv:2106.14112.
    """
    if not 0 <= strength < math.inf:
        raise InputError(f"strength: {strength}; give a number of at least 0")
    check_probability(flip, "flip")
    views: list[View] = [Crop(share, resized=False)]
    if flip:
        views.append(Negate(flip))
    if strength:
        if warp:
            views.append(TimeWarp(warp * strength))
        views += [
            Scale(0.1 * strength),
            Jitter(0.05 * strength),
            TimeMask((0.0, min(0.5, 0.2 * strength))),
        ]
    return Compose(tuple(views))
