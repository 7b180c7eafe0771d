"""Images whose files are decoded when they are first taken, so that training need not wait for all of them."""

from __future__ import annotations

import json
import os
import secrets
import threading
import weakref
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from torch import Tensor

from mutua.data.examples import row_numbers
from mutua.data.image.images import Images
from mutua.data.parallel import in_threads
from mutua.data.store import replacing
from mutua.types import InputError

__all__ = ["Streamed"]


class Streamed(Images):
    """`Images` of n files that `take` decodes, each once: in threads, those that are not there yet.

    Decoded pixels stay in memory, or in the memory-mapped file `place`, which is written aside and gets its name
    (and the list of its rows beside it) once every row is decoded. An unfinished one is kept as `place`.part when
    this object goes, and the next one goes on with it.
    Training reads a batch ahead in a thread, so decoding goes on while it computes. Reading `pixels` or a
    `subset` decodes what is missing first.

    Args:
        decode: the number of a row to its pixels, uint8 of `shape`. It may raise `InputError`.
        n: how many rows.
        shape: channels, height, width of each.
        place: of the file to keep; in memory where None.
        threads: to decode in; as `in_threads` has it where None.
    """

    def __init__(
        self,
        decode: Callable[[int], np.ndarray],
        n: int,
        shape: tuple[int, int, int],
        labels: np.ndarray | None = None,
        classes: tuple[str, ...] = (),
        names: tuple[str, ...] | None = None,
        source: str = "",
        files: tuple[Path, ...] | None = None,
        *,
        place: Path | None = None,
        threads: int | None = None,
    ) -> None:
        ready = np.zeros(n, bool)
        pixels, close = (
            (np.empty((n, *shape), np.uint8), None) if place is None else _aside(place, (n, *shape), ready)
        )
        about = Images(pixels, labels, classes, names, source, files)  # checks them
        own = {
            "labels": about.labels,
            "classes": classes,
            "names": names,
            "source": source,
            "files": files,
            "_values": pixels,
            "_ready": ready,
            "_decode": decode,
            "_threads": threads,
            "_lock": threading.Lock(),
            "_close": close,
            "_finalizer": weakref.finalize(self, close, False) if close is not None else None,
        }
        for name, value in own.items():
            object.__setattr__(self, name, value)

    def __len__(self) -> int:
        return len(self._values)  # type: ignore[attr-defined]

    def __repr__(self) -> str:
        return f"Streamed({len(self)} files, {' x '.join(map(str, self.shape))}, {self.source})"

    @property
    def shape(self) -> tuple[int, int, int]:
        c, h, w = self._values.shape[1:]  # type: ignore[attr-defined]
        return c, h, w

    @property
    def pixels(self) -> np.ndarray:  # type: ignore[override]
        """All pixels, decoded."""
        self._fill(np.arange(len(self)))
        return self._values  # type: ignore[attr-defined]

    @property
    def decoded(self) -> int:
        """How many rows are decoded."""
        return int(self._ready.sum())  # type: ignore[attr-defined]

    def take(self, index: Tensor | np.ndarray | Sequence[int]) -> Tensor:
        self._fill(np.unique(row_numbers(index, len(self), none=True)))
        return Images(self._values).take(index)  # type: ignore[attr-defined]

    def subset(self, index: Tensor | np.ndarray | Sequence[int]) -> Images:
        return Images(self.pixels, self.labels, self.classes, self.names, self.source, self.files).subset(index)

    def _fill(self, rows: np.ndarray) -> None:
        own = self.__dict__
        with own["_lock"]:
            missing = rows[~own["_ready"][rows]].tolist()
            if not missing:
                return
            for k, pixels in zip(missing, in_threads(own["_decode"], missing, own["_threads"]), strict=True):
                own["_values"][k] = pixels
                own["_ready"][k] = True
            if own["_close"] is not None and own["_ready"].all():
                own["_finalizer"].detach()
                own["_close"](True)
                object.__setattr__(self, "_close", None)


def _taken_up(part: Path, aside: Path, shape: tuple[int, ...], ready: np.ndarray) -> np.memmap | None:
    """What an earlier one left unfinished, renamed so that nobody else takes it up; `ready` says what it has.

    A byte a row, whether it is decoded, ends the file: in a file of their own they might be another part's.
    """
    try:
        os.rename(part, aside)
        length = aside.stat().st_size  # loading lengthens a file that was cut short
        pixels: np.memmap = np.load(aside, mmap_mode="r+", allow_pickle=False)
        end = pixels.offset + pixels.nbytes
        if pixels.shape != shape or pixels.dtype != np.uint8 or length != end + len(ready):
            return None
        with open(aside, "r+b") as file:
            file.seek(end)
            ready[:] = np.frombuffer(file.read(), np.uint8) == 1
            file.truncate(end)
    except (OSError, ValueError, EOFError):
        ready[:] = False
        return None
    return pixels


def _aside(place: Path, shape: tuple[int, ...], ready: np.ndarray) -> tuple[np.ndarray, Callable[[bool], None]]:
    """(Room in a .npy file beside `place`; what to call when it is full, True, or given up, False)."""
    aside = place.parent / f".{place.name}.{os.getpid()}-{secrets.token_hex(4)}"
    part = place.with_name(f"{place.name}.part")
    size = int(np.prod(shape, dtype=np.int64))
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        found = _taken_up(part, aside, shape, ready)
        pixels = np.lib.format.open_memmap(aside, "w+", np.uint8, shape) if found is None else found
        if hasattr(os, "posix_fallocate"):
            with open(aside, "r+b") as file:  # a disk that fills up under a mapping kills the process
                os.posix_fallocate(file.fileno(), 0, pixels.offset + size)
    except OSError as error:
        if aside.exists():
            aside.unlink()
        message = f"cannot hold {size:,} bytes of pixels ({error.strerror or error})"
        raise InputError(f"{place.parent}: {message}; free space, or name another cache") from error

    owner = os.getpid()

    def close(full: bool) -> None:
        if not full:
            if os.getpid() == owner and not place.exists():  # a forked child that ends has the object too
                _leave(aside, part, pixels, ready)
            elif os.getpid() == owner:
                aside.unlink(missing_ok=True)
            return
        pixels.flush()
        with replacing(place.with_suffix(".json")) as beside:
            beside.write(json.dumps(list(range(shape[0]))).encode())
        os.replace(aside, place)
        part.unlink(missing_ok=True)  # of one beside this

    return pixels, close


def _leave(aside: Path, part: Path, pixels: np.memmap, ready: np.ndarray) -> None:
    """Keep what is decoded for the next one; nothing is lost but time where that fails."""
    try:
        if ready.any():
            pixels.flush()
            with open(aside, "ab") as file:
                file.write(ready.astype(np.uint8).tobytes())
            os.replace(aside, part)
    except OSError:
        pass
    finally:
        aside.unlink(missing_ok=True)
