"""`load` and `as_images`: one way in for whatever a user has."""

from pathlib import Path

import numpy as np
import pytest
import torch

from data.making import write, write_set
from mutua.data import Images, as_images, load
from mutua.types import InputError

PIXELS = np.random.default_rng(0).integers(0, 256, (10, 3, 8, 8), dtype=np.uint8)


def test_names_and_splits() -> None:
    assert [len(load("digits", split)) for split in ("train", "test", "all")] == [1348, 449, 1797]
    assert load("digits", "test", size=16).shape == (1, 16, 16)
    with pytest.raises(InputError, match=r"^split: 'dev'; one of train, test, all"):
        load("digits", "dev")


def test_unknown_names_list_the_catalogue() -> None:
    with pytest.raises(
        InputError, match=r"^nothing: no such data set \(cifar10, .*mnist, .*\), and no such folder"
    ):
        load("nothing")


def test_folder(tmp_path: Path) -> None:
    for k in range(10):
        write(tmp_path / f"{k}.png", k)
    train, test = load(tmp_path), load(str(tmp_path), "test")
    assert len(train) + len(test) == 10
    assert not set(train.names or ()) & set(test.names or ())
    assert load(tmp_path, "all", size=4).shape == (3, 4, 4)
    assert len(load(tmp_path.name, "all", path=tmp_path.parent)) == 10


def test_files(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", PIXELS)
    np.savez(tmp_path / "a.npz", x=PIXELS, y=np.arange(10) % 2)
    write_set(tmp_path / "set", zipped=False)
    for name, counts in (("a.npy", (8, 2, 10)), ("a.npz", (8, 2, 10)), ("set", (4, 2, 6))):
        assert tuple(len(load(tmp_path / name, split)) for split in ("train", "test", "all")) == counts
    assert len(load(tmp_path / "set" / "train-images-idx3-ubyte", "all")) == 4
    with pytest.raises(InputError, match="class 0 has one example and a split needs two"):
        load(tmp_path / "set" / "train-images-idx3-ubyte")
    assert load(tmp_path / "a.npy", "all", size=4).shape == (3, 4, 4)
    (tmp_path / "a.dat").write_text("x")
    with pytest.raises(InputError, match=r"a\.dat: a file of no known kind"):
        load(tmp_path / "a.dat")


def test_as_images(tmp_path: Path) -> None:
    images = Images(PIXELS)
    assert as_images(images) is images
    assert len(as_images("digits", "test")) == 449
    np.save(tmp_path / "a.npy", PIXELS)
    assert len(as_images(tmp_path / "a.npy")) == 8
    rows = torch.utils.data.TensorDataset(torch.from_numpy(PIXELS), torch.arange(10))
    for data in (PIXELS, torch.from_numpy(PIXELS), (PIXELS, np.arange(10)), rows, {"train": PIXELS, "test": rows}):
        found = as_images(data)
        assert np.array_equal(found.pixels, PIXELS)
    assert as_images({"train": PIXELS, "test": rows}, "test").labels is not None
    with pytest.raises(InputError, match=r"^split: 'test' where the data have train"):
        as_images({"train": PIXELS}, "test")
    assert as_images(PIXELS, size=4).shape == (3, 4, 4)
