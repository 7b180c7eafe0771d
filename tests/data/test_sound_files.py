"""Folders of recordings: read by windows, mixed and resampled on the way; what can't be read is named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from mutua.data import load
from mutua.data.sound.files import opened
from mutua.types import InputError


def wave(seconds: float, rate: int, pitch: float = 440.0, channels: int = 1) -> np.ndarray:
    t = np.arange(round(seconds * rate)) / rate
    return np.stack([0.5 * np.sin(2 * np.pi * pitch * (k + 1) * t) for k in range(channels)], 1)


def written(folder: Path, name: str, samples: np.ndarray, rate: int = 8000, subtype: str = "PCM_16") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, samples, rate, subtype)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for k in range(12):
        written(tmp_path, f"{'high' if k % 2 else 'low'}/{k}.wav", wave(0.5, 8000, 300 + 100 * k))
    return tmp_path


def test_a_folder_of_classes(folder: Path) -> None:
    train, test, whole = (load(folder, split) for split in ("train", "test", "all"))
    assert whole.spec.kind == "sound"
    assert whole.spec.shape == (1, 4000)
    assert whole.spec.dtype == "int16"
    assert (len(train) + len(test), whole.classes) == (12, ("high", "low"))
    assert not set(train.names) & set(test.names)
    row = whole.names.index("low/4.wav")
    expected, _ = soundfile.read(folder / "low/4.wav", dtype="int16")
    assert whole.take(torch.tensor([row]))[0, 0].tolist() == expected.tolist()


def test_windows_are_read_where_they_lie(folder: Path) -> None:
    found = load(folder, "all", length="100ms", hop="200ms")
    assert len(found) == 12 * 3
    expected, _ = soundfile.read(folder / found.names[1].partition("@")[0], dtype="int16")
    assert found.take(torch.tensor([1]))[0, 0].tolist() == expected[1600:2400].tolist()


def test_rates_and_channels_that_differ_are_refused_or_made_one(tmp_path: Path) -> None:
    written(tmp_path, "a.wav", wave(1.0, 8000))
    written(tmp_path, "b.wav", wave(1.0, 16000, channels=2), 16000)
    with pytest.raises(InputError, match=r"recordings of different rates .*; resample all, with --rate 8000"):
        load(tmp_path, "all")
    with pytest.raises(InputError, match=r"recordings of different channels .*; mix them, with --channels 1"):
        load(tmp_path, "all", rate=8000)
    found = load(tmp_path, "all", rate=8000, channels=1)
    assert found.spec.dtype == "float32"
    x = found.take(torch.arange(2))
    assert x.shape == (2, 1, 8000)
    # Half of each tone: the first of both is the same, mixed with one an octave higher.
    expected = wave(1.0, 8000, channels=2).mean(1)
    inside = slice(200, 7800)  # a resampler has no samples beyond the ends
    assert np.abs(x[1, 0].numpy()[inside] - expected[inside]).max() < 2e-3


def test_a_window_of_a_resampled_recording_is_that_of_the_whole(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, (22050, 1))
    written(tmp_path, "a.wav", noise, 22050, "FLOAT")
    whole = load(tmp_path, "all", rate=8000, length="1s")
    parts = load(tmp_path, "all", rate=8000, length="100ms", hop="100ms")
    x = whole.take(torch.tensor([0]))[0, 0]
    y = parts.take(torch.arange(len(parts)))[:, 0].flatten()
    middle = slice(1000, 7000)
    assert torch.corrcoef(torch.stack([x[: len(y)][middle], y[middle]]))[0, 1] > 0.999


def test_what_cannot_be_read_is_named_or_left_out(folder: Path) -> None:
    (folder / "low" / "bad.wav").write_bytes(b"RIFFnothing")
    with pytest.raises(InputError, match=r"bad\.wav: cannot be read as sound .*--skip-bad"):
        load(folder, "all")
    found = load(folder, "all", skip_bad=True)
    assert len(found) == 12
    assert "1 of 13 files could not be read" in found.source
    (folder / "low" / "bad.wav").unlink()
    written(folder, "low/empty.wav", np.zeros((0, 1)))
    with pytest.raises(InputError, match=r"empty\.wav: has no samples"):
        load(folder, "all")


def test_memory_does_not_grow_with_their_number(folder: Path) -> None:
    found = load(folder, "all")
    held = sum(value.nbytes for value in vars(found).values() if isinstance(value, np.ndarray))
    assert held <= 12 * 16  # which window of which file, and no samples


def test_one_long_recording_is_split_in_time(tmp_path: Path) -> None:
    path = written(tmp_path, "long.wav", wave(2.0, 8000))
    train, test = (load(path, split, length="100ms", hop="100ms") for split in ("train", "test"))
    assert (len(train), len(test)) == (16, 4)


def test_kinds_mixed_in_a_folder(folder: Path) -> None:
    from PIL import Image

    for k in range(3):
        Image.new("L", (8, 8), 10 * k).save(folder / f"{k}.png")
    with pytest.raises(InputError, match="holds files of several kinds, 12 of sound and 3 of image; say --kind"):
        load(folder)
    assert len(load(folder, "all", kind="sound")) == 12
    assert len(load(folder, "all", kind="image")) == 3
    with pytest.raises(InputError, match="size says nothing of data of kind sound"):
        load(folder, kind="sound", size=8)


def untold(folder: Path, kind: str, samples: np.ndarray, rate: int = 8000) -> Path:
    """A file as an encoder leaves it that writes to a pipe: it can't go back to say how long it is."""
    path = folder / f"pipe.{kind}"
    if kind == "mp3":
        soundfile.write(path, samples, rate, "MPEG_LAYER_III", compression_level=0.5, bitrate_mode="VARIABLE")
        raw = path.read_bytes()
        assert b"Xing" in raw[:400]
        path.write_bytes(raw.replace(b"Xing", b"....", 1))
    else:
        soundfile.write(path, samples, rate, "PCM_16", format="FLAC")
        raw = bytearray(path.read_bytes())
        raw[21] &= 0xF0  # 36 bits for the number of samples, of which 0 says that it isn't known
        raw[22:26] = bytes(4)
        path.write_bytes(raw)
    return path


