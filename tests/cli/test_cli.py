import dataclasses
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import typing

import docstring_parser
import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from mutua.cli import VERBS, main
from mutua.cli.settings import arguments as arguments_of
from mutua.data import load
from mutua.methods import METHODS
from stopping_early import stop_after

TINY = ("--encoder", "dim32", "--epochs", "1", "--batch", "32", "--accelerator", "cpu")


def run(capsys, *arguments):
    """Exit code, standard output, standard error."""
    try:
        code = main([str(argument) for argument in arguments])
    except SystemExit as error:
        code = error.code
    shown = capsys.readouterr()
    return code, shown.out, shown.err


def refused(capsys, *arguments):
    """The one line of a refusal."""
    code, _, errors = run(capsys, *arguments)
    lines = [line for line in errors.splitlines() if line.startswith("mutua: ")]
    assert code == 2, errors
    assert len(lines) == 1, errors
    assert "Traceback" not in errors
    return lines[0]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cli") / "run"
    assert main(["train", "simclr", "--data", "digits", "--flip", "0", "--out", str(folder), *TINY]) == 0
    return folder


@pytest.fixture(scope="module")
def few_digits(tmp_path_factory):
    """A hundred and fifty digits with labels, as a file."""
    digits = load("digits").subset(range(150))
    path = tmp_path_factory.mktemp("digits") / "few.npz"
    np.savez(path, images=np.asarray(digits.pixels), labels=digits.labels)
    return path


@pytest.fixture
def photos(tmp_path):
    """Twelve images of two sizes and colours, one of them with a name that HTML must not read."""
    folder = tmp_path / "photos"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for k in range(12):
        name = "<script>alert(1)<&script>.png" if k == 0 else f"photo {k}.png"
        Image.fromarray(rng.integers(0, 256, (12, 12, 3), np.uint8)).save(folder / name)
    return folder


def test_train_tells_what_comes_next(trained, tmp_path, capsys):
    assert {p.name for p in trained.iterdir()} >= {
        "config.json",
        "metrics.csv",
        "checkpoint.pt",
        "encoder.safetensors",
    }
    code, out, _ = run(capsys, "train", "rotation", "--data", "digits", "--out", tmp_path / "r", "--json", *TINY)
    assert code == 0
    assert json.loads(out)["run"] == str(tmp_path / "r")


def test_evaluate_prints_and_keeps_tables(trained, capsys):
    code, out, _ = run(capsys, "evaluate", trained, "--few", "1", "--draws", "1", "--json")
    assert code == 0
    tables = json.loads(out)
    assert tables[0]["title"] == "Accuracy with all labels"
    assert [row[0] for row in tables[0]["rows"]] == ["raw pixels", "random weights, BN calibrated", "run"]
    assert json.loads((trained / "evaluation.json").read_text()) == tables


def test_evaluate_of_other_data_and_depths(trained, few_digits, tmp_path, capsys):
    arguments = ("--data", few_digits, "--probes", "knn", "--few", "--depths", "fc", "Y", "--skip-bad")
    code, out, _ = run(capsys, "evaluate", trained, *arguments)
    assert code == 0
    assert "raw pixels" in out
    assert out.index("raw pixels") < out.index("random weights") < out.index("run ")
    encoder = tmp_path / "encoder.safetensors"
    encoder.write_bytes((trained / "encoder.safetensors").read_bytes())
    assert run(capsys, "evaluate", encoder, *arguments)[0] == 0
    assert [p.name for p in tmp_path.iterdir() if p.name == "evaluation.json"] == []


def test_embed_report_export(trained, tmp_path, capsys):
    code, out, _ = run(capsys, "embed", trained, "--out", tmp_path / "z.npz", "--split", "test", "--json")
    assert code == 0
    assert json.loads(out)["examples"] == 449
    with np.load(tmp_path / "z.npz", allow_pickle=False) as file:
        assert file["features"].shape == (449, 64)
        assert file["labels"].shape == (449,)
        assert file["classes"].tolist() == list("0123456789")
    code, _, _ = run(capsys, "report", trained, "--out", tmp_path / "page.html", "--points", "60", "--depth", "fc")
    assert code == 0
    page = (tmp_path / "page.html").read_text()
    assert "simclr on digits" in page
    assert "arXiv:2002.05709" in page
    code, _, _ = run(capsys, "export", trained, "--out", tmp_path / "encoder.onnx")
    assert code == 0
    assert (tmp_path / "encoder.onnx").stat().st_size > 1e6


