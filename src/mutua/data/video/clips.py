"""What a film's file says: when its frames are shown, where decoding can begin, how it is turned."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mutua.types import InputError

__all__ = ["MEND", "SUFFIXES", "BadClipError", "Clip", "opened", "picture_of", "reformatter", "survey"]

SUFFIXES = frozenset({".mp4", ".webm", ".mkv", ".mov", ".avi"})
MEND = "mend or remove it, or skip such files (--skip-bad)"


class BadClipError(InputError):
    """One film that cannot be read: skipped and counted where the caller asks for that."""


@dataclass(frozen=True, eq=False)
class Clip:
    """What is known of a film before any window of it is read. Times are seconds of the file's own clock.

    Args:
        first, last, end: when its first frame is shown, its last, and how long that one stays.
        rate: frames a second: what the file says where its frames bear that out, else their mean.
        height, width: as shown: turned upright, with square pixels.
        turned: degrees, counterclockwise, that the pixels are to be turned by.
        grey: whether it has no colours.
        heard: whether there is a track of sound.
        seconds: of one tick of the clock of its frames.
        longest: seconds that a frame stays at most before the next.
        keys: (k, 3) ticks shown, ticks decoded, and number of each key frame.
        shown: (n,) ticks of the frames in order, where decoded frames don't tell them; else None.
    """

    path: Path
    first: float
    last: float
    end: float
    rate: float
    height: int
    width: int
    turned: int
    grey: bool
    heard: bool
    seconds: float
    longest: float
    keys: np.ndarray
    shown: np.ndarray | None = None

    def frames(self, rate: float) -> int:
        """How many frames it gives at a rate: those of a clock that ticks from its first frame to its end."""
        return int((self.end - self.first) * rate + 0.05)

    def time(self, number: int, rate: float) -> float:
        """When frame `number` of that rate is shown.

        A little later than number / rate: a clock of milliseconds rounds what is shown at 41.67 ms to 42.
        """
        return self.first + number / rate + min(0.002, 0.25 / self.rate, 0.25 / rate)


def _av() -> Any:
    try:
        import av
    except ImportError as error:
        raise InputError("video: reading films needs PyAV; pip install 'mutua[video]'") from error
    return av


@contextmanager
def opened(path: Path) -> Iterator[Any]:
    """The container of a film. Raises `BadClipError` for whatever goes wrong with it, inside the block too."""
    av = _av()
    try:
        with av.open(str(path)) as container:
            yield container
    except (av.FFmpegError, OSError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise BadClipError(f"{path}: cannot be read as a film ({reason.lower()}); {MEND}") from error


def reformatter() -> Any:
    """What scales frames, one after another."""
    from av.video.reformatter import VideoReformatter

    return VideoReformatter()


def picture_of(container: Any, path: Path) -> Any:
    """The stream of pictures, cover art left out."""
    cover = _av().stream.Disposition.attached_pic
    streams = [one for one in container.streams.video if not one.disposition & cover]
    if not streams:
        if container.streams.audio:
            raise BadClipError(
                f"{path}: has sound and no picture; read it as a recording, or skip it (--skip-bad)"
            )
        raise BadClipError(f"{path}: has no picture, or was cut off before its index; {MEND}")
    # A thread a film: films are read beside each other.
    streams[0].thread_type, streams[0].thread_count = "NONE", 1
    return streams[0]


def survey(path: Path, thorough: bool = False) -> Clip:
    """Read the packets of a film and decode its first frame; all of its frames, one after another, if `thorough`.

    Raises `BadClipError` naming the file: no film, no picture, cut off, or with frames that cannot be decoded.
    """
    if path.is_file() and not path.stat().st_size:
        raise BadClipError(f"{path}: an empty file; {MEND}")
    with opened(path) as container:
        stream = picture_of(container, path)
        # Reordered frames of an AVI have the times of their decoding: the order alone can be trusted.
        counted = container.format.name == "avi"
        ticks: list[int] = []
        keys: list[tuple[int, int, int]] = []
        frame, duration, packets, until = None, 0, 0, 0.0
        for packet in container.demux():
            stamp = packet.pts if packet.pts is not None else packet.dts
            if stamp is not None:
                until = max(until, float((stamp + (packet.duration or 0)) * packet.time_base))
            if packet.stream is not stream:
                continue
            if packet.is_corrupt:
                raise BadClipError(f"{path}: cut off after {packets} frames; {MEND}")
            packets += stamp is not None
            if packet.size and stamp is not None and not packet.is_discard:
                if packet.is_keyframe:
                    keys.append((stamp, packet.dts if packet.dts is not None else stamp, len(ticks)))
                ticks.append(stamp)
                duration = packet.duration or duration
            if frame is None or thorough:
                for one in packet.decode():
                    if one.is_corrupt:
                        raise BadClipError(f"{path}: damaged at {one.time or 0.0:.3g} s; {MEND}")
                    frame = frame or one
        if frame is None or not ticks:
            raise BadClipError(f"{path}: has no frame that can be decoded; {MEND}")
        _check_whole(path, container, stream, packets, until)
        order = np.sort(np.array(ticks, np.int64))
        seconds = float(stream.time_base)
        rate, interval = _rate(order * seconds, stream, duration * seconds)
        height, width = _shape(frame, stream)
        turned = round(frame.rotation) % 360
        if turned % 180:
            height, width = width, height
        return Clip(
            path,
            first=order[0] * seconds,
            last=order[-1] * seconds,
            end=order[-1] * seconds + interval,
            rate=rate,
            height=height,
            width=width,
            turned=turned,
            grey=frame.format.name.startswith("gray"),
            heard=bool(container.streams.audio),
            seconds=seconds,
            longest=float(np.diff(order).max(initial=0)) * seconds,
            keys=np.array(keys, np.int64).reshape(-1, 3),
            shown=order if counted else None,
        )


def _check_whole(path: Path, container: Any, stream: Any, packets: int, until: float) -> None:
    """Raise where the header promises more than there is: frames (MP4, MOV), or seconds (Matroska, AVI)."""
    by_seconds = container.format.name == "avi" or "matroska" in container.format.name
    if not by_seconds and packets < stream.frames:
        raise BadClipError(f"{path}: cut off, {packets} of {stream.frames} frames are there; {MEND}")
    # An AVI counts the ticks before its first frame as frames too.
    promised = (container.duration or 0) / 1e6 if by_seconds else 0.0
    if until < promised - max(0.2, 0.01 * promised):
        raise BadClipError(f"{path}: cut off, {until:.3g} of {promised:.3g} s are there; {MEND}")


def _rate(times: np.ndarray, stream: Any, duration: float) -> tuple[float, float]:
    """(Frames a second, how long the last one stays)."""
    said = float(stream.average_rate or 0)
    if len(times) == 1:
        rate = said or (1 / duration if duration else 1.0)
        return rate, duration or 1 / rate
    mean = (len(times) - 1) / (times[-1] - times[0]) if times[-1] > times[0] else said or 1.0
    rate = said if abs(said - mean) < 0.01 * mean else round(mean, 3)
    return rate, duration or 1 / rate


def _shape(frame: Any, stream: Any) -> tuple[int, int]:
    aspect = stream.sample_aspect_ratio
    return frame.height, round(frame.width * float(aspect)) if aspect else frame.width
