"""Compact sets: many small encoded images in one .npz, decoded once and kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from mutua.data.image.decode import pixels_of
from mutua.data.image.images import Images
from mutua.data.parallel import in_threads, progress
from mutua.data.store import UNREADABLE, fingerprint, mapped, reason, write_rows
from mutua.types import InputError

__all__ = ["CIFAR10_JPEG", "IMAGENETTE_WEBP", "Compact", "npz_arrays"]

Arrays = dict[str, np.ndarray]


def npz_arrays(path: Path) -> Arrays:
    """The arrays of a .npz file by name.

    Raises `InputError` naming the file: damaged, or with Python objects in it, which would have to be unpickled.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except UNREADABLE as error:
        if "allow_pickle" in str(error):
            mend = "save plain numbers or text in it"
            raise InputError(f"{path}: holds Python objects, or is no .npz; these are not read: {mend}") from error
        raise InputError(f"{path}: cannot be read as .npz ({reason(error)}); fetch it again") from error


@dataclass(frozen=True)
class Compact:
    """A .npz with the image files one after another under `encoded`, and `offset`, `label`, `classes`.

    `is_test` says which rows are the test set.
    """

    source: str
    file: str
    encoded: str
    is_test: Callable[[Arrays], np.ndarray]

    def find(self, place: Path) -> Path | None:
        """`place`, or the file in it: the first that is the file, or None."""
        return next((p for p in (place, place / self.file) if p.name == self.file and p.is_file()), None)

    def read(self, path: Path, split: str, cache: Path) -> Images:
        """The part "train" or "test", memory-mapped from a file in `cache` that the first call decodes into.

        Raises `InputError` naming the file that is damaged, or the one that cannot be written.
        """
        arrays = npz_arrays(path)
        missing = {self.encoded, "offset", "label", "classes"} - set(arrays)
        if missing:
            raise InputError(f"{path}: has no array {', '.join(sorted(missing))}; fetch it again")
        rows = np.flatnonzero(self.is_test(arrays) == (split == "test"))
        encoded, offset = arrays[self.encoded], arrays["offset"]

        def raw(row: int) -> tuple[bytes, str]:
            return encoded[offset[row] : offset[row + 1]].tobytes(), f"{path}, image {row}"

        def build(file: BinaryIO) -> None:
            shape = pixels_of(*raw(int(rows[0])), size=None, grey=False).shape

            def decode(row: int) -> np.ndarray:
                return pixels_of(*raw(row), size=None, grey=False, shape=shape)

            decoded = progress(in_threads(decode, rows.tolist()), len(rows), f"decoding {path.name}")
            write_rows(file, shape, decoded)

        kept = cache / "decoded" / f"{path.stem}-{split}-{fingerprint([path])}.npy"
        try:
            pixels = mapped(kept, build)
        except OSError as error:
            message = f"cannot be written ({error.strerror or error})"
            raise InputError(f"{kept}: {message}; free space, or name another cache") from error
        return Images(
            pixels,
            arrays["label"][rows].astype(np.int64),
            tuple(map(str, arrays["classes"])),
            tuple(map(str, arrays["name"][rows])) if "name" in arrays else None,
            self.source,
        )


CIFAR10_JPEG = Compact(
    source="CIFAR-10 (JPEG q75)",
    file="cifar10_jpeg.npz",
    encoded="jpeg",
    is_test=lambda arrays: np.arange(len(arrays["label"])) >= 50_000,
)
IMAGENETTE_WEBP = Compact(
    source="Imagenette (128 x 128, WebP q72)",
    file="imagenette128_webp.npz",
    encoded="encoded",
    is_test=lambda arrays: arrays["test"],
)