def test_tiles_of_images_that_are_not_square_from_end_to_end(tmp_path, capsys):
    rng = np.random.default_rng(0)
    images, labels = rng.integers(0, 256, (24, 1, 30, 40), dtype=np.uint8), np.arange(24) % 2
    np.savez(tmp_path / "wide.npz", images=images, labels=labels)
    folder = tmp_path / "run"
    small = ("--encoder", "dim32", "--hidden", "8", "--batch", "8", "--epochs", "1", "--accelerator", "cpu")
    code, _, errors = run(capsys, "train", "jigsaw", "--data", tmp_path / "wide.npz", "--out", folder, *small)
    assert code == 0, errors
    code, out, _ = run(capsys, "evaluate", folder, "--probes", "knn", "--few", "--json")
    assert code == 0
    tables = {table["title"]: table for table in json.loads(out)}
    assert tables["Accuracy with all labels"]["rows"][-1][-1] is not None  # nats, beside the accuracy
    assert tables["Nats learned"]["rows"][0][3] == pytest.approx(np.log(72))
    assert run(capsys, "embed", folder, "--out", tmp_path / "z.npz", "--split", "all")[0] == 0
    with np.load(tmp_path / "z.npz") as file:
        assert file["features"].shape == (24, 64)
    assert run(capsys, "report", folder)[0] == 0
    page = (folder / "report.html").read_text()
    assert "puzzle" in page
    assert "The encoder has batch norm" in page
    assert run(capsys, "attention", folder)[0] == 2
    # Two images: one to learn from is too few, and it is said in a line.
    two = tmp_path / "two"
    two.mkdir()
    for k in range(2):
        Image.fromarray(rng.integers(0, 256, (40, 40, 3), np.uint8)).save(two / f"{k}.png")
    for method in ("jigsaw", "relative_position"):
        code, _, errors = run(
            capsys, "train", method, "--data", two, "--split", "all", "--out", tmp_path / method, *small
        )
        assert code == 0 or len([line for line in errors.splitlines() if line.startswith("mutua:")]) == 1


def test_where_networks_look(few_digits, tmp_path, capsys):
    folder = tmp_path / "rotation"
    assert run(capsys, "train", "rotation", "--data", few_digits, "--out", folder, *TINY)[0] == 0
    code, out, _ = run(
        capsys, "attention", folder, "--supervised-epochs", "1", "--images", "2", "--rows", "12", "--json"
    )
    assert code == 0
    (table,) = json.loads(out)["tables"]
    assert {row[0] for row in table["rows"]} >= {"rotation", "full supervision", "middle of the image"}
    page = (folder / "attention.html").read_text()
    assert "Where they look: conv1" in page
    assert "arXiv:1803.07728" in page


def test_lists(capsys):
    for verb in (("data", "ls"), ("data",), ("methods",)):
        code, out, _ = run(capsys, *verb)
        assert code == 0
        assert "digits" in out or "simclr" in out
        code, out, _ = run(capsys, *verb, "--json")
        assert {"title", "columns", "rows", "note"} == set(json.loads(out))


def test_a_folder_without_labels_from_end_to_end(photos, tmp_path, capsys):
    folder = tmp_path / "run"
    assert run(capsys, "train", "simclr", "--data", photos, "--split", "all", "--out", folder, *TINY)[0] == 0
    code, out, _ = run(capsys, "evaluate", folder, "--json")
    assert code == 0
    assert json.loads(out)[0]["title"] == "Features without labels"
    assert run(capsys, "embed", folder, "--out", tmp_path / "z.npz")[0] == 0
    with np.load(tmp_path / "z.npz") as file:
        assert sorted(file["names"].tolist()) == sorted(p.name for p in photos.iterdir())
    assert run(capsys, "report", folder, "--split", "all")[0] == 0
    page = (folder / "report.html").read_text()
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page or "\\u003cscript" in page
    assert "Features without labels" in page
    assert "photos" in page


