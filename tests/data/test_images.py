"""Images, and the splits drawn of them."""

import errno
import os
from pathlib import Path

import numpy as np
import pytest
import torch

from mutua.data import Held
from mutua.data.image import images as module
from mutua.data.image.images import Images, joined, room
from mutua.data.image.streamed import Streamed
from mutua.data.splits import part, split_off, stratified
from mutua.types import InputError, Rows, Spec


def some(n: int = 6, labels: bool = True) -> Images:
    pixels = np.arange(n * 12, dtype=np.uint8).reshape(n, 3, 2, 2)
    names = tuple(f"{k}.png" for k in range(n))
    return Images(pixels, np.arange(n) % 2 if labels else None, ("a", "b") if labels else (), names, "some")


def on_disk(images: Images, path: Path) -> Images:
    np.save(path, images.pixels)
    return Images(np.load(path, mmap_mode="r"), images.labels, images.classes, images.names, images.source)


def test_take_in_any_order(tmp_path: Path) -> None:
    images = some()
    assert isinstance(images, Rows)
    for kept in (images, on_disk(images, tmp_path / "a.npy")):
        for index in ([5, 0, 3], [2, 2, 1], []):
            found = kept.take(torch.tensor(index, dtype=torch.long))
            assert found.dtype == torch.uint8
            assert np.array_equal(found.numpy(), images.pixels[index])


def test_take_is_a_copy() -> None:
    images = some()
    images.take(torch.tensor([0]))[:] = 99
    assert images.pixels[0, 0, 0, 0] == 0


@pytest.mark.parametrize("index", [[4, 1], [1, 2, 3], [-1], [True, False, False, True, False, False]])
def test_subset(tmp_path: Path, index: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "GIBIBYTE", 0)
    images = some()
    for kept in (images, on_disk(images, tmp_path / "a.npy")):
        found = kept.subset(index)
        rows = np.arange(6)[index]
        assert np.array_equal(found.pixels, images.pixels[rows])
        assert found.labels is not None
        assert np.array_equal(found.labels, rows % 2)
        assert found.names == tuple(f"{k}.png" for k in rows)


@pytest.mark.parametrize("index", [[], [6], [-7]])
def test_subset_refuses(index: list[int]) -> None:
    with pytest.raises(InputError, match=r"^index: "):
        some().subset(index)


def test_room_beyond_memory_is_mapped_and_nameless(tmp_path: Path) -> None:
    out = room((4, 5), in_memory=19, cache=tmp_path)
    assert isinstance(out, np.memmap)
    out[:] = 7
    assert out.sum() == 140
    assert os.listdir(tmp_path) == []
    assert not isinstance(room((4, 5), in_memory=20, cache=tmp_path), np.memmap)
    again = room((4, 5), in_memory=0, beside=out, cache=tmp_path)  # a mapping without a name tells no folder
    assert isinstance(again, np.memmap)


def test_room_on_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(InputError, match=r"No space left on device.*; free space, or name another cache"):
        room((4, 5), in_memory=0, cache=tmp_path)
    assert os.listdir(tmp_path) == []


def test_joined() -> None:
    both = joined(some(4), some(2))
    assert np.array_equal(both.pixels, np.concatenate([some(4).pixels, some(2).pixels]))
    assert both.labels is not None
    assert both.labels.tolist() == [0, 1, 0, 1, 0, 1]
    assert both.names == ("0.png", "1.png", "2.png", "3.png", "0.png", "1.png")
    with pytest.raises(InputError, match="3 x 2 x 2 and 1 x 2 x 2 cannot be joined; give size="):
        joined(some(), Images(np.zeros((1, 1, 2, 2), np.uint8)))
    with pytest.raises(InputError, match="different classes"):
        joined(some(), some(labels=False))


