"""Video: folders of films, single films cut into windows, and arrays of frames."""

from __future__ import annotations

import io
import logging
import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import torch
from torch import Generator, Tensor

from mutua.data.examples import Examples
from mutua.data.files import files_of, layout_of, names_below
from mutua.data.image.arrays import opened_npy
from mutua.data.kinds.base import Access, Kind
from mutua.data.labels import Labels
from mutua.data.parallel import surveyed
from mutua.data.reading import Reading
from mutua.data.video.arrays import films, films_of_npz
from mutua.data.video.clips import SUFFIXES, BadClipError, Clip, survey
from mutua.data.video.films import Films
from mutua.data.video.looks import checked, look_at, windows_left
from mutua.data.windows import Windowed, windowed
from mutua.types import Batch, InputError, Rows, Spec, parted

__all__ = ["VIDEO"]

FRAMES = 16
"""Of a window, where none are asked for: what networks of video are published for."""
LARGEST = 128
"""Pixels a side that frames are read at, where no size is asked for and their own is larger or not one."""

log = logging.getLogger(__name__)


def _load(place: Path, split: str, reading: Reading, access: Access) -> Examples:
    if place.suffix == ".npz":
        return films_of_npz(place, split, reading)
    if place.suffix == ".npy":
        return films(opened_npy(place), reading=reading, split=split, source=str(place))
    files = files_of(place, SUFFIXES) if place.is_dir() else [place]
    if not files:
        raise InputError(f"{place}: no films in it or below it ({' '.join(sorted(SUFFIXES))}); check the path")
    rows: np.ndarray = np.arange(1)
    labels: np.ndarray | None = None
    classes: tuple[str, ...] = ()
    if place.is_dir():
        found = layout_of(place, files, "all" if len(files) == 1 else split)
        rows, labels, classes = found.rows, found.labels, found.classes
    targets = {} if labels is None else {"label": Labels(labels, classes)}
    return _files(place, files, rows, targets, split, reading, access.skip_bad)


def _files(
    root: Path,
    files: list[Path],
    rows: np.ndarray,
    targets: Mapping[str, Labels],
    split: str,
    reading: Reading,
    skip_bad: bool,
) -> Windowed:
    without = checked(reading.without or ())
    # Where bad films may be left out every frame is decoded, since damage shows in no other way.
    look = partial(survey, thorough=skip_bad)
    found = surveyed(look, files, BadClipError, "films", skip=skip_bad)
    kept = np.array([k for k, clip in enumerate(found) if clip is not None], np.int64)
    clips = tuple(clip for clip in found if clip is not None)
    if not clips:
        raise InputError(f"{root}: none of its {len(files)} films can be read as asked; are they films?")
    rate = _rate(root, clips, reading)
    count = reading.frames or FRAMES
    long = np.array([clip.frames(rate) >= count for clip in clips])
    if not long.all():
        short = clips[int(long.argmin())]
        seen = "one frame alone" if short.frames(rate) < 2 else f"{short.frames(rate)} frames at {rate:g} a second"
        mend = f"ask for fewer (--frames {max(short.frames(rate), 1)}), or skip such files (--skip-bad)"
        if not skip_bad or not long.any():
            raise BadClipError(f"{short.path}: {seen} where windows have {count}; {mend}")
        kept, clips = kept[long], tuple(clip for clip, fits in zip(clips, long, strict=True) if fits)
    moment, resized = _moment(clips, reading)
    number = np.full(len(files), -1)
    number[kept] = np.arange(len(kept))
    notes = []
    if skipped := len(files) - len(kept):
        notes.append(f"{skipped} of {len(files)} films are damaged or too short and were left out")
    if any(abs(clip.rate - rate) > 0.01 * rate for clip in clips):
        notes.append(f"read at {rate:g} frames a second")
    if resized:
        notes.append(resized)
    for note in notes:
        log.info("%s: %s", root, note)
    names = names_below(root, files)
    # One long film is split in time.
    span = {"train": (0.0, 0.8), "test": (0.8, 1.0)}.get(split, (0.0, 1.0)) if len(files) == 1 else (0.0, 1.0)
    if span != (0.0, 1.0):
        length = clips[0].frames(rate)
        room = math.floor(span[1] * length) - math.ceil(span[0] * length)
        if room < count:
            mend = "ask for fewer (--frames), or for all of it (split all)"
            raise InputError(f"{root}: its part for {split} has {room} frames where windows have {count}; {mend}")
    cut = windowed(
        "video",
        Films(clips, rate, moment, reading.sound),
        replace(reading, length=str(count)),
        rate=rate,
        rows=number[rows][number[rows] >= 0],
        targets={name: labels.of(kept) for name, labels in targets.items()},
        names=[names[k] for k in kept],
        source=(root.name or str(root)) + (f" ({'; '.join(notes)})" if notes else ""),
        span=span,
        threads=True,
    )
    cut = replace(cut, spec=replace(cut.spec, sound=reading.sound))
    if not without:
        return cut
    rows_left, note = windows_left(
        lambda k: look_at(clips[k]),
        lambda k: clips[k].heard,
        cut.of,
        cut.start,
        count,
        rate,
        without,
        str(root),
    )
    log.info("%s: %s", root, note or "no window is left out")
    return replace(cut.subset(rows_left), source=cut.source + (f" ({note})" if note else ""))


def _rate(root: Path, clips: tuple[Clip, ...], reading: Reading) -> float:
    if reading.rate is not None:
        return reading.rate
    rates = {round(clip.rate, 2): clip for clip in clips}
    if max(rates) > 1.01 * min(rates):
        told = ", ".join(f"{rates[rate].path.name} {rate:g}" for rate in sorted(rates)[:3])
        low = min(rates)
        raise InputError(
            f"{root}: films of different frames a second ({told}); read all at one, with --rate {low:g}"
        )
    return clips[0].rate


