"""The study of the future from the past, as small as it goes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mutua.studies import study
from mutua.studies.future.films import WINDOW, Film, judged
from mutua.studies.future.kept import _explained, _of_one_path
from mutua.types import InputError


@pytest.mark.slow
def test_it_runs_and_says_what_can_be_told_at_all():
    result = study("future").run(study("future").PRESETS["smoke"])
    tables = {table.title: table for table in result.tables}
    ceilings = {row[0]: row[2] for row in tables["The arrow of time"].rows}
    assert ceilings["elastic"] == 50
    assert 90 < ceilings["gravity"] < 100
    assert ceilings["friction"] == 100
    assert [row[1] for row in tables["The order of three frames"].rows] == [3, 6]
    assert all(row[2] > 30 for row in tables["The next frame"].rows)  # constant velocity
    assert next(row[0] for row in tables["What negatives keep and drop"].rows) == "untrained"
    assert any("Real films: none" in words for words in result.words)


def test_a_batch_of_one_path_is_all_of_it():
    rows = _of_one_path(np.repeat(np.arange(3), 4), 0)
    found = [next(rows).tolist() for _ in range(3)]
    assert sorted(found) == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11]]


def test_what_a_code_explains_is_held_out():
    rng = np.random.default_rng(0)
    x, z = rng.normal(size=(2, 500, 3))
    weights = rng.normal(size=(3, 2))
    assert _explained(x, x @ weights, z, z @ weights) > 0.99
    assert _explained(x, rng.normal(size=(500, 2)), z, rng.normal(size=(500, 2))) < 0.01


def test_the_codecs_clock_is_told_by_noise_alone():
    rng = np.random.default_rng(0)
    sawtooth = np.arange(120) % 12 / 12  # noise comes back after each key frame
    films = [
        Film(name, rng.integers(0, 256, (120, 1, 32, 32), dtype=np.uint8), sawtooth, np.arange(120) < 120 - WINDOW)
        for name in ("a", "b")
    ]
    rows = {row[1]: row for row in judged(films, 1, 1e-3, 0)}
    assert min(rows["noise energy of each frame"][2:5]) > 75


def test_unknown_choices_are_refused():
    with pytest.raises(InputError, match="negatives: none of these; choose of other clips"):
        study("future").run(replace(study("future").PRESETS["smoke"], negatives=("none of these",)))
    with pytest.raises(InputError, match="pictures: 'cats'; one of mnist, digits"):
        study("future").run(replace(study("future").PRESETS["smoke"], pictures="cats"))
