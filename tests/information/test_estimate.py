"""The one call: right on known distributions, honest under independence, clear about what it can't use."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.stats import kstest
from sklearn.base import clone

import mutua
from mutua.data.known import known
from mutua.information import MutualInformation, mutual_information
from mutua.types import InputError


def quick(name: str, n: int, seed: int = 0) -> tuple[float, Any]:
    pair = known(name)
    return pair.information, mutual_information(*pair.sample(n, seed), effort="quick")


@pytest.mark.parametrize(
    ("name", "n", "within"),
    [
        ("1v1-normal-0.75", 1000, 0.05),
        pytest.param("1v1-additive-0.1", 2000, 0.09, marks=pytest.mark.slow),
        pytest.param("1v1-X-0.9", 2000, 0.06, marks=pytest.mark.slow),
        ("discrete-3-3", 1000, 0.06),
        ("labelled-5", 2000, 0.08),
        pytest.param("student-identity-2-2-1", 2000, 0.08, marks=pytest.mark.slow),
        pytest.param("spiral-multinormal-sparse-3-3-2-2.0", 3000, 0.15, marks=pytest.mark.slow),
        ("gaussian-20-6", 2000, 0.5),
        ("mixed_cubic-gaussian-20-2", 2000, 0.2),
        pytest.param("gaussian-1-5", 1000, 0.2, marks=pytest.mark.slow),
    ],
)
def test_known_distributions(name: str, n: int, within: float) -> None:
    truth, result = quick(name, n)
    assert abs(result.value - truth) < within
    assert result.lower < truth
    assert result.p_value <= 0.005
    assert result.interval[0] < result.value < result.interval[1]


def test_the_same_under_monotone_maps(hurried: None) -> None:
    x, y = known("1v1-normal-0.75").sample(400, 0)
    first = mutual_information(x, y, effort="quick")
    assert mutual_information(np.exp(x), 5 - y**3, effort="quick").value == pytest.approx(first.value, abs=0.04)
    assert mutual_information(np.exp(x), y, effort="quick") == first


@pytest.mark.slow
def test_independence() -> None:
    _independence(draws=60, permutations=999)


def test_independence_of_hurried_estimates(hurried: None) -> None:
    """The test against independence and the certificate hold for any critic, a poor one too."""
    _independence(draws=40, permutations=99)


def _independence(draws: int, permutations: int) -> None:
    rng = np.random.default_rng(0)
    results = [
        mutual_information(
            rng.normal(size=(300, 2)),
            rng.standard_t(1, size=(300, 2)),
            effort="quick",
            seed=seed,
            permutations=permutations,
        )
        for seed in range(draws)
    ]
    assert kstest([one.p_value for one in results], "uniform").pvalue > 0.01
    assert np.mean([one.interval[0] == 0 for one in results]) > 0.9
    assert np.mean([one.value for one in results]) < 0.03
    assert np.mean([one.lower > 0 for one in results]) < 0.15


def test_what_the_result_says(hurried: None) -> None:
    _, result = quick("1v1-normal-0.75", 500)
    assert result.bits == pytest.approx(result.value / math.log(2))
    assert result.correlation == pytest.approx(0.75, abs=0.07)
    assert json.loads(json.dumps(result.as_dict()))["n"] == 500
    assert "nats" in str(result)
    assert "against independence" in str(result)
    assert repr(result) == str(result)
    assert "<td>" in result._repr_html_()


def test_the_class_is_the_function(hurried: None) -> None:
    x, y = known("discrete-3-3").sample(300, 0)
    model = MutualInformation(effort="quick", permutations=99)
    assert clone(model).get_params() == model.get_params()
    assert model.fit(x, y).result_ == mutual_information(x, y, effort="quick", permutations=99)
    assert model.value_ == model.result_.value
    assert mutua.mutual_information is mutual_information


def test_containers_do_not_matter(hurried: None) -> None:
    x, y = known("labelled-5").sample(300, 0)
    wanted = mutual_information(x, y, effort="quick", permutations=19)
    for a, b in (
        (torch.tensor(x), torch.tensor(y)),
        (pd.DataFrame(x), pd.DataFrame(y)),
        (x[:, 0].tolist(), y.tolist()),
    ):
        assert mutual_information(a, b, effort="quick", permutations=19).value == wanted.value


def test_a_deterministic_relation_is_infinite_and_says_so() -> None:
    x = np.random.default_rng(0).normal(size=(100, 2))
    result = mutual_information(x, x)
    assert math.isinf(result.value)
    assert "infinite" in result.diagnostics[0]
    assert json.loads(json.dumps(result.as_dict()))["value"] == "inf"
    labels = np.arange(200) % 5
    assert mutual_information(labels, labels, effort="quick").value == pytest.approx(math.log(5), abs=0.02)


def test_what_few_rows_cannot_tell_from_a_function_is_said(hurried: None) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=200)
    # Exactly, up to a line: infinite. In order alone: infinite, or at least 2 log n - 2.94.
    assert mutual_information(x, 3 - 2 * x).interval == (math.inf, math.inf)
    found = mutual_information(x, np.exp(x), effort="quick")
    assert found.interval == (pytest.approx(2 * math.log(200) - 2.94), math.inf)
    assert "more rows would tell" in found.diagnostics[0]
    # Not monotone: a finite reading, and a sentence; not where noise shows.
    wave, noise = np.sin(5 * x), rng.normal(size=200)
    for y, said in ((x**2, True), (x**2 + 0.1 * noise, False), (wave, True), (wave + 0.1 * noise, False)):
        found = mutual_information(x, y, effort="quick", permutations=19)
        assert any("smooth function" in sentence for sentence in found.diagnostics) == said
    # Recorded values that repeat: their entropy.
    code = rng.integers(0, 100, 200)
    found = mutual_information(code, code, effort="quick")
    assert math.log(60) < found.value < math.log(110)
    assert "entropy" in found.diagnostics[0]


def test_noise_below_the_spacing_of_rows_is_no_nonsense(hurried: None) -> None:
    """A correlation that is 1 in float32: the Gaussian part was infinite, and the value 0."""
    x = np.random.default_rng(4).normal(size=200)
    y = x + 1e-4 * np.random.default_rng(5).normal(size=200)
    found = mutual_information(x, y, effort="quick", permutations=19)
    assert 4 < found.value <= 2 * math.log(200)
    assert not math.isnan(found.interval[1])


def test_never_below_what_is_certified(hurried: None) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=200)
    found = mutual_information(x > 0, x + rng.normal(size=200), effort="quick", permutations=19)
    assert found.lower <= found.value
    assert found.interval[1] > found.value > 0


def test_no_more_than_the_entropy_of_a_discrete_side(hurried: None) -> None:
    labels = np.arange(100) % 5
    assert (
        mutual_information(labels, labels.astype(float), effort="quick", permutations=19).value
        <= math.log(5) + 0.021
    )


@pytest.mark.parametrize("n", [10, 13, 25])
def test_a_handful_of_rows_still_gets_an_answer(n: int, hurried: None) -> None:
    rng = np.random.default_rng(n)
    x = rng.normal(size=n)
    result = mutual_information(x, x + 0.5 * rng.normal(size=n), effort="quick", permutations=19)
    assert 0 <= result.interval[0] <= result.value <= result.interval[1]
    assert 0 < result.p_value <= 1
    assert mutual_information(x, rng.normal(size=(n, 30)), effort="quick", permutations=19).value < 2


def test_dependent_rows_are_found(hurried: None) -> None:
    rng = np.random.default_rng(1)
    walks = np.zeros((1500, 2))
    for t in range(1, 1500):
        walks[t] = 0.95 * walks[t - 1] + rng.normal(size=2)
    result = mutual_information(walks[:, 0], walks[:, 1], effort="quick")
    assert any("time series" in sentence for sentence in result.diagnostics)
    assert result.p_value > 0.01


def test_duplicates_are_named(hurried: None) -> None:
    x, y = known("1v1-normal-0.75").sample(200, 0)
    result = mutual_information(np.tile(x, (2, 1)), np.tile(y, (2, 1)), effort="quick")
    assert any("exact copies" in sentence for sentence in result.diagnostics)


@pytest.mark.parametrize(
    ("x", "y", "arguments", "said"),
    [
        (np.arange(20.0), np.arange(21.0), {}, "x has 20 rows and y has 21"),
        (np.arange(9.0), np.arange(9.0), {}, "too few"),
        (np.arange(20.0), np.ones(20), {}, "y: constant"),
        (np.arange(20.0), ["a"] * 10 + ["b"] * 10, {"discrete_y": False}, "which have no order"),
        (np.arange(20.0), np.arange(20.0), {"effort": "much"}, "effort: 'much'"),
        (np.arange(20.0), np.arange(20.0), {"permutations": 18}, "permutations: 18"),
        (np.arange(20.0), np.arange(20.0), {"seed": -1}, "seed: -1"),
    ],
)
def test_what_cannot_be_used(x: Any, y: Any, arguments: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said) as caught:
        mutual_information(x, y, **arguments)
    assert "\n" not in str(caught.value)


def test_a_fit_is_kept_and_an_old_word_is_heard(tmp_path: Path) -> None:
    x, y = np.random.default_rng(0).normal(size=(2, 200))
    settings = {"estimator": "gaussian", "permutations": 19}
    model = MutualInformation(random_state=3, **settings).fit(x, x + y)
    model.save(tmp_path / "mi")
    again = MutualInformation.load(tmp_path / "mi")
    assert again.result_ == model.result_
    assert again.get_params() == model.get_params()
    with pytest.warns(FutureWarning, match="seed is called random_state now"):
        assert MutualInformation(seed=3, **settings).fit(x, x + y).result_ == model.result_
    with pytest.raises(InputError, match="random_state: -1; use a whole number from 0"):
        model.set_params(random_state=-1).fit(x, y)
    assert model.result_ == again.result_  # a fit that fails leaves the one before
    exact = MutualInformation(permutations=19).fit(x, x)
    exact.save(tmp_path / "exact")
    assert MutualInformation.load(tmp_path / "exact").value_ == math.inf
