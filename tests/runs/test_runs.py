import json
import sys
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save, save_file
from torch import Generator, nn

import mutua
from mutua import runs
from mutua.data import from_array, joined, load
from mutua.encoders import image_spec
from mutua.evaluation import RANDOM, RAW, nats_learned
from mutua.runs.folder import CHECKPOINT, CONFIG, ENCODER, EXAMPLES, HEAD, telling
from mutua.training import Interrupted, Plan
from mutua.types import InputError, Table
from stopping_early import stop_after

RECIPE = runs.Recipe("simclr", "dim32", image_spec(1, 8), {"flip": 0.0})
PLAN = Plan(epochs=1, batch=64, accelerator="cpu", log_every=5)


@pytest.fixture(scope="module")
def digits():
    return load("digits").subset(range(200))


@pytest.fixture(scope="module")
def trained(tmp_path_factory, digits):
    run = tmp_path_factory.mktemp("runs") / "simclr"
    return run, runs.train(RECIPE, digits, PLAN, run)


def test_what_is_loaded_is_what_was_trained(trained, digits):
    run, method = trained
    encoder = mutua.load(run)
    images = digits.take(torch.arange(9))
    assert not encoder.training
    # Not bit for bit: training lays the weights out with channels last.
    assert torch.allclose(encoder(images), method.encode(images), atol=1e-5)
    assert torch.allclose(encoder(images.float() / 255), method.encode(images), atol=1e-4)
    assert torch.equal(mutua.load(run / ENCODER)(images), encoder(images))
    assert runs.recipe_of(run) == RECIPE


def test_the_folder_says_what_was_done(trained):
    run, _ = trained
    config = runs.config(run)
    assert runs.Recipe.read(json.dumps(config["recipe"]), "config") == RECIPE
    assert Plan(**config["plan"]) == PLAN
    assert config["data"]["examples"] == 200
    assert config["versions"]["mutua"]
    assert (run / "metrics.csv").read_text().startswith("step,")


def test_a_finished_run_is_not_overwritten(trained, digits):
    run, _ = trained
    before = (run / ENCODER).read_bytes()
    with pytest.raises(InputError, match="there is a run in it already"):
        runs.train(RECIPE, digits, PLAN, run)
    with pytest.raises(InputError, match="is a run of another recipe"):
        runs.train(runs.Recipe("rotation", "dim32", image_spec(1, 8)), digits, PLAN, run, resume=True)
    assert (run / ENCODER).read_bytes() == before


def test_a_run_that_failed_at_once_is_not_in_the_way(tmp_path, digits):
    with pytest.raises(InputError, match="data: 1 example"):
        runs.train(RECIPE, digits.subset([0]), PLAN, tmp_path)
    assert (tmp_path / CONFIG).exists()
    runs.train(RECIPE, digits, PLAN, tmp_path)


def test_a_module_of_the_users_own(tmp_path, digits):
    def network():
        return nn.Sequential(nn.Conv2d(1, 4, 3, 2), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten())

    recipe = runs.Recipe("simclr", runs.CUSTOM, image_spec(1, 8))
    method = runs.train(recipe, digits, PLAN, tmp_path, encoder=network())
    images = digits.take(torch.arange(5))
    assert torch.allclose(mutua.load(tmp_path, encoder=network())(images), method.encode(images), atol=1e-5)
    with pytest.raises(InputError, match="a module of your own; hand it back"):
        mutua.load(tmp_path)
    with pytest.raises(InputError, match=r"'3\.(weight|bias)' differs"):
        mutua.load(tmp_path, encoder=nn.Sequential(*network()[:3], nn.Conv2d(4, 4, 1), nn.Flatten()))