def test_data_that_cannot_be_used(photos, tmp_path, capsys):
    def train(data, *more):
        return refused(capsys, "train", "simclr", "--data", data, "--out", tmp_path / "x", *TINY, *more)

    assert str(tmp_path / "none") in train(tmp_path / "none")
    (tmp_path / "empty").mkdir()
    assert "empty" in train(tmp_path / "empty")
    (photos / "note.png").write_text("this is no picture")
    assert "note.png" in train(photos)
    (photos / "note.png").unlink()
    whole = io.BytesIO()
    Image.effect_noise((64, 64), 50).convert("RGB").save(whole, "JPEG")
    (photos / "cut.jpg").write_bytes(whole.getvalue()[:700])
    assert "cut.jpg" in train(photos, "--size", "12")
    out = tmp_path / "skipped"
    arguments = ("train", "simclr", "--data", photos, "--split", "all", "--size", "12", "--skip-bad", "--out", out)
    assert run(capsys, *arguments, *TINY)[0] == 0
    assert "1 of 13" in json.loads((out / "config.json").read_text())["data"]["source"]
    (tmp_path / "one").mkdir()
    Image.new("RGB", (12, 12)).save(tmp_path / "one" / "a.png")
    assert "one example cannot be split" in train(tmp_path / "one")
    assert "data: 1 example" in train(tmp_path / "one", "--split", "all")
    np.save(tmp_path / "nan.npy", np.full((5, 12, 12), np.nan, np.float32))
    assert "NaN" in train(tmp_path / "nan.npy")
    np.save(tmp_path / "wide.npy", np.zeros((5, 12, 16), np.uint8))
    assert "make them square with --size 12" in train(tmp_path / "wide.npy")
    assert "encoder: 'resnet19'" in train(photos, "--size", "12", "--skip-bad", "--encoder", "resnet19")


def test_a_class_with_one_example_is_named(tmp_path, capsys):
    for name, count in (("cats", 6), ("dogs", 1)):
        (tmp_path / "pets" / name).mkdir(parents=True)
        for k in range(count):
            Image.new("RGB", (12, 12), (40 * k, 9, 9)).save(tmp_path / "pets" / name / f"{k}.png")
    line = refused(capsys, "train", "simclr", "--data", tmp_path / "pets", "--out", tmp_path / "x", *TINY)
    assert "dogs" in line


def test_runs_that_cannot_be_used(trained, tmp_path, capsys):
    assert "no such run" in refused(capsys, "evaluate", tmp_path / "none")
    assert "is no run" in refused(capsys, "resume", tmp_path)
    (tmp_path / "half").mkdir()
    (tmp_path / "half" / "checkpoint.pt").write_bytes(b"x")
    assert "has not finished" in refused(capsys, "embed", tmp_path / "half", "--out", tmp_path / "z.npz")
    assert "probes: pca" in refused(capsys, "evaluate", trained, "--probes", "pca")
    assert "depths" in refused(capsys, "evaluate", trained, "--depths", "conv9")
    assert "written as .npz" in refused(capsys, "embed", trained, "--out", tmp_path / "z.csv")
    line = refused(capsys, "train", "simclr", "--data", "digits", "--out", trained, *TINY)
    assert "there is a run in it already" in line
    assert "lr: -1" in refused(
        capsys, "train", "simclr", "--data", "digits", "--lr", "-1", "--out", tmp_path / "x"
    )


def test_words_it_does_not_know(capsys):
    for arguments in (("fly",), ("train", "mocha"), ("train", "simclr", "--data", "digits", "--epocs", "3"), ()):
        code, _, errors = run(capsys, *arguments)
        assert code == 2
        assert "Traceback" not in errors


HELPED = ("demo", "train simclr", "train deep_infomax", "train rotation", "resume", "evaluate", "embed", "report")


@pytest.mark.parametrize("verb", [*HELPED, "export", "data", "methods"])
def test_every_argument_has_its_words(verb, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "400")
    code, out, _ = run(capsys, *verb.split(), "--help")
    assert code == 0
    bare = [
        line
        for line in out.splitlines()
        if "--" in line and "(default" in line and line.split("(default")[0].split("  ")[-1].strip() == ""
    ]
    assert not bare


@pytest.mark.parametrize("verb", [verb.load() for verb in VERBS.values()])
def test_every_field_of_a_verb_is_explained(verb):
    explained = {p.arg_name: p.description for p in docstring_parser.parse(verb.__doc__).params}
    fields = {one.name for one in dataclasses.fields(verb)} - ({"method"} if verb.__name__ == "Train" else set())
    assert fields == set(explained)
    assert all(explained.values())


@pytest.mark.parametrize("name", METHODS)
def test_every_field_of_a_training_is_explained(name):
    kinds = typing.get_type_hints(arguments_of(name, METHODS[name]), include_extras=True)
    assert len(kinds) > 20
    own = kinds.pop("reading")
    assert {p.arg_name for p in docstring_parser.parse(own.__doc__).params} == set(own.__dataclass_fields__)
    for field, kind in kinds.items():
        assert kind.__metadata__[0].help, field


