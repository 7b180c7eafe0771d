"""The track of sound of a film, by the seconds of its frames' clock."""

from __future__ import annotations

import math
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from mutua.data.video.clips import opened

__all__ = ["heard"]

_BEFORE = 0.25
"""Seconds decoded before a window: codecs that overlap their blocks (AAC, MP3, Opus) need some to be right."""
_MARGIN = 0.01
"""Seconds on either side of a window that the resampling filter looks at."""
_JITTER = 0.002
"""Seconds that packets' times are off by where a container keeps milliseconds: no gap, the sound goes on."""


def heard(path: Path, first: float, length: int, rate: float) -> Float[np.ndarray, " {length}"]:
    """`length` samples from `first` seconds on, at `rate` a second: channels mixed, in [-1, 1], 0 where none is.

    What encoders put before the first sample (priming) is left out by the decoder, where the container tells it.
    """
    with opened(path) as container:
        stream = container.streams.audio[0]
        stream.thread_type = "NONE"
        own = stream.rate
        skip = math.ceil(_MARGIN * rate)  # whole samples of what comes out, so that none is shifted by a part
        begin, end = first - skip / rate, first + (length + skip) / rate
        wide = np.zeros(int((end - begin) * own) + 1, np.float32)
        if begin > _BEFORE:
            container.seek(int((begin - _BEFORE) / stream.time_base), stream=stream, backward=True)
        at: int | None = None
        for frame in container.decode(stream):
            samples = _mixed(frame)
            if frame.time is not None:
                said = round((frame.time - begin) * own)
                at = said if at is None or abs(said - at) > _JITTER * own else at
            if at is None:
                continue
            if at >= len(wide):
                break
            low, high = max(at, 0), min(at + len(samples), len(wide))
            if low < high:
                wide[low:high] = samples[low - at : high - at]
            at += len(samples)
    ratio = Fraction(rate / own).limit_denominator(2000)
    from scipy.signal import resample_poly  # half a second to import

    made = wide if ratio == 1 else resample_poly(wide, ratio.numerator, ratio.denominator).astype(np.float32)
    out = np.zeros(length, np.float32)
    part = made[skip : skip + length]
    out[: len(part)] = part
    return out


def _mixed(frame: Any) -> np.ndarray:
    """(t,) float32 of a decoded frame of sound: the mean of its channels."""
    values = frame.to_ndarray()
    kind = values.dtype
    if not frame.format.is_planar:
        values = values.reshape(-1, frame.layout.nb_channels).T
    wave = values.mean(0, dtype=np.float64)
    if kind == np.uint8:
        wave = (wave - 128) / 128
    elif kind.kind == "i":
        wave = wave / np.iinfo(kind).max
    return wave.astype(np.float32)