def _moment(clips: tuple[Clip, ...], reading: Reading) -> tuple[tuple[int, int, int], str]:
    """((c, h, w) of the frames that come out, what was chosen where nothing was said)."""
    if reading.channels not in (None, 1, 3):
        raise InputError(f"channels: {reading.channels} of frames; give 1 or 3, grey or RGB")
    channels = reading.channels or (1 if all(clip.grey for clip in clips) else 3)
    if reading.size is not None:
        return (channels, reading.size, reading.size), ""
    shapes = {(clip.height, clip.width) for clip in clips}
    height, width = next(iter(shapes))
    if len(shapes) == 1 and max(height, width) <= LARGEST:
        return (channels, height, width), ""
    size = min(LARGEST, *(min(shape) for shape in shapes))
    return (channels, size, size), f"frames cut square and resized to {size} px"


# --- what is handed over ----------------------------------------------------------------------------------


def _held(data: Any, reading: Reading, access: Access) -> Examples:
    if isinstance(data, tuple) and len(data) == 2:
        return films(data[0], targets={"label": data[1]}, reading=reading)
    if not isinstance(data, (np.ndarray, Tensor)):
        raise InputError(f"data: {type(data).__name__} where films are meant; give an array (n, frames, h, w, c)")
    return films(data, reading=reading)


# --- control, pictures, players, samples -------------------------------------------------------------------


def _frames(batch: Batch) -> np.ndarray:
    """(k, f, c, h, w): uint8, or floats in [0, 1] as bytes."""
    values = parted(batch)[0].numpy(force=True)
    return values if values.dtype == np.uint8 else np.rint(255 * values.clip(0, 1)).astype(np.uint8)


def _raw(train: Rows) -> Callable[[Batch], np.ndarray]:
    def features(batch: Batch) -> np.ndarray:
        return np.stack([_moments(one) for one in _frames(batch)])

    return features


def _moments(frames: np.ndarray, cells: int = 32) -> np.ndarray:
    """Mean and deviation in time of each pixel in [0, 1], of frames (f, c, h, w) reduced to 32 x 32 at most.

    The deviation shows where something moved, which no single frame does.
    """
    x = torch.from_numpy(np.ascontiguousarray(frames)).float() / 255
    h, w = min(cells, x.shape[2]), min(cells, x.shape[3])
    x = torch.nn.functional.adaptive_avg_pool2d(x, (h, w))
    return torch.cat([x.mean(0).flatten(), x.std(0, correction=0).flatten()]).numpy()


def _pictures(batch: Batch, spec: Spec) -> np.ndarray:
    """Strips of up to four frames, from the first to the last, 48 pixels high at most."""
    x = _frames(batch)
    k, f, c, h, w = x.shape
    chosen = x[:, np.linspace(0, f - 1, min(4, f)).round().astype(int)]
    if h > 48:
        step = torch.from_numpy(chosen.reshape(-1, c, h, w)).float()
        small = torch.nn.functional.interpolate(step, (48, max(round(w * 48 / h), 1)), mode="area")
        chosen = small.round().to(torch.uint8).numpy().reshape(k, -1, c, *small.shape[2:])
    return np.concatenate(list(chosen.swapaxes(0, 1)), axis=-1)


def _sounds(batch: Batch, spec: Spec) -> list[bytes]:
    """The sound of each window, as a WAV file."""
    found = []
    for wave in batch["sound"][:, 0].numpy(force=True):
        buffer = io.BytesIO()
        soundfile.write(buffer, np.clip(wave, -1, 1), round(spec.sound or 1), "PCM_16", format="WAV")
        found.append(buffer.getvalue())
    return found


def _sample(spec: Spec, n: int, generator: Generator) -> Batch:
    """A spot of light that moves straight on: each its own place, velocity and colour."""
    f, c, h, w = spec.shape
    place, step = torch.rand(n, 1, 2, 1, 1, generator=generator), torch.rand(n, 1, 2, 1, 1, generator=generator)
    at = place + (step - 0.5) * torch.linspace(0, 1, f).view(1, f, 1, 1, 1)  # (n, f, 2, 1, 1)
    y, x = torch.arange(h).view(h, 1) / h, torch.arange(w).view(1, w) / w
    spot = torch.exp(-30 * ((y - at[:, :, 0]) ** 2 + (x - at[:, :, 1]) ** 2))[:, :, None]
    colour = torch.rand(n, 1, c, 1, 1, generator=generator)
    light = 0.8 * spot * colour + 0.2 * torch.rand(n, f, c, h, w, generator=generator)
    frames = (255 * light).to(torch.uint8)
    if spec.sound is None:
        return frames
    empty = spec.example(n)
    pitch = 100 + 400 * place[:, 0, 0]  # (n, 1, 1): the higher, the further down
    time = torch.arange(empty["sound"].shape[-1]) / spec.sound
    return {"x": frames, "sound": 0.4 * torch.sin(6.28 * pitch * time), "heard": empty["heard"]}


def _reading(spec: Spec) -> Reading:
    f, c, h, w = spec.shape
    size = h if h == w else None
    return Reading("video", size=size, channels=c, frames=f, rate=spec.rate, sound=spec.sound)


VIDEO = Kind(
    name="video",
    plural="films",
    takes=frozenset({"size", "channels", "frames", "rate", "hop", "sound", "without"}),
    suffixes=SUFFIXES,
    load=_load,
    held=_held,
    reading=_reading,
    raw_name="mean and deviation of the frames",
    raw=_raw,
    pictures=_pictures,
    small=Spec("video", (4, 3, 16, 16), "uint8", 8.0),
    sample=_sample,
    sounds=_sounds,
)
