"""Clips in which things appear as they are heard: when a frame goes with a sound is known to the sample."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Int

from mutua.data.examples import Examples
from mutua.data.reading import Reading
from mutua.data.video.arrays import films
from mutua.data.windows import Windowed
from mutua.data.worlds.sounding import checked_sets, in_common
from mutua.types import InputError, parted

__all__ = ["Talking", "talking"]


@dataclass(frozen=True, eq=False)
class Talking:
    """Clips of things that appear one after another while they sound, with silence and blank frames between.

    Args:
        clips: films with their sound, one window each.
        shown: (n, frames), which class each frame shows; -1 none.
        heard: (n, t), which class sounds at each sample; -1 none.
    """

    clips: Windowed
    shown: Int[np.ndarray, "n f"]
    heard: Int[np.ndarray, "n t"]


def talking(
    pictures: Examples,
    recordings: Examples,
    n: int = 100,
    *,
    seconds: float = 4.0,
    rate: float = 10.0,
    silence: tuple[float, float] = (0.1, 0.5),
    seed: int = 0,
) -> Talking:
    """n clips of pictures with recordings of their classes, in random order, from any two labelled sets.

    Each class is drawn evenly; its picture is shown while its recording sounds, then comes a silence.

    Args:
        pictures, recordings: as in `sounding`; a recording lasts as long as its mask says.
        seconds, rate: of each clip, and its frames a second.
        silence: the shortest and the longest, in seconds.
        seed: of the draw.

    Raises `InputError` as `sounding` does, and for times that are none.
    """
    checked_sets(pictures, recordings)
    if not (seconds * rate >= 1 and 0 <= silence[0] <= silence[1]):
        raise InputError(f"seconds, silence: {seconds} s with {silence}; give a frame at least, and least to most")
    classes = in_common(pictures, recordings)
    seen, spoken = np.asarray(pictures.labels), np.asarray(recordings.labels)
    draw = np.random.default_rng(seed)
    sound = float(recordings.spec.rate or 1)
    frames, length = round(seconds * rate), round(seconds * sound)
    x = np.zeros((n, frames, *pictures.spec.shape), np.uint8)
    waves, shown = np.zeros((n, length), np.float32), np.full((n, frames), -1)
    heard = np.full((n, length), -1)
    when = np.round(np.arange(frames) / rate * sound).astype(int)  # the sample at which each frame is shown
    for clip in range(n):
        at = round(draw.uniform(*silence) * sound)
        while at < length:
            k = int(draw.integers(len(classes)))
            a, b = classes[k]
            picture = torch.from_numpy(draw.choice(np.flatnonzero(seen == a), 1))
            recording = torch.from_numpy(draw.choice(np.flatnonzero(spoken == b), 1))
            wave, mask = parted(recordings.take(recording))
            one = wave[0, 0].numpy() / np.float32(32768 if wave.dtype == torch.int16 else 1)
            one = one[: int(mask.sum()) if mask is not None else len(one)][: length - at]
            end = at + len(one)
            waves[clip, at:end], heard[clip, at:end] = one, k
            during = (when >= at) & (when < end)
            x[clip, during], shown[clip, during] = parted(pictures.take(picture))[0][0].numpy(), k
            at = end + round(draw.uniform(*silence) * sound)
    what = f"{pictures.source.partition(' (')[0]} talking with {recordings.source.partition(' (')[0]}"
    made = films(x, sound=waves, sound_rate=sound, reading=Reading(rate=rate), source=what)
    return Talking(made, shown, heard)
