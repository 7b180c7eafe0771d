"""CIFAR's binary records, written by hand."""

from pathlib import Path

import pytest

from data.making import packed, unpacked
from mutua.data.image.cifar import CIFAR10, CIFAR100, Binaries
from mutua.types import InputError


@pytest.mark.parametrize("make", [unpacked, packed])
@pytest.mark.parametrize("binaries", [CIFAR10, CIFAR100], ids=lambda b: b.title)
def test_read(tmp_path: Path, make: object, binaries: Binaries) -> None:
    assert binaries.find(tmp_path) is None
    place = make(tmp_path, binaries)  # type: ignore[operator]
    assert binaries.find(tmp_path) == place == binaries.find(place)
    train, test = (binaries.read(place, split, tmp_path) for split in ("train", "test"))
    n = 2 * len(binaries.train)
    assert train.pixels.shape == (n, 3, 32, 32)
    assert train.pixels[:, 0, 0, 1].tolist() == list(range(1, n + 1))
    assert train.pixels[:, 2, 31, 0].tolist() == list(range(2, n + 2))
    assert train.pixels[0].sum() == 3
    assert train.labels is not None
    assert train.labels.tolist() == [k % 3 for k in range(n)]
    assert train.classes == ("apple", "bear", "cup")
    assert test.pixels[0, 0, 0, 1] == n + 1
    assert test.source == binaries.title


def test_damaged(tmp_path: Path) -> None:
    folder = unpacked(tmp_path, CIFAR10)
    (folder / "data_batch_3.bin").write_bytes(b"\0" * 3072)
    with pytest.raises(InputError, match=r"data_batch_3.bin: 3072 bytes, no whole number of records of 3073"):
        CIFAR10.read(folder, "train", tmp_path)
    (folder / "test_batch.bin").write_bytes(bytes([9]) + b"\0" * 3072)
    with pytest.raises(InputError, match="label 9 and 3 class names"):
        CIFAR10.read(folder, "test", tmp_path)


def test_damaged_archive(tmp_path: Path) -> None:
    file = packed(tmp_path, CIFAR100)
    whole = file.read_bytes()
    for raw in (whole[:-50], b"no archive", b""):
        file.write_bytes(raw)
        with pytest.raises(InputError, match=r"cifar-100-binary.tar.gz: cannot be read \(.*fetch it again"):
            CIFAR100.read(file, "test", tmp_path)
