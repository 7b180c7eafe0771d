"""The kind of what is handed over, told by what it holds; or the kinds it could be."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from mutua.data import Reading, as_examples, load, targeted
from mutua.types import InputError

RNG = np.random.default_rng(0)
ARRAYS = {
    "bytes": (np.zeros((4, 8, 8), np.uint8), "image"),
    "bytes with channels": (np.zeros((4, 3, 8, 8), np.uint8), "image"),
    "floats in [0, 1], square": (RNG.random((4, 8, 8), np.float32), "image"),
    "16 bits": (RNG.integers(-99, 99, (4, 500)).astype(np.int16), "sound"),
    "16 bits with channels": (RNG.integers(-99, 99, (4, 2, 500)).astype(np.int16), "sound"),
    "three axes": (RNG.normal(size=(4, 30, 2)), "series"),
    "two axes": (RNG.normal(size=(40, 3)), "table"),
}


@pytest.mark.parametrize("name", ARRAYS)
def test_arrays_and_files_of_them(name: str, tmp_path: Path) -> None:
    x, kind = ARRAYS[name]
    np.save(tmp_path / "x.npy", x)
    np.savez(tmp_path / "x.npz", x=x, y=np.arange(len(x)) % 2)
    assert as_examples(x).spec.kind == kind
    assert load(tmp_path / "x.npy", "all").spec.kind == kind
    found = load(tmp_path / "x.npz", "all")
    assert found.spec.kind == kind
    assert found.labels.tolist() == [k % 2 for k in range(len(x))]
    first = found.take(torch.tensor([0]))
    assert torch.equal(first, as_examples(x).take(torch.tensor([0])))


def test_what_could_be_several_kinds_is_asked(tmp_path: Path) -> None:
    x = RNG.random((4, 30, 2), np.float32)
    np.save(tmp_path / "x.npy", x)
    with pytest.raises(InputError, match="could be grey images, series or sound; say --kind image, --kind series"):
        load(tmp_path / "x.npy")
    assert load(tmp_path / "x.npy", "all", kind="series").spec.shape == (30, 2)
    assert as_examples(x, reading=Reading(kind="image")).spec.shape == (1, 30, 2)
    with pytest.raises(InputError, match="kind: 'smell' is none of image, series, sound, table, text, video"):
        load(tmp_path / "x.npy", kind="smell")


def test_columns_and_sentences(tmp_path: Path) -> None:
    rows = "\n".join(f"{k},{k * k % 7},{'ab'[k % 2]}" for k in range(30))
    (tmp_path / "t.csv").write_text("size,weight,class\n" + rows + "\n")
    table = load(tmp_path / "t.csv", "all")
    assert (table.spec.kind, table.spec.shape, table.classes) == ("table", (2,), ("a", "b"))
    assert load(tmp_path / "t.csv", "all", target="weight").spec.shape == (2,)
    (tmp_path / "s.tsv").write_text(
        "".join(f"{'pn'[k % 2]}\tthis film is number {k} of them\n" for k in range(30))
    )
    texts = load(tmp_path / "s.tsv", "all")
    assert (texts.spec.kind, len(texts), len(texts.classes)) == ("text", 30, 2)


def test_a_missing_cell_is_no_number(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,b\n1,2\n3,\n5,6\n")
    x = load(tmp_path / "t.csv", "all").take(torch.arange(3))
    assert torch.equal(x.isnan(), torch.tensor([[False, False], [False, True], [False, False]]))


def test_a_folder_without_data_names_the_kinds(tmp_path: Path) -> None:
    (tmp_path / "notes.md").write_text("nothing")
    with pytest.raises(InputError, match=r"no file of a known kind in it or below it .*sound .*\.wav"):
        load(tmp_path)


def test_targets_are_chosen_by_name() -> None:
    found = as_examples((RNG.integers(-9, 9, (6, 500)).astype(np.int16), np.arange(6) % 3))
    assert targeted(found, "label").labels.tolist() == [0, 1, 2, 0, 1, 2]
    with pytest.raises(InputError, match="target: 'speaker', but the data have label; name one of these"):
        targeted(found, "speaker")


@pytest.mark.data
def test_spoken_digits_have_two_targets(real_data: Path) -> None:
    digits, speakers = (
        load("spoken-digits", "test"),
        load("spoken-digits", "test", target="speaker", length="0.5s"),
    )
    assert (len(digits), len(digits.classes), len(speakers.classes)) == (300, 10, 6)
    assert digits.spec.shape == (1, 8000)
    assert speakers.spec.shape == (1, 4000)
    assert np.bincount(digits.labels).tolist() == [30] * 10
    assert not set(load("spoken-digits", "train").names) & set(digits.names)
