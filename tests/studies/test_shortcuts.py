"""The study of shortcuts: its page, its controls, planted cues that are really there, and tiles from anywhere."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Generator

from mutua.studies.shortcuts import COUNTERS, OFF, PRESETS, run
from mutua.studies.shortcuts.tasks import Anywhere, Images, composed, learn, own_place
from mutua.studies.shortcuts.worlds import CUES, SIDE
from mutua.types import InputError
from mutua.views import Tiles


@pytest.fixture(scope="module")
def result():
    return run(replace(PRESETS["smoke"], steps=1, planted_steps=1))


def test_the_page_has_every_counter_measure_and_the_controls(result):
    ablation, alone, planted = result.tables
    rows = ablation.records()
    assert [row["counter-measures"] for row in rows[:3]] == [
        "raw pixels",
        "untrained network",
        "supervised, as many steps",
    ]
    for task in COUNTERS:
        own = [row for row in rows if row["task"] == task]
        assert {row["counter-measures"] for row in own} >= set(OFF) - {"not shrunk"}
        assert all(row["nats learned"] < row["of at most"] for row in own)
    assert "not shrunk" not in {row["counter-measures"] for row in rows if row["task"] == "jigsaw"}
    most = {(row["task"], round(row["of at most"], 3)) for row in rows[3:]}
    assert most == {("jigsaw", 4.277), ("jigsaw", 2.485), ("relative_position", 2.059)}
    assert len(alone.rows) == 4
    assert len(planted.rows) == 2 * len(CUES)
    assert len(result.figures) == 3
    assert all(figure.startswith("<svg") for figure in result.figures.values())
    assert result.settings["source"] == "generated spots of light"


def test_content_from_anywhere_keeps_the_phase():
    settings = {"side": 3, "cell": 10, "tile": 8, "jitter": 2, "source": (30, 30)}
    plain = Tiles(**settings).draw(200, (3, 32, 32), Generator().manual_seed(0))["place"]
    moved = Anywhere(**settings).draw(200, (3, 32, 32), Generator().manual_seed(0))["place"]
    assert torch.equal(plain % 8, moved % 8)
    assert moved.min() >= 0
    assert moved.max() <= 24
    # The first cell's tiles begin at 0 to 4 of 32 where they are; from anywhere, all over.
    assert plain[:, 0].max() <= 4
    assert len(moved[:, 0].unique()) > 15


def cell_means(images):
    return images.float().mean(1).unflatten(1, (8, 8)).unflatten(3, (8, 8)).mean((2, 4))


@pytest.mark.parametrize("name", CUES)
def test_what_is_planted_is_there_and_nothing_else(name):
    images = CUES[name].make(300, Generator().manual_seed(0))
    assert images.shape == (300, 3, SIDE, SIDE)
    assert images.dtype == torch.uint8
    grey = images.float().mean(1)
    neighbours = (images[..., 1:].float() * images[..., :-1].float()).mean() - grey.mean() ** 2
    correlated = float(neighbours / grey.var())
    assert (correlated > 0.5) == (name in ("edges go on", "chromatic shift"))
    spread = cell_means(images).mean(0).std()
    assert (float(spread) > 10) == (name == "brightness by place")
    apart = (images[:, 0] != images[:, 2]).any()
    assert bool(apart) == (name == "chromatic shift")
    lines = grey.mean((0, 1))
    on_edge = lines[torch.arange(SIDE) % 8 == 0].mean() - lines[torch.arange(SIDE) % 8 != 0].mean()
    assert (float(on_edge) > 10) == (name == "blocks of 8 px")


def test_a_planted_cue_is_seen_by_one_tile_and_standardising_hides_it():
    images = CUES["brightness by place"].make(400, Generator().manual_seed(0))
    train, test = Images(images[:300]), Images(images[300:])
    found = {}
    for standardise in (False, True):
        settings = {"cell": 20, "tile": 8, "jitter": 0, "grey": 0.0, "shift": 0, "standardise": standardise}
        method = own_place(composed("jigsaw", SIDE, settings, 4, 0), 4, False, 0)
        found[standardise] = learn(method, train, test, 40, 32, 3e-3, 0).learned
    assert found[False].nats > 0.5
    assert found[True].nats < 0.05


def test_data_that_are_too_few_are_refused():
    with pytest.raises(InputError, match=r"digits: .*|data: digits are 1 x 8 x 8 px; give RGB images of 32 px"):
        run(replace(PRESETS["smoke"], data="digits"))
    assert np.isfinite(PRESETS["cpu"].rate)
