"""The variability condition: its size where a direction is not modulated, and its power where all are."""

import numpy as np
import pytest

from mutua.evaluation.sources.variability import binned, variability_of_means, variability_of_scales
from mutua.types import InputError


def drawn(modulation, rows=200, seed=0):
    rng = np.random.default_rng(seed)
    u = np.repeat(np.arange(len(modulation)), rows)
    return rng.laplace(size=(len(u), modulation.shape[1])) * np.exp(modulation[u]), u


def modulated(seed=0, segments=40, d=4):
    return np.random.default_rng([seed, 1]).uniform(-0.7, 0.7, (segments, d))


def test_rich_modulation_is_seen_and_its_size_is_right():
    modulation = modulated()
    found = variability_of_scales(*drawn(modulation))
    assert found.met
    assert found.p_value < 0.01
    assert found.segments == 40
    assert found.needed == 5
    expected = np.linalg.svd(modulation - modulation.mean(0), compute_uv=False) / np.sqrt(40)
    np.testing.assert_allclose(found.singular, expected, rtol=0.1)
    assert "in all directions" in found.words()[0]


def lacking_one(modulation):
    modulation[:, 2] = 0.3
    return modulation


def lacking_a_difference(modulation):
    modulation[:, 2] = modulation[:, 1]
    return modulation


def common_to_all(modulation):
    modulation[:] = modulation[:, :1]
    return modulation


@pytest.mark.parametrize(
    ("lacking", "named"), [(lacking_one, "2"), (lacking_a_difference, "1, 2"), (common_to_all, "0")]
)
def test_a_direction_without_modulation_passes_no_oftener_than_one_in_twenty(lacking, named):
    found = [variability_of_scales(*drawn(lacking(modulated(seed, 20)), 100, seed)) for seed in range(50)]
    assert sum(one.met for one in found) <= 7  # 50 draws at 1 in 20: more has a chance of half a percent
    words = [one.words()[0] for one in found if not one.met]
    if lacking is not common_to_all:
        assert np.mean([f"components {named}," in told for told in words]) > 0.8


def test_runs_of_rows_keep_a_recording_from_looking_modulated():
    # Slow amplitude without any segments' help: rows one by one would take it for modulation.
    rng = np.random.default_rng(0)
    s = rng.laplace(size=(4000, 2))
    found = variability_of_scales(s, np.repeat(np.arange(20), 200))
    assert not found.met


def test_too_few_segments_are_said():
    found = variability_of_scales(*drawn(modulated(segments=3)))
    assert not found.met
    assert "There are 3 segments" in found.words()[0]
    assert "at least 5" in found.words()[0]


def test_means_of_features_are_judged_too():
    s, u = drawn(modulated())
    assert variability_of_means(np.abs(s), u).met
    # The means of the sources themselves are not modulated.
    assert not variability_of_means(s, u).met


def test_order_of_rows_and_scale_of_sources_are_nothing():
    s, u = drawn(modulated())
    scaled = variability_of_scales(s * [1, 10, 100, 0.001] + 5, u)
    np.testing.assert_allclose(scaled.singular, variability_of_scales(s, u).singular, rtol=1e-6)


def test_vectors_are_cut_by_their_first_direction():
    t = np.linspace(0, 1, 100)
    index = binned(np.stack([3 * t, -t], 1), 10)
    assert np.bincount(index).tolist() == [10] * 10
    assert (np.diff(index) >= 0).all() or (np.diff(index) <= 0).all()
    with pytest.raises(InputError, match="segments: 0"):
        binned(t[:, None], 0)


def test_bad_input_is_one_line():
    s, u = drawn(modulated())
    with pytest.raises(InputError, match="index: 3 values for 8000 rows"):
        variability_of_scales(s, u[:3])
    with pytest.raises(InputError, match="index: segment 1 has 2 rows"):
        variability_of_scales(s[:12], np.array([0] * 10 + [1] * 2))
    with pytest.raises(InputError, match="sources: column 1 is constant"):
        variability_of_scales(np.stack([s[:, 0], np.ones(len(s))], 1), u)


def test_a_source_that_stands_still_in_a_segment_is_named() -> None:
    s, u = drawn(modulated())
    s[u == 2, 1] = 0.7
    with pytest.raises(InputError, match="column 1 is constant in segment 2"):
        variability_of_scales(s, u)
