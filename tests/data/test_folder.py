"""Folders of images, good and bad."""

import errno
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from data.making import write
from mutua.data import store
from mutua.data.image.folder import folder
from mutua.types import InputError


def truncate(path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(noise).save(path)
    path.write_bytes(path.read_bytes()[:900])


def red(images: object) -> list[int]:
    return images.pixels[:, 0, 0, 0].tolist()  # type: ignore[attr-defined]


def test_class_folders(tmp_path: Path) -> None:
    for k, name in enumerate(["dog/a.png", "cat/deep/b.PNG", "cat/a.png", ".hidden/x.png", "dog/.x.png"]):
        write(tmp_path / name, k)
    (tmp_path / "notes.txt").write_text("none")
    found = folder(tmp_path)
    assert found.names == ("cat/a.png", "cat/deep/b.PNG", "dog/a.png")
    assert red(found) == [2, 1, 0]
    assert found.classes == ("cat", "dog")
    assert found.labels is not None
    assert found.labels.tolist() == [0, 0, 1]
    assert found.source == tmp_path.name


def test_no_class_folders(tmp_path: Path) -> None:
    write(tmp_path / "a.png")
    write(tmp_path / "sub/b.png")
    assert folder(tmp_path).labels is None


@pytest.mark.parametrize("test", ["test", "val"])
def test_split_folders(tmp_path: Path, test: str) -> None:
    for name in ("train/cat/a.png", "train/dog/b.png", f"{test}/dog/c.png", "extra/cat/d.png"):
        write(tmp_path / name)
    assert folder(tmp_path, "train").names == ("train/cat/a.png", "train/dog/b.png")
    found = folder(tmp_path, "test")
    assert found.names == (f"{test}/dog/c.png",)
    assert found.labels is not None
    assert found.labels.tolist() == [1]  # numbered over both splits
    assert set(folder(tmp_path, "all").names or ()) == {"train/cat/a.png", "train/dog/b.png", f"{test}/dog/c.png"}


def test_split_folders_agree_on_size_and_channels(tmp_path: Path) -> None:
    write(tmp_path / "train/a.png", mode="L")
    write(tmp_path / "train/b.png", mode="L")
    write(tmp_path / "test/c.png", size=(9, 9))
    assert folder(tmp_path, "train").shape == folder(tmp_path, "test").shape == (3, 96, 96)


def test_split_without_folders_is_stratified_and_fixed(tmp_path: Path) -> None:
    for k in range(20):
        write(tmp_path / f"{'ab'[k % 2]}/{k:02}.png", k)
    train, test = folder(tmp_path, "train"), folder(tmp_path, "test")
    assert (len(train), len(test)) == (16, 4)
    assert test.labels is not None
    assert np.bincount(test.labels).tolist() == [2, 2]
    assert sorted(red(train) + red(test)) == list(range(20))
    # A bad file is left out of its own part and moves no other.
    (tmp_path / (train.names or ())[0]).write_text("bad")
    assert folder(tmp_path, "test", skip_bad=True).names == test.names
    assert folder(tmp_path, "train", skip_bad=True).names == (train.names or ())[1:]


def test_sizes(tmp_path: Path) -> None:
    write(tmp_path / "a.png", size=(8, 6))
    assert folder(tmp_path).shape == (3, 6, 8)
    write(tmp_path / "b.png", size=(6, 8))
    found = folder(tmp_path)
    assert found.shape == (3, 96, 96)
    assert "2 sizes, resized to 96 x 96" in found.source
    assert folder(tmp_path, size=5).shape == (3, 5, 5)


def test_grey_stays_grey_and_mixed_becomes_rgb(tmp_path: Path) -> None:
    write(tmp_path / "a.png", 9, mode="L")
    write(tmp_path / "b.png", 10, mode="L")
    assert folder(tmp_path).pixels[:, :, 0, 0].tolist() == [[9], [10]]
    write(tmp_path / "c.png", 11)
    mixed = folder(tmp_path)
    assert mixed.pixels[:, :, 0, 0].tolist() == [[9, 9, 9], [10, 10, 10], [11, 0, 0]]
    assert "all made RGB" in mixed.source


@pytest.mark.parametrize("in_memory", [0, 1 << 30])
def test_bad_files_are_named_or_counted(tmp_path: Path, in_memory: int) -> None:
    place = tmp_path / "photos"
    for k in range(3):
        write(place / f"{k}.png", k, size=(64, 64))
    truncate(place / "1b.jpg")
    (place / "0b.png").write_text("dear diary")
    with pytest.raises(InputError, match=r"0b\.png: cannot be read \(no image") as caught:
        folder(place, cache=tmp_path / "cache", in_memory=in_memory)
    assert "\n" not in str(caught.value)
    for _ in range(2):  # decoded, then from the cache
        found = folder(place, skip_bad=True, cache=tmp_path / "cache", in_memory=in_memory)
        assert red(found) == [0, 1, 2]
        assert found.names == ("0.png", "1.png", "2.png")
        assert "2 of 5 files could not be read" in found.source
        assert isinstance(found.pixels, np.memmap) == (in_memory == 0)
    (place / "0b.png").unlink()
    with pytest.raises(InputError, match=r"1b\.jpg: cannot be read \(.*truncated"):
        folder(place, cache=tmp_path / "cache", in_memory=in_memory)


def test_nothing_to_read(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="gone: no such folder; check the path"):
        folder(tmp_path / "gone")
    with pytest.raises(InputError, match=rf"{tmp_path.name}: no image files in it or below it"):
        folder(tmp_path)
    (tmp_path / "a.png").write_text("no")
    with pytest.raises(InputError, match=r"none of its 1 image files .all. can be read"):
        folder(tmp_path, skip_bad=True)
    with pytest.raises(InputError, match=r"^size: 0"):
        folder(tmp_path, size=0)


def test_one_image(tmp_path: Path) -> None:
    write(tmp_path / "a.png")
    assert len(folder(tmp_path)) == 1
    with pytest.raises(InputError, match=rf"{tmp_path.name}: data: one example cannot be split; give at least"):
        folder(tmp_path, "train")


def test_class_with_one_example(tmp_path: Path) -> None:
    for name in ("cat/a.png", "cat/b.png", "dog/a.png"):
        write(tmp_path / name)
    with pytest.raises(InputError, match="class 'dog' has one example and a split needs two; add one"):
        folder(tmp_path, "train")


def test_changed_files_are_decoded_again(tmp_path: Path) -> None:
    place = tmp_path / "in"
    write(place / "a.png", 1)
    read = lambda: red(folder(place, cache=tmp_path / "cache", in_memory=0))  # noqa: E731
    assert read() == [1]
    write(place / "a.png", 2)
    os.utime(place / "a.png", ns=(5, 5))
    assert read() == [2]


def test_threads_change_nothing(tmp_path: Path) -> None:
    for k in range(30):
        write(tmp_path / f"{k:02}.png", k)
    assert red(folder(tmp_path, threads=1)) == red(folder(tmp_path, threads=4)) == list(range(30))


def test_loops_of_links(tmp_path: Path) -> None:
    write(tmp_path / "a/x.png")
    (tmp_path / "a/loop").symlink_to(tmp_path)
    assert len(folder(tmp_path)) == 1


def test_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The cache file of the call before survives, the error is one line, and nothing half written is left."""
    place, cache = tmp_path / "in", tmp_path / "cache"
    write(place / "a.png", 7)
    folder(place, cache=cache, in_memory=0)
    before = sorted(os.listdir(cache / "decoded"))
    write(place / "b.png", 8)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(store.os, "fsync", full)
    with pytest.raises(InputError, match=r"cannot be written \(No space left on device\); free space") as caught:
        folder(place, cache=cache, in_memory=0)
    assert "\n" not in str(caught.value)
    assert sorted(os.listdir(cache / "decoded")) == before
    (place / "b.png").unlink()
    assert red(folder(place, cache=cache, in_memory=0)) == [7]
