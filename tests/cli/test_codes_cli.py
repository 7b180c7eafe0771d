"""`mutua usable`, `mutua disentangle` on a user's own npz, and `mutua evaluate --decodable`."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from mutua.cli import main
from mutua.data import Images
from mutua.evaluation import evaluate


@pytest.fixture
def file(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    factors = np.stack([rng.integers(0, 3, 200), rng.integers(0, 2, 200)], 1)
    codes = factors + 0.1 * rng.normal(size=(200, 2))
    np.savez(tmp_path / "mine.npz", codes=codes, factors=factors, features=codes, labels=factors[:, 0])
    return tmp_path / "mine.npz"


def test_usable_reads_a_file(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = [
        "usable",
        str(file),
        "--families",
        "linear",
        "knn",
        "--orderings",
        "2",
        "--curve",
        "--y",
        "labels",
    ]
    assert main([*arguments, "--json"]) == 0
    table, *curves = json.loads(capsys.readouterr().out)
    assert [row[0] for row in table["rows"]] == ["linear", "knn"]
    usable = table["columns"].index("usable, bits")
    assert all(1.0 < row[usable] < 1.6 for row in table["rows"])
    assert len(curves) == 2
    assert main(arguments) == 0
    assert "Decodable information" in capsys.readouterr().out


def test_usable_of_numbers_has_no_code(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    z = np.random.default_rng(0).normal(size=(300, 2))
    np.savez(tmp_path / "numbers.npz", z=z, y=z[:, 0] + 0.1 * z[:, 1])
    assert main(["usable", str(tmp_path / "numbers.npz"), "--families", "linear", "--json"]) == 0
    (table,) = json.loads(capsys.readouterr().out)
    row = dict(zip(table["columns"], table["rows"][0], strict=True))
    assert row["usable, bits"] > 1
    assert row["code, bits a label"] is None


def test_disentangle_reads_a_file(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["disentangle", str(file), "--metrics", "mig", "modularity", "--bootstrap", "5", "--json"]
    assert main(arguments) == 0
    (table,) = json.loads(capsys.readouterr().out)
    assert [row[0] for row in table["rows"]] == ["mig", "modularity"]
    assert all(row[2] > 0.8 for row in table["rows"])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["usable", "FILE", "--z", "pixels"], "has no array 'pixels'; it has codes, factors, features, labels"),
        (["usable", "FILE", "--families", "forest"], "families: forest of knn, linear, mlp"),
        (["usable", "FILE.txt"], "give an .npz"),
        (["disentangle", "FILE", "--factors", "labels"], "factors: shape (200,)"),
        (["disentangle", "FILE", "--metrics", "gap"], "metrics: gap is none of"),
    ],
)
def test_refused_in_one_line(
    file: Path, arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([each.replace("FILE", str(file)) for each in arguments]) == 2
    told = capsys.readouterr().err.strip().splitlines()
    assert words in told[-1]


def test_evaluate_has_a_table_of_decodable_information() -> None:
    rng = np.random.default_rng(0)
    labels = np.arange(120) % 3
    pixels = rng.integers(0, 60, (120, 1, 4, 4)).astype(np.uint8)
    pixels[np.arange(120), 0, labels, 0] = 200
    train, test = Images(pixels[:80], labels[:80]), Images(pixels[80:], labels[80:])
    tables = evaluate({}, train, test, probes=("knn",), decodable=("linear",))
    found = tables[-1].records()
    assert tables[-1].title == "Decodable information"
    assert found[0]["encoder"] == "raw pixels"
    assert 1.2 < found[0]["usable, bits"] < 1.6
    assert found[0]["code, bits a label"] < 1.3