def test_runs_that_cannot_be_loaded(tmp_path, trained, digits):
    with pytest.raises(InputError, match="no such run"):
        mutua.load(tmp_path / "none")
    with pytest.raises(InputError, match=r"has no encoder\.safetensors; train it first"):
        mutua.load(tmp_path)
    (tmp_path / CHECKPOINT).write_bytes(b"")
    with pytest.raises(InputError, match="its training has not finished; go on with `mutua resume"):
        mutua.load(tmp_path)
    whole = (trained[0] / ENCODER).read_bytes()
    path = tmp_path / ENCODER
    for broken in (b"", b"nonsense", whole[:100], whole[: len(whole) // 2]):
        path.write_bytes(broken)
        with pytest.raises(InputError, match="cannot be read as safetensors"):
            mutua.load(tmp_path)
    save_file({"a": torch.zeros(2)}, path)
    with pytest.raises(InputError, match="was not made by mutua"):
        mutua.load(tmp_path)
    save_file({"a": torch.zeros(2)}, path, {"mutua": "{}"})
    with pytest.raises(InputError, match="holds no recipe of mutua"):
        mutua.load(tmp_path)
    for change in ({"channels": "x"}, {"encoder": 5}, {"settings": [1]}, {"size": None}, {"colour": 1}):
        save_file({"a": torch.zeros(2)}, path, {"mutua": json.dumps({**asdict(RECIPE), **change})})
        with pytest.raises(InputError, match="holds no recipe of mutua") as caught:
            mutua.load(tmp_path)
        assert "\n" not in str(caught.value)
    save_file({"a": torch.zeros(2)}, path, {"mutua": RECIPE.text()})
    with pytest.raises(InputError, match="is of another network"):
        mutua.load(tmp_path)
    weights = mutua.load(trained[0]).state_dict()
    weights["stages.Y.weight"] = torch.zeros(3, 1024)
    save_file(weights, path, {"mutua": RECIPE.text()})
    with pytest.raises(InputError, match=r"stages.Y.weight has shape \(3, 1024\) there and \(64, 1024\) here"):
        mutua.load(tmp_path)


@pytest.mark.parametrize(
    "content", ["", "[1]", "{}", '{"plan": 1}', '{"recipe": {}, "plan": {}, "data": [1]}', "\x00"]
)
def test_configs_of_nonsense(tmp_path, content):
    (tmp_path / CONFIG).write_text(content)
    with pytest.raises(InputError, match=r"config\.json: "):
        runs.config(tmp_path)


def test_images_must_be_what_the_recipe_says(tmp_path):
    wide = from_array(np.zeros((4, 8, 10), np.uint8))
    with pytest.raises(InputError, match=r"data: 1 x 8 x 10 px where the run takes 1 x 8 x 8 px; .* --size 8"):
        runs.train(RECIPE, wide, PLAN, tmp_path)


def test_judging_puts_the_controls_first(trained, digits):
    run, _ = trained
    tables = runs.judge([run], digits, load("digits", "test").subset(range(60)), labels_per_class=(1,), draws=2)
    assert [row[0] for row in tables[0].rows] == ["raw pixels", "random weights, BN calibrated", "simclr"]
    assert {row[0] for row in tables[1].rows} == {"raw pixels", "random weights, BN calibrated", "simclr"}
    assert "batch norms set by one pass" in tables[0].note
    runs.write_tables(run, tables)
    again = runs.read_tables(run)
    assert [table.title for table in again] == [table.title for table in tables]
    assert json.dumps(again[0].rows) == json.dumps(tables[0].rows)


def test_judging_without_labels_and_with_supervision(trained, digits):
    run, _ = trained
    bare = from_array(np.asarray(digits.pixels))
    tables = runs.judge([run], bare, bare)
    assert tables[0].title == "Features without labels"
    assert [row[0] for row in tables[0].rows] == ["raw pixels", "random weights, BN calibrated", "simclr"]
    few = digits.subset(range(60))
    plan = Plan(epochs=1, batch=32, accelerator="cpu")
    tables = runs.judge([run], few, few, probes=("knn",), with_supervision=True, supervised_plan=plan)
    assert tables[0].rows[-1][0] == "full supervision"
    other = from_array(np.zeros((4, 16, 16), np.uint8))
    with pytest.raises(InputError, match="1 x 16 x 16 px where the run takes 1 x 8 x 8 px"):
        runs.judge([run], other, other)


def test_tables_of_nonsense(tmp_path):
    assert runs.read_tables(tmp_path) == []
    (tmp_path / runs.EVALUATION).write_text('[{"title": 1}]')
    with pytest.raises(InputError, match="holds no tables of mutua"):
        runs.read_tables(tmp_path)
    (tmp_path / runs.EVALUATION).write_text('[{"title": "t", "columns": ["a", "b"], "rows": [[1]]}]')
    with pytest.raises(InputError, match="holds no tables of mutua"):
        runs.read_tables(tmp_path)
    runs.write_tables(tmp_path, [Table("t", ["a"], [[1]])])
    assert runs.read_tables(tmp_path)[0].rows == [[1]]


def test_onnx_gives_the_same_features(trained, tmp_path, digits):
    runtime = pytest.importorskip("onnxruntime")
    run, _ = trained
    path = tmp_path / "encoder.onnx"
    encoder = mutua.load(run)
    runs.to_onnx(encoder, path, image_spec(1, 8))
    assert [p.name for p in tmp_path.iterdir()] == ["encoder.onnx"]
    session = runtime.InferenceSession(path)
    for n in (1, 5):
        images = torch.rand(n, 1, 8, 8, generator=Generator().manual_seed(n))
        (got,) = session.run(["features"], {"images": images.numpy()})
        np.testing.assert_allclose(got, encoder(images).detach().numpy(), atol=1e-4)


def test_onnx_that_cannot_be_written(trained, tmp_path, monkeypatch):
    encoder = mutua.load(trained[0])
    with pytest.raises(InputError, match="there is no folder"):
        runs.to_onnx(encoder, tmp_path / "none" / "x.onnx", image_spec(1, 8))
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with pytest.raises(InputError, match="pip install onnx onnxscript"):
        runs.to_onnx(encoder, tmp_path / "x.onnx", image_spec(1, 8))


def test_a_plan_of_another_version(tmp_path, trained):
    config = runs.config(trained[0])
    assert runs.plan_of(trained[0]) == PLAN
    config["plan"]["warmth"] = 3
    (tmp_path / CONFIG).write_text(json.dumps(config))
    with pytest.raises(InputError, match=r"config\.json: holds no plan of mutua .*'warmth'"):
        runs.plan_of(tmp_path)


def test_a_folder_that_cannot_be_made(tmp_path, digits):
    (tmp_path / "file").write_text("x")
    for folder in (tmp_path / "file", tmp_path / "file" / "run"):
        with pytest.raises(InputError, match="cannot be written"):
            runs.train(RECIPE, digits, PLAN, folder)


def test_a_run_is_judged_once_and_under_its_own_name(trained, digits, monkeypatch):
    run, _ = trained
    bare = from_array(np.asarray(digits.pixels[:60]))
    with pytest.raises(InputError, match="runs: one is named twice"):
        runs.judge([run, run], bare, bare)
    monkeypatch.chdir(run)
    assert runs.judge([Path()], bare, bare)[0].rows[-1][0] == "simclr"
    assert runs.judge([Path(ENCODER)], bare, bare)[0].rows[-1][0] == "simclr"


def test_runs_side_by_side_with_their_folders_where_names_are_the_same(trained, digits, tmp_path):
    run, method = trained
    twin = tmp_path / run.name
    twin.mkdir()
    runs.keep(twin / ENCODER, method, RECIPE)
    bare = from_array(np.asarray(digits.pixels[:60]))
    assert [row[0] for row in runs.judge([run, twin], bare, bare)[0].rows[-2:]] == [str(run), str(twin)]


def test_the_view_of_a_method():
    assert runs.view_of(RECIPE) is not None
    assert runs.view_of(runs.Recipe("rotation", "dim32", image_spec(1, 8))) is not None
    assert runs.view_of(runs.Recipe("deep_infomax", "dim32", image_spec(1, 8), {"units": 8})) is None


def test_stopped_and_resumed_it_ends_with_the_same_encoder(tmp_path, digits, monkeypatch):
    plan = Plan(epochs=2, batch=64, accelerator="cpu", log_every=1, ema=0.9)
    runs.train(RECIPE, digits, plan, tmp_path / "whole")
    with monkeypatch.context() as patched:
        stop_after(patched, 2)
        with pytest.raises(Interrupted):
            runs.train(RECIPE, digits, plan, tmp_path / "stopped")
    with pytest.raises(InputError, match="go on with `mutua resume"):
        mutua.load(tmp_path / "stopped")
    with pytest.raises(InputError, match="there is a run in it already"):
        runs.train(RECIPE, digits, plan, tmp_path / "stopped")
    with pytest.raises(InputError, match="is of lr"):
        runs.train(RECIPE, digits, replace(plan, lr=5e-4), tmp_path / "stopped", resume=True)
    runs.train(RECIPE, digits, plan, tmp_path / "stopped", resume=True)
    one, two = (load_file(tmp_path / name / ENCODER) for name in ("whole", "stopped"))
    assert all(torch.equal(one[name], two[name]) for name in one)
    metrics = [(tmp_path / name / "metrics.csv").read_text().splitlines() for name in ("whole", "stopped")]
    assert [line.split(",")[0] for line in metrics[0]] == [line.split(",")[0] for line in metrics[1]]


def test_other_data_than_before_are_refused(tmp_path, digits, monkeypatch):
    run = tmp_path / "run"
    plan = Plan(epochs=2, batch=64, accelerator="cpu")
    with monkeypatch.context() as patched:
        stop_after(patched, 2)
        with pytest.raises(Interrupted):
            runs.train(RECIPE, digits, plan, run)
    assert runs.config(run)["data"]["fingerprint"] == digits.fingerprint
    pixels = np.array(digits.pixels)
    pixels[7:50] = 0
    with pytest.raises(
        InputError, match=r"its data have changed, 43 changed \(first row 7\); resume with the data"
    ):
        runs.train(RECIPE, replace(digits, pixels=pixels), plan, run, resume=True)
    with pytest.raises(InputError, match=r"its data have changed, 150 examples where 200 were"):
        runs.train(RECIPE, digits.subset(range(150)), plan, run, resume=True)
    (run / EXAMPLES).write_text("[]")
    with pytest.raises(InputError, match=r"examples\.json: cannot be read .*; remove it"):
        runs.train(RECIPE, digits, plan, run, resume=True)
    (run / EXAMPLES).unlink()
    with (
        pytest.warns(UserWarning, match="does not say which data it learned from"),
        pytest.raises(InputError, match=r"checkpoint\.pt: is of other data than these; resume with those"),
    ):
        runs.train(RECIPE, replace(digits, pixels=pixels), plan, run, resume=True)
    before = torch.load(run / CHECKPOINT, weights_only=True)
    before["about"].pop("data")  # as earlier versions wrote it
    torch.save(before, run / CHECKPOINT)
    with pytest.warns(UserWarning, match="does not say which data it learned from"):
        runs.train(RECIPE, digits, plan, run, resume=True)
    mutua.load(run)


def test_judging_says_what_was_learned_from(trained, digits):
    run, _ = trained
    apart = load("digits", "test").subset(range(40))
    both = joined(digits.subset(range(30)), apart)
    options = {"probes": ("knn",)}
    words = "30 of the 70 images tested on are among those simclr learned from."
    assert words in runs.judge([run], digits, both, **options)[0].note
    assert "learned from" not in runs.judge([run], digits, apart, **options)[0].note


def test_what_a_task_taught_stands_beside_the_accuracy(tmp_path, digits):
    recipe = runs.Recipe("rotation", "dim32", image_spec(1, 8))
    method = runs.train(recipe, digits, replace(PLAN, lr=3e-3, epochs=3), tmp_path / "rotation")
    runs.train(RECIPE, digits, PLAN, tmp_path / "simclr")
    held_out = load("digits", "test").subset(range(60))
    learned = nats_learned(method, held_out)
    folders = [tmp_path / "rotation", tmp_path / "simclr"]
    accuracy, *others = runs.judge(folders, digits, held_out, probes=("knn",))
    nats = {row["encoder"]: row["nats learned"] for row in accuracy.records()}
    assert nats["rotation"] == pytest.approx(learned.nats, abs=1e-4)
    assert [name for name, value in nats.items() if value is None] == [RAW, RANDOM, "simclr"]
    (told,) = (table for table in others if table.title == "Nats learned")
    assert told.records()[0]["of at most"] == pytest.approx(np.log(4))
    assert len(told.rows) == 1
    # Without labels too; and not where the head is gone, as of runs of before.
    unlabelled = replace(held_out, labels=None)
    assert runs.judge(folders[:1], unlabelled, unlabelled)[0].rows == told.rows
    (tmp_path / "rotation" / HEAD).unlink()
    titles = [table.title for table in runs.judge(folders[:1], unlabelled, unlabelled)]
    assert "Nats learned" not in titles
    assert not (tmp_path / "simclr" / HEAD).exists()


def test_a_head_that_cannot_be_read_is_named(tmp_path, digits):
    recipe = runs.Recipe("rotation", "dim32", image_spec(1, 8))
    runs.train(recipe, digits, PLAN, tmp_path)
    encoder = runs.load(tmp_path)
    for content, said in (
        (b"", "cannot be read as safetensors"),
        (save({"a": torch.zeros(2)}), "another network"),
    ):
        (tmp_path / "head.safetensors").write_bytes(content)
        with pytest.raises(InputError, match=rf"head\.safetensors: .*{said}"):
            telling(tmp_path, encoder)
