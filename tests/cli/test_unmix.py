"""`mutua unmix`: sources, picture and page of what microphones heard."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from PIL import Image

from mutua.cli import main
from mutua.evaluation.sources.si_sdr import matched_si_sdr

RATE = 8000


def heard(n: int = 12_000) -> tuple[np.ndarray, np.ndarray]:
    """Two sources, and what two microphones hear of them, (n, 2) both."""
    rng = np.random.default_rng(0)
    s = 0.02 * rng.laplace(size=(n, 2)) * np.repeat(np.exp(rng.normal(size=(n // 400, 2))), 400, 0)
    x = s @ np.array([[1.0, 0.5], [0.4, 1.0]]).T
    return s, x / (1.1 * np.abs(x).max())


@pytest.fixture
def mics(tmp_path: Path) -> list[Path]:
    _, x = heard()
    paths = [tmp_path / "mic1.wav", tmp_path / "mic2.wav"]
    for path, one in zip(paths, x.T, strict=True):
        soundfile.write(path, one, RATE)
    return paths


def test_sources_picture_and_page(mics: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    out = tmp_path / "out"
    assert main(["unmix", *map(str, mics), "-o", str(out)]) == 0
    printed = capsys.readouterr().out
    assert "2 of 2 components are identified" in printed
    assert "Non-Gaussianity" in printed
    assert sorted(path.name for path in out.iterdir()) == [
        "index.html",
        "source-0.wav",
        "source-1.wav",
        "spectrograms.png",
    ]
    estimates = np.stack([soundfile.read(out / f"source-{i}.wav")[0] for i in range(2)], 1)
    assert matched_si_sdr(heard()[0], estimates)[0].min() > 25
    assert Image.open(out / "spectrograms.png").size[0] > 1000
    page = (out / "index.html").read_text()
    assert page.count("data:audio/wav;base64,") == 4
    assert page.count("Spectrogram of") == 4
    assert "http-equiv" in page
    assert "source 1" in page
    assert "mic2.wav" in page


def test_json_floats_and_one_file(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    path = tmp_path / "both.flac"
    soundfile.write(path, heard()[1], RATE)
    out = tmp_path / "out"
    assert main(["unmix", str(path), "--out", str(out), "--float32", "--json", "--components", "1"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert record["sources"] == [str(out / "source-0.wav")]
    assert record["microphones"] == ["both.flac channel 0", "both.flac channel 1"]
    assert record["tables"][0]["title"] == "Components"
    assert soundfile.info(record["sources"][0]).subtype == "FLOAT"


def test_a_room(mics: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    out = tmp_path / "out"
    assert main(["unmix", *map(str, mics), "-o", str(out), "--convolutive", "--frame", "0.03"]) == 0
    assert "independent vector analysis: frames of 256 samples" in capsys.readouterr().out
    estimates = np.stack([soundfile.read(out / f"source-{i}.wav")[0] for i in range(2)], 1)
    assert matched_si_sdr(heard()[0], estimates)[0].min() > 10


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (["none.wav"], "none.wav: no such file"),
        (["mic1.wav"], "one channel alone"),
        (["mic1.wav", "mic2.wav", "-o", "mic1.wav"], "is a file; name a folder"),
        (["mic1.wav", "mic1.wav"], "is a copy of"),
        (["mic1.wav", "mic2.wav", "--components", "3"], "ask for 1 to 2"),
        (["mic1.wav", "mic2.wav", "--convolutive", "--components", "1"], "leave it out"),
        (["mic1.wav", "mic2.wav", "--convolutive", "--frame", "9"], "give 0.001 to 2"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(
    mics: list[Path],
    args: list[str],
    told: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture,
) -> None:
    monkeypatch.chdir(mics[0].parent)
    assert main(["unmix", *args]) == 2
    errors = [line for line in capsys.readouterr().err.splitlines() if line.startswith("mutua:")]
    assert len(errors) == 1
    assert told in errors[0]
    assert not Path("sources").exists()


@pytest.mark.data
def test_music_and_a_voice_on_two_microphones(real_data: Path, tmp_path: Path) -> None:
    waves = []
    for name in ("music_solo_trumpet", "speech_198-209-0000"):
        wave, rate = soundfile.read(real_data / "audio" / f"{name}.ogg")
        wave = wave if wave.ndim == 1 else wave[:, 0]
        wave = wave[:: max(1, rate // 16_000)][:120_000]
        waves.append(wave / np.abs(wave).max())
    n = min(map(len, waves))
    s = np.stack([wave[:n] for wave in waves], 1)
    soundfile.write(tmp_path / "x.wav", s @ np.array([[0.5, 0.4], [0.3, 0.6]]), 16_000)
    assert main(["unmix", str(tmp_path / "x.wav"), "-o", str(tmp_path / "out")]) == 0
    estimates = np.stack([soundfile.read(tmp_path / "out" / f"source-{i}.wav")[0] for i in range(2)], 1)
    assert matched_si_sdr(s, estimates)[0].min() > 25


def test_no_output_takes_the_place_of_a_recording(mics: list[Path], capsys: pytest.CaptureFixture) -> None:
    first = mics[0].rename(mics[0].with_name("source-0.wav"))
    before = first.read_bytes()
    assert main(["unmix", str(first), str(mics[1]), "-o", str(first.parent)]) == 2
    assert "is one of the recordings" in capsys.readouterr().err
    assert first.read_bytes() == before


def test_sources_of_an_earlier_run_do_not_stay(mics: list[Path], tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    for name in ("source-2.wav", "source-mine.wav"):
        (out / name).write_bytes(b"")
    assert main(["unmix", *map(str, mics), "-o", str(out)]) == 0
    assert not (out / "source-2.wav").exists()
    assert (out / "source-mine.wav").exists()


def test_numbers_are_numbers_in_json(mics: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    assert main(["unmix", *map(str, mics), "-o", str(tmp_path / "out"), "--json", "--bits", "24"]) == 0
    found = json.loads(capsys.readouterr().out)
    components, before = found["tables"]
    for table in (components, before):
        for name, *cells in zip(table["columns"], *table["rows"], strict=True):
            if name not in ("verdict", "direction"):
                assert not any(isinstance(cell, str) for cell in cells), name
    low, high = next(cell for cell in before["rows"][0] if isinstance(cell, list))
    assert low < high
    assert soundfile.info(found["sources"][0]).subtype == "PCM_24"
    loud, _ = soundfile.read(found["sources"][0])
    assert abs(np.abs(loud).max() - 0.95) < 1e-6


def test_more_sources_than_microphones_are_doubted(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    rng = np.random.default_rng(0)
    loud = np.exp(1.5 * rng.normal(size=(100, 3)))
    s = rng.laplace(size=(16_000, 3)) * np.repeat(loud, 160, 0)
    mixing = np.array([[1.0, 0.5, 0.8], [0.4, 1.0, 0.7]]).T
    for k, verdict in ((3, "in doubt"), (2, "identified")):
        x = s[:, :k] @ mixing[:k]
        soundfile.write(tmp_path / "both.wav", x / (1.1 * np.abs(x).max()), RATE)
        assert main(["unmix", str(tmp_path / "both.wav"), "-o", str(tmp_path / "out"), "--json"]) == 0
        found = json.loads(capsys.readouterr().out)
        records = [
            dict(zip(found["tables"][0]["columns"], row, strict=True)) for row in found["tables"][0]["rows"]
        ]
        assert all(record["verdict"].startswith(verdict) for record in records)
        assert all((record["others, dB"] is None) == (k == 3) for record in records)
        assert ("--convolutive" in " ".join(found["words"])) == (k == 3)
