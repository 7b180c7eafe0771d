"""Compositions of views of sound as papers publish them."""

from __future__ import annotations

import math

from mutua.types import InputError, View
from mutua.views.base import check_probability
from mutua.views.compose import Compose
from mutua.views.sound.filters import PassFilter
from mutua.views.sound.level import Gain, Polarity
from mutua.views.sound.noise import Noise
from mutua.views.sound.speed import Speed
from mutua.views.sound.time import Crop

__all__ = ["simclr"]

CLMR_RATE = 22050.0


def simclr(
    rate: float | None = None,
    *,
    strength: float = 1.0,
    flip: float = 0.8,
    share: tuple[float, float] = (0.5, 1.0),
) -> Compose:
    """SimCLR's views of recordings: a window; polarity, noise, gain, a filter and speed, each with its chance.

    Those of CLMR with its probabilities for polarity (.8), gain (-6 to 0 dB, .3), filter (.8) and pitch (.6), but

    - pitch changes with tempo (`Speed`, by a tenth either way), and there is no echo and no reverberation,
    - noise is at WavAugment's 5 to 15 dB with probability .3, where CLMR's is at 80 dB, which is none,
    - a window is a random share of the recording, and stays as long as it was, ending in silence or padding:
      CLMR cuts 2.7 s of songs, here recordings may last half a second.

    Args:
        rate: of the recordings, samples a second, for the filters' cut-offs in Hz. Where None they are the same
            shares of the spectrum as at CLMR's 22,050 Hz.
        strength: s: noise is 20 log10(s) dB louder, gain and speed are s times as wide, and the filter's
            probability is min(1, .8 s). 0 leaves all of these out.
        flip: probability of turning the polarity.
        share: smallest and largest share of a recording that a window keeps.

    Raises InputError where a setting is out of range.

    Papers: Spijkervet and Burgoyne 2021, Contrastive learning of musical representations, arXiv:2103.09410;
    Kharitonov et al. 2021, Data augmenting contrastive learning of speech representations in the time domain,
    arXiv:2007.00991.
    """
    if not 0 <= strength < math.inf:
        raise InputError(f"strength: {strength}; give a number of at least 0")
    if rate is not None and not 0 < rate < math.inf:
        raise InputError(f"rate: {rate}; give the samples a second, or None")
    check_probability(flip, "flip")
    views: list[View] = [Crop(share)]
    if flip:
        views.append(Polarity(flip))
    if strength:
        louder = 20 * math.log10(strength)
        nyquist = (rate or CLMR_RATE) / 2
        low, high = (
            (min(1.0, hertz[0] / nyquist), min(1.0, hertz[1] / nyquist)) for hertz in ((2200, 4000), (200, 1200))
        )
        wide = min(0.1 * strength, 0.5)
        views += [
            Noise((5.0 - louder, 15.0 - louder), p=0.3),
            Gain((-6.0 * strength, 0.0), p=0.3),
            PassFilter(low, high, p=min(1.0, 0.8 * strength)),
            Speed((1 - wide, 1 + wide), p=0.6),
        ]
    return Compose(tuple(views))
