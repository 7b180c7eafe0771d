"""Films in arrays: frames (n, f, h, w, c), and the sound of the same seconds beside them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float
from torch import Tensor

from mutua.data.image.arrays import to_bytes
from mutua.data.image.compact import npz_arrays
from mutua.data.image.decode import fitted, with_channels
from mutua.data.labels import Labels, encode_labels, plain_array
from mutua.data.parallel import in_threads
from mutua.data.reading import Reading
from mutua.data.splits import SPLITS, part
from mutua.data.video.looks import checked, look, windows_left
from mutua.data.windows import Ragged, Windowed, windowed
from mutua.types import InputError

__all__ = ["films", "films_of_npz"]


@dataclass(frozen=True, eq=False)
class WithSound(Ragged):
    """Frames in memory, and a track each.

    Args:
        tracks: (n, t) float32 in [-1, 1], one for each film.
        sound: its samples a second.
        rate: frames a second.
    """

    tracks: np.ndarray
    sound: float
    rate: float

    def beside(self, row: int, start: int, count: int) -> dict[str, np.ndarray]:
        """The sound of a window, (1, t), and that there is one."""
        first, length = round(start / self.rate * self.sound), round(count / self.rate * self.sound)
        wave = np.zeros(length, np.float32)
        found = self.tracks[row, first : first + length]
        wave[: len(found)] = found
        return {"sound": wave[None], "heard": np.array(True)}


def films_of_npz(place: Path, split: str, reading: Reading) -> Windowed:
    """`x` (n, f, h, w, c) or (n, f, c, h, w), `rate`, `sound` (n, t) and `sound_rate`; whatever else has a value
    each are labels."""
    arrays = npz_arrays(place)
    x = next((arrays[name] for name in ("x", "frames", "data", "arr_0") if name in arrays), None)
    if x is None:
        raise InputError(f"{place}: arrays {', '.join(arrays) or 'none'}; name the films x, and labels y")
    found = {
        name: values
        for name, values in arrays.items()
        if values is not x and values.shape == x.shape[:1] and values.dtype.kind in "iubU"
    }
    if reading.rate is None and "rate" in arrays:
        reading = replace(reading, rate=float(arrays["rate"]))
    rate = float(arrays["sound_rate"]) if "sound_rate" in arrays else None
    return films(
        x,
        sound=arrays.get("sound"),
        sound_rate=rate,
        targets=found,
        reading=reading,
        split=split,
        source=str(place),
    )


def films(
    x: np.ndarray | Tensor,
    *,
    sound: np.ndarray | Tensor | None = None,
    sound_rate: float | None = None,
    targets: Mapping[str, Any] | None = None,
    reading: Reading | None = None,
    split: str = "all",
    source: str = "array",
) -> Windowed:
    """Films of an array (n, frames, h, w, c) or (n, frames, c, h, w): uint8, or float in [0, 1]; c is 1 or 3.

    `reading.rate` says their frames a second. All their frames are a window where `reading.frames` says no other.

    Args:
        x: the films.
        sound: (n, t) or (n, 1, t), 16 bits or floats in [-1, 1], that begins with the first frame of each.
        sound_rate: its samples a second; other ones are made where `reading.sound` says so.
        targets: name to labels, one for each film.
        reading: how they are read.
        split: train, test or all.
        source: what they are, in words.

    Raises `InputError` for other shapes and values, and for sound without the rates that say what is when.
    """
    if split not in SPLITS:
        raise InputError(f"split: {split!r}; one of {', '.join(SPLITS)}")
    values, reading = plain_array(x), reading or Reading()
    without = checked(reading.without or ())
    if reading.sound is not None and sound is None:
        raise InputError(f"{source}: frames alone, without sound; leave sound out, or give files")
    n, f, values = _channels_first(values, source)
    values = _as_asked(values, reading)
    count = reading.frames or f
    if count > f:
        raise InputError(f"{source}: films of {f} frames where windows have {count}; ask for fewer (--frames {f})")
    known = {name: Labels(*encode_labels(y, (), n)) for name, y in (targets or {}).items()}
    offsets = np.arange(n + 1) * f
    data = Ragged(values, offsets)
    if sound is not None:
        tracks, rate = _tracks(plain_array(sound), sound_rate, n, reading, source)
        data = WithSound(values, offsets, tracks, rate, reading.rate or 1.0)
    found = windowed(
        "video",
        data,
        replace(reading, length=str(count)),
        rate=reading.rate,
        rows=part(n, None, (), split, source),
        targets=known,
        source=source,
    )
    if isinstance(data, WithSound):
        found = replace(found, spec=replace(found.spec, sound=data.sound))
    if not without:
        return found
    rate = reading.rate or 1.0
    rows, note = windows_left(
        lambda k: look(values[k * f : (k + 1) * f], rate),
        lambda k: isinstance(data, WithSound),
        found.of,
        found.start,
        count,
        rate,
        without,
        source,
    )
    return replace(found.subset(rows), source=source + (f" ({note})" if note else ""))


def _tracks(
    sound: np.ndarray, own: float | None, n: int, reading: Reading, source: str
) -> tuple[Float[np.ndarray, "n t"], float]:
    """((n, t) at the rate that is asked for, that rate)."""
    if sound.ndim == 3 and sound.shape[1] == 1:
        sound = sound[:, 0]
    if sound.ndim != 2 or len(sound) != n or not sound.shape[1] or sound.dtype.kind not in "if":
        seen = f"sound of shape {sound.shape} and {sound.dtype}"
        raise InputError(f"{source}: {seen} beside {n} films; give (n, t), 16 bits or floats in [-1, 1]")
    if own is None or reading.rate is None:
        lacking = "samples a second (sound_rate)" if own is None else "frames a second (rate)"
        raise InputError(f"{source}: sound, and no {lacking}; give both rates, which say what is when")
    if sound.dtype.kind == "i" and sound.dtype != np.int16:
        raise InputError(f"{source}: sound of {sound.dtype}; give 16 bits, or floats in [-1, 1]")
    waves = sound.astype(np.float32) / (32768 if sound.dtype == np.int16 else 1)
    if not np.isfinite(waves).all():
        raise InputError(f"{source}: sound with NaN or infinity; cut such films out")
    rate = reading.sound or own
    ratio = Fraction(rate / own).limit_denominator(2000)
    if ratio != 1:
        from scipy.signal import resample_poly  # half a second to import

        waves = resample_poly(waves, ratio.numerator, ratio.denominator, axis=1).astype(np.float32)
    return waves, rate


def _channels_first(values: np.ndarray, source: str) -> tuple[int, int, np.ndarray]:
    """(n, f, (n * f, c, h, w) uint8), where it can be a view of what was given."""
    shape = values.shape
    if values.ndim != 5 or 0 in shape:
        raise InputError(f"{source}: shape {shape}; give films as (n, frames, h, w, c) or (n, frames, c, h, w)")
    first, last = shape[2] in (1, 3), shape[4] in (1, 3)
    if first == last:
        seen = "could have its channels first or last" if first else "has no axis of 1 or 3 channels"
        raise InputError(f"{source}: shape {shape} {seen}; give films as (n, frames, h, w, c)")
    flat = to_bytes(values, source).reshape(shape[0] * shape[1], *shape[2:])
    return shape[0], shape[1], np.moveaxis(flat, 3, 1) if last else flat


def _as_asked(values: np.ndarray, reading: Reading) -> np.ndarray:
    size, channels = reading.size, reading.channels
    if size is not None and values.shape[2:] != (size, size):
        values = np.stack(list(in_threads(lambda frame: fitted(np.asarray(frame), size), values)))
    if channels is not None and channels != values.shape[1]:
        values = with_channels(values, channels)
    return values
