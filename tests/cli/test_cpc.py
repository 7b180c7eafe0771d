"""`mutua train cpc` on recordings and on series, from files to features of frames; and what it refuses."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
import soundfile

from mutua.cli import main

QUICK = ["--epochs", "1", "--batch", "8", "--steps", "2", "--candidates", "16", "--accelerator", "cpu"]


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten recordings each of a low and of a high tone, of a seventh of a second or less; one is silent."""
    rng, root = np.random.default_rng(0), tmp_path_factory.mktemp("recordings")
    for name, pitch in (("low", 300), ("high", 900)):
        (root / name).mkdir()
        for k in range(10):
            time = np.arange(int(rng.integers(900, 1200))) / 8000
            wave = 0.3 * np.sin(2 * np.pi * pitch * time + rng.random()) + 0.02 * rng.normal(size=len(time))
            soundfile.write(root / name / f"{k}.wav", (wave if k else 0 * wave), 8000, "PCM_16")
    return root


def said(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().err.strip().splitlines()[-1]


def test_from_recordings_to_features_of_frames(recordings, tmp_path, capsys):
    run, out = tmp_path / "run", tmp_path / "frames.npz"
    where = ["--data", str(recordings), "--out", str(run)]
    assert main(["train", "cpc", *where, "--negatives", "group", "--group", "label", "--window", "8", *QUICK]) == 0
    rows = (run / "metrics.csv").read_text().splitlines()
    assert {"nats_3", "top1_3", "cap_3", "nats_4"} <= set(rows[0].split(","))
    assert main(["embed", str(run), "--pieces", "--out", str(out)]) == 0
    with np.load(out) as found:
        example, place = found["example"], found["place"]
        assert found["features"].shape == (len(example), 64)
        assert len(found["names"]) == len(np.unique(example)) == 20
        assert all(place[example == k].tolist() == list(range((example == k).sum())) for k in range(20))
    assert main(["embed", str(run), "--out", str(out)]) == 0
    with np.load(out) as found:
        assert found["features"].shape == (20, 128)
        assert np.isfinite(found["features"]).all()  # of silence too
    capsys.readouterr()
    assert main(["evaluate", str(run), "--pieces", "2", "--few", "--probes", "knn", "--json"]) == 0
    tables = {table["title"]: table for table in json.loads(capsys.readouterr().out)}
    assert [row[1] for row in tables["Single pieces"]["rows"]][:2] == ["pieces", "context"]
    assert main(["report", str(run)]) == 0
    assert 'class="play"' in (run / "report.html").read_text()
    capsys.readouterr()
    assert main(["evaluate", str(run), "--leave-out", "label", "--few", "--probes", "knn"]) == 2
    assert "leave_out: 'label' is what is told apart" in said(capsys)


def test_one_long_series_and_one_long_recording(tmp_path, capsys):
    rng = np.random.default_rng(0)
    np.save(tmp_path / "series.npy", rng.normal(size=(400, 3)).astype(np.float32).cumsum(0))
    path = str(tmp_path / "series.npy")
    train = ["train", "cpc", "--data", path, "--kind", "series", "--length", "16", "--out", str(tmp_path / "a")]
    assert main([*train, *QUICK]) == 0
    assert main(["embed", str(tmp_path / "a"), "--pieces", "--out", str(tmp_path / "rows.npz")]) == 0
    with np.load(tmp_path / "rows.npz") as found:
        assert found["features"].shape == (400, 64)
    (tmp_path / "one").mkdir()
    soundfile.write(tmp_path / "one" / "a.wav", 0.1 * rng.normal(size=16_000), 8000, "PCM_16")
    where = ["--data", str(tmp_path / "one"), "--length", "0.15s", "--hop", "0.15s"]
    assert main(["train", "cpc", *where, "--out", str(tmp_path / "b"), *QUICK]) == 0
    capsys.readouterr()


def test_what_cannot_be_used_is_one_line(recordings, tmp_path, capsys):
    def refused(*more: str, data: Path = recordings) -> str:
        out = ["--data", str(data), "--out", str(tmp_path / "no")]
        assert main(["train", "cpc", *out, *QUICK, *more]) == 2
        assert not (tmp_path / "no" / "encoder.safetensors").exists()
        return said(capsys)

    assert "length: 100 samples, and this encoder sees 225 at once" in refused("--length", "100")
    assert "horizons: 4 pieces ahead, and 1 x 400 samples at 8,000 Hz have 3 in order" in refused(
        "--length", "400"
    )
    assert "negatives: group, and the data don't say which group" in refused("--negatives", "group")
    assert "group: 'speaker', but the data have label" in refused("--group", "speaker")
    assert "encoder: cpc needs pieces in order and a context" in refused("--encoder", "wave")
    assert "view, directions: are of patches of a grid" in refused("--directions", "4")
    spoiled = tmp_path / "spoiled"
    spoiled.mkdir()
    for k in range(12):
        wave = np.full(1200, np.nan if k == 5 else 0.1, np.float32)
        soundfile.write(spoiled / f"{k}.wav", wave, 8000, "FLOAT")
    assert "5.wav: NaN or infinity; cut that part out" in refused("--split", "all", data=spoiled)
    mixed = tmp_path / "mixed"
    mixed.mkdir()
    for k, rate in enumerate((8000, 16_000)):
        soundfile.write(mixed / f"{k}.wav", np.zeros(1200), rate)
    assert "recordings of different rates" in refused(data=mixed)
    assert os.listdir(tmp_path / "spoiled")
