"""A folder of recordings."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from mutua.data.sound.lengths import beginning_at, counted
from mutua.data.sound.wav import missing_bytes
from mutua.data.store import reason
from mutua.types import InputError

__all__ = ["SUFFIXES", "BadRecordingError", "Files", "survey"]

SUFFIXES = frozenset({".wav", ".flac", ".ogg", ".mp3", ".aiff", ".aif", ".opus", ".au"})

_INT16 = {"PCM_16", "PCM_S8", "PCM_U8"}
_MARGIN = 64
"""Samples read beyond a window on either side before it is resampled, since the filter looks there."""


class BadRecordingError(InputError):
    """One recording that cannot be read: skipped and counted where the caller asks for that."""


@dataclass(frozen=True)
class Header:
    """What a file's header says."""

    frames: int
    channels: int
    rate: int
    int16: bool


def survey(path: Path) -> Header:
    """The header of a sound file. Raises `BadRecordingError` naming it: not sound, empty, or cut short."""
    mend = "mend or remove it, or skip such files (--skip-bad)"
    try:
        info = soundfile.info(str(path))
        missing = missing_bytes(path)
    except (soundfile.SoundFileError, OSError) as error:
        raise BadRecordingError(f"{path}: cannot be read as sound ({reason(error)}); {mend}") from error
    if info.frames < 1:
        raise BadRecordingError(f"{path}: has no samples; {mend}")
    if missing:
        raise BadRecordingError(f"{path}: truncated, {missing:,} bytes of samples are missing; {mend}")
    try:
        frames = counted(path, info)
    except (soundfile.SoundFileError, ValueError, MemoryError) as error:
        raise BadRecordingError(f"{path}: cannot be decoded ({reason(error)}); {mend}") from error
    if not frames:
        raise BadRecordingError(f"{path}: has no samples; {mend}")
    return Header(frames, info.channels, int(info.samplerate), info.subtype in _INT16)


@dataclass(frozen=True, eq=False)
class Files:
    """A `Source` of sound files: each window is read, mixed and resampled when it is asked for.

    Args:
        paths, headers: of the files.
        rate: samples a second of what comes out.
        channels: of what comes out: the files' own, or 1, their mean.
        dtype: int16 where all files hold that and nothing is computed, else float32 in [-1, 1].
    """

    paths: tuple[Path, ...]
    headers: tuple[Header, ...]
    rate: int
    channels: int
    dtype: str

    @property
    def moment(self) -> tuple[int, ...]:
        return (self.channels,)

    @property
    def lengths(self) -> np.ndarray:
        # What a resampler makes of n samples is rounded down, so that no window asks for more than there is.
        return np.array([head.frames * self.rate // head.rate for head in self.headers], np.int64)

    def read(self, row: int, start: int, count: int) -> np.ndarray:
        path, head = self.paths[row], self.headers[row]
        try:
            if head.rate == self.rate:
                return self._mixed(beginning_at(path, start, count, self.dtype), path, count)
            import soxr

            # Reading begins where a sample of either rate lies, so that windows lie on one grid.
            step = head.rate // math.gcd(head.rate, self.rate)
            first = max(start * head.rate // self.rate - _MARGIN, 0) // step * step
            last = min(-(-(start + count) * head.rate // self.rate) + _MARGIN, head.frames)
            wide = soxr.resample(beginning_at(path, first, last - first, "float32"), head.rate, self.rate)
            at = start - first * self.rate // head.rate
            return self._mixed(wide[at : at + count], path, count)
        except soundfile.SoundFileError as error:
            raise InputError(f"{path}: broken at sample {start:,} ({reason(error)}); copy it again") from error

    def _mixed(self, samples: np.ndarray, path: Path, count: int) -> np.ndarray:
        if len(samples) < count - 1:
            raise InputError(
                f"{path}: {len(samples):,} of {count:,} samples can be read; copy it again, or remove it"
            )
        if self.channels == 1 and samples.shape[1] > 1:
            samples = samples.mean(1, dtype=np.float32)[:, None]
        return samples.astype(self.dtype, copy=False)
