"""Decoded pixels kept on disk: written aside and renamed, read memory-mapped."""

from __future__ import annotations

import hashlib
import os
import secrets
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pooch

from mutua.types import InputError

__all__ = [
    "UNREADABLE",
    "cache_folder",
    "checked_place",
    "fingerprint",
    "mapped",
    "reason",
    "replacing",
    "write_rows",
    "writing",
]

UNREADABLE = (
    ValueError,
    OSError,
    EOFError,
    AttributeError,
    TypeError,
    KeyError,
    MemoryError,
    RuntimeError,
    SyntaxError,
    struct.error,
    tokenize.TokenError,
    zipfile.BadZipFile,
    zlib.error,
)
"""What numpy and zipfile raise on files that are damaged, cut short, encrypted or of another kind."""

_FORMAT = 1  # raise when the same file would decode to other pixels: it is part of every key


def cache_folder(cache: Path | None = None) -> Path:
    """Where decoded pixels and downloads are kept: `cache`, or the platform's place for caches."""
    return Path(cache) if cache is not None else Path(pooch.os_cache("mutua"))


def fingerprint(files: Iterable[Path], *settings: object) -> str:
    """A key of files by their paths, sizes and times of change, and of what is done to them."""
    digest = hashlib.sha256(repr((_FORMAT, settings)).encode())
    for file in files:
        stat = file.stat()
        digest.update(os.fsencode(file.absolute()) + f"\0{stat.st_size}\0{stat.st_mtime_ns}\0".encode())
    return digest.hexdigest()[:20]


def reason(error: Exception) -> str:
    """What went wrong, on one line: a library's own message may have several."""
    return " ".join(str(error).split()) or type(error).__name__


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A file to write that becomes `path` when the block ends well, and leaves nothing behind when it doesn't."""
    if path.exists() and not (path.is_file() or path.is_dir()):
        # A pipe or a device, /dev/null say, is written to; to rename a file into its place would do away with it.
        with open(path, "wb") as file:
            yield file
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.parent / f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}"
    try:
        with open(aside, "x+b") as file:  # not tempfile's: those are for their owner's eyes alone
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(aside, path)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise


@contextmanager
def writing(path: Path) -> Iterator[BinaryIO]:
    """As `replacing`, for a file that the user named. Raises InputError where it cannot be written."""
    try:
        with replacing(path) as file:
            yield file
    except OSError as error:
        raise InputError(
            f"{path}: cannot be written ({error.strerror or reason(error)}); free space, or name another place"
        ) from error


def checked_place(path: Path) -> None:
    """Raise InputError where a file at `path` plainly could not be written: for before the work, not after it."""
    if path.is_dir():
        raise InputError(f"{path}: is a folder; name a file in it")
    place = next(folder for folder in path.absolute().parents if folder.exists())
    if not place.is_dir():
        raise InputError(f"{path}: {place} is no folder; name another place")
    if not os.access(place, os.W_OK | os.X_OK):
        raise InputError(f"{path}: {place} cannot be written to; name another place")


def write_rows(file: BinaryIO, shape: Sequence[int], rows: Iterable[np.ndarray]) -> int:
    """Write uint8 rows of `shape` one after another as a .npy file, and return how many there were.

    The header is written again at the end: rows may be left out on the way, and none is held.

    Raises `InputError` for a row of another shape, which would move all that come after it.
    """

    def header(n: int) -> None:
        file.seek(0)
        about = {"descr": "|u1", "fortran_order": False, "shape": (n, *shape)}
        np.lib.format.write_array_header_1_0(file, about)

    header(0)
    start = file.tell()
    n = 0
    for row in rows:
        if row.shape != tuple(shape):
            raise InputError(f"row {n}: shape {row.shape} where {tuple(shape)} is meant; make all rows alike")
        file.write(row.astype(np.uint8, copy=False).tobytes())
        n += 1
    header(n)
    if file.tell() != start:  # numpy pads headers so that the first axis can grow; else the rows would shift
        raise RuntimeError(f"numpy {np.__version__} wrote .npy headers of two lengths")
    return n


def mapped(path: Path, build: Callable[[BinaryIO], object]) -> np.ndarray:
    """The array in `path`, memory-mapped and read-only; `build` writes the file where there is none.

    A kept file that cannot be read (cut short by hand or by the disk) is built again.

    Raises OSError where the file cannot be written.
    """
    if path.exists():
        try:
            return np.load(path, mmap_mode="r", allow_pickle=False)
        except (ValueError, EOFError):
            path.unlink()
    with replacing(path) as file:
        build(file)
    return np.load(path, mmap_mode="r", allow_pickle=False)
