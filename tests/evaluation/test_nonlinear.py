"""Evidence without the truth: agreement, the comparison with a linear model, and what a report says."""

import numpy as np
import pytest

from mutua.evaluation import spearman
from mutua.evaluation.sources.evidence import (
    agreement,
    beats_linear,
    evidence,
    warn_unless_better,
)
from mutua.evaluation.sources.variability import variability_of_scales
from mutua.types import InputError


def test_runs_that_differ_by_order_sign_and_scale_agree():
    rng = np.random.default_rng(0)
    s = rng.laplace(size=(500, 3))
    found = agreement([s, -2 * s[:, [2, 0, 1]], s + 1])
    assert found.lowest == pytest.approx(1)
    np.testing.assert_allclose(found.matrix, 1)
    assert "same components" in found.words()[0]
    bent = agreement([s, s**3], spearman)
    assert bent.mean == pytest.approx(1)
    assert agreement([s, s**3]).mean < 0.95


def test_runs_that_found_other_components_do_not_agree():
    rng = np.random.default_rng(0)
    s, rotation = rng.laplace(size=(5000, 2)), np.array([[1, 1], [1, -1]]) / np.sqrt(2)
    found = agreement([s, s @ rotation, s])
    assert found.lowest == pytest.approx(np.sqrt(0.5), abs=0.03)
    assert found.mean == pytest.approx((1 + 2 * np.sqrt(0.5)) / 3, abs=0.03)
    assert "different components" in found.words()[0]
    for runs in ([s], [s, s[:10]]):
        with pytest.raises(InputError, match="runs: "):
            agreement(runs)


def test_the_comparison_says_better_worse_or_neither():
    rng = np.random.default_rng(0)
    linear = rng.normal(size=5000)
    noise = rng.normal(size=5000)
    better = beats_linear(linear + 0.2 + noise, linear)
    assert better.better
    assert better.low < 0.2 < better.high
    assert better.high - better.low == pytest.approx(2 * 1.96 / np.sqrt(5000), rel=0.15)
    assert "is better: +0.2" in better.words()[0]
    worse = beats_linear(linear - 0.2 + noise, linear)
    assert "worse than the linear one" in worse.words()[0]
    same = beats_linear(linear + noise - noise.mean(), linear)
    assert not same.better
    assert "isn't seen to be better" in same.words()[0]
    for found in (worse, same):
        with pytest.warns(UserWarning, match="LinearICA"):
            warn_unless_better(found)


def test_neighbours_that_hang_together_widen_the_interval():
    rng = np.random.default_rng(0)
    slow = np.repeat(rng.normal(size=100), 50)
    found = beats_linear(slow, np.zeros(5000))
    assert found.high - found.low > 1.5 * 2 * 1.96 * slow.std() / np.sqrt(5000)


def test_scores_that_cannot_be_compared_are_one_line():
    with pytest.raises(InputError, match="scores: 20 and 19 rows"):
        beats_linear(np.zeros(20), np.zeros(19))
    bad = np.zeros(20)
    bad[7] = -np.inf
    with pytest.raises(InputError, match="row 7"):
        beats_linear(bad, np.zeros(20))


def test_a_report_weighs_its_checks():
    rng = np.random.default_rng(0)
    u = np.repeat(np.arange(20), 200)
    s = rng.laplace(size=(4000, 2)) * np.exp(rng.uniform(-0.7, 0.7, (20, 2)))[u]
    good = evidence(
        "FlowICA",
        "Order and sign.",
        sources=2,
        variability=variability_of_scales(s, u),
        restarts=agreement([s, -s]),
        comparison=beats_linear(rng.normal(0.5, 1, 1000), np.zeros(1000)),
        settings={"segments": 20},
        words=["One more."],
    )
    assert good.words[0] == "All 3 checks made speak for the 2 components being the sources."
    assert [row[3] for row in good.tables[0].rows] == ["enough", "rich enough", "same components", "better"]
    assert good.words[-1] == "One more."
    assert good.settings == {"segments": 20}
    bad = evidence(
        "FlowICA",
        "Order and sign.",
        sources=2,
        variability=variability_of_scales(s, u),
        restarts=agreement([s, s @ np.array([[1, 1], [1, -1]])]),
        comparison=beats_linear(rng.normal(0, 1, 1000), np.zeros(1000)),
    )
    assert "2 of 3 checks made failed" in bad.words[0]
    found = evidence("VAE", "Nothing is known.", sources=2, identified=False, restarts=agreement([s, s]))
    assert "not identified" in found.words[0]
    assert "Left open by the theory: Nothing is known." in found.words
    assert [row[3] for row in evidence("TCL", "", sources=3).tables[0].rows] == ["not checked"] * 4
