"""The study of pretext tasks: rows at two budgets beside their controls, kept as they finish."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mutua import runs
from mutua.studies import pretext
from mutua.studies.pretext import PRESETS, run
from mutua.studies.pretext.tables import tables, words
from mutua.types import InputError, Spec


@pytest.fixture
def config(tmp_path):
    small = replace(PRESETS["smoke"], tasks=("rotation", "colorization"), examples=60, tests=40, probes=("knn",))
    return replace(small, folder=str(tmp_path))


def test_rows_are_trained_at_both_budgets_beside_controls_and_kept(config, monkeypatch):
    result = run(config)
    own, best, every = result.tables
    assert [row["row"] for row in best.records()] == [
        "raw pixels",
        "untrained",
        *(f"{name}, equal {by}" for name in ("rotation", "supervised") for by in ("images", "time")),
    ]
    rotation = own.records()[0]
    assert rotation["of at most"] == pytest.approx(1.386, abs=0.001)
    assert rotation["nats learned"] < rotation["of at most"]
    assert {row["depth"] for row in every.records()} > {"conv", "fc", "Y"}
    assert any("colorization was not trained: data: learning colours needs RGB" in line for line in result.words)
    assert len(result.figures) == 1

    def never(*args):
        raise AssertionError(f"measured again: {args}")

    monkeypatch.setattr(pretext, "_trained", never)
    assert run(replace(config, tasks=("rotation",))).tables[1] == best


def record(linear, held, **more):
    return {"depths": {d: {"linear": [h, v]} for d, v, h in zip("ab", linear, held, strict=True)}, **more}


def test_depths_are_chosen_on_held_out_images_and_differences_have_errors():
    rows = {
        "untrained": [record((40.0, 90.0), (50.0, 10.0), tests=2500)],
        "up, equal time": [record((44.0, 20.0), (60.0, 70.0), tests=0)],
        "far, equal time": [record((48.0, 20.0), (60.0, 10.0), tests=0)],
    }
    said = words({"d": rows}, ["cifar10"])
    assert said[0].startswith("d: the untrained network has 40.0 %")
    assert "Above it by two standard errors: far, equal time +8.0." in said[0]
    assert "below it: up, equal time -20.0" in said[1]
    assert said[-1].startswith("cifar10 is not on this machine")
    table = tables({"encoder": "e", "examples": 0, "batch": 1, "rate": 0.1, "seconds": 1}, {"d": rows})[1]
    assert table.records()[1]["error"] == pytest.approx(100 * ((0.4 * 0.6 + 0.2 * 0.8) / 2500) ** 0.5)


def test_wrong_settings_are_named_before_anything_is_trained(config):
    with pytest.raises(InputError, match="tasks: flying is none of"):
        run(replace(config, tasks=("flying",)))
    with pytest.raises(InputError, match="probes: none is none of"):
        run(replace(config, probes=()))
    with pytest.raises(InputError, match="seeds, epochs, seconds"):
        run(replace(config, seconds=0.0))
    with pytest.raises(InputError, match="examples: 7 is too few"):
        run(replace(config, examples=7))


@pytest.mark.parametrize("size", [32, 64])
def test_every_task_composes_with_the_presets_network(size):
    for name, task in pretext.TASKS.items():
        spec = Spec("image", (3, size, size), "uint8")
        runs.compose(runs.Recipe(name, "dim32" + task.variant, spec, dict(task.settings)))
