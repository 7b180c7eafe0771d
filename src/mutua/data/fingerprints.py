"""Which examples these are: a mark of each, and one of all, to tell whether data changed under a run."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt64

from mutua.data.parallel import in_threads

__all__ = ["Recorded", "difference", "fingerprint_of", "marks_of_files", "marks_of_rows"]

_PIECE = 4096
_ALL = 1 << 30  # bytes that are read of arrays, so that marks of a file larger than memory take a second or two


def _mark(*parts: bytes) -> int:
    digest = hashlib.blake2b(digest_size=8)
    for part in parts:
        digest.update(part)
    return int.from_bytes(digest.digest(), "big")


def marks_of_rows(values: np.ndarray) -> UInt64[np.ndarray, " n"]:
    """A mark of each row of an array by its bytes; by those in its middle alone beyond a gibibyte of them."""
    most = max(_PIECE, _ALL // max(len(values), 1))
    count = int(np.prod(values.shape[1:], dtype=np.int64))
    keep = max(1, most // values.itemsize)
    first = max(0, (count - keep) // 2)
    about = f"{values.dtype}{values.shape[1:]}".encode()
    return np.array(
        [_mark(about, np.ascontiguousarray(row.reshape(-1)[first : first + keep]).tobytes()) for row in values],
        np.uint64,
    )


def marks_of_files(paths: Sequence[Path], threads: int | None = None) -> UInt64[np.ndarray, " n"]:
    """A mark of each file by its size and 4 KiB of its middle: that of a copy too, whatever its name and time.

    Raises OSError where one is gone.
    """

    def mark(path: Path) -> int:
        with open(path, "rb", buffering=0) as file:
            size = path.stat().st_size
            file.seek(max(0, (size - _PIECE) // 2))
            return _mark(str(size).encode(), file.read(_PIECE))

    return np.array(list(in_threads(mark, paths, threads)), np.uint64)


def fingerprint_of(marks: UInt64[np.ndarray, " n"]) -> str:
    """One word for all examples in their order."""
    return hashlib.sha256(np.ascontiguousarray(marks, dtype=">u8").tobytes()).hexdigest()[:20]


@dataclass(frozen=True, eq=False)
class Recorded:
    """The examples that something was trained on, as a file keeps them: marks, and names where they have any."""

    marks: UInt64[np.ndarray, " n"]
    names: tuple[str, ...] | None = None

    @staticmethod
    def of(examples: Any) -> Recorded | None:
        """Of examples of this library; None of others, whose rows need not be the same when read twice."""
        marks = getattr(examples, "marks", None)
        return None if marks is None else Recorded(marks, getattr(examples, "names", None))

    def text(self) -> str:
        """As JSON."""
        return json.dumps({"marks": [f"{mark:016x}" for mark in self.marks], "names": self.names}) + "\n"

    @staticmethod
    def read(text: str) -> Recorded:
        """From `text()`. Raises ValueError, KeyError or TypeError where it is none."""
        content = json.loads(text)
        marks = np.array([int(mark, 16) for mark in content["marks"]], np.uint64)
        return Recorded(marks, None if content["names"] is None else tuple(map(str, content["names"])))


def difference(before: Recorded, after: Recorded) -> str:
    """What changed, in words: how many are new, missing or changed, and the first of each; "" if nothing did."""
    if np.array_equal(before.marks, after.marks):
        return ""
    n, m = len(before.marks), len(after.marks)
    told = [] if n == m else [f"{m:,} examples where {n:,} were"]
    if before.names is not None and after.names is not None:
        was = dict(zip(before.names, before.marks.tolist(), strict=True))
        now = dict(zip(after.names, after.marks.tolist(), strict=True))
        sorts = {
            "new": [name for name in now if name not in was],
            "missing": [name for name in was if name not in now],
            "changed": [name for name in now if name in was and was[name] != now[name]],
        }
        told += [f"{len(found):,} {sort} (first {found[0]})" for sort, found in sorts.items() if found]
    elif n == m and not np.array_equal(np.sort(before.marks), np.sort(after.marks)):
        differ = np.flatnonzero(before.marks != after.marks)
        told.append(f"{len(differ):,} changed (first row {differ[0]})")
    return ", ".join(told) or "the same examples in another order"