@pytest.mark.parametrize(
    ("pixels", "labels", "text"),
    [
        (np.zeros((2, 3, 4, 4)), None, "float64 of shape"),
        (np.zeros((2, 4, 4), np.uint8), None, r"shape \(2, 4, 4\)"),
        (np.zeros((0, 3, 4, 4), np.uint8), None, "empty axis"),
        (np.zeros((2, 3, 4, 4), np.uint8), np.zeros(3, int), r"labels: shape \(3,\) for 2 images"),
        (np.zeros((2, 3, 4, 4), np.uint8), np.zeros(2), "labels: float64"),
        (np.zeros((2, 3, 4, 4), np.uint8), np.array([0, -1]), "from -1 to 0 where 0 to 1 is meant"),
        (np.zeros((2, 3, 4, 4), np.uint8), np.array([0, 2]), "from 0 to 2 where 0 to 1 is meant"),
    ],
)
def test_refuses(pixels: np.ndarray, labels: np.ndarray | None, text: str) -> None:
    with pytest.raises(InputError, match=text):
        Images(pixels, labels, ("a", "b"))


@pytest.mark.parametrize("fraction", [0.1, 0.25, 0.5, 0.9])
def test_stratified_takes_its_share_of_every_class(fraction: float) -> None:
    counts = np.array([2, 3, 10, 37, 200])
    labels = np.random.RandomState(1).permutation(np.repeat(np.arange(5), counts))
    rest, out = stratified(labels, fraction, 0)
    assert np.array_equal(np.sort(np.concatenate([rest, out])), np.arange(len(labels)))
    assert (np.diff(rest) > 0).all()
    assert (np.diff(out) > 0).all()
    held = np.bincount(labels[out], minlength=5)
    assert (np.abs(held - (fraction * counts).clip(1, counts - 1)) < 1).all()
    assert abs(len(out) - round(fraction * len(labels))) <= 2
    assert not np.array_equal(out, stratified(labels, fraction, 1)[1])


def test_the_split_is_frozen() -> None:
    """Rows written down once: the split must be the same on every machine and in every version."""
    assert stratified(np.arange(20) % 2, 0.25, 0)[1].tolist() == FROZEN


FROZEN = [1, 8, 10, 18, 19]


def test_split_off() -> None:
    images = some(10)
    rest, out = split_off(images, 0.2, 0)
    assert (len(rest), len(out)) == (8, 2)
    assert out.labels is not None
    assert sorted(out.labels) == [0, 1]
    rest, out = split_off(some(10, labels=False), 0.01, 3)
    assert (len(rest), len(out)) == (9, 1)
    assert {*rest.names, *out.names} == set(images.names)  # type: ignore[misc]


def test_rows_by_number(tmp_path: Path) -> None:
    """`take` of a list, an array, a mask or a tensor; of numbers that there are."""
    pixels = np.arange(12, dtype=np.uint8).reshape(3, 1, 2, 2)
    np.save(tmp_path / "a.npy", pixels)
    streamed = Streamed(lambda row: pixels[row], 3, (1, 2, 2))
    held = Held(Spec("table", (4,), "uint8"), values=pixels.reshape(3, 4))
    for images in (Images(pixels), Images(np.load(tmp_path / "a.npy", mmap_mode="r")), streamed, held):
        for index in ([2, 0], np.array([2, 0]), np.array([-1, 0], np.int32), torch.tensor([2, 0])):
            assert images.take(index).flatten(1)[:, 0].tolist() == [8, 0]
        assert images.take(np.array([False, True, False])).flatten(1)[:, 0].tolist() == [4]
        assert len(images.take(torch.arange(0))) == 0
        for wrong in ([3], [-4], np.array([0.5]), np.array([[0]]), np.array(["a"]), np.array([True])):
            with pytest.raises(InputError, match=r"^index: "):
                images.take(wrong)


def test_split_off_refuses() -> None:
    with pytest.raises(InputError, match="one example cannot be split; give at least two"):
        split_off(some(1, labels=False), 0.5, 0)
    with pytest.raises(InputError, match=r"^fraction: 1.0 leaves one side empty"):
        split_off(some(), 1.0, 0)
    alone = Images(np.zeros((3, 1, 2, 2), np.uint8), np.array([0, 0, 1]), ("cat", "dog"))
    with pytest.raises(InputError, match="class 'dog' has one example and a split needs two; add one or leave"):
        split_off(alone, 0.5, 0)


def test_part_names_the_data() -> None:
    assert part(3, None, (), "all", "x").tolist() == [0, 1, 2]
    train, test = (part(10, None, (), split, "x") for split in ("train", "test"))
    assert len(test) == 2
    assert sorted([*train, *test]) == list(range(10))
    with pytest.raises(InputError, match=r"^here: data: one example cannot be split"):
        part(1, None, (), "train", "here")
