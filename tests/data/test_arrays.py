"""Arrays of every layout and type, and the ones that are refused."""

from pathlib import Path

import numpy as np
import pytest
import torch

from mutua.data.image import arrays
from mutua.data.image.arrays import from_array, npy_file, npz_file
from mutua.types import InputError

PIXELS = np.random.default_rng(0).integers(0, 256, (4, 3, 6, 5), dtype=np.uint8)


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
def test_floats_come_back_exactly(kind: type) -> None:
    values = (np.arange(256, dtype=np.float64) / 255).astype(kind).reshape(2, 8, 16)
    assert from_array(values).pixels.ravel().tolist() == list(range(256))


def test_layouts() -> None:
    last = PIXELS.transpose(0, 2, 3, 1)
    for x in (
        PIXELS,
        last,
        torch.from_numpy(PIXELS),
        PIXELS / 255,
        torch.from_numpy(last / 255).bfloat16().double(),
    ):
        found = from_array(x).pixels
        assert found.shape == PIXELS.shape
        assert np.abs(found.astype(int) - PIXELS).max() <= 1
    assert from_array(PIXELS[:, 0]).pixels.shape == (4, 1, 6, 5)
    assert from_array(PIXELS[:, 0] > 99).pixels.max() == 255
    bands = np.zeros((2, 13, 64, 64), np.uint8)
    assert from_array(bands).shape == (13, 64, 64)
    assert from_array(bands.transpose(0, 2, 3, 1)).shape == (13, 64, 64)


def test_ambiguous_layout() -> None:
    x = np.zeros((2, 3, 3, 3), np.uint8)
    x[:, :, :, 1] = 5
    with pytest.raises(
        InputError, match=r"\(2, 3, 3, 3\) does not tell where its channels are; say channels_last="
    ):
        from_array(x)
    assert from_array(x, channels_last=True).pixels[0, 1].min() == 5
    assert from_array(x, channels_last=False).pixels[0, 1].tolist() == [[0, 5, 0]] * 3
    assert from_array(torch.from_numpy(x)).pixels[0, 1].tolist() == [[0, 5, 0]] * 3


def test_labels() -> None:
    named = from_array(PIXELS, ["b", "a", "c", "a"])
    assert named.classes == ("a", "b", "c")
    assert named.labels is not None
    assert named.labels.tolist() == [1, 0, 2, 0]
    for y in (np.array([0, 2, 1, 2], np.uint8), torch.tensor([0, 2, 1, 2]), [0, 2, 1, 2]):
        coded = from_array(PIXELS, y, classes=("x", "y", "z"))
        assert coded.labels is not None
        assert coded.labels.tolist() == [0, 2, 1, 2]
        assert coded.classes == ("x", "y", "z")
    ordered = from_array(PIXELS, np.array(["b", "a", "b", "a"], object), classes=("b", "a"))
    assert ordered.labels is not None
    assert ordered.labels.tolist() == [0, 1, 0, 1]


@pytest.mark.parametrize(
    ("y", "text"),
    [
        (["a", "b", "c"], r"labels: shape \(3,\) for 4 examples"),
        ([0.0, 1.0, np.nan, 1.0], "labels: float64; give whole numbers from 0, or names"),
        (["a", "b", "q", "a"], "'q' in row 2 is none of the classes a, b"),
        ([0, 1, 2, 0], "labels: values from 0 to 2 where 0 to 1 is meant"),
        ([0, 1, -1, 0], "leave out rows without a label"),
        (["a", None, "b", "a"], "labels: object"),
    ],
)
def test_labels_refused(y: list[object], text: str) -> None:
    with pytest.raises(InputError, match=text):
        from_array(PIXELS, y, classes=("a", "b"))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("chunk", [1, 1 << 22])
def test_nan_names_the_row(bad: float, chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrays, "_CHUNK", chunk)
    x = np.zeros((5, 1, 4, 4))
    x[3, 0, 1, 1] = x[4] = bad
    with pytest.raises(InputError, match=r"^array: NaN or infinity in row 3; remove or impute"):
        from_array(x)


@pytest.mark.parametrize(
    ("x", "text"),
    [
        (np.full((2, 4, 4), 200.0), "from 200 to 200 in row 0 .* divide by 255"),
        (np.full((2, 4, 4), -0.1), "undo the normalisation"),
        (np.zeros((2, 4, 4), np.int64), r"int64 where uint8, or float in \[0, 1\], is needed; convert it"),
        (np.zeros((4, 4), np.uint8), r"shape \(4, 4\); give \(n, h, w\)"),
        (np.zeros((0, 4, 4), np.uint8), "empty axis"),
        (np.zeros((2, 4, 4), object), "object where uint8"),
    ],
)
def test_refused(x: np.ndarray, text: str) -> None:
    with pytest.raises(InputError, match=text):
        from_array(x)


def test_npy_stays_mapped(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", PIXELS.transpose(0, 2, 3, 1))
    found = npy_file(tmp_path / "a.npy")
    assert isinstance(found.pixels, np.memmap)
    assert np.array_equal(found.take(torch.tensor([2, 0])).numpy(), PIXELS[[2, 0]])
    assert np.array_equal(found.subset([3, 1]).pixels, PIXELS[[3, 1]])


def test_npz(tmp_path: Path) -> None:
    file = tmp_path / "a.npz"
    np.savez(file, x=PIXELS, y=["b", "a", "b", "a"])
    found, done = npz_file(file, "train")
    assert (len(found), found.classes, done) == (4, ("a", "b"), False)
    np.savez(file, x_train=PIXELS[:3], y_train=["b", "b", "c"], x_test=PIXELS[3:], y_test=["a"])
    parts = [npz_file(file, split)[0] for split in ("train", "test", "all")]
    assert [len(found) for found in parts] == [3, 1, 4]
    assert [found.classes for found in parts] == [("a", "b", "c")] * 3
    assert np.array_equal(parts[2].pixels, PIXELS)
    np.savez(file, pictures=PIXELS)
    with pytest.raises(InputError, match="arrays pictures; name them x and y"):
        npz_file(file, "all")


def test_objects_are_not_unpickled(tmp_path: Path) -> None:
    things = np.array([{"a": 1}, None], object)
    np.save(tmp_path / "a.npy", things, allow_pickle=True)
    with pytest.raises(InputError, match=r"a\.npy: holds Python objects"):
        npy_file(tmp_path / "a.npy")
    np.savez(tmp_path / "a.npz", x=PIXELS, y=things)
    with pytest.raises(InputError, match=r"a\.npz: holds Python objects"):
        npz_file(tmp_path / "a.npz", "all")


@pytest.mark.parametrize("keep", [0, 10, 200])
def test_damaged_files(tmp_path: Path, keep: int) -> None:
    np.save(tmp_path / "a.npy", PIXELS)
    np.savez(tmp_path / "a.npz", x=PIXELS)
    for file, read in ((tmp_path / "a.npy", npy_file), (tmp_path / "a.npz", lambda path: npz_file(path, "all"))):
        file.write_bytes(file.read_bytes()[:keep])
        with pytest.raises(InputError, match=file.name):
            read(file)


def test_lists_are_arrays_or_are_refused() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (4, 3, 8, 8), dtype=np.uint8)
    shades = pixels / 255
    assert torch.equal(from_array(shades.tolist()).take([0]), from_array(shades).take([0]))
    with pytest.raises(InputError, match=r"^array: a list that makes no array"):
        from_array([[1], [1, 2]])
    with pytest.raises(InputError, match=r"^labels: a list that makes no array"):
        from_array(pixels, [[1], [1, 2]])