def test_stopped_and_resumed_in_one_process(few_digits, tmp_path, capsys, monkeypatch):
    def train(out):
        made = ("train", "rotation", "--data", few_digits, "--split", "all", "--out", tmp_path / out)
        return run(capsys, *made, "--encoder", "dim32", "--epochs", "2", "--batch", "50", "--accelerator", "cpu")

    assert train("whole")[0] == 0
    with monkeypatch.context() as patched:
        stop_after(patched, 4)
        code, out, errors = train("stopped")
    assert code == 130
    assert out == ""
    assert "stopped after step 4 of 6" in errors
    assert errors.splitlines()[-1].endswith(f"go on with: mutua resume {tmp_path / 'stopped'}")
    assert "has not finished" in refused(capsys, "evaluate", tmp_path / "stopped")
    assert "has not finished" in refused(capsys, "report", tmp_path / "stopped")
    assert run(capsys, "resume", tmp_path / "stopped")[0] == 0
    one, two = (load_file(tmp_path / name / "encoder.safetensors") for name in ("whole", "stopped"))
    assert all((one[name] == two[name]).all() for name in one)


def test_grey_and_colour_together_are_colour(photos, tmp_path, capsys):
    Image.new("L", (12, 12), 90).save(photos / "grey.png")
    out = tmp_path / "run"
    assert run(capsys, "train", "rotation", "--data", photos, "--split", "all", "--out", out, *TINY)[0] == 0
    config = json.loads((out / "config.json").read_text())
    assert config["recipe"]["spec"]["shape"] == [3, 12, 12]
    assert config["data"]["examples"] == 13


def test_what_a_training_skipped_is_skipped_again(photos, tmp_path, capsys):
    out = tmp_path / "run"
    assert run(capsys, "train", "rotation", "--data", photos, "--split", "all", "--out", out, *TINY)[0] == 0
    (photos / "bad.png").write_text("no picture")
    assert "bad.png" in refused(capsys, "embed", out, "--out", tmp_path / "z.npz")
    assert "bad.png" in refused(capsys, "evaluate", out)
    assert run(capsys, "evaluate", out, "--skip-bad")[0] == 0
    assert run(capsys, "embed", out, "--skip-bad", "--out", tmp_path / "new" / "z.npz")[0] == 0
    with np.load(tmp_path / "new" / "z.npz") as file:
        assert len(file["features"]) == 12
        assert set(file.files) == {"features", "names"}


def test_a_size_of_ones_own(photos, tmp_path, capsys):
    out = tmp_path / "run"
    made = ("train", "simclr", "--data", photos, "--split", "all", "--size", "8", "--out", out)
    assert run(capsys, *made, *TINY)[0] == 0
    assert run(capsys, "evaluate", out)[0] == 0
    line = refused(capsys, "evaluate", out, "--size", "16")
    assert "3 x 16 x 16 px where the run takes 3 x 8 x 8 px" in line
    assert "takes" in refused(capsys, "evaluate", out, "--data", "digits")


def test_devices_that_are_not_there(trained, tmp_path, capsys):
    for verb in ("evaluate", "embed", "report"):
        assert "device: 'abacus' cannot be used here" in refused(capsys, verb, trained, "--device", "abacus")
    made = ("train", "simclr", "--data", "digits", "--out", tmp_path / "x")
    assert "accelerator: 'abacus' is none of" in refused(capsys, *made, "--accelerator", "abacus")
    if not torch.cuda.is_available():
        assert "accelerator: there is no cuda here" in refused(capsys, *made, "--accelerator", "cuda")
    assert not (tmp_path / "x").exists()


def test_settings_and_places_that_cannot_be(trained, tmp_path, capsys):
    (tmp_path / "file").write_text("x")
    made = ("--data", "digits", *TINY)
    assert "views: 1" in refused(capsys, "train", "simclr", *made, "--views", "1", "--out", tmp_path / "x")
    assert "padding" in refused(capsys, "train", "rotation", *made, "--padding", "99", "--out", tmp_path / "x")
    assert "units: 0" in refused(capsys, "train", "deep_infomax", *made, "--units", "0", "--out", tmp_path / "x")
    assert "cannot be written" in refused(capsys, "train", "simclr", *made, "--out", tmp_path / "file" / "x")
    line = refused(capsys, "embed", trained, "--split", "test", "--out", tmp_path / "file" / "z.npz")
    assert "cannot be written" in line
    assert "points: 0" in refused(capsys, "report", trained, "--points", "0")
    assert "named twice" in refused(capsys, "evaluate", trained, trained)
    assert "runs: none given" in refused(capsys, "evaluate")


