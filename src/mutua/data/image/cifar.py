"""CIFAR-10 and CIFAR-100 as their authors give them: the binary versions, unpacked or still in their .tar.gz.

A record is a label (CIFAR-100: a coarse one, then the fine one that is used), then 32 x 32 red, green, blue.
The Python versions are pickles and are not read.
"""

from __future__ import annotations

import tarfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mutua.data.image.images import Images
from mutua.data.store import reason
from mutua.types import InputError

__all__ = ["CIFAR10", "CIFAR100", "Binaries"]

_PIXELS = 3 * 32 * 32


@dataclass(frozen=True)
class Binaries:
    """The files of a binary version, and how to read them."""

    title: str
    archive: str
    folder: str
    train: tuple[str, ...]
    test: tuple[str, ...]
    names: str
    labels: int  # bytes of label before the pixels; the last one counts

    def find(self, place: Path) -> Path | None:
        """`place`, its folder or its archive: the first that holds the files, or None."""
        inside = (place, place / self.folder)
        for folder in inside:
            if all((folder / name).is_file() for name in (*self.train, *self.test, self.names)):
                return folder
        for file in (place, place / self.archive):
            if file.name == self.archive and file.is_file():
                return file
        return None

    def read(self, place: Path, split: str, cache: Path) -> Images:
        """The part "train" or "test", in the official order: (n, 3, 32, 32).

        Raises `InputError` naming the file or archive that is damaged.
        """
        wanted = self.train if split == "train" else self.test
        if place.is_dir():
            return self._images(lambda name: (place / name).read_bytes(), place, wanted)
        try:
            with tarfile.open(place) as archive:
                return self._images(lambda name: _member(archive, f"{self.folder}/{name}"), place, wanted)
        except (tarfile.TarError, OSError, EOFError, zlib.error, KeyError) as error:
            raise InputError(f"{place}: cannot be read ({reason(error)}); fetch it again") from error

    def _images(self, content: Callable[[str], bytes], place: Path, wanted: tuple[str, ...]) -> Images:
        classes = tuple(content(self.names).decode().split())
        rows = np.concatenate([self._rows(content(name), f"{place}: {name}") for name in wanted])
        labels = rows[:, self.labels - 1].astype(np.int64)
        if labels.max() >= len(classes):
            raise InputError(f"{place}: label {labels.max()} and {len(classes)} class names; fetch it again")
        pixels = rows[:, self.labels :].reshape(-1, 3, 32, 32)  # (n, 3072) -> (n, 3, 32, 32)
        return Images(np.ascontiguousarray(pixels), labels, classes, source=self.title)

    def _rows(self, raw: bytes, name: str) -> np.ndarray:
        width = self.labels + _PIXELS
        if not raw or len(raw) % width:
            raise InputError(f"{name}: {len(raw)} bytes, no whole number of records of {width}; fetch it again")
        return np.frombuffer(raw, np.uint8).reshape(-1, width)


def _member(archive: tarfile.TarFile, name: str) -> bytes:
    file = archive.extractfile(name)
    if file is None:
        raise KeyError(f"{name} is no file")
    return file.read()


CIFAR10 = Binaries(
    title="CIFAR-10",
    archive="cifar-10-binary.tar.gz",
    folder="cifar-10-batches-bin",
    train=tuple(f"data_batch_{k}.bin" for k in range(1, 6)),
    test=("test_batch.bin",),
    names="batches.meta.txt",
    labels=1,
)
CIFAR100 = Binaries(
    title="CIFAR-100",
    archive="cifar-100-binary.tar.gz",
    folder="cifar-100-binary",
    train=("train.bin",),
    test=("test.bin",),
    names="fine_label_names.txt",
    labels=2,
)
