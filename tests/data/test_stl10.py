"""STL-10's binary files, written by hand."""

from pathlib import Path

import numpy as np
import pytest

from mutua.data.catalogue import DATASETS
from mutua.data.image.stl10 import find_stl10, stl10
from mutua.types import InputError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "stl10_binary"
    place.mkdir()
    for part, n in (("train", 3), ("test", 2)):
        columns = np.zeros((n, 3, 96, 96), np.uint8)  # (n, c, column, row)
        columns[:, 1, 5, 7] = np.arange(1, n + 1)
        columns.tofile(place / f"{part}_X.bin")
        (np.arange(n, dtype=np.uint8) % 2 + 1).tofile(place / f"{part}_y.bin")
    (place / "class_names.txt").write_text("airplane\nbird\n")
    return place


def test_read(folder: Path) -> None:
    assert find_stl10(folder) == find_stl10(folder.parent) == folder
    assert find_stl10(folder / "x") is None
    train, test = (DATASETS["stl10"].load(split, path=folder.parent) for split in ("train", "test"))
    assert (len(train), len(test)) == (3, 2)
    assert train.pixels[:, 1, 7, 5].tolist() == [1, 2, 3]  # row 7, column 5
    assert train.pixels.sum() == 6
    assert train.labels.tolist() == [0, 1, 0]
    assert train.classes == ("airplane", "bird")
    assert train.source == "STL-10"


def test_damaged(folder: Path) -> None:
    (folder / "test_X.bin").write_bytes(b"\0" * 100)
    with pytest.raises(InputError, match=r"test_X.bin: 100 bytes, no whole number of images of 27648"):
        stl10(folder, "test", folder)
    (folder / "train_y.bin").write_bytes(bytes([1, 2]))
    with pytest.raises(InputError, match=r"train_y.bin: 2 labels for 3 images"):
        stl10(folder, "train", folder)
    (folder / "train_y.bin").write_bytes(bytes([1, 2, 3]))
    with pytest.raises(InputError, match="a label beyond the 2 class names"):
        stl10(folder, "train", folder)
