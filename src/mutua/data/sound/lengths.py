"""Sound files whose header doesn't know how long they are: counted, and read from their beginning on.

libsndfile 1.2 estimates the length of an MP3 without a table by its first frames' bit rate, and reads no further
than that: of ten seconds of variable bit rate from a pipe it gave 4.5. What comes through a pipe it reads to its
end. A FLAC from a pipe says 2^63 - 1 samples, and can't be sought in ("Internal psf_fseek() failed").
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

__all__ = ["beginning_at", "blocks", "counted"]

_UNKNOWN = 1 << 40
_BLOCK = 1 << 16
_HEAD = 1 << 12


class _Onward(soundfile.SoundFile):
    """A sound file that is only read onwards: soundfile seeks after each read of one that can be sought."""

    def seekable(self) -> bool:
        """No."""
        return False


def blocks(
    path: Path, count: int | None = None, dtype: str = "float32", *, start: int = 0
) -> Iterator[np.ndarray]:
    """Consecutive samples (b, c) of a sound file from `start` on, `count` of them or as many as there are.

    Raises soundfile's errors.
    """
    with _opened(path) as file:
        passed = 0
        while passed < start:
            seen = len(file.read(min(_BLOCK, start - passed), dtype=dtype, always_2d=True))
            if not seen:
                return
            passed += seen
        left = count
        while left is None or left > 0:
            block = file.read(_BLOCK if left is None else min(_BLOCK, left), dtype=dtype, always_2d=True)
            if not len(block):
                return
            yield block
            left = None if left is None else left - len(block)


def counted(path: Path, info: Any) -> int:
    """Samples of a sound file; where its header (soundfile's `info`) doesn't know, it is decoded to count them."""
    return sum(map(len, blocks(path))) if _untold(path, info) else int(info.frames)


def beginning_at(path: Path, start: int, count: int, dtype: str) -> np.ndarray:
    """(n, c) samples from `start` on, at most `count`; what comes before is decoded where it can't be passed
    over."""
    with soundfile.SoundFile(path) as file:
        if not _untold(path, file):
            file.seek(start)
            return file.read(count, dtype=dtype, always_2d=True)
        channels = file.channels
    parts = list(blocks(path, count, dtype, start=start))
    return np.concatenate(parts) if parts else np.zeros((0, channels), dtype)


def _untold(path: Path, info: Any) -> bool:
    """Whether the length in the header is none, or a guess."""
    return info.frames > _UNKNOWN or (info.format in ("MP3", "MPEG") and not _has_table(path))


def _has_table(path: Path) -> bool:
    """Whether an MP3's first frame says how many there are (Xing's or LAME's; mpg123 reads no other)."""
    with open(path, "rb") as file:
        head = file.read(10)
        if head[:3] == b"ID3" and len(head) == 10:  # seven bits a byte
            file.seek(10 + (head[6] << 21 | head[7] << 14 | head[8] << 7 | head[9]))
        else:
            file.seek(0)
        first = file.read(_HEAD)
    return b"Xing" in first or b"Info" in first


@contextmanager
def _opened(path: Path) -> Iterator[soundfile.SoundFile]:
    """A sound file to be read onwards; an MP3 whose length is a guess through a pipe."""
    info = soundfile.info(str(path))
    if info.format not in ("MP3", "MPEG") or not _untold(path, info):
        with _Onward(path) as file:
            yield file
        return
    out, into = os.pipe()
    feeder = threading.Thread(target=_feed, args=(path, into), daemon=True)
    feeder.start()
    try:
        with _Onward(out, closefd=False) as file:
            yield file
    finally:
        os.close(out)  # which ends the feeder, whether the file was opened or not
        feeder.join()


def _feed(path: Path, into: int) -> None:
    try:
        with open(path, "rb") as source, os.fdopen(into, "wb") as out:
            while block := source.read(_BLOCK):
                out.write(block)
    except BrokenPipeError:
        pass  # no more was wanted
