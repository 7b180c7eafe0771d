"""Windows of films: frames by the time they are shown, and the sound of the same seconds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mutua.data.video.clips import MEND, BadClipError, Clip, opened, picture_of, reformatter
from mutua.data.video.track import heard
from mutua.types import InputError

__all__ = ["Films", "sparing", "timed"]


@dataclass(frozen=True, eq=False)
class Films:
    """A `Source` of films: each window is decoded, turned upright and resized when it is asked for.

    Args:
        clips: what is known of each.
        rate: frames a second of what comes out: at each tick the frame that is shown then.
        moment: (c, h, w) of a frame that comes out: with a height and width that are not the clip's own, the
            largest square in its middle, resized by antialiased bicubic filtering.
        sound: samples a second of the sound that goes with a window; None for frames alone.
    """

    clips: tuple[Clip, ...]
    rate: float
    moment: tuple[int, int, int]
    sound: float | None = None
    dtype: str = "uint8"

    @property
    def lengths(self) -> np.ndarray:
        return np.array([clip.frames(self.rate) for clip in self.clips], np.int64)

    def read(self, row: int, start: int, count: int) -> np.ndarray:
        clip = self.clips[row]
        times = [clip.time(start + i, self.rate) for i in range(count)]
        # A seek may land behind what is wanted, by a poor index; then the film is read from its beginning.
        for key in (_key_before(clip, times[0]), None):
            found = self._decoded(clip, times, key)
            if found is not None:
                return np.stack(found)
        raise InputError(f"{clip.path}: no frame at {times[0] - clip.first:.3g} s can be decoded; {MEND}")

    def beside(self, row: int, start: int, count: int) -> dict[str, np.ndarray]:
        """The sound of a window, (1, t) float32 in [-1, 1], and whether the film has any."""
        if self.sound is None:
            return {}
        clip = self.clips[row]
        first, length = clip.first + start / self.rate, round(count / self.rate * self.sound)
        there = clip.heard
        wave = heard(clip.path, first, length, self.sound) if there else np.zeros(length, np.float32)
        return {"sound": wave[None], "heard": np.array(there)}

    def _decoded(self, clip: Clip, times: Sequence[float], key: np.ndarray | None) -> list[np.ndarray] | None:
        """The frames shown at ascending times; None where decoding began behind the first."""
        out: list[np.ndarray] = []
        shown, pixels, time = None, None, -np.inf
        scaler = reformatter()
        with opened(clip.path) as container:
            stream = picture_of(container, clip.path)
            if key is not None:
                container.seek(int(min(key[0], key[1])), stream=stream, backward=True)
            decoded = sparing(container, stream, clip, times[0])
            for time, frame in timed(decoded, clip, seeked=key is not None):
                while len(out) < len(times) and time > times[len(out)]:
                    if shown is None:
                        return None
                    # A frame that stays for several ticks is made once.
                    pixels = self._pixels(shown, clip, scaler) if pixels is None else pixels
                    out.append(pixels)
                if len(out) == len(times):
                    return out
                shown, pixels = frame, None
            if shown is None:
                return None
            if time < clip.last - 1.5 / clip.rate:
                raise BadClipError(f"{clip.path}: breaks off {time - clip.first:.3g} s after it begins; {MEND}")
            # Inside the block: a frame must not outlive the container that it came from.
            out += [self._pixels(shown, clip, scaler)] * (len(times) - len(out))
        return out

    def _pixels(self, frame: Any, clip: Clip, scaler: Any) -> np.ndarray:
        """uint8 (c, h, w) of a frame."""
        c, h, w = self.moment
        own_h, own_w = (clip.width, clip.height) if clip.turned % 180 else (clip.height, clip.width)
        if (h, w) == (clip.height, clip.width):
            height, width = own_h, own_w
        else:  # the shorter side becomes h, then the middle is cut out
            scale = h / min(own_h, own_w)
            height, width = max(round(own_h * scale), h), max(round(own_w * scale), h)
        # One scaler for all: a frame's own `reformat` makes one anew, which takes longer than scaling does.
        small = scaler.reformat(frame, width, height, "gray" if c == 1 else "rgb24", interpolation="BICUBIC")
        values = small.to_ndarray().reshape(height, width, c)
        values = np.rot90(values, clip.turned // 90)
        top, left = (values.shape[0] - h) // 2, (values.shape[1] - w) // 2
        return np.ascontiguousarray(values[top : top + h, left : left + w].transpose(2, 0, 1))


def _key_before(clip: Clip, time: float) -> np.ndarray | None:
    """The last key frame that is shown by then; None where it is the first."""
    if clip.shown is None:
        before = clip.keys[:, 0] * clip.seconds <= time
    else:
        before = clip.keys[:, 2] < np.searchsorted(clip.shown * clip.seconds, time, "right")
    count = int(before.sum())
    return clip.keys[count - 1] if count > 1 else None


def sparing(container: Any, stream: Any, clip: Clip, first: float) -> Iterator[Any]:
    """Decoded frames; of those before the one that is shown at `first`, only what others are made from.

    A packet whose frame is shown more than the film's longest gap before `first` holds none that is wanted; its
    decoder is asked to leave it out where no other refers to it.
    """
    until = (first - clip.longest) / clip.seconds - 1
    for packet in container.demux(stream):
        early = clip.shown is None and packet.pts is not None and packet.pts < until
        stream.codec_context.skip_frame = "NONREF" if early else "DEFAULT"
        yield from packet.decode()


def timed(frames: Iterator[Any], clip: Clip, seeked: bool) -> Iterator[tuple[float, Any]]:
    """(When it is shown, the frame) of each decoded frame from the first key frame on."""
    number, begun = 0, None
    for frame in frames:
        stamp = frame.pts if frame.pts is not None else frame.dts
        if begun is None:
            if not frame.key_frame or stamp is None:
                continue  # depends on frames before the place that was looked for
            begun = stamp
            if clip.shown is not None and seeked:
                known = np.flatnonzero(clip.keys[:, 0] == stamp)
                if not len(known):
                    return
                number = int(clip.keys[known[0], 2])
        if stamp is None or (clip.shown is None and stamp < begun):
            continue
        time = stamp * clip.seconds
        if clip.shown is not None:
            time = float(clip.shown[min(number, len(clip.shown) - 1)]) * clip.seconds
            number += 1
        if frame.is_corrupt:
            raise BadClipError(f"{clip.path}: damaged {time - clip.first:.3g} s after it begins; {MEND}")
        yield time, frame
