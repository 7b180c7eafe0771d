"""Marks of examples of every kind: others for others, the same for the same."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from data.making import write
from mutua.data import Held, Images, load, recordings
from mutua.data.fingerprints import Recorded, difference, marks_of_files, marks_of_rows
from mutua.data.image.folder import folder
from mutua.types import Spec

PIXELS = np.random.default_rng(0).integers(0, 256, (6, 1, 8, 8), dtype=np.uint8)


def test_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    marks = marks_of_rows(PIXELS)
    assert len(set(marks.tolist())) == 6
    other = PIXELS.copy()
    other[2, 0, 4, 4] ^= 1
    assert np.flatnonzero(marks_of_rows(other) != marks).tolist() == [2]
    assert np.array_equal(marks_of_rows(PIXELS.transpose(0, 1, 3, 2).copy().transpose(0, 1, 3, 2)), marks)
    assert not np.isin(marks_of_rows(PIXELS.view(np.int8)), marks).any()
    monkeypatch.setattr("mutua.data.fingerprints._ALL", 6 * 16)
    monkeypatch.setattr("mutua.data.fingerprints._PIECE", 16)
    other[3, 0, 0, 0] ^= 1  # outside its middle, which alone is read of many
    assert np.flatnonzero(marks_of_rows(other) != marks_of_rows(PIXELS)).tolist() == [2]


def test_files(tmp_path: Path) -> None:
    a, b = tmp_path / "a", tmp_path / "b"
    a.write_bytes(bytes(10_000))
    b.write_bytes(bytes(10_000))
    one, two = marks_of_files([a, b])
    assert one == two
    b.write_bytes(bytes(10_001))
    assert marks_of_files([b])[0] != one
    b.write_bytes(bytes(5000) + b"x" + bytes(4999))
    assert marks_of_files([b])[0] != one


def test_images() -> None:
    images = Images(PIXELS)
    assert images.fingerprint == Images(PIXELS.copy(), np.arange(6)).fingerprint  # labels are not looked at
    assert images.fingerprint != images.subset([1, 0, 2, 3, 4, 5]).fingerprint
    assert images.subset([4, 1]).marks.tolist() == images.marks[[4, 1]].tolist()


@pytest.mark.parametrize("at_once", [True, False])
def test_folders_by_their_files(tmp_path: Path, at_once: bool) -> None:
    for k in range(4):
        write(tmp_path / f"{k}.png", k)
    found = folder(tmp_path, at_once=at_once)
    before = found.fingerprint
    assert getattr(found, "decoded", 0) == 0  # nothing was decoded for it
    assert folder(tmp_path, size=4).fingerprint == before
    assert found.subset([3, 1]).marks.tolist() == found.marks[[3, 1]].tolist()
    write(tmp_path / "2.png", 99)
    assert folder(tmp_path).fingerprint != before


def test_recordings(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for k in range(3):
        soundfile.write(tmp_path / f"{k}.wav", rng.integers(-999, 999, 4000).astype(np.int16), 8000)
    found = load(tmp_path, "all", hop="0.1s", length="0.2s")
    assert len(set(found.marks.tolist())) == len(found)
    assert found.subset([2, 0]).marks.tolist() == found.marks[[2, 0]].tolist()
    soundfile.write(tmp_path / "1.wav", np.zeros(4000, np.int16), 8000)
    assert 0 < (load(tmp_path, "all", hop="0.1s", length="0.2s").marks != found.marks).sum() < len(found)
    samples = rng.integers(-999, 999, (3, 100)).astype(np.int16)
    other = samples.copy()
    other[1, 50] += 1
    assert np.flatnonzero(recordings(samples).marks != recordings(other).marks).tolist() == [1]


def test_tables() -> None:
    values = np.random.default_rng(0).normal(size=(5, 2)).astype(np.float32)
    held = Held(Spec("table", (2,), "float32"), values=values)
    assert held.marks.tolist() == marks_of_rows(values).tolist()


def test_differences() -> None:
    def of(marks: list[int], names: str | None = None) -> Recorded:
        return Recorded(np.array(marks, np.uint64), None if names is None else tuple(names))

    assert difference(of([1, 2], "ab"), of([1, 2], "xy")) == ""
    assert difference(of([1, 2], "ab"), of([1, 3], "ab")) == "1 changed (first b)"
    found = difference(of([1, 2, 3], "abc"), of([1, 4], "ad"))
    assert found == "2 examples where 3 were, 1 new (first d), 2 missing (first b)"
    assert difference(of([1, 2], "ab"), of([2, 1], "ba")) == "the same examples in another order"
    assert difference(of([1, 2, 3]), of([1, 9, 8])) == "2 changed (first row 1)"
    assert difference(of([1, 2]), of([2, 1])) == "the same examples in another order"
    assert difference(of([1, 2]), of([1])) == "1 examples where 2 were"


def test_what_is_recorded_comes_back() -> None:
    for examples in (Images(PIXELS), Images(PIXELS, names=tuple("abcdef"))):
        recorded = Recorded.of(examples)
        assert recorded is not None
        again = Recorded.read(recorded.text())
        assert again.names == examples.names
        assert np.array_equal(again.marks, recorded.marks)
    assert Recorded.of(torch.utils.data.TensorDataset(torch.zeros(3))) is None
