"""Small files of each kind that the tests of data read."""

from __future__ import annotations

import gzip
import io
import struct
import tarfile
from pathlib import Path

import numpy as np
from PIL import Image

from mutua.data.image.cifar import Binaries


def write(path: Path, value: int = 0, *, size: tuple[int, int] = (8, 8), mode: str = "RGB") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, value if mode == "L" else (value, 0, 0)).save(path)
    return path


def idx(values: np.ndarray) -> bytes:
    return struct.pack(f">BBBB{values.ndim}I", 0, 0, 8, values.ndim, *values.shape) + values.tobytes()


def write_set(folder: Path, *, zipped: bool) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for part, n in (("train", 4), ("t10k", 2)):
        images = np.arange(n * 6, dtype=np.uint8).reshape(n, 2, 3)
        for name, values in (("images-idx3", images), ("labels-idx1", np.arange(n, dtype=np.uint8))):
            raw = idx(values)
            end = ".gz" if zipped else ""
            (folder / f"{part}-{name}-ubyte{end}").write_bytes(gzip.compress(raw) if zipped else raw)


def record(k: int, labels: int) -> bytes:
    pixels = np.zeros((3, 32, 32), np.uint8)
    pixels[0, 0, 1], pixels[2, 31, 0] = k + 1, k + 2  # red right of the corner, blue below it
    return bytes([7] * (labels - 1) + [k % 3]) + pixels.tobytes()


def files(binaries: Binaries) -> dict[str, bytes]:
    out = {binaries.names: b"apple\nbear\ncup\n\n"}
    for k, name in enumerate((*binaries.train, *binaries.test)):
        out[name] = record(2 * k, binaries.labels) + record(2 * k + 1, binaries.labels)
    return out


def unpacked(root: Path, binaries: Binaries) -> Path:
    folder = root / binaries.folder
    folder.mkdir()
    for name, raw in files(binaries).items():
        (folder / name).write_bytes(raw)
    return folder


def packed(root: Path, binaries: Binaries) -> Path:
    with tarfile.open(root / binaries.archive, "w:gz") as archive:
        for name, raw in files(binaries).items():
            info = tarfile.TarInfo(f"{binaries.folder}/{name}")
            info.size = len(raw)
            archive.addfile(info, io.BytesIO(raw))
    return root / binaries.archive
