"""Recipes: read as release 0.1 wrote them, refused where they are newer; what doesn't go together is one line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

import mutua
from mutua import runs
from mutua.cli.reading import examples_of
from mutua.data import KINDS, Held
from mutua.encoders import ENCODERS, image_spec
from mutua.methods import METHODS
from mutua.types import InputError

OLD = Path(__file__).parent / "release_0_1"
"""Of a run by commit 9591836: its config, and the recipe in its encoder's file."""


def old_run(folder: Path) -> Path:
    """That run's folder, its weights made anew: nothing but their names and shapes is of interest."""
    encoder = ENCODERS["dim32"].build(image_spec(1, 8))
    save_file(encoder.state_dict(), folder / "encoder.safetensors", {"mutua": (OLD / "recipe.json").read_text()})
    (folder / "config.json").write_text((OLD / "config.json").read_text())
    return folder


def test_a_run_of_release_0_1_is_read(tmp_path: Path) -> None:
    run = old_run(tmp_path)
    recipe = runs.recipe_of(run)
    assert recipe == runs.Recipe("simclr", "dim32", image_spec(1, 8), {"flip": 0.0, "temperature": 0.2}, 3)
    assert runs.Recipe.read(json.dumps(runs.config(run)["recipe"]), "config") == recipe
    test = examples_of(run, None, "test")
    assert (len(test), test.spec) == (449, image_spec(1, 8))
    assert mutua.load(run)(test.take(torch.arange(3))).shape == (3, 64)
    tables = runs.judge([run], examples_of(run, None, "train"), test, probes=("knn",))
    assert tables[0].rows[0][0] == "raw pixels"


def test_a_recipe_comes_back_and_a_newer_one_is_refused() -> None:
    for kind in KINDS.values():
        recipe = runs.Recipe("simclr", "mlp", kind.small, {"width": 8}, 4)
        assert runs.Recipe.read(recipe.text(), "here") == recipe
    newer = json.dumps({**recipe.plain(), "format": 3})
    with pytest.raises(InputError, match="here: is of format 3, and this version reads up to 2; update mutua"):
        runs.Recipe.read(newer, "here")
    for broken in (
        {"format": 1, "method": "simclr", "encoder": "dim32"},
        {**recipe.plain(), "spec": {"kind": "x"}},
    ):
        with pytest.raises(InputError, match="here: holds no recipe of mutua"):
            runs.Recipe.read(json.dumps(broken), "here")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("method", METHODS)
def test_every_method_encoder_and_data_that_do_not_go_together_are_one_line(method: str, kind: str) -> None:
    spec = KINDS[kind].small
    for encoder, network in ENCODERS.items():
        recipe = runs.Recipe(method, encoder, spec, METHODS[method].small)
        if kind in METHODS[method].takes and kind in network.takes:
            continue  # tests/methods composes and trains these
        with pytest.raises(InputError) as caught:
            runs.compose(recipe)
        said = str(caught.value)
        assert "\n" not in said
        assert kind in said
        assert (method if kind not in METHODS[method].takes else encoder) in said


@pytest.mark.parametrize("kind", KINDS)
def test_data_of_another_kind_or_shape_than_the_run_s_are_one_line(kind: str) -> None:
    spec = KINDS[kind].small
    recipe = runs.Recipe("simclr", "dim32", spec)

    def examples(other: str) -> Held:
        x = KINDS[other].sample(KINDS[other].small, 2, torch.Generator().manual_seed(0))
        return Held(KINDS[other].small, values=x.numpy())

    runs.check_fit(recipe, examples(kind), "here")
    for other in KINDS:
        if other != kind:
            with pytest.raises(InputError, match=f"here: the run takes {KINDS[kind].plural}, and these are"):
                runs.check_fit(recipe, examples(other), "here")
    larger = runs.Recipe(
        "simclr", "dim32", type(spec)(kind, (spec.shape[0] + 1, *spec.shape[1:]), spec.dtype, spec.rate)
    )
    with pytest.raises(InputError, match=r"here: .* where the run takes") as caught:
        runs.check_fit(larger, examples(kind), "here")
    assert "\n" not in str(caught.value)


def test_channels_and_size_of_before_are_a_spec_with_a_warning() -> None:
    with pytest.warns(DeprecationWarning, match=r"spec=encoders.image_spec\(3, 32\)"):
        found = runs.Recipe(method="simclr", encoder="dim32", channels=3, size=32)
    assert found == runs.Recipe("simclr", "dim32", image_spec(3, 32))
    assert "channels" not in found.plain()
    for given in ({}, {"channels": 3}, {"spec": image_spec(3, 32), "size": 32}):
        with pytest.raises(InputError, match=r"^spec: "):
            runs.Recipe("simclr", "dim32", **given)


def test_rows_of_a_users_own_need_a_shape_or_a_spec() -> None:
    class Rows:
        shape: tuple[int, ...] = (8, 3, 32, 32)

    recipe = runs.Recipe("simclr", "dim32", image_spec(3, 32))
    runs.check_fit(recipe, Rows(), "data")
    Rows.shape = (8, 3, 16, 16)
    with pytest.raises(InputError, match="data: 3 x 16 x 16 px where the run takes 3 x 32 x 32"):
        runs.check_fit(recipe, Rows(), "data")
    Rows.shape = (8, 3)
    with pytest.raises(InputError, match="data: Rows doesn't say what one example is"):
        runs.check_fit(recipe, Rows(), "data")
