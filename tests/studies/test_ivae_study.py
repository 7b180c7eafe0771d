"""The studies ivae and identifiability at a size that runs in seconds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mutua.studies import study
from mutua.studies.nonlinear import identifiability, ivae
from mutua.types import InputError


def test_ivae_study_has_all_rows_and_tables() -> None:
    config = replace(
        ivae.PRESETS["cpu"], segments=6, per_segment=60, d=2, layers=2, steps=15, grid_sizes=(30,), grid_steps=5
    )
    result = ivae.run(config)
    main, grid = result.tables
    names = [row[0] for row in main.rows]
    assert names == ["raw x", "PCA", "FastICA", "LinearICA", "VAE", "beta-VAE", "IVAE, u withheld", "IVAE, with u"]
    assert all(0 <= row[1] <= 1 for row in main.rows)
    assert {row[2] for row in grid.rows} >= {"raw x", "IVAE, u withheld"}
    assert all(0 <= row[6] <= 1 for row in grid.rows)
    assert len(result.figures) == 1
    with pytest.raises(InputError, match="data_sets"):
        ivae.run(replace(config, data_sets=0))


def test_identifiability_study_compares_runs_with_each_other_and_the_truth() -> None:
    config = replace(
        identifiability.PRESETS["cpu"], runs=2, segments=8, per_segment=60, d=2, steps=15, contrast_steps=20
    )
    result = identifiability.run(config)
    rows = result.tables[0].records()
    assert [row["model"] for row in rows] == list(identifiability.MODELS)
    assert all(0 <= row["agreement"] <= 1 and 0 <= row["with truth"] <= 1 for row in rows)
    assert "<svg" in next(iter(result.figures.values()))
    with pytest.raises(InputError, match="runs"):
        identifiability.run(replace(config, runs=1))


def test_the_matrix_with_the_truth_is_symmetric() -> None:
    whole = identifiability._with_truth(np.array([[1.0, 0.5], [0.5, 1.0]]), [0.9, 0.4])
    np.testing.assert_array_equal(whole, whole.T)
    assert whole[-1].tolist() == [0.9, 0.4, 1.0]


@pytest.mark.parametrize("name", ["ivae", "identifiability"])
def test_both_are_listed_with_presets(name: str) -> None:
    assert set(study(name).PRESETS) == {"cpu", "full"}
