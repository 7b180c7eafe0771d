"""Sound: folders of recordings, files, and arrays of samples."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import torch
from torch import Generator, Tensor

from mutua.data.examples import Examples
from mutua.data.files import files_of, layout_of, names_below
from mutua.data.image.compact import npz_arrays
from mutua.data.kinds.base import Access, Kind
from mutua.data.labels import Labels, encode_labels, plain_array
from mutua.data.parallel import surveyed
from mutua.data.pictures import coloured
from mutua.data.reading import Reading
from mutua.data.sound.features import log_mel, mfcc
from mutua.data.sound.folder import SUFFIXES, BadRecordingError, Files, Header, survey
from mutua.data.splits import SPLITS, part
from mutua.data.windows import Ragged, Windowed, windowed
from mutua.types import Batch, InputError, Rows, Spec, parted

__all__ = ["SOUND", "recordings", "waves_of"]

TAKES = frozenset({"channels", "length", "hop", "rate"})

log = logging.getLogger(__name__)


def _load(place: Path, split: str, reading: Reading, access: Access) -> Examples:
    if place.is_dir():
        return _folder(place, split, reading, access.skip_bad)
    if place.suffix == ".npz":
        return _npz(place, split, reading)
    if place.suffix == ".npy":
        from mutua.data.image.arrays import opened_npy

        return recordings(opened_npy(place), reading=reading, split=split, source=str(place))
    files = [place]
    return _files(place, files, np.arange(1), {}, split, reading, access.skip_bad)


def _folder(root: Path, split: str, reading: Reading, skip_bad: bool) -> Windowed:
    files = files_of(root, SUFFIXES)
    if not files:
        raise InputError(
            f"{root}: no sound files in it or below it ({' '.join(sorted(SUFFIXES))}); check the path"
        )
    found = layout_of(root, files, "all" if len(files) == 1 else split)
    targets = {} if found.labels is None else {"label": Labels(found.labels, found.classes)}
    return _files(root, files, found.rows, targets, split, reading, skip_bad, found.notes)


def _files(
    root: Path,
    files: list[Path],
    rows: np.ndarray,
    targets: Mapping[str, Labels],
    split: str,
    reading: Reading,
    skip_bad: bool,
    told: Sequence[str] = (),
) -> Windowed:
    heads = surveyed(survey, files, BadRecordingError, "recordings", skip=skip_bad)
    good = [k for k, head in enumerate(heads) if head is not None]
    if not good:
        raise InputError(f"{root}: none of its {len(files)} sound files can be read; are they sound?")
    kept = np.array(good)
    known = [head for head in heads if head is not None]
    rate, channels, own = _common(root, [files[k] for k in good], known, reading)
    number = np.full(len(files), -1)
    number[kept] = np.arange(len(kept))
    chosen = number[rows][number[rows] >= 0]
    names = names_below(root, files)
    notes = [*told]
    if skipped := len(files) - len(kept):
        notes.append(f"{skipped} of {len(files)} files could not be read and were left out")
    if {head.rate for head in known} != {rate}:
        notes.append(f"resampled to {rate:,} Hz")
    for note in notes:
        log.info("%s: %s", root, note)
    source = (root.name or str(root)) + (f" ({'; '.join(notes)})" if notes else "")
    data = Files(tuple(files[k] for k in good), tuple(known), rate, channels, "int16" if own else "float32")
    return windowed(
        "sound",
        data,
        reading,
        rate=rate,
        rows=chosen,
        targets={name: labels.of(kept) for name, labels in targets.items()},
        names=[names[k] for k in good],
        source=source,
        span=_span(len(files), split),
        threads=True,
    )


def _span(n: int, split: str) -> tuple[float, float]:
    """The share of one long recording that a split is of: it is split in time."""
    return (0.0, 1.0) if n > 1 or split == "all" else (0.0, 0.8) if split == "train" else (0.8, 1.0)


def _common(root: Path, files: list[Path], heads: list[Header], reading: Reading) -> tuple[int, int, bool]:
    """(Rate and channels of what comes out, whether the files' own 16 bits are kept)."""
    rates = {head.rate: path for path, head in zip(files, heads, strict=True)}
    if len(rates) > 1 and reading.rate is None:
        told = ", ".join(f"{path.name} {rate:,} Hz" for rate, path in sorted(rates.items())[:3])
        raise InputError(f"{root}: recordings of different rates ({told}); resample all, with --rate {min(rates)}")
    rate = round(reading.rate) if reading.rate is not None else next(iter(rates))
    widths = {head.channels: path for path, head in zip(files, heads, strict=True)}
    if reading.channels is None and len(widths) > 1:
        told = ", ".join(f"{path.name} {count}" for count, path in sorted(widths.items())[:3])
        raise InputError(f"{root}: recordings of different channels ({told}); mix them, with --channels 1")
    channels = reading.channels if reading.channels is not None else next(iter(widths))
    if channels != 1 and set(widths) != {channels}:
        raise InputError(
            f"channels: {channels} of recordings that have {min(widths)}; give 1, which mixes them, or none"
        )
    own = all(head.int16 for head in heads) and set(rates) == {rate} and set(widths) == {channels}
    return rate, channels, own


def _npz(place: Path, split: str, reading: Reading) -> Windowed:
    """`audio` (T,) and `offset` (n + 1,), or `x` (n, t) or (n, c, t); `rate`; what else has n values is labels."""
    arrays = npz_arrays(place)
    rate = reading.rate if reading.rate is not None else float(arrays["rate"]) if "rate" in arrays else None
    if "audio" in arrays and "offset" in arrays:
        offsets, audio = arrays["offset"].astype(np.int64), arrays["audio"]
        n = len(offsets) - 1
        if audio.ndim != 1 or n < 1 or offsets[0] < 0 or offsets[-1] > len(audio) or (np.diff(offsets) < 0).any():
            raise InputError(
                f"{place}: offset does not cut audio ({audio.shape}) into recordings; write (n + 1) offsets"
            )
        data: Any = Ragged(_samples(audio[:, None], str(place)), offsets)
    else:
        x = next((arrays[name] for name in ("x", "audio", "arr_0") if name in arrays), None)
        if x is None:
            raise InputError(
                f"{place}: arrays {', '.join(arrays) or 'none'}; name them audio and offset, or x and y"
            )
        data, n = _array(x, str(place)), len(x)
    targets = {}
    for name, values in arrays.items():
        if values.shape == (n,) and name not in ("x", "audio", "offset") and values.dtype.kind in "iubU":
            classes = arrays.get(f"{name}s", ())
            codes, known = encode_labels(values, tuple(map(str, classes)), n)
            targets[name] = Labels(codes, known)
    rows = part(n, None, (), split, str(place))
    return windowed("sound", data, reading, rate=rate, rows=rows, targets=targets, source=str(place))


def _samples(x: np.ndarray, name: str) -> np.ndarray:
    if x.dtype == np.int16:
        return x
    if not np.issubdtype(x.dtype, np.floating):
        raise InputError(f"{name}: samples of {x.dtype}; give int16, or floats in [-1, 1]")
    return x if x.dtype == np.float32 else x.astype(np.float32)


def _array(x: np.ndarray, name: str) -> Ragged:
    if x.ndim == 2:
        x = x[:, None]  # (n, t) -> (n, 1, t)
    if x.ndim != 3 or 0 in x.shape:
        raise InputError(f"{name}: shape {x.shape}; give recordings as (n, t) or (n, c, t)")
    n, c, t = x.shape
    if c > t:
        raise InputError(f"{name}: {c} channels of {t} samples; are the axes swapped? give (n, c, t)")
    flat = np.ascontiguousarray(_samples(x, name).swapaxes(1, 2)).reshape(n * t, c)
    return Ragged(flat, np.arange(n + 1) * t)


def recordings(
    x: np.ndarray | Tensor,
    *,
    targets: Mapping[str, Any] | None = None,
    reading: Reading | None = None,
    split: str = "all",
    source: str = "array",
) -> Windowed:
    """Recordings of an array (n, t) or (n, c, t): int16, or float in [-1, 1]. `reading.rate` says their rate.

    Raises `InputError` for other shapes and dtypes.
    """
    if split not in SPLITS:
        raise InputError(f"split: {split!r}; one of {', '.join(SPLITS)}")
    values = plain_array(x)
    reading = reading or Reading()
    data = _array(values, source)
    n = len(values)
    known = {name: Labels(*encode_labels(y, (), n)) for name, y in (targets or {}).items()}
    rows = part(n, None, (), split, source)
    return windowed("sound", data, reading, rate=reading.rate, rows=rows, targets=known, source=source)


def _held(data: Any, reading: Reading, access: Access) -> Examples:
    if isinstance(data, (np.ndarray, Tensor)):
        return recordings(data, reading=reading)
    if isinstance(data, tuple) and len(data) == 2 and isinstance(data[0], (np.ndarray, Tensor)):
        return recordings(data[0], targets={"label": data[1]}, reading=reading)
    return _rows_of_a_dataset(data, reading)


def _rows_of_a_dataset(dataset: Any, reading: Reading) -> Windowed:
    """A dataset of (wave, rate, label), (wave, label), or of Hugging Face's {"audio": {"array", ...}}."""
    if not hasattr(dataset, "__getitem__") or not hasattr(dataset, "__len__"):
        raise InputError(
            f"dataset: {type(dataset).__name__} cannot be read by row number; give a map-style dataset"
        )
    waves, labels, rates = [], [], set()
    for row in range(len(dataset)):
        wave, rate, label = _item(dataset[row], row)
        waves.append(wave)
        labels.append(label)
        rates.add(rate)
    if len(rates) > 1:
        raise InputError(f"dataset: rates {', '.join(map(str, rates))} Hz; resample all to one first")
    offsets = np.concatenate([[0], np.cumsum([len(wave) for wave in waves])])
    known = {}
    if any(label is not None for label in labels):
        if bare := [row for row, label in enumerate(labels) if label is None]:
            raise InputError(
                f"dataset: row {bare[0]} has no label and others have; leave such rows out, or all labels"
            )
        known = {
            "label": Labels(*encode_labels(labels, tuple(getattr(dataset, "classes", None) or ()), len(labels)))
        }
    data = Ragged(_samples(np.concatenate(waves)[:, None], "dataset"), offsets)
    rate = reading.rate if reading.rate is not None else rates.pop()
    name = type(dataset).__name__
    return windowed("sound", data, reading, rate=rate, rows=np.arange(len(waves)), targets=known, source=name)


def _item(item: Any, row: int) -> tuple[np.ndarray, float | None, Any]:
    label, rate = None, None
    if isinstance(item, Mapping):
        label = next((item[name] for name in ("label", "target", "class") if name in item), None)
        item = item.get("audio", item.get("wave"))
        if isinstance(item, Mapping):
            item, rate = item.get("array"), item.get("sampling_rate")
    elif isinstance(item, tuple):
        label = item[-1] if len(item) > 1 else None
        rate = float(item[1]) if len(item) > 2 and isinstance(item[1], (int, float)) else None
        item = item[0]
    if not isinstance(item, (np.ndarray, Tensor, list)):
        raise InputError(
            f"dataset: row {row} is {type(item).__name__} where samples are meant; give (wave, label)"
        )
    wave = plain_array(item) if isinstance(item, Tensor) else np.asarray(item)
    if wave.ndim == 2 and wave.shape[0] == 1:
        wave = wave[0]
    if wave.ndim != 1 or not len(wave):
        raise InputError(f"dataset: row {row} has shape {wave.shape}; give mono samples (t,)")
    return wave, rate, label.item() if isinstance(label, (Tensor, np.generic)) else label


# --- control, pictures, players, samples -------------------------------------------------------------------


def waves_of(batch: Batch) -> list[np.ndarray]:
    """Each recording's real samples, mixed, as floats (t,)."""
    x, mask = parted(batch)
    values = x.numpy(force=True)
    waves = values.astype(np.float32) / 32768 if values.dtype == np.int16 else values.astype(np.float32)
    mixed = waves.mean(1)  # (k, t)
    if mask is None:
        return list(mixed)
    return [wave[: max(int(there.sum()), 1)] for wave, there in zip(mixed, mask.numpy(force=True), strict=True)]


def _raw(train: Rows) -> Callable[[Batch], np.ndarray]:
    rate = getattr(getattr(train, "spec", None), "rate", None) or 16_000.0

    def features(batch: Batch) -> np.ndarray:
        found = [mfcc(wave, rate) for wave in waves_of(batch)]
        return np.stack([np.concatenate([one.mean(1), one.std(1)]) for one in found]).astype(np.float32)

    return features


def _pictures(batch: Batch, spec: Spec) -> np.ndarray:
    """Log-mel spectrograms, low frequencies below, the loudest 60 dB of each."""
    rate, shown = spec.rate or 16_000.0, []
    for wave in waves_of(batch):
        levels = log_mel(wave, rate)[::-1]  # (bands, frames)
        top = levels.max()
        levels = np.clip((levels - top) / np.log(1e6) + 1, 0, 1)
        columns = np.linspace(0, levels.shape[1] - 1, 64).round().astype(int)
        shown.append(coloured(levels[:, columns]))
    return np.stack(shown)


def _sounds(batch: Batch, spec: Spec) -> list[bytes]:
    found = []
    for wave in waves_of(batch):
        buffer = io.BytesIO()
        soundfile.write(buffer, np.clip(wave, -1, 1), round(spec.rate or 16_000), "PCM_16", format="WAV")
        found.append(buffer.getvalue())
    return found


def _sample(spec: Spec, n: int, generator: Generator) -> Batch:
    c, t = spec.shape
    phase = torch.rand(n, c, 1, generator=generator) * 6.28
    pitch = 100 + 1500 * torch.rand(n, 1, 1, generator=generator)
    time = torch.arange(t) / (spec.rate or 16_000)
    wave = 0.4 * torch.sin(6.28 * pitch * time + phase) + 0.05 * torch.randn(n, c, t, generator=generator)
    x = (wave * 32767).to(torch.int16) if spec.dtype == "int16" else wave
    if not spec.masked:
        return x
    mask = torch.arange(t) < torch.randint(t // 2, t + 1, (n, 1), generator=generator)
    return {"x": x * mask[:, None], "mask": mask}


def _reading(spec: Spec) -> Reading:
    return Reading("sound", channels=1 if spec.shape[0] == 1 else None, length=str(spec.shape[1]), rate=spec.rate)


SOUND = Kind(
    name="sound",
    plural="recordings",
    takes=TAKES,
    suffixes=SUFFIXES,
    load=_load,
    held=_held,
    reading=_reading,
    raw_name="MFCC 39, mean and deviation",
    raw=_raw,
    pictures=_pictures,
    small=Spec("sound", (1, 2000), "int16", 8000.0),
    sample=_sample,
    sounds=_sounds,
)
