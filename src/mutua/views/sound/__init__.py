"""Views of sound, (n, c, t): batched torch, the parameters drawn for each recording by itself."""

from __future__ import annotations

from mutua.views.sound.base import SoundTransform, as_sound
from mutua.views.sound.filters import BandStop, PassFilter
from mutua.views.sound.level import Gain, Polarity
from mutua.views.sound.noise import Noise
from mutua.views.sound.published import simclr
from mutua.views.sound.speed import Speed
from mutua.views.sound.time import Crop, TimeMask, TimeShift

__all__ = [
    "BandStop",
    "Crop",
    "Gain",
    "Noise",
    "PassFilter",
    "Polarity",
    "SoundTransform",
    "Speed",
    "TimeMask",
    "TimeShift",
    "as_sound",
    "simclr",
]
