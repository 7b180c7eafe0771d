"""`mutua train` on a folder: decoded while it trains, kept where a cache is named."""

import importlib

import numpy as np
from PIL import Image
from safetensors.numpy import load_file

from mutua.cli import main

SMALL = [
    "--epochs",
    "1",
    "--batch",
    "4",
    "--encoder",
    "dim32",
    "--size",
    "8",
    "--split",
    "all",
    "--accelerator",
    "cpu",
]


def test_a_cache_keeps_what_was_decoded_and_changes_nothing(tmp_path, monkeypatch, capsys):
    rng = np.random.default_rng(0)
    photos, cache = tmp_path / "photos", tmp_path / "cache"
    photos.mkdir()
    for k in range(8):
        Image.fromarray(rng.integers(0, 255, (12, 12, 3), dtype=np.uint8)).save(photos / f"{k}.jpg")
    decoded = []
    module = importlib.import_module("mutua.data.image.folder")
    plain = module.pixels_of

    def counted(file, name, **settings):
        decoded.append(name)
        return plain(file, name, **settings)

    monkeypatch.setattr(module, "pixels_of", counted)

    def train(out, *more):
        assert main(["train", "simclr", "--data", str(photos), "--out", str(tmp_path / out), *SMALL, *more]) == 0
        return load_file(tmp_path / out / "encoder.safetensors")

    without = train("a")
    assert len(decoded) == 8
    assert not cache.exists()
    first = train("b", "--cache", str(cache))
    assert len(decoded) == 16
    assert [file.suffix for file in sorted(cache.glob("decoded/*"))] == [".json", ".npy"]
    second = train("c", "--cache", str(cache))
    assert len(decoded) == 16
    for name, weights in without.items():
        assert np.array_equal(weights, first[name])
        assert np.array_equal(weights, second[name])
    assert main(["resume", str(tmp_path / "c"), "--cache", str(cache)]) == 0
    assert len(decoded) == 16
    capsys.readouterr()
