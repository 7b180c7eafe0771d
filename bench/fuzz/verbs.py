"""Verbs of the command line on files that are damaged, of another kind, or of odd names, and with odd
arguments."""

from __future__ import annotations

import random
import shutil
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import soundfile
from PIL import Image

from bench.fuzz.calls import Kind, Made
from bench.fuzz.values import table
from mutua.cli import main
from mutua.ica import LinearICA
from mutua.words import Vectors, load_vectors, write_binary, write_safetensors, write_text

__all__ = ["seeds", "verbs"]

_NAMES = ["x", "ä ö", "-x", "a,b", "$(x)", "[x]", "x" * 120, "%s", "1"]
_ARGUMENTS = ["", "-1", "0", "1", "1e9", "nan", "x", "ä", "--", "1 2", "9" * 30, "0.5", "--json"]

_VERBS = [
    *("mi", "words nearest", "words analogy", "words eval", "unmix", "usable", "disentangle", "evaluate", "embed"),
    *("report", "export", "attention", "resume", "study run", "methods", "data", "study ls", ""),
]


def seeds(folder: Path) -> Path:
    """Sound files of every kind, and a run, in a folder."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    x = rng.laplace(size=(60, 2)) @ rng.normal(size=(2, 2))
    np.save(folder / "a.npy", x)
    np.savez(folder / "a.npz", x=x, y=np.arange(60) % 3, z=x, codes=x, factors=rng.integers(0, 3, (60, 2)))
    frame = pd.DataFrame({"a": x[:, 0], "b": x[:, 1], "c": [*"xyz"] * 20})
    frame.to_csv(folder / "a.csv", index=False)
    frame.to_csv(folder / "a.tsv", index=False, sep="\t")
    frame.to_parquet(folder / "a.parquet")
    sound = 0.2 * rng.laplace(size=(1600, 2)).clip(-4, 4)
    for kind in ("wav", "flac", "ogg", "mp3"):
        soundfile.write(folder / f"a.{kind}", sound, 8000)
    words = Vectors([f"w{i}" for i in range(12)], rng.normal(size=(12, 4)).astype(np.float32))
    write_binary(words, folder / "v.bin")
    write_text(words, folder / "v.txt")
    write_safetensors(words, folder / "v.safetensors")
    (folder / "text.txt").write_text("the cat sat on the mat\n" * 30)
    (folder / "q.txt").write_text(": s\nw0 w1 w2 w3\n")
    (folder / "p.tsv").write_text("w0\tw1\t3.5\nw2\tw3\t1\n")
    LinearICA().fit(x).save(folder / "ica.safetensors")
    pictures = folder / "pictures"
    for k in range(16):
        (pictures / "ab"[k % 2]).mkdir(parents=True, exist_ok=True)
        kind = ("png", "jpg", "tif", "bmp")[k % 4]
        Image.fromarray(rng.integers(0, 256, (16, 16, 3), dtype=np.uint8)).save(
            pictures / "ab"[k % 2] / f"{k}.{kind}"
        )
    run = ["train", "simclr", "--data", str(pictures), "--size", "16", "--epochs", "1", "--batch", "8", "--out"]
    if main([*run, str(folder / "run"), "--encoder", "resnet18"]):
        raise RuntimeError("no run to begin with")
    return folder


def verbs(place: Path) -> dict[str, Kind]:
    """Name to kind."""
    made: dict[str, tuple[int, Any]] = {
        "mi": (50, _mi), "mi of cells": (40, _cells), "words": (60, _words), "words fit": (6, _fit), "unmix": (12,
        _unmix), "codes": (12, _codes), "pictures": (3, _pictures), "run": (4, _run), "load": (30, _load),
        "arguments": (30, _wild),
    }  # fmt: skip
    return {f"verb {name}": (weight, partial(make, place)) for name, (weight, make) in made.items()}


def damaged(draw: random.Random, source: Path, folder: Path) -> Path:
    """A copy under some name, perhaps with bytes changed, cut off, doubled, or of another file."""
    folder.mkdir(exist_ok=True)
    raw = bytearray(source.read_bytes())
    what = draw.randrange(8)
    if what < 3 and raw:
        for _ in range(draw.choice([1, 3, 20])):
            raw[draw.randrange(min(len(raw), draw.choice([64, 400, 10**9])))] = draw.randrange(256)
    elif what == 3:
        raw = raw[: draw.randrange(len(raw) + 1)]
    elif what == 4:
        raw += raw[: draw.randrange(len(raw) + 1)]
    elif what == 5:
        others = sorted(path for path in source.parent.iterdir() if path.is_file())
        raw = bytearray(draw.choice(others).read_bytes())
    elif what == 6:
        raw = bytearray(draw.randbytes(draw.choice([0, 1, 100, 3000])))
    path = folder / f"{draw.choice(_NAMES)}{source.suffix}"
    path.write_bytes(raw)
    return path


def _line(arguments: list[str], folder: Path) -> Made:
    def call() -> None:
        try:
            code = main(arguments)
            assert code in (0, 2), f"exit code {code}"
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    return " ".join(map(repr, arguments))[:400], call


def _more(draw: random.Random, options: list[str]) -> list[str]:
    """Some options with odd values."""
    found: list[str] = []
    for _ in range(draw.choice([0, 0, 1, 2])):
        found += [draw.choice(options), draw.choice(_ARGUMENTS)]
    return found


def _mi(place: Path, draw: random.Random, folder: Path) -> Made:
    file = damaged(draw, place / f"a.{draw.choice(['npy', 'npz', 'csv', 'tsv', 'parquet'])}", folder)
    how = draw.choice(
        [["--x", "a", "--y", "b"], ["--y", "a"], ["--pairwise"], ["--x", "0", "--y", "1", "--given", "c"], []]
    )
    options = [
        "--x",
        "--y",
        "--given",
        "--permutations",
        "--seed",
        "--estimator",
        "--critic",
        "--effort",
        "--discrete-x",
    ]
    quick = ["--effort", "quick", "--permutations", "19", "--json"]
    return _line(["mi", str(file), *how, *quick, *_more(draw, options)], folder)


def _cells(place: Path, draw: random.Random, folder: Path) -> Made:
    folder.mkdir(exist_ok=True)
    n = draw.choice([0, 1, 3, 30, 100])
    frame = pd.DataFrame(table(draw, n))
    file = folder / f"t.{draw.choice(['csv', 'tsv'])}"
    encoding = draw.choice(["utf-8", "utf-8-sig", "utf-16", "latin-1"])
    text = frame.to_csv(index=False, sep=draw.choice([",", ";", "\t"]))
    file.write_bytes(text.encode(encoding, "replace"))
    columns = [*frame.columns, "0", "nowhere"]
    how = draw.choice(
        [["--pairwise"], ["--y", draw.choice(columns)], ["--x", draw.choice(columns), "--y", columns[0]]]
    )
    return _line(
        [
            "mi",
            str(file),
            *how,
            "--effort",
            "quick",
            "--permutations",
            "19",
            *draw.choice([[], ["--drop-missing"]]),
        ],
        folder,
    )


def _words(place: Path, draw: random.Random, folder: Path) -> Made:
    file = damaged(draw, place / f"v.{draw.choice(['bin', 'txt', 'safetensors'])}", folder)
    if draw.random() < 0.3:

        def call() -> None:
            try:
                vectors = load_vectors(file)
                assert np.isfinite(np.stack([vectors[word] for word in vectors])).all(), "a vector is not finite"
                assert all(word and "\n" not in word for word in vectors), "a word is empty or two lines"
            finally:
                shutil.rmtree(folder, ignore_errors=True)

        return f"load_vectors({file.name}), {file.read_bytes()[:60]!r}", call
    ask = draw.choice(
        [["nearest", str(file), "w1"], ["analogy", str(file), "w0", "w1", "w2"], ["eval", str(file), "--questions",
        str(
            damaged(draw, place / "q.txt", folder))], ["eval", str(file), "--pairs", str(damaged(draw, place /
            "p.tsv", folder))]]
    )  # fmt: skip
    return _line(["words", *ask, *_more(draw, ["--k", "--errors", "--limit"])], folder)


def _fit(place: Path, draw: random.Random, folder: Path) -> Made:
    file = damaged(draw, place / "text.txt", folder)
    options = [
        "--dimension",
        "--epochs",
        "--window",
        "--min-count",
        "--negative",
        "--learning-rate",
        "--threads",
        "--phrases",
    ]
    quick = ["--size", "4", "--epochs", "1", "--min-count", "1", "--out", str(folder / "v.bin")]
    return _line(["words", "fit", str(file), *quick, *_more(draw, options)], folder)


def _unmix(place: Path, draw: random.Random, folder: Path) -> Made:
    file = damaged(draw, place / f"a.{draw.choice(['wav', 'flac', 'ogg', 'mp3'])}", folder)
    options = ["--components", "--frame", "--seed", "--bits"]
    how = draw.choice([[], ["--convolutive"], ["--json"]])
    return _line(["unmix", str(file), "-o", str(folder / "out"), *how, *_more(draw, options)], folder)


def _codes(place: Path, draw: random.Random, folder: Path) -> Made:
    file = damaged(draw, place / "a.npz", folder)
    verb = draw.choice([["usable", str(file), "--families", "knn"], ["disentangle", str(file)]])
    return _line([*verb, *_more(draw, ["--z", "--y", "--orderings", "--seed", "--codes", "--factors"])], folder)


def _pictures(place: Path, draw: random.Random, folder: Path) -> Made:
    folder.mkdir(exist_ok=True)
    shutil.copytree(place / "pictures", folder / "p")
    for source in draw.sample(sorted((folder / "p").rglob("*.*")), draw.choice([1, 3])):
        damaged(draw, source, folder / "spoilt").replace(source)
    verb = draw.choice(["evaluate", "embed"])
    more = ["--out", str(folder / "out.npz")] if verb == "embed" else ["--probes", "knn"]
    skip = draw.choice([[], ["--skip-bad"]])
    return _line([verb, str(place / "run"), "--data", str(folder / "p"), *more, *skip], folder)


def _run(place: Path, draw: random.Random, folder: Path) -> Made:
    folder.mkdir(exist_ok=True)
    shutil.copytree(place / "run", folder / "run")
    source = draw.choice(sorted(path for path in (folder / "run").iterdir() if path.is_file()))
    damaged(draw, source, folder / "spoilt").replace(source)
    verb = draw.choice([["resume"], ["embed", "--out", str(folder / "o.npz")], ["report"]])
    return _line([verb[0], str(folder / "run"), *verb[1:]], folder)


def _load(place: Path, draw: random.Random, folder: Path) -> Made:
    file = damaged(draw, place / "ica.safetensors", folder)

    def call() -> None:
        try:
            found = LinearICA.load(file).transform(np.ones((3, 2)))
            assert found.shape[0] == 3
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    return f"LinearICA.load of {file.name}, {file.read_bytes()[:80]!r}", call


def _wild(place: Path, draw: random.Random, folder: Path) -> Made:
    verb = draw.choice(_VERBS)
    files = sorted(map(str, place.iterdir()))
    rest = [
        draw.choice([*_ARGUMENTS, *files, "--out", "--data", "--seed"]) for _ in range(draw.choice([0, 1, 2, 3]))
    ]
    folder.mkdir(exist_ok=True)
    return _line([*verb.split(), *rest], folder)
