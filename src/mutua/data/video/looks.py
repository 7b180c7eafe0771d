"""A film seen as a whole before windows of it are learned from: cuts, key frames, still frames, bars."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from jaxtyping import Bool, Float, UInt8

from mutua.data.video.clips import MEND, BadClipError, Clip, opened, picture_of, reformatter
from mutua.data.video.films import timed
from mutua.types import InputError, names

__all__ = ["WITHOUT", "Look", "Without", "checked", "look", "look_at", "windows_left"]

Without = Literal["cuts", "keys", "frozen", "silent"]

STILL, CUT = 0.3, 24.0
"""Mean change of a small grey picture, of 255 levels: less is the same frame again (a codec's rounding is .05 to
.2, a drawn figure's breath .5), more, and twice as much as around it, is another scene."""
SIDE = 32
_BLACK = 24
"""Levels of 255 up to which a row or column is black at its brightest."""


@dataclass(frozen=True, eq=False)
class Look:
    """What was seen of a film. Times are seconds from its first frame.

    Args:
        times: when each frame is shown.
        change: how far it is from the one before, in levels of 255; 0 of the first.
        keys: which frames are key frames; none where every one is, so that they set no clock.
        bars: rows above, below, columns left, right that are black throughout, as shares of height and width.
    """

    times: Float[np.ndarray, " n"]
    change: Float[np.ndarray, " n"]
    keys: Bool[np.ndarray, " n"]
    bars: tuple[float, float, float, float]

    @property
    def cuts(self) -> Bool[np.ndarray, " n"]:
        """Which frames are the first of another scene."""
        near = np.array([np.median(self.change[max(i - 8, 1) : i + 9]) for i in range(len(self.change))])
        return (self.change > CUT) & (self.change > 2 * near)

    @property
    def still(self) -> Bool[np.ndarray, " n"]:
        """Which frames are the one before again."""
        found = self.change < STILL
        found[:1] = False
        return found

    def holds(self, what: Without, ticks: Float[np.ndarray, " f"]) -> bool:
        """Whether frames shown at these times have a cut among them, a key frame, or one twice in a row."""
        at = np.clip(np.searchsorted(self.times, ticks, "right") - 1, 0, None)  # the frame shown at each tick
        first, last = int(at[0]), int(at[-1])
        if what == "cuts":
            return bool(self.cuts[first + 1 : last + 1].any())
        if what == "keys":
            return bool(self.keys[first : last + 1].any())
        moved = np.cumsum(~self.still)  # the same number: nothing has moved between
        return bool((np.diff(moved[at]) == 0).any())


WITHOUT: Mapping[Without, str] = {
    "cuts": "a cut",
    "keys": "a key frame",
    "frozen": "the same frame twice in a row",
    "silent": "no track of sound",
}


def checked(without: Sequence[str]) -> tuple[Without, ...]:
    """Raise `InputError` for what windows can't be without."""
    if unknown := set(without) - set(get_args(Without)):
        raise InputError(f"without: {names(unknown)} is none of {names(WITHOUT)}")
    return tuple(without)  # type: ignore[arg-type]


def look_at(clip: Clip) -> Look:
    """Decode all of a film, one frame after another, each seen small and grey."""
    times, keys, change, before = [], [], [0.0], None
    bright_rows = bright_columns = np.zeros(0, np.uint8)
    plain, scaler = reformatter(), reformatter()
    with opened(clip.path) as container:
        stream = picture_of(container, clip.path)
        for time, frame in timed(container.decode(stream), clip, seeked=False):
            grey = plain.reformat(frame, format="gray").to_ndarray()
            rows, columns = grey.max(1), grey.max(0)
            bright_rows = np.maximum(bright_rows, rows) if len(bright_rows) == len(rows) else rows
            bright_columns = (
                np.maximum(bright_columns, columns) if len(bright_columns) == len(columns) else columns
            )
            small = (
                scaler.reformat(frame, SIDE, SIDE, "gray", interpolation="AREA").to_ndarray().astype(np.float32)
            )
            if before is not None:
                change.append(float(np.abs(small - before).mean()))
            before = small
            times.append(time - clip.first)
            keys.append(bool(frame.key_frame))
    if before is None:
        raise BadClipError(f"{clip.path}: has no frame that can be decoded; {MEND}")
    top, bottom = _dark(bright_rows)
    left, right = _dark(bright_columns)
    bars = (top, bottom, left, right)
    for _ in range(clip.turned // 90):  # counterclockwise: what was right is above
        bars = (bars[3], bars[2], bars[0], bars[1])
    return Look(np.array(times), np.array(change), _clock(keys), bars)


def look(frames: UInt8[np.ndarray, "n c h w"], rate: float) -> Look:
    """The same of frames in memory."""
    grey = frames.mean(1)  # (n, h, w)
    h, w = grey.shape[1:]
    small = grey[:, : h // SIDE * SIDE or h, : w // SIDE * SIDE or w]
    if min(h, w) >= SIDE:
        small = small.reshape(len(grey), SIDE, h // SIDE, SIDE, w // SIDE).mean((2, 4))
    change = np.concatenate([[0.0], np.abs(np.diff(small, axis=0)).mean((1, 2))])
    bright = grey.max(0)
    bars = (*_dark(bright.max(1)), *_dark(bright.max(0)))
    return Look(np.arange(len(grey)) / rate, change, np.zeros(len(grey), bool), bars)


def _clock(keys: Sequence[bool]) -> np.ndarray:
    found = np.array(keys, bool)
    return np.zeros_like(found) if found.all() else found


def _dark(brightest: np.ndarray) -> tuple[float, float]:
    """Shares at the two ends that are black; none where all is."""
    lit = np.flatnonzero(brightest > _BLACK)
    if not len(lit):
        return 0.0, 0.0
    n = len(brightest)
    return float(lit[0] / n), float((n - 1 - lit[-1]) / n)


def windows_left(
    looked: Callable[[int], Look],
    heard: Callable[[int], bool],
    of: np.ndarray,
    start: np.ndarray,
    count: int,
    rate: float,
    without: Sequence[Without],
    where: str,
) -> tuple[np.ndarray, str]:
    """(Which windows hold none of it, what was left out, in words), of windows from frame `start` of film `of`.

    Args:
        looked: what was seen of a film, by number.
        heard: whether it has a track of sound.
        count, rate: frames of a window, and how many a second.
        where: named where no window is left, in an `InputError`.
    """
    seen: dict[int, Look] = {}
    held = {what: np.zeros(len(of), bool) for what in without}
    if "silent" in held:
        mute = np.array([film for film in np.unique(of) if not heard(int(film))], np.int64)
        held["silent"] = np.isin(of, mute)
        if len(of) and held["silent"].all():
            raise InputError(f"{where}: none of its films has a track of sound; give films that have one")
    pictured = [what for what in without if what != "silent"]
    for i, (film, first) in enumerate(zip(of.tolist(), start.tolist(), strict=True)):
        if not pictured or any(values[i] for values in held.values()):
            continue  # not decoded for nothing
        if film not in seen:
            seen[film] = looked(film)
        ticks = (first + np.arange(count)) / rate + min(0.002, 0.25 / rate)
        for what in pictured:
            held[what][i] = seen[film].holds(what, ticks)
    out = np.any(list(held.values()), 0) if held else np.zeros(len(of), bool)
    told = ", ".join(f"{held[what].sum()} hold {WITHOUT[what]}" for what in without if held[what].any())
    if len(out) and out.all():
        raise InputError(
            f"{where}: none of its {len(out)} windows is left ({told}); ask for shorter ones (--frames), cut more "
            "of them (--hop), read fewer frames a second (--rate), or allow more (--without)"
        )
    return ~out, f"of {len(out)} windows {told} and were left out" if told else ""
