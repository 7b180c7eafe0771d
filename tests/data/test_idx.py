"""IDX files written by hand, byte by byte."""

import gzip
from pathlib import Path

import numpy as np
import pytest

from data.making import idx, write_set
from mutua.data.image.idx import find_idx, idx_file, idx_set, is_idx, read_idx
from mutua.types import InputError


def test_read_by_hand(tmp_path: Path) -> None:
    file = tmp_path / "a-ubyte"
    file.write_bytes(bytes.fromhex("00000802 00000002 00000003 010203040506"))
    assert read_idx(file).tolist() == [[1, 2, 3], [4, 5, 6]]
    file.write_bytes(gzip.compress(file.read_bytes(), mtime=0))  # told by its bytes, not by its name
    assert read_idx(file).tolist() == [[1, 2, 3], [4, 5, 6]]


@pytest.mark.parametrize("zipped", [False, True])
def test_set(tmp_path: Path, zipped: bool) -> None:
    assert find_idx(tmp_path) is None
    write_set(tmp_path, zipped=zipped)
    assert find_idx(tmp_path) == tmp_path
    train, test = idx_set(tmp_path, "train"), idx_set(tmp_path, "test")
    assert train.pixels.shape == (4, 1, 2, 3)
    assert train.pixels[1, 0].tolist() == [[6, 7, 8], [9, 10, 11]]
    assert test.labels is not None
    assert test.labels.tolist() == [0, 1]
    with pytest.raises(InputError, match="label 3 where 0 to 1 is meant"):
        idx_set(tmp_path, "train", ("a", "b"))


def test_file_finds_its_labels(tmp_path: Path) -> None:
    write_set(tmp_path, zipped=True)
    file = tmp_path / "t10k-images-idx3-ubyte.gz"
    assert is_idx(file)
    assert not is_idx(tmp_path / "a.npy")
    found = idx_file(file)
    assert found.labels is not None
    assert found.labels.tolist() == [0, 1]
    (tmp_path / "t10k-labels-idx1-ubyte.gz").unlink()
    assert idx_file(file).labels is None
    with pytest.raises(InputError, match="1 axes where images have 3"):
        idx_file(tmp_path / "train-labels-idx1-ubyte.gz")


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"", "begins with nothing, which is no IDX header"),
        (b"\x89PNG\r\n\x1a\n", "begins with 89504e47, which is no IDX header"),
        (b"\0\0\x08", "no IDX header"),
        (b"\0\0\x0d\x01\0\0\0\x01\0\0\0\0", "type 0x0d where bytes"),
        (idx(np.zeros((2, 3), np.uint8))[:-1], "17 bytes where its header says 2 x 3 values"),
        (idx(np.zeros((2, 3), np.uint8)) + b"\0", "19 bytes where its header says 2 x 3 values"),
        (b"\0\0\x08\x03\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", "16 bytes where its header says"),
        (b"\0\0\x08\x03\0\0", "where its header says"),
        (gzip.compress(idx(np.zeros((20, 30), np.uint8)), mtime=0)[:-9], "cannot be read"),
    ],
)
def test_broken(tmp_path: Path, raw: bytes, text: str) -> None:
    file = tmp_path / "a-idx3-ubyte"
    file.write_bytes(raw)
    with pytest.raises(InputError, match=text) as caught:
        read_idx(file)
    assert str(file) in str(caught.value)


def test_labels_of_another_set(tmp_path: Path) -> None:
    write_set(tmp_path, zipped=False)
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(idx(np.zeros(3, np.uint8)))
    with pytest.raises(InputError, match=r"shape \(3,\) for 4 images"):
        idx_set(tmp_path, "train")