def test_configs_of_nonsense_are_named(trained, few_digits, tmp_path, capsys):
    config = json.loads((trained / "config.json").read_text())
    folder = tmp_path / "run"
    shutil.copytree(trained, folder)
    for change in ({"plan": {"epoch": 3}}, {"plan": 1}, {"data": None}, {"recipe": []}):
        (folder / "config.json").write_text(json.dumps({**config, **change}))
        for verb in ("resume", "report"):
            assert "config.json" in refused(capsys, verb, folder)
    (folder / "config.json").write_text("nonsense")
    assert "config.json: cannot be read" in refused(capsys, "evaluate", folder)
    (folder / "config.json").write_text(json.dumps({**config, "data": {}}))
    for verb in ("resume", "evaluate", "report"):
        assert "handed over in Python" in refused(capsys, verb, folder)
    # As runs.train writes it where a Python program names the data and no more.
    (folder / "config.json").write_text(json.dumps({**config, "data": {"name": "digits"}}))
    assert run(capsys, "resume", folder)[0] == 0
    out = tmp_path / "page.html"
    assert run(capsys, "report", folder, "--data", few_digits, "--split", "all", "--out", out)[0] == 0


@pytest.mark.slow
def test_ctrl_c_says_how_to_go_on_and_the_weights_are_the_same(tmp_path):
    arguments = ["train", "simclr", "--data", "digits", "--encoder", "dim32", "--epochs", "6", "--batch", "64"]
    command = [sys.executable, "-m", "mutua"]
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    subprocess.run([*command, *arguments, "--out", str(whole)], check=True, capture_output=True)
    process = subprocess.Popen(
        [*command, *arguments, "--log-every", "1", "--out", str(stopped)], stderr=subprocess.PIPE, text=True
    )
    while not (stopped / "metrics.csv").exists() or len((stopped / "metrics.csv").read_text().splitlines()) < 10:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate()
    assert process.returncode == 130
    assert f"go on with: mutua resume {stopped}" in errors
    subprocess.run([*command, "resume", str(stopped)], check=True, capture_output=True)
    one, two = load_file(whole / "encoder.safetensors"), load_file(stopped / "encoder.safetensors")
    assert all((one[name] == two[name]).all() for name in one)


@pytest.mark.slow
def test_killed_at_random_moments_and_resumed_the_weights_are_the_same(tmp_path):
    arguments = ["train", "rotation", "--data", "digits", "--encoder", "dim32", "--epochs", "4", "--batch", "64"]
    command = [sys.executable, "-m", "mutua"]
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    subprocess.run([*command, *arguments, "--out", str(whole)], check=True, capture_output=True)
    often = ["--log-every", "1", "--save-every", "0"]
    for steps in (5, 31, 64):
        started = (killed / "checkpoint.pt").exists()
        verb = ["resume", str(killed)] if started else [*arguments, *often, "--out", str(killed)]
        process = subprocess.Popen([*command, *verb], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        path = killed / "metrics.csv"
        while not path.exists() or len(path.read_text().splitlines()) < steps:
            assert process.poll() is None
            time.sleep(0.003)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    subprocess.run([*command, "resume", str(killed)], check=True, capture_output=True)
    one, two = load_file(whole / "encoder.safetensors"), load_file(killed / "encoder.safetensors")
    assert all((one[name] == two[name]).all() for name in one)


@pytest.mark.slow
def test_the_demo_beats_pixels_where_labels_are_few(tmp_path, capsys):
    code, out, _ = run(capsys, "demo", "--out", tmp_path / "demo")
    assert code == 0
    assert (tmp_path / "demo" / "report.html").exists()
    tables = json.loads((tmp_path / "demo" / "evaluation.json").read_text())
    few = {row[0]: row[3:] for row in tables[1]["rows"]}
    for mine, pixels, chance in zip(
        few["demo"], few["raw pixels"], few["random weights, BN calibrated"], strict=True
    ):
        if mine is few["demo"][-1]:
            continue  # with a hundred labels a class, digits are easy for all
        assert mine[0] > pixels[0] + 1
        assert mine[0] > chance[0] + 1
    assert "report.html" in out
    (tmp_path / "other").mkdir()
    assert "holds something else" in refused(capsys, "demo", "--out", tmp_path / "other")
