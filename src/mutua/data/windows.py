"""Windows of recordings and series, read when they are taken: memory does not grow with their number."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol, cast, runtime_checkable

import numpy as np
import torch
from jaxtyping import UInt64
from torch import Tensor

from mutua.data.examples import Described, row_numbers
from mutua.data.fingerprints import marks_of_files, marks_of_rows
from mutua.data.labels import Labels
from mutua.data.parallel import in_threads
from mutua.data.reading import Reading, samples_of
from mutua.types import Batch, InputError, Spec

__all__ = ["Ragged", "Source", "Windowed", "windowed"]

MOST_SECONDS, MOST_ROWS = 4.0, 1024
"""The longest window that is chosen where none is asked for."""


@runtime_checkable
class Source(Protocol):
    """Recordings, series or films of unequal length, each (t, *moment), read by parts."""

    @property
    def lengths(self) -> np.ndarray: ...
    @property
    def moment(self) -> tuple[int, ...]: ...
    @property
    def dtype(self) -> str: ...
    def read(self, row: int, start: int, count: int) -> np.ndarray: ...


class Parted(Source, Protocol):
    """A source that has more than `x` to give of a window, such as the sound of a film: by name, arrays."""

    def beside(self, row: int, start: int, count: int) -> dict[str, np.ndarray]: ...


@dataclass(frozen=True, eq=False)
class Ragged:
    """A `Source` in memory or memory-mapped: all rows one after another, and where each begins.

    Args:
        values: (T, *moment), of all.
        offsets: (n + 1,), row i is values[offsets[i] : offsets[i + 1]].
    """

    values: np.ndarray
    offsets: np.ndarray

    @property
    def lengths(self) -> np.ndarray:
        return np.diff(self.offsets)

    @property
    def moment(self) -> tuple[int, ...]:
        return self.values.shape[1:]

    @property
    def dtype(self) -> str:
        return str(self.values.dtype)

    def read(self, row: int, start: int, count: int) -> np.ndarray:
        first = int(self.offsets[row]) + start
        return self.values[first : first + count]


@dataclass(frozen=True, eq=False, repr=False)
class Windowed(Described):
    """n windows of one length, cut from recordings (n, c, t), series (n, t, c) or films (n, t, c, h, w) as taken.

    A batch is {"x": ..., "mask": (n, t)} where the spec says masked, else a tensor; with what a `Parted` source
    has beside it. `of` and `start` say which window each example is; `data` reads it.
    """

    data: Source = field(default_factory=lambda: Ragged(np.empty((0, 1), np.float32), np.zeros(1, np.int64)))
    of: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64))
    start: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64))
    threads: bool = False

    def __post_init__(self) -> None:
        self._check()

    def __len__(self) -> int:
        return len(self.of)

    def _marked(self) -> UInt64[np.ndarray, " n"]:
        """Of the files that windows are cut from, where they lie in files: not all of these is read for it."""
        paths = getattr(self.data, "paths", None)
        if paths is None:
            return super()._marked()
        used = np.unique(self.of)
        of_file = np.zeros(len(paths), np.uint64)
        of_file[used] = marks_of_files([paths[k] for k in used])
        return marks_of_rows(np.stack([of_file[self.of], self.start.astype(np.uint64)], 1))

    @property
    def groups(self) -> dict[str, Labels]:
        """Of films, which clip each window is of: what belongs together, for negatives."""
        return {"clip": Labels(self.of.astype(np.int64), ())} if self.spec.kind == "video" else {}

    @property
    def _length(self) -> int:
        return self.spec.shape[self.spec.time]

    def take(self, index: Tensor) -> Batch:
        """The windows in rows `index`, in its order."""
        rows = row_numbers(index, len(self), none=True)
        length, k = self._length, len(rows)
        x = np.zeros((k, length, *self.data.moment), self.spec.dtype)
        mask = np.zeros((k, length), np.bool_)
        lengths = self.data.lengths

        def read(row: int) -> np.ndarray:
            of, start = int(self.of[row]), int(self.start[row])
            return self.data.read(of, start, min(length, int(lengths[of]) - start))

        found = in_threads(read, rows.tolist()) if self.threads and k > 1 else map(read, rows.tolist())
        for i, part in enumerate(found):
            if part.dtype.kind == "f" and not np.isfinite(part).all():
                raise InputError(f"{self._called(int(rows[i]))}: NaN or infinity; cut that part out, or impute it")
            x[i, : len(part)] = part
            mask[i, : len(part)] = True
        # (k, t, c) -> (k, c, t) for sound, as convolutions take it
        values = torch.from_numpy(np.ascontiguousarray(x.swapaxes(1, 2)) if self.spec.kind == "sound" else x)
        parts = self._beside(rows)
        if self.spec.masked:
            parts["mask"] = torch.from_numpy(mask)
        return {"x": values, **parts} if parts else values

    def _beside(self, rows: np.ndarray) -> dict[str, Tensor]:
        if self.spec.sound is None:
            return {}
        source = cast(Parted, self.data)
        places = [(int(self.of[row]), int(self.start[row])) for row in rows]
        found = list(in_threads(lambda place: source.beside(*place, self._length), places))
        return {name: torch.from_numpy(np.stack([one[name] for one in found])) for name in (found or [{}])[0]}

    def _called(self, row: int) -> str:
        return f"row {row}" if self.names is None else self.names[row]

    def subset(self, index: Tensor | np.ndarray | Sequence[int]) -> Windowed:
        """The windows in rows `index`, in its order, with their labels and names."""
        rows = row_numbers(index, len(self))
        return dataclasses.replace(self, of=self.of[rows], start=self.start[rows], **self._some(rows))  # type: ignore[arg-type]


def windowed(
    kind: str,
    data: Source,
    reading: Reading,
    *,
    rate: float | None,
    rows: np.ndarray,
    targets: dict[str, Labels] | None = None,
    names: Sequence[str] | None = None,
    source: str = "",
    span: tuple[float, float] = (0.0, 1.0),
    threads: bool = False,
) -> Windowed:
    """Windows of some rows of a source: of the length that is asked for, or one that nine in ten fit into.

    Without `hop` each row gives one window: its middle where it is longer, all of it, padded, where it is shorter.
    With it each gives a window every `hop`, the last one that fits included, and at least one. `span` is the share
    of each row's time that windows are taken from, so that one long recording can be split.

    Raises `InputError` for rows without a sample, naming the first.
    """
    whole = data.lengths
    first = np.ceil(span[0] * whole).astype(np.int64)
    lengths = np.floor(span[1] * whole).astype(np.int64) - first  # of what windows are taken from
    for row in rows:
        if lengths[row] < 1:
            name = f"row {row}" if names is None else names[row]
            raise InputError(f"{name}: is empty; remove it, or record it again")
    notes = []
    of_rows = lengths[rows]
    if reading.length is not None:
        length = samples_of(reading.length, rate, "length")
    elif (lengths == lengths[0]).all():
        length = int(lengths[0])
    else:
        most = MOST_ROWS if rate is None else round(MOST_SECONDS * rate)
        length = int(min(np.percentile(lengths, 90, method="higher"), most))
        notes.append(f"windows of {_told(length, rate)}, which {np.mean(lengths <= length):.0%} fit into")
    if reading.hop is None:
        of, start = rows.astype(np.int64), first[rows] + np.maximum(of_rows - length, 0) // 2
        if cut := int((of_rows > length).sum()):
            notes.append(f"{cut} of {len(rows)} cropped to their middle")
    else:
        hop = samples_of(reading.hop, rate, "hop")
        counts = np.maximum(of_rows - length, 0) // hop + 1
        of = np.repeat(rows, counts)
        start = np.concatenate(
            [first[row] + np.arange(count) * hop for row, count in zip(rows, counts, strict=True)]
        )
        notes.append(f"{len(of)} windows, one every {_told(hop, rate)}")
    if padded := int((whole[of] - start < length).sum()):
        notes.append(f"{padded} padded")
    # Whether there is padding is decided on all rows, so that train and test are of one spec.
    masked = bool((whole < length).any())
    shape = (*data.moment, length) if kind == "sound" else (length, *data.moment)
    about = f" ({'; '.join(notes)})" if notes else ""
    called = None
    if names is not None:
        called = tuple(
            names[i] if reading.hop is None else f"{names[i]}@{_told(int(s), rate)}"
            for i, s in zip(of, start, strict=True)
        )
    return Windowed(
        Spec(kind, shape, data.dtype, rate, masked),
        {name: labels.of(of) for name, labels in (targets or {}).items()},
        called,
        source + about,
        data=data,
        of=of,
        start=start.astype(np.int64),
        threads=threads,
    )


def _told(samples: int, rate: float | None) -> str:
    return f"{samples} rows" if rate is None else f"{samples / rate:.3g} s"
