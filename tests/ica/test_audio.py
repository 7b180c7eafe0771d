"""Sound files in and out: every bad one a line, long ones on the disk, nothing clipped or half written."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile

from mutua.data.sound import files as audio
from mutua.data.sound.files import opened, write_wavs
from mutua.data.sound.wav import missing_bytes
from mutua.evaluation.sources.si_sdr import matched_si_sdr
from mutua.ica.separation.unmix import PEAK, unmix, unmix_echoes
from mutua.types import InputError

RATE = 8000


def sources(n: int = 16_000, k: int = 2) -> np.ndarray:
    rng = np.random.default_rng(0)
    loud = np.exp(rng.normal(size=(n // 400, k)))
    return 0.02 * rng.laplace(size=(n, k)) * np.repeat(loud, 400, 0)[:n]


def mixture(n: int = 16_000, k: int = 2) -> np.ndarray:
    mixing = 0.4 * np.ones((k, k)) + 0.5 * np.eye(k)
    x = sources(n, k) @ mixing.T
    return x / (1.1 * np.abs(x).max())


def written(path: Path, x: np.ndarray, subtype: str = "PCM_16", rate: int = RATE) -> Path:
    soundfile.write(path, x, rate, subtype)
    return path


@pytest.mark.parametrize(
    ("name", "subtype", "digits"),
    [
        ("a.wav", "PCM_U8", 1 / 100),
        ("a.wav", "PCM_16", 1e-4),
        ("a.wav", "PCM_24", 1e-6),
        ("a.wav", "PCM_32", 1e-7),
        ("a.wav", "FLOAT", 1e-7),
        ("a.wav", "DOUBLE", 1e-7),
        ("a.flac", "PCM_16", 1e-4),
        ("a.flac", "PCM_24", 1e-6),
    ],
)
def test_one_file_of_several_channels_at_any_depth(tmp_path: Path, name: str, subtype: str, digits: float) -> None:
    x = mixture()
    with opened([written(tmp_path / name, x, subtype, 44_100)]) as sound:
        assert sound.rate == 44_100
        assert sound.names == [f"{name} channel 0", f"{name} channel 1"]
        assert not sound.notes
        np.testing.assert_allclose(sound.samples, x, atol=digits)


def test_several_files_are_cut_to_the_shortest_and_called_by_name(tmp_path: Path) -> None:
    x = mixture()
    one, other = tmp_path / "one", tmp_path / "other"
    one.mkdir(), other.mkdir()
    paths = [written(one / "mic.wav", x[:, 0]), written(other / "mic.wav", x[:9000, 1])]
    with opened(paths) as sound:
        assert sound.samples.shape == (9000, 2)
        assert len(set(sound.names)) == 2
        assert "cut to the shortest" in sound.notes[0]


def test_long_recordings_lie_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path / "a.wav", mixture(6_000))
    with opened([path]) as sound:
        held = unmix(sound)
        expected = np.concatenate(list(held.blocks()))
    monkeypatch.setattr(audio, "MEMORY_BYTES", 1000)
    monkeypatch.setattr(audio, "BLOCK", 777)
    with opened([path]) as sound:
        assert isinstance(sound.samples, np.memmap)
        np.testing.assert_allclose(np.concatenate(list(unmix(sound).blocks())), expected, atol=1e-9)


def test_silence_is_left_out_and_clipping_counted(tmp_path: Path) -> None:
    x = np.concatenate([mixture(), np.zeros((16_000, 1))], 1)
    x[100:110, 1] = 1.0
    with opened([written(tmp_path / "a.wav", x)]) as sound:
        assert sound.samples.shape == (16_000, 2)
        assert sound.notes[0] == "a.wav channel 2 is silent and left out."
        assert "a.wav channel 1 is clipped in 8 places" in sound.notes[1]
    with (
        pytest.raises(InputError, match="1 of 3 microphones hears anything"),
        opened([written(tmp_path / "b.wav", x * [1, 0, 0])]),
    ):
        pass


def refused(paths: list[Path]) -> str:
    with pytest.raises(InputError) as caught, opened(paths):
        pass
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_every_bad_file_is_one_line(tmp_path: Path) -> None:
    good = written(tmp_path / "good.wav", mixture())
    assert "no such file" in refused([tmp_path / "none.wav"])
    assert "is a folder" in refused([tmp_path])
    (tmp_path / "empty.wav").touch()
    assert "an empty file" in refused([tmp_path / "empty.wav"])
    assert "has no samples" in refused([written(tmp_path / "zero.wav", np.zeros((0, 2)))])
    (tmp_path / "text.wav").write_text("this is no sound\n" * 50)
    assert "text.wav: no sound file" in refused([tmp_path / "text.wav"])
    (tmp_path / "cut.wav").write_bytes(good.read_bytes()[:-1001])
    assert "cut.wav: truncated, 1,001 bytes" in refused([tmp_path / "cut.wav"])
    (tmp_path / "head.wav").write_bytes(good.read_bytes()[:30])
    assert "head.wav" in refused([tmp_path / "head.wav"])
    flac = written(tmp_path / "a.flac", mixture())
    (tmp_path / "cut.flac").write_bytes(flac.read_bytes()[: flac.stat().st_size // 2])
    assert "copy it again" in refused([tmp_path / "cut.flac"])
    assert "one channel alone" in refused([written(tmp_path / "mono.wav", mixture()[:, 0])])
    assert "no file is named" in refused([])
    rates = [good, written(tmp_path / "other.wav", mixture(), rate=16_000)]
    assert "different rates" in refused(rates)
    assert "resample" in refused(rates)
    broken = mixture()
    broken[123, 1] = np.nan
    nan = refused([written(tmp_path / "nan.wav", broken, "FLOAT")])
    assert nan.startswith("nan.wav channel 1: NaN or infinity at sample 123")


def test_a_header_written_by_a_pipe_promises_nothing(tmp_path: Path) -> None:
    raw = bytearray(written(tmp_path / "a.wav", mixture()).read_bytes())
    at = raw.index(b"data") + 4
    raw[at : at + 4] = struct.pack("<I", 0xFFFFFFFF)
    (tmp_path / "pipe.wav").write_bytes(raw)
    assert missing_bytes(tmp_path / "pipe.wav") == 0
    with opened([tmp_path / "pipe.wav"]) as sound:
        assert sound.samples.shape == (16_000, 2)


def test_copies_and_sums_of_microphones_are_named(tmp_path: Path) -> None:
    x = mixture(k=3)
    twice = np.stack([x[:, 0], x[:, 1], 0.5 * x[:, 0]], 1)
    with opened([written(tmp_path / "a.wav", twice, "FLOAT")]) as sound:
        with pytest.raises(InputError, match=r"2 \(a.wav channel 2\) is a copy of channel 0.*--components 2"):
            unmix(sound)
        with pytest.raises(InputError, match="is a copy"):
            unmix_echoes(sound)
        with pytest.raises(InputError, match="ask for 1 to 3"):
            unmix(sound, 4)


def test_more_microphones_than_sources_leave_rounding_and_it_is_said(tmp_path: Path) -> None:
    x = mixture() @ np.array([[1.0, 0.2], [0.3, 1.0], [0.5, 0.5]]).T * 0.5
    x += 1e-4 * x.std() * np.random.default_rng(1).uniform(-1, 1, x.shape)
    with opened([written(tmp_path / "a.wav", x, "FLOAT")]) as sound:
        told = unmix(sound).words[-1]
        assert "Sources 2 are 60 dB or more below" in told
        assert "--components 2" in told
        assert "60 dB" not in " ".join(unmix(sound, 2).words)


@pytest.mark.parametrize("subtype", ["PCM_16", "FLOAT"])
def test_sources_are_written_unclipped(tmp_path: Path, subtype: str) -> None:
    with opened([written(tmp_path / "a.wav", mixture(), "FLOAT")]) as sound:
        found = unmix(sound)
        paths = [tmp_path / "out" / f"{i}.wav" for i in range(2)]
        write_wavs(paths, found.blocks(), found.scale, sound.rate, subtype=subtype)
    read = [soundfile.read(path) for path in paths]
    assert all(rate == RATE for _, rate in read)
    assert soundfile.info(str(paths[0])).subtype == subtype
    estimates = np.stack([wave for wave, _ in read], 1)
    np.testing.assert_allclose(np.abs(estimates).max(0), PEAK, atol=1e-4)
    assert matched_si_sdr(sources(), estimates)[0].min() > 25
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["0.wav", "1.wav"]


def test_a_failure_leaves_no_file(tmp_path: Path) -> None:
    def failing():
        yield np.zeros((10, 2))
        raise RuntimeError("the disk is full")

    with pytest.raises(RuntimeError):
        write_wavs([tmp_path / "0.wav", tmp_path / "1.wav"], failing(), np.ones(2), RATE, subtype="PCM_16")
    assert not list(tmp_path.iterdir())


def test_sixteen_bits_do_not_wrap(tmp_path: Path) -> None:
    write_wavs([tmp_path / "a.wav"], [np.array([[1.5], [-1.5]])], np.ones(1), RATE, subtype="PCM_16")
    assert soundfile.read(tmp_path / "a.wav", dtype="int16")[0].tolist() == [32767, -32768]
