"""The compact sets, on a small one of the same form."""

import errno
import io
import itertools
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mutua.data import store
from mutua.data.image.compact import Compact, npz_arrays
from mutua.types import InputError

SET = Compact("Small (PNG)", "small.npz", "encoded", lambda arrays: arrays["test"])
PIXELS = np.random.default_rng(0).integers(0, 256, (5, 3, 6, 6), dtype=np.uint8)


def written(folder: Path, **changed: np.ndarray) -> Path:
    raws = []
    for pixels in PIXELS:
        out = io.BytesIO()
        Image.fromarray(np.ascontiguousarray(pixels.transpose(1, 2, 0))).save(out, "PNG")
        raws.append(out.getvalue())
    arrays = {
        "encoded": np.frombuffer(b"".join(raws), np.uint8),
        "offset": np.cumsum([0, *map(len, raws)]),
        "label": np.array([0, 1, 0, 1, 1], np.uint8),
        "test": np.array([False, True, False, False, True]),
        "classes": np.array(["a", "b"]),
        "name": np.array(list("vwxyz")),
    }
    np.savez(folder / SET.file, **{k: v for k, v in (arrays | changed).items() if len(v)})
    return folder / SET.file


def test_read_and_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = written(tmp_path)
    assert SET.find(tmp_path) == SET.find(file) == file
    assert SET.find(tmp_path / "x") is None
    train, test = (SET.read(file, split, tmp_path / "cache") for split in ("train", "test"))
    assert np.array_equal(train.pixels, PIXELS[[0, 2, 3]])
    assert np.array_equal(test.pixels, PIXELS[[1, 4]])
    assert train.labels is not None
    assert train.labels.tolist() == [0, 0, 1]
    assert test.names == ("w", "z")
    assert test.classes == ("a", "b")
    assert isinstance(test.pixels, np.memmap)
    monkeypatch.setattr("mutua.data.image.compact.pixels_of", None)  # not decoded again
    assert np.array_equal(SET.read(file, "test", tmp_path / "cache").pixels, PIXELS[[1, 4]])


def test_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file, cache = written(tmp_path), tmp_path / "cache"
    SET.read(file, "test", cache)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(store.os, "fsync", full)
    with pytest.raises(InputError, match=r"cannot be written \(No space left on device\); free space"):
        SET.read(file, "train", cache)
    assert len(os.listdir(cache / "decoded")) == 1
    assert len(SET.read(file, "test", cache)) == 2


def test_damaged(tmp_path: Path) -> None:
    file = written(tmp_path, encoded=np.zeros(99_999, np.uint8))
    with pytest.raises(InputError, match=r"small.npz, image 0: cannot be read \(no image of a known format\)"):
        SET.read(file, "train", tmp_path)
    file = written(tmp_path, label=np.zeros(0))
    with pytest.raises(InputError, match=r"small.npz: has no array label"):
        SET.read(file, "train", tmp_path)
    file.write_bytes(b"PK rubbish")
    with pytest.raises(InputError, match=r"small.npz: "):
        SET.read(file, "train", tmp_path)


def test_an_image_of_another_shape_is_named(tmp_path: Path) -> None:
    out = io.BytesIO()
    Image.new("RGB", (3, 12)).save(out, "PNG")
    file = written(tmp_path)
    arrays = dict(np.load(file))
    raws = [arrays["encoded"][a:b].tobytes() for a, b in itertools.pairwise(arrays["offset"])]
    raws[2] = out.getvalue()  # 3 x 12 are as many bytes as 6 x 6
    file = written(
        tmp_path, encoded=np.frombuffer(b"".join(raws), np.uint8), offset=np.cumsum([0, *map(len, raws)])
    )
    with pytest.raises(InputError, match=r"image 2: .*decodes to 3 x 12 x 3 where 3 x 6 x 6 are meant"):
        SET.read(file, "train", tmp_path / "cache")


def test_an_encrypted_archive_is_refused_in_a_line(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=np.zeros(3))
    raw = bytearray((tmp_path / "a.npz").read_bytes())
    for header, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        raw[raw.index(header) + flags] |= 1
    (tmp_path / "a.npz").write_bytes(raw)
    with pytest.raises(InputError, match=r"a.npz: cannot be read as .npz \(.*encrypted"):
        npz_arrays(tmp_path / "a.npz")
