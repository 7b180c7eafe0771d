"""Folders of images, good and bad."""

import errno
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, features

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
    assert found.source == f"{tmp_path.name} (classes cat, dog)"


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


def test_split_without_folders_is_by_names(tmp_path: Path) -> None:
    for k in range(20):
        write(tmp_path / f"{'ab'[k % 2]}/{k:02}.png", k)
    train, test = folder(tmp_path, "train"), folder(tmp_path, "test")
    assert test.labels is not None
    assert set(test.labels) == {0, 1}
    assert f"test: {len(test)} of 20 files, about a fifth being held out" in test.source
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
@pytest.mark.parametrize("at_once", [True, False])
def test_channels_as_asked_however_it_is_read(tmp_path: Path, in_memory: int, at_once: bool) -> None:
    place, cache = tmp_path / "in", tmp_path / "cache"
    for k, mode in enumerate(("L", "RGB", "L")):
        write(place / f"{k}.png", 100 + k, mode=mode)
    (place / "bad.png").write_text("no")

    def read(channels: int | None, skip_bad: bool = True) -> list[list[int]]:
        found = folder(
            place, channels=channels, skip_bad=skip_bad, cache=cache, in_memory=in_memory, at_once=at_once
        )
        return found.take(torch.arange(3))[:, :, 0, 0].tolist()

    luma = (19595 * 101 + 0x8000) >> 16
    for _ in range(2):  # the second from the cache, each from its own file
        assert read(1) == [[100], [luma], [102]]
        assert read(3) == read(None) == [[100] * 3, [101, 0, 0], [102] * 3]
    (place / "bad.png").unlink()
    assert read(1, skip_bad=False) == [[100], [luma], [102]]
    with pytest.raises(InputError, match=r"^channels: 2 of image files; give 1 for grey or 3"):
        folder(place, channels=2)


@pytest.mark.parametrize("in_memory", [0, 1 << 30])
def test_turned_tiffs_are_upright(tmp_path: Path, in_memory: int) -> None:
    """Those of one shown size stay one size, and rows are not scrambled in a file."""
    rows = np.repeat(np.arange(4, dtype=np.uint8)[:, None], 6, 1)  # every column alike
    exif = Image.Exif()
    exif[0x0112] = 6  # shown turned clockwise: 6 high, 4 wide, every row 3 2 1 0
    Image.fromarray(rows).save(write(tmp_path / "in/a.tif"), exif=exif)
    Image.fromarray(np.ascontiguousarray(np.rot90(rows, -1))).save(tmp_path / "in/b.tif")
    found = folder(tmp_path / "in", cache=tmp_path, in_memory=in_memory)
    assert found.shape == (1, 6, 4)
    assert (found.pixels == [3, 2, 1, 0]).all()


def test_bits_are_those_of_all_files(tmp_path: Path) -> None:
    """Of 16-bit pictures that hold 12, in either split: one scale, and a cache of its own once that changes."""
    for k, (name, top) in enumerate((("train/a/0", 100), ("train/b/1", 4095), ("test/a/2", 300), ("test/b/3", 7))):
        path = tmp_path / "in" / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((2, 2), top, np.uint16)).save(path)
        assert k < 4
    test = folder(tmp_path / "in", "test", cache=tmp_path, in_memory=0)
    assert red(test) == [round(300 * 255 / 4095), 0]
    assert "2 of 16 bits, which hold 12, made 8 bits" in test.source
    Image.fromarray(np.full((2, 2), 60_000, np.uint16)).save(tmp_path / "in/train/b/1.png")
    assert red(folder(tmp_path / "in", "test", cache=tmp_path, in_memory=0)) == [1, 0]


def test_formats_that_are_not_read_are_counted(tmp_path: Path) -> None:
    for name in ("a.png", "b.jfif"):
        write(tmp_path / name.replace("jfif", "jpg")).rename(tmp_path / name)
    for name in ("c.heic", "d.JP2", "e.jp2"):
        (tmp_path / name).write_bytes(b"picture")
    found = folder(tmp_path)
    assert found.names == ("a.png", "b.jfif")
    assert "3 files of formats that are not read left out: .heic, .jp2" in found.source.replace(" and", ",")
    for path in (tmp_path / "a.png", tmp_path / "b.jfif"):
        path.unlink()
    with pytest.raises(InputError, match=r"no image files.*3 files of formats that are not read"):
        folder(tmp_path)


@pytest.mark.skipif(not features.check("avif"), reason="Pillow was built without AVIF")
def test_avif(tmp_path: Path) -> None:
    Image.new("RGB", (16, 16), (200, 0, 0)).save(tmp_path / "a.avif", quality=100)
    assert abs(red(folder(tmp_path))[0] - 200) < 5


def test_transparency_is_told(tmp_path: Path) -> None:
    for k in range(3):
        Image.new("RGBA" if k else "RGB", (4, 4), (0, 0, 0, 0) if k else (9, 0, 0)).save(tmp_path / f"{k}.png")
    found = folder(tmp_path)
    assert red(found) == [9, 255, 255]
    assert found.source == f"{tmp_path.name} (2 with transparency, laid on white)"


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
