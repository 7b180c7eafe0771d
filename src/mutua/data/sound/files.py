"""Sound files in and out for unmixing: checked, read by blocks, never held whole where they are long."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import soundfile
from jaxtyping import Float

from mutua.data.sound.lengths import blocks, counted
from mutua.data.sound.wav import missing_bytes
from mutua.data.store import reason, replacing
from mutua.types import InputError

__all__ = ["Sound", "opened", "write_wavs"]

BLOCK = 1 << 16
"""Samples read or written at a time."""
MEMORY_BYTES = 256_000_000
"""Recordings beyond this many bytes of float32 are laid on the disk, memory-mapped."""
# At full scale, this near and so many samples running: a converter was overdriven, no sound does that.
_FULL_SCALE, _RUN = 0.999, 3


@dataclass(frozen=True)
class Sound:
    """Samples of d microphones, (n, d) float32 in [-1, 1], memory-mapped where they are long.

    names: a microphone each, as words call it. notes: what was seen and done, in words.
    """

    samples: Float[np.ndarray, "n d"]
    rate: int
    names: list[str]
    notes: list[str] = field(default_factory=list)


@contextmanager
def opened(paths: Sequence[Path]) -> Iterator[Sound]:
    """Read one file of several channels, or several files: WAV, FLAC, or whatever libsndfile reads.

    All files are checked before any is read: the same rate, all of them sound. Files of unequal length are cut to
    the shortest, silent microphones are left out, clipping is counted; the notes say so.

    Raises `InputError`, one line each: a missing file, one that is no sound, empty, truncated, or with NaN; rates
    that differ; fewer than two microphones that hear anything.
    """
    if not paths:
        raise InputError("mics: no file is named; give one of several channels, or several files")
    infos = [_info(path) for path in paths]
    rates = {info.samplerate for info in infos}
    if len(rates) > 1:
        told = ", ".join(f"{path} {info.samplerate} Hz" for path, info in zip(paths, infos, strict=True))
        raise InputError(
            f"microphones of different rates: {told}; resample them to one rate first, such as "
            f"`sox IN.wav -r {min(rates)} OUT.wav`"
        )
    d, n = sum(info.channels for info in infos), min(info.frames for info in infos)
    if d < 2:
        raise InputError(
            f"{paths[0]}: one channel alone; unmixing compares microphones, give "
            "one file of two channels or more, or several files"
        )
    names = [name for path, info in zip(paths, infos, strict=True) for name in _names(path, info.channels)]
    names = [f"{name} (file {i})" if names.count(name) > 1 else name for i, name in enumerate(names, 1)]
    notes = []
    if any(info.frames != n for info in infos):
        lengths = ", ".join(f"{path.name} {info.frames:,}" for path, info in zip(paths, infos, strict=True))
        notes.append(f"Lengths differ ({lengths} samples): cut to the shortest.")
    with tempfile.TemporaryDirectory(prefix="mutua-unmix-") as folder:
        samples = _space(n, d, Path(folder))
        column = 0
        for path, info in zip(paths, infos, strict=True):
            _fill(samples[:, column : column + info.channels], path)
            column += info.channels
        kept, more = _judged(samples, names)
        notes += more
        if len(kept) < 2:
            raise InputError(
                f"{len(kept)} of {d} microphones hears anything: {' '.join(more)} Give another recording"
            )
        if len(kept) < d:
            samples = _chosen(samples, kept, Path(folder))
        yield Sound(samples, int(infos[0].samplerate), [names[i] for i in kept], notes)


@dataclass(frozen=True)
class _Info:
    frames: int
    channels: int
    samplerate: int


def _info(path: Path) -> _Info:
    if not path.is_file():
        raise InputError(f"{path}: {'is a folder' if path.is_dir() else 'no such file'}; name a sound file")
    if path.stat().st_size == 0:
        raise InputError(f"{path}: an empty file; record or copy it again")
    try:
        info = soundfile.info(str(path))
        frames = counted(path, info)
    except (soundfile.SoundFileError, OSError, ValueError, MemoryError) as error:
        raise InputError(f"{path}: no sound file that can be read ({reason(error)}); give WAV or FLAC") from error
    if frames == 0:
        raise InputError(f"{path}: has no samples; record or copy it again")
    if missing := missing_bytes(path):
        raise InputError(
            f"{path}: truncated, {missing:,} bytes of the samples its header promises are missing; copy it again, "
            f"or mend it with `sox --ignore-length {path.name} OUT.wav`"
        )
    return _Info(frames, int(info.channels), int(info.samplerate))


def _names(path: Path, channels: int) -> list[str]:
    return [path.name] if channels == 1 else [f"{path.name} channel {i}" for i in range(channels)]


def _space(n: int, d: int, folder: Path) -> np.ndarray:
    if 4 * n * d <= MEMORY_BYTES:
        return np.empty((n, d), np.float32)
    return np.memmap(folder / f"samples-{d}", np.float32, "w+", shape=(n, d))


def _fill(samples: Float[np.ndarray, "n c"], path: Path) -> None:
    """Read a file into its columns, as many samples as there is room for."""
    n, at = len(samples), 0
    try:
        for block in blocks(path, n):
            samples[at : at + len(block)] = block
            at += len(block)
    except soundfile.SoundFileError as error:
        raise InputError(f"{path}: broken after {at:,} samples ({reason(error)}); copy it again") from error
    if at < n:
        raise InputError(f"{path}: truncated, {at:,} of {n:,} samples can be read; copy it again")


def _judged(samples: Float[np.ndarray, "n d"], names: Sequence[str]) -> tuple[list[int], list[str]]:
    """The microphones that hear something, and notes on silence and clipping."""
    n, d = samples.shape
    low, high = np.full(d, np.inf), np.full(d, -np.inf)
    clipped = np.zeros(d, np.int64)
    for start in range(0, n, BLOCK):
        block = np.asarray(samples[start : start + BLOCK])
        if not np.isfinite(block).all():
            row, column = (int(i[0]) for i in np.nonzero(~np.isfinite(block)))
            raise InputError(f"{names[column]}: NaN or infinity at sample {start + row}; cut that part out")
        low, high = np.minimum(low, block.min(0)), np.maximum(high, block.max(0))
        full = np.abs(block) >= _FULL_SCALE  # (b, d)
        if len(block) >= _RUN:
            clipped += np.lib.stride_tricks.sliding_window_view(full, _RUN, axis=0).all(-1).sum(0)
    kept = [i for i in range(d) if high[i] > low[i]]
    notes = [f"{names[i]} is silent and left out." for i in range(d) if i not in kept]
    notes += [
        f"{names[i]} is clipped in {clipped[i]:,} places: what is cut off there is no sum of sources, and spoils "
        "the separation a little; record it at a lower level."
        for i in kept
        if clipped[i]
    ]
    return kept, notes


def _chosen(samples: Float[np.ndarray, "n d"], kept: Sequence[int], folder: Path) -> np.ndarray:
    out = _space(len(samples), len(kept), folder)
    for start in range(0, len(samples), BLOCK):
        out[start : start + BLOCK] = samples[start : start + BLOCK, list(kept)]
    return out


def write_wavs(
    paths: Sequence[Path],
    blocks: Iterable[Float[np.ndarray, "_ k"]],
    scale: Float[np.ndarray, " k"],
    rate: int,
    *,
    subtype: str,
) -> None:
    """Write each column of consecutive blocks times its scale as a mono WAV, all of them whole or none.

    subtype: "FLOAT", "PCM_16" or "PCM_24". The scale is the caller's, so that nothing is clipped; whole numbers
        are
    rounded and held to their range.
    """
    with ExitStack() as stack:
        files = [stack.enter_context(replacing(path)) for path in paths]
        writers = [
            stack.enter_context(soundfile.SoundFile(file, "w", rate, 1, subtype, format="WAV")) for file in files
        ]
        for block in blocks:
            for writer, column in zip(writers, (block * scale).T, strict=True):
                if subtype == "PCM_16":
                    writer.write(np.clip(np.round(column * 32767), -32768, 32767).astype(np.int16))
                elif subtype == "PCM_24":  # the upper three bytes of four
                    full = (1 << 23) - 1
                    writer.write(np.clip(np.round(column * full), -full - 1, full).astype(np.int32) << 8)
                else:
                    writer.write(column.astype(np.float32))
