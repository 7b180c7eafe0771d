import json
import sys
from pathlib import Path

import pytest

from mutua.cli import main
from mutua.report import study_page
from mutua.studies import STUDIES
from mutua.types import Result, Table

TINY = ["--steps", "5", "--batch", "8", "--width", "8", "--chain-steps", "2", "--samples", "256"]


def run(capsys, *arguments):
    """Exit code, standard output, standard error."""
    try:
        code = main([str(argument) for argument in arguments])
    except SystemExit as error:
        code = error.code
    shown = capsys.readouterr()
    return code, shown.out, shown.err


def test_ls_lists_all(capsys):
    code, out, _ = run(capsys, "study", "ls")
    assert code == 0
    for name in STUDIES:
        assert name in out
    code, out, _ = run(capsys, "study", "ls", "--json")
    assert [row[0] for row in json.loads(out)["rows"]] == list(STUDIES)


def test_run_prints_and_writes(tmp_path, capsys):
    folder = tmp_path / "new" / "study"
    code, out, err = run(capsys, "study", "run", "density-ratio", *TINY, "--out", folder)
    assert code == 0
    assert "The chain of bounds" in out
    assert str(folder / "result.html") in out
    assert "laws of information" in err, "progress"
    html = (folder / "result.html").read_text()
    assert html.count("<svg") == 3
    assert "<h1" in html
    assert "mutua study run density-ratio --preset cpu --steps 5 --batch 8 --width 8" in html
    record = json.loads((folder / "result.json").read_text())
    assert record["settings"]["steps"] == 5
    assert record["settings"]["preset"] == "cpu"
    assert len(record["tables"]) == 3
    for path in record["figures"].values():
        assert Path(path).read_text().startswith("<svg")
    assert len(list(folder.iterdir())) == 5, "nothing is left behind"


def test_json_is_what_was_written(tmp_path, capsys):
    code, out, _ = run(capsys, "study", "run", "--json", "density-ratio", *TINY, "--out", tmp_path / "a")
    assert code == 0
    assert json.loads(out) == json.loads((tmp_path / "a" / "result.json").read_text())


@pytest.mark.parametrize("form", [["--preset", "full"], ["--preset=full"]])
def test_a_preset_sets_the_rest(form, tmp_path, capsys):
    code, out, _ = run(capsys, "study", "run", "density-ratio", *form, *TINY, "--json", "--out", tmp_path / "full")
    assert code == 0
    settings = json.loads(out)["settings"]
    assert settings["preset"] == "full"
    assert settings["steps"] == 5, "what is given goes before the preset"
    assert settings["rate"] == 2e-3
    code, out, _ = run(capsys, "study", "run", "mi-estimators", *form, "--help")
    assert code == 0
    assert "4000" in out


def test_an_unknown_study_is_one_line(capsys):
    code, _, err = run(capsys, "study", "run", "density")
    assert code == 2
    lines = err.strip().splitlines()
    assert len(lines) == 1
    for name in ("density", *STUDIES):
        assert name in lines[0]


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["--preset", "huge"], "huge"),
        (["--stepz", "3"], "stepz"),
        (["--steps", "many"], "many"),
    ],
)
def test_a_bad_argument_is_told(arguments, word, capsys):
    code, _, err = run(capsys, "study", "run", "density-ratio", *arguments)
    assert code == 2
    assert word in err
    assert "Traceback" not in err


def test_an_input_error_of_a_study_is_one_line(capsys, tmp_path):
    code, _, err = run(capsys, "study", "run", "density-ratio", "--steps", "0", "--out", tmp_path / "x")
    assert code == 2
    assert "mutua: steps: 0" in err
    assert not (tmp_path / "x").exists()


def test_a_file_is_no_folder(capsys, tmp_path):
    (tmp_path / "file").write_text("mine")
    code, _, err = run(capsys, "study", "run", "density-ratio", *TINY, "--out", tmp_path / "file")
    assert code == 2
    assert "name a folder" in err
    assert (tmp_path / "file").read_text() == "mine"


def test_only_the_study_asked_for_is_imported(capsys):
    kept = {name: sys.modules.pop(name) for name in list(sys.modules) if name.startswith("mutua.studies.")}
    try:
        run(capsys, "study", "ls")
        assert not any(name.startswith("mutua.studies.") for name in sys.modules)
    finally:
        sys.modules.update(kept)


def test_help_names_the_studies_and_their_settings(capsys):
    code, out, _ = run(capsys, "--help")
    assert code == 0
    assert "study" in out
    code, out, _ = run(capsys, "study", "run", "density-ratio", "--help")
    assert code == 0
    assert "--correlation" in out
    assert "--preset" in out


def test_the_page_escapes_and_lists_papers():
    result = Result("<b>Title", [Table("a <i> table", ["x"], [[1.0]])], {}, ["5 < 6"], {"seed": 3})
    html = study_page(result, papers=["A. Author 2020, arXiv:2001.00001"])
    assert "<b>Title" not in html
    assert "5 &lt; 6" in html
    assert "arxiv.org/abs/2001.00001" in html
    assert "&#34;seed&#34;: 3" in html or '"seed": 3' in html
