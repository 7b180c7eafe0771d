"""How data are read: the choices that turn files into examples of one shape."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, fields
from typing import Any

from mutua.types import InputError, names

__all__ = ["Reading", "samples_of"]


@dataclass(frozen=True)
class Reading:
    """How data are to be read. What is not said is chosen from the data, and told in their `source`.

    Args:
        kind: Kind of the data: image, sound, text, video, series or table; told by the files by default.
        target: Which labels to use, where the data have several, such as digit or speaker.
        group: Which labels say what belongs together, such as speaker, for negatives of the same group.
        size: Height and width of images and frames, in pixels; their own by default.
        channels: Of images and frames (1 grey, 3 RGB) and recordings (1 mixes them); their own by default.
        length: Of recordings and series: seconds, as 0.5s, or samples, as 4000. Longer ones give their middle,
            shorter ones are padded, with a mask.
        hop: Cut each recording, series or film into windows, one every so many seconds, samples or frames.
        rate: Samples or frames a second that recordings and films are read at, or that a series has, in Hz.
        tokens: Words of a text or sentence, cropped or padded.
        sentences: Cut documents into windows of so many sentences, 9 as published; each text is one by default.
        vocabulary: File of the words that are known, a word a line, such as a run's vocabulary.txt.
        frames: Frames of a window of a film, 16 by default; the middle of longer films.
        sound: Sound beside the frames of films, of the same seconds, mixed to one channel: its samples a second.
        without: Leave out windows of films that hold any of these: cuts, keys (a key frame, whose noise tells the
            codec's time), frozen (the same frame twice in a row), silent (no track of sound). All windows are
            kept by default, but as the method says.
    """

    kind: str | None = None
    target: str | None = None
    group: str | None = None
    size: int | None = None
    channels: int | None = None
    length: str | None = None
    hop: str | None = None
    rate: float | None = None
    tokens: int | None = None
    sentences: int | None = None
    vocabulary: str | None = None
    frames: int | None = None
    sound: float | None = None
    without: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        for name in ("size", "channels", "tokens", "sentences", "frames"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise InputError(f"{name}: {value}; give a whole number of 1 or more")
        if self.rate is not None and not self.rate > 0:
            raise InputError(f"rate: {self.rate}; give a number of samples a second above 0")
        if self.sound is not None and not self.sound >= 1:
            raise InputError(f"sound: {self.sound}; give its samples a second, such as 16000")
        for name in ("length", "hop"):
            if getattr(self, name) is not None:
                _duration(getattr(self, name), name)

    def said(self) -> dict[str, Any]:
        """What was said, as plain values that a run's folder records."""
        return {name: value for name, value in asdict(self).items() if value is not None}

    @staticmethod
    def of(said: dict[str, Any]) -> Reading:
        """From what `said` gave; other keys are passed by, as of a folder of another version."""
        known = {one.name for one in fields(Reading)}
        found = {name: value for name, value in said.items() if name in known and value is not None}
        if "without" in found:
            found["without"] = tuple(found["without"])  # a list, where it was kept as JSON
        return Reading(**found)

    def only(self, kind: str, takes: frozenset[str], where: str) -> None:
        """Raise `InputError` where something was said that this kind of data has no use for."""
        extra = set(self.said()) - takes - {"kind", "target", "group"}
        if extra:
            has = names(takes) or "no such option"
            raise InputError(f"{where}: {names(extra)} says nothing of data of kind {kind}, which take {has}")


def _duration(text: str, name: str) -> tuple[float, bool]:
    """(A number, whether it is of seconds)."""
    found = re.fullmatch(r"\s*(\d+(?:\.\d*)?|\.\d+)\s*(s|ms)?\s*", str(text))
    if found is None:
        raise InputError(f"{name}: {text!r} is no duration; give seconds, as 0.5s, or samples, as 4000")
    value, unit = float(found[1]), found[2]
    if value <= 0 or (unit is None and value != int(value)):
        raise InputError(f"{name}: {text!r}; give a duration above 0, whole where it is of samples")
    return (value / 1000 if unit == "ms" else value), unit is not None


def samples_of(text: str, rate: float | None, name: str) -> int:
    """A duration in samples. Raises `InputError` for seconds without a rate, and for less than a sample."""
    value, seconds = _duration(text, name)
    if not seconds:
        return int(value)
    if rate is None:
        raise InputError(f"{name}: {text!r} are seconds, and the data have no rate; give --rate, or rows, as 128")
    count = round(value * rate)
    if count < 1:
        raise InputError(f"{name}: {text!r} is less than one sample at {rate:,g} Hz; give a longer one")
    return count
