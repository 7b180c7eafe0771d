"""`mutua words`, on a text of two topics."""

from __future__ import annotations

import json
import random
from pathlib import Path

import numpy as np
import pytest

from mutua.cli import main
from mutua.cli import words as cli_words
from mutua.words import Word2Vec, load_vectors

SEA, SKY = ["ship", "wave", "harbour", "sailor"], ["cloud", "bird", "wind", "star"]


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    draw = random.Random(0)
    path = tmp_path_factory.mktemp("words") / "text.txt"
    lines = [" ".join(draw.choices(draw.choice([SEA, SKY]), k=8)) for _ in range(1500)]
    path.write_text("\n".join(lines).upper())
    return path


@pytest.fixture(scope="module")
def vectors(text: Path) -> Path:
    out = text.with_name("words.safetensors")
    assert (
        main(["words", "fit", str(text), "-o", str(out), "--size", "10", "--sample", "0", "--threads", "1"]) == 0
    )
    return out


def test_nearest_is_of_the_same_topic(vectors: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert main(["words", "nearest", str(vectors), "ship", "--k", "3", "--json"]) == 0
    found = {row["word"] for row in json.loads(capsys.readouterr().out)}
    assert found == set(SEA) - {"ship"}


def test_analogy_takes_three_words_in_one_string_or_three(
    vectors: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    answers = []
    for words in (["ship wave cloud"], ["ship", "wave", "cloud"]):
        capsys.readouterr()
        assert main(["words", "analogy", str(vectors), *words, "--json", "--k", "2"]) == 0
        answers.append(json.loads(capsys.readouterr().out))
    assert answers[0] == answers[1]
    assert {row["word"] for row in answers[0]} <= set(SKY)


def test_eval_shows_coverage(vectors: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    questions = tmp_path / "questions.txt"
    questions.write_text(": topics\nship wave cloud bird\nship wave cloud moon\n")
    pairs = tmp_path / "pairs.tsv"
    pairs.write_text("ship\twave\t9\nship\tcloud\t1\nbird\tcloud\t8\nmoon\tsun\t5\n")
    capsys.readouterr()
    arguments = ["words", "eval", str(vectors), "--questions", str(questions), "--pairs", str(pairs), "--k", "3"]
    assert main([*arguments, "--json"]) == 0
    analogies, similarity = json.loads(capsys.readouterr().out)
    assert analogies["rows"][0][:5] == ["topics", 2, 1, 50.0, 100.0]
    assert all(isinstance(cell, (int, float)) or cell is None for row in analogies["rows"] for cell in row[1:])
    assert similarity["rows"][0][1:3] == [4, 3]
    assert similarity["rows"][0][4] > 0.4


@pytest.mark.parametrize("ending", ["bin", "txt"])
def test_other_formats_are_read_back(
    text: Path, tmp_path: Path, ending: str, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / f"w.{ending}"
    options = ["--size", "6", "--epochs", "1", "--phrases", "--cased", "--threads", "1", "--json"]
    assert main(["words", "fit", str(text), "-o", str(out), *options]) == 0
    assert json.loads(capsys.readouterr().out)["size"] == 6
    assert main(["words", "nearest", str(out), "SHIP"]) == 0


def test_a_whole_model_goes_on(text: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, whole = tmp_path / "w.safetensors", tmp_path / "model.safetensors"
    options = ["--size", "6", "--epochs", "1", "--summed", "--threads", "1", "--learning-rate", "0.1", "--json"]
    assert main(["words", "fit", str(text), "-o", str(out), "--model", str(whole), *options]) == 0
    assert json.loads(capsys.readouterr().out)["interrupted"] is False
    model = Word2Vec.load(whole)
    np.testing.assert_array_equal(load_vectors(out).matrix, model.summed().matrix)
    model.partial_fit(text)
    assert len(model.loss_) == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["fit", "no.txt"], "no.txt: no such file"),
        (["fit", "no.txt", "--model", "w.bin"], "w.bin: a whole model"),
        (["fit", "no.txt", "--connectors"], "give --phrases too"),
        (["fit", "no.txt", "-o", "w.doc"], "w.doc: an ending unknown"),
        (["fit"], "files: none"),
        (["fit", __file__, "--encoding", "utf9"], "encoding: 'utf9' is none that Python knows"),
        (["fit", "."], ".: a folder"),
        (["fit", __file__, "--thresholds", "9"], "give --phrases too"),
        (["nearest", "no.bin", "ship"], "no.bin"),
        (["eval", "no.bin"], "give --questions"),
        (["analogy", "no.bin", "a", "b"], "an analogy takes three"),
    ],
)
def test_what_cannot_be_used(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["words", *arguments]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


def test_bad_bytes_and_bad_sizes_are_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, out = tmp_path / "t.txt", tmp_path / "w.bin"
    path.write_bytes(b"a b c\n" * 9 + b"\xff\n")
    fit = ["words", "fit", str(path), "-o", str(out), "--epochs", "1", "--threads", "1"]
    assert main(fit) == 2
    assert "not UTF-8 at line 10, byte 54 (0xff)" in capsys.readouterr().err
    assert main([*fit, "--size", "0"]) == 2
    assert capsys.readouterr().err.startswith("mutua: vector_size: 0")  # before anything is read
    assert not out.exists()
    assert main([*fit, "--errors", "ignore", "--size", "4"]) == 0
    assert len(load_vectors(out)) == 3


def test_places_that_cannot_be_written_are_said_before_the_work(
    text: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "folder.bin").mkdir()
    model = str(tmp_path / "file" / "m.safetensors")
    for more in (
        ["-o", str(tmp_path / "file" / "w.bin")],
        ["-o", str(tmp_path / "folder.bin")],
        ["--model", model],
    ):
        assert main(["words", "fit", str(text), *more]) == 2
        assert "read in" not in capsys.readouterr().err


def test_a_fit_says_what_it_has_not_learned(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "t.txt"
    path.write_text("the cat sat on the mat\nthe dog sat on the rug\n" * 9, encoding="utf-16")
    arguments = ["words", "fit", str(path), "-o", str(tmp_path / "w.bin"), "--sample", "0", "--json"]
    assert main(arguments) == 0
    said = capsys.readouterr()
    (note,) = json.loads(said.out)["notes"]
    assert "all but parallel" in note
    assert note in said.err


def test_files_of_others_are_read_and_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, pairs = tmp_path / "glove.txt", tmp_path / "MEN"
    path.write_bytes(b"sun 1 0\nmoon 1 .1\nmud 0 1\ncaf\xe9 -1 0\n")
    assert main(["words", "nearest", str(path), "sun"]) == 2
    assert "use errors='replace'" in capsys.readouterr().err
    assert main(["words", "nearest", str(path), "sun", "--k", "1", "--json", "--errors", "ignore"]) == 0
    said = capsys.readouterr()
    assert json.loads(said.out)[0]["word"] == "moon"
    assert "2 dimensions by its first word" in said.err
    pairs.write_text("sun-n moon-n 50\nsun-n mud-n 3\nmoon-n mud-n 4\n")
    assert main(["words", "eval", str(path), "--pairs", str(pairs), "--json", "--errors", "ignore"]) == 0
    (table,) = json.loads(capsys.readouterr().out)
    assert table["rows"][0][4] == 1
    assert "as in MEN" in table["note"]


def test_numbers_out_of_range(vectors: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    questions = tmp_path / "q.txt"
    questions.write_text("ship wave cloud bird\n")
    for arguments, said in (
        (["nearest", str(vectors), "ship", "--k", "-1"], "k: -1"),
        (["analogy", str(vectors), "ship wave bird", "--k", "0"], "k: 0"),
        (["analogy", str(vectors), "ship wave bird", "--k", "0", "--multiply"], "k: 0"),
        (["eval", str(vectors), "--questions", str(questions), "--k", "0"], "k: 0"),
        (["eval", str(vectors), "--questions", str(questions), "--limit", "-5"], "limit: -5"),
    ):
        assert main(["words", *arguments]) == 2
        error = capsys.readouterr().err
        assert said in error
        assert error.count("\n") == 1
    pairs = tmp_path / "pairs.txt"
    pairs.write_text("ship moon 3\n")
    assert main(["words", "eval", str(vectors), "--pairs", str(pairs), "--json"]) == 0
    assert "NaN" not in capsys.readouterr().out
    assert main(["words", "analogy", str(vectors), "ship wave cloud", "--multiply", "--k", "1"]) == 0
    assert "3CosMul" in capsys.readouterr().out


def test_an_interrupted_fit_is_written_and_ends_with_130(
    text: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "w.bin"

    def stop(words: str) -> None:
        if words.startswith("epoch 1"):
            raise KeyboardInterrupt

    monkeypatch.setattr(cli_words, "status", stop)
    assert main(["words", "fit", str(text), "-o", str(out), "--size", "4", "--threads", "1"]) == 130
    assert len(load_vectors(out)) == 8


def test_an_unknown_word_is_named(vectors: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert main(["words", "nearest", str(vectors), "shipp"]) == 2
    assert "ship" in capsys.readouterr().err
