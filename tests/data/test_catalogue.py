"""The named data sets: where they are looked for, what they hold, and what is said where they are missing."""

import os
from pathlib import Path

import numpy as np
import pooch
import pytest
from sklearn.datasets import load_digits

from data.making import packed, unpacked, write_set
from mutua.data import fetch
from mutua.data.catalogue import DATASETS, datasets
from mutua.data.image.cifar import CIFAR10
from mutua.types import InputError


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise ConnectionError("no network")

    monkeypatch.setattr(pooch, "retrieve", refuse)
    monkeypatch.delenv("MUTUA_DATA", raising=False)


@pytest.mark.data
@pytest.mark.parametrize("name", ["mnist", pytest.param("cifar10", marks=pytest.mark.slow), "imagenette"])
def test_real(name: str, real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    entry = DATASETS[name]
    test = entry.load("test", cache=tmp_path_factory.getbasetemp() / "cache")
    assert len(test) == entry.test
    assert test.shape == entry.shape
    assert test.labels is not None
    assert len(np.unique(test.labels)) == len(test.classes) == entry.classes
    assert test.source.startswith(entry.title)
    if name == "cifar10":
        assert test.source == "CIFAR-10 (JPEG q75)"
        assert test.labels[:5].tolist() == [3, 8, 8, 0, 6]
        assert isinstance(test.pixels, np.memmap)
    if name == "mnist":
        assert test.labels[:5].tolist() == [7, 2, 1, 0, 4]
        assert abs(test.pixels.mean() / 255 - 0.1325) < 1e-4  # as published: brighter than the train set's 0.1307


def test_digits() -> None:
    train, test, whole = (DATASETS["digits"].load(split) for split in ("train", "test", "all"))
    assert (len(train), len(test), len(whole)) == (1348, 449, 1797)
    raw = load_digits().images.astype(int)
    assert np.array_equal(np.sort(whole.pixels.reshape(-1)), np.sort(((raw * 255 + 8) // 16).reshape(-1)))
    assert test.labels is not None
    assert np.bincount(test.labels).min() >= 43


@pytest.mark.usefixtures("offline")
def test_where_it_is_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entry, cache = DATASETS["mnist"], tmp_path / "cache"
    write_set(cache / "data" / "mnist", zipped=True)
    assert entry.available(cache=cache) == cache / "data" / "mnist"
    write_set(tmp_path / "named" / "MNIST" / "raw", zipped=False)
    monkeypatch.setenv("MUTUA_DATA", str(tmp_path / "named"))
    assert entry.available(cache=cache) == tmp_path / "named" / "MNIST" / "raw"
    write_set(tmp_path / "given", zipped=False)
    assert entry.available(tmp_path / "given", cache) == tmp_path / "given"
    assert entry.available(tmp_path / "gone", cache) is None  # a path that is given is meant
    assert len(entry.load("all", cache=cache)) == 6


@pytest.mark.usefixtures("offline")
@pytest.mark.parametrize("make", [unpacked, packed])
def test_official_binaries_come_before_the_compact_file(tmp_path: Path, make: object) -> None:
    (tmp_path / "cifar10_jpeg.npz").write_bytes(b"")
    entry = DATASETS["cifar10"]
    assert entry.available(tmp_path) == tmp_path / "cifar10_jpeg.npz"
    place = make(tmp_path, CIFAR10)  # type: ignore[operator]
    assert entry.available(tmp_path) == place
    assert entry.load("test", path=tmp_path).source == "CIFAR-10"
    assert entry.available(place) == place


@pytest.mark.usefixtures("offline")
@pytest.mark.parametrize("name", [name for name in DATASETS if name != "digits"])
def test_missing_and_no_network(name: str, tmp_path: Path) -> None:
    entry = DATASETS[name]
    if entry.available(cache=tmp_path):
        pytest.skip("installed on this machine")
    with pytest.raises(InputError) as caught:
        entry.load("train", cache=tmp_path)
    text = str(caught.value)
    assert text.startswith(f"{entry.title}: not found under /usr/share/datasets, {tmp_path / 'data'}")
    assert ("not downloaded (ConnectionError)" in text) == bool(entry.remotes)
    assert text.endswith(entry.get)
    assert "\n" not in text
    with pytest.raises(InputError, match=f"not found under {tmp_path / 'x'}; "):
        entry.load("train", path=tmp_path / "x")


def test_download_is_held_to_its_checksum(tmp_path: Path) -> None:
    source, folder = tmp_path / "a.bin", tmp_path / "got"
    source.write_bytes(b"content")
    calls = []

    def copy(url: str, output_file: str, pooch: object) -> None:
        calls.append(url)
        Path(output_file).write_bytes(source.read_bytes())

    remote = fetch.Remote("https://nowhere.invalid/a.bin", "md5:9a0364b9e99bb480dd25e1f0284c8555")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pooch.core, "choose_downloader", lambda *_, **__: copy)
        fetch.fetch((remote,), folder)
        fetch.fetch((remote,), folder)
        assert (folder / "a.bin").read_bytes() == b"content"
        assert len(calls) == 1
        (folder / "a.bin").unlink()
        source.write_bytes(b"another")
        with pytest.raises(InputError, match=r"nowhere.invalid/a.bin: arrived with a wrong checksum"):
            fetch.fetch((remote,), folder)
    assert os.listdir(folder) == []


@pytest.mark.usefixtures("offline")
def test_table(tmp_path: Path) -> None:
    write_set(tmp_path / "mnist", zipped=True)
    records = {row["name"]: row for row in datasets(tmp_path).records()}
    assert set(records) == set(DATASETS)
    assert records["digits"]["here"] == records["mnist"]["here"] == "yes"
    assert records["mnist"]["where"] == str(tmp_path / "mnist")
    assert records["cifar100"]["here"] == "no"
    assert records["cifar10"]["train"] == 50_000