@pytest.mark.parametrize("kind", ["mp3", "flac"])
def test_lengths_that_the_header_does_not_know_are_counted(kind: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    # Few bits, then many.
    quiet = np.concatenate([wave(3, 8000, channels=2), 0.3 * rng.uniform(-1, 1, (40_000, 2))])
    path = untold(tmp_path, kind, quiet)
    assert abs(soundfile.info(path).frames - 64_000) > 10_000  # else libsndfile has mended it
    with opened([path]) as sound:
        assert 64_000 <= len(sound.samples) < 67_000
    found = load(tmp_path, "all", length="1s", hop="1s")
    assert len(found) == 8
    last = found.take(torch.tensor([7]))[0].float().numpy()
    assert np.abs(last).mean() > 0.1 * np.abs(found.take(torch.tensor([0]))[0].float().numpy()).mean()
    if kind == "flac":
        expected, _ = soundfile.read(written(tmp_path.parent, "whole.wav", quiet), dtype="int16")
        read = found.take(torch.tensor([7]))[0].numpy().T
        np.testing.assert_allclose(read, expected[56_000:], atol=1)  # FLAC rounds otherwise


def test_an_mp3_may_end_in_tags_but_not_in_anything(tmp_path: Path) -> None:
    path = untold(tmp_path, "mp3", wave(3, 8000, channels=2))
    whole = path.read_bytes()
    path.write_bytes(whole + b"TAG" + b"title".ljust(125, b"\0"))
    with opened([path]) as sound:
        assert 24_000 <= len(sound.samples) < 27_000
    for wrong in (whole[:800] + b"\0" * 200_000, b"ID3" + b"\0" * 200_000):  # and no pipe is waited for
        path.write_bytes(wrong)
        with pytest.raises(InputError, match=r"pipe.mp3: no sound file"), opened([path]):
            pass
