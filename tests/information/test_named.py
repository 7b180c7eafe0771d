"""Every estimator by its name: near a known truth, silent where there is nothing, refused where it can't be."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone

from mutua.data.known import known
from mutua.information import ESTIMATORS, MutualInformation, MutualInformationResult, mutual_information
from mutua.information.estimators.classical import PLAIN
from mutua.information.named import CRITICS, NAMES
from mutua.types import InputError

GAUSSIAN = "1v1-normal-0.75"  # 0.413 nats
# In nats at 600 rows, whose own sampling error is 0.04: KSG is high on this draw by two deviations, and tnce is a
# loose bound.
WITHIN = {"ksg": 0.13, "ksg_mixed": 0.13, "tnce": 0.15}
SOON = (*PLAIN, "dv", "infonce", "smile_5", "club", "barber_agakov")
# The rest together take minutes.
SOME_SLOW = [name if name in SOON else pytest.param(name, marks=pytest.mark.slow) for name in NAMES]


def quick(x: Any, y: Any, estimator: str, **more: Any) -> MutualInformationResult:
    return mutual_information(x, y, estimator=estimator, effort="quick", permutations=199, **more)


@pytest.fixture(scope="module")
def gaussian() -> tuple[np.ndarray, np.ndarray]:
    return known(GAUSSIAN).sample(600, 0)


@pytest.mark.parametrize("name", SOME_SLOW)
def test_a_gaussian_of_known_information(name: str, gaussian: tuple[np.ndarray, np.ndarray]) -> None:
    truth = known(GAUSSIAN).information
    result = quick(*gaussian, name)
    if name == "club":
        # With the exact conditional it tends to rho^2/(1 - rho^2) = 1.286, far above.
        assert truth < result.value < 2.2
    else:
        assert abs(result.value - truth) < WITHIN.get(name, 0.1)
    assert result.interval[0] < result.value < result.interval[1]
    assert result.interval[1] - result.interval[0] < (1.0 if name == "club" else 0.4)
    assert result.p_value <= 0.01
    assert result.estimator == name
    assert result.lower < truth
    assert (result.lower > 0.2) == (name not in PLAIN)
    assert (
        f"{name} is known for" in str(result) or f"bias of {name}" in str(result) or "entropy of y" in str(result)
    )


@pytest.mark.parametrize("name", SOME_SLOW)
def test_independence(name: str) -> None:
    rng = np.random.default_rng(5)
    result = quick(rng.normal(size=300), rng.standard_t(3, size=300), name)
    assert result.p_value > 0.02
    assert result.lower == 0
    assert result.interval[0] < 0.05
    assert result.value < 0.15


@pytest.mark.parametrize("critic", [pytest.param("concat", marks=pytest.mark.slow), "separable", "bilinear"])
def test_critics(critic: str, gaussian: tuple[np.ndarray, np.ndarray]) -> None:
    result = quick(*gaussian, "infonce", critic=critic)
    # The best that x w y can do: E log e^T is linear in x y only, I less the two quadratic terms.
    low = 0.15 if critic == "bilinear" else 0.31
    assert low < result.value < 0.53
    assert result.p_value == 0.005
    assert f"{critic} critic" in result.estimator


def test_p_values_of_plain_ones_are_uniform() -> None:
    rng = np.random.default_rng(0)
    small = [
        mutual_information(rng.normal(size=60), rng.normal(size=60), estimator="gaussian", permutations=99).p_value
        for _ in range(100)
    ]
    assert 0.01 <= np.mean([p <= 0.1 for p in small]) <= 0.2


def test_half_samples_give_the_deviation_over_fresh_samples() -> None:
    pair = known(GAUSSIAN)
    results = [quick(*pair.sample(400, seed), "gaussian") for seed in range(40)]
    spread = np.std([one.value for one in results], ddof=1)
    error = np.mean([one.interval[1] - one.interval[0] for one in results]) / 3.92
    assert error == pytest.approx(spread, rel=0.35)


def test_categories() -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 600)
    x = labels + 0.3 * rng.normal(size=600)
    for name in ("histogram_miller_madow", "ksg_mixed", "infonce"):
        assert 0.7 < quick(x, labels, name).value < math.log(3) + 0.05
    assert quick(labels, labels, "histogram").value == pytest.approx(math.log(3), abs=0.01)
    for name, said in (
        ("ksg", "ksg_mixed"),
        ("gaussian", "continuous"),
        ("club", "swap"),
        ("barber_agakov", "swap"),
    ):
        with pytest.raises(InputError, match=said):
            quick(x, labels, name)


def test_rows_that_follow_each_other() -> None:
    rng = np.random.default_rng(1)
    walks = np.zeros((600, 2))
    for t in range(1, 600):
        walks[t] = 0.9 * walks[t - 1] + rng.normal(size=2)
    result = quick(walks[:, 0], walks[:, 1], "infonce")
    assert math.isnan(result.p_value)
    assert result.lower == 0
    assert any("deals single rows" in sentence for sentence in result.diagnostics)
    assert quick(walks[:, 0], walks[:, 1], "gaussian").p_value > 0.02
    assert quick(walks[:, 0], walks[:, 1], "gaussian", serial=False).p_value <= 0.1


def test_more_information_than_dv_or_infonce_can_say() -> None:
    x, y = known("gaussian-20-10").sample(600, 0)
    assert any("rests on" in sentence for sentence in quick(x, y, "dv").diagnostics)
    # The nearest of a hundred is always the partner, which a bilinear critic finds fast.
    near = x[:300] + 0.03 * np.random.default_rng(99).normal(size=(300, 20))
    result = quick(x[:300], near, "infonce", critic="bilinear")
    assert any("ceiling log K = 4.61" in sentence for sentence in result.diagnostics)


def test_the_class_and_identical_sides(gaussian: tuple[np.ndarray, np.ndarray]) -> None:
    model = MutualInformation(estimator="gaussian", critic="auto", effort="quick")
    assert clone(model).get_params() == model.get_params()
    assert model.fit(*gaussian).result_ == mutual_information(*gaussian, estimator="gaussian", effort="quick")
    assert math.isinf(quick(gaussian[0], gaussian[0], "infonce").value)


def test_progress_is_told(gaussian: tuple[np.ndarray, np.ndarray]) -> None:
    heard: list[tuple[int, int]] = []
    quick(*gaussian, "gaussian", told=lambda step, steps: heard.append((step, steps)))
    assert heard[-1] == (239, 239)
    heard.clear()
    quick(*gaussian, "nwj", told=lambda step, steps: heard.append((step, steps)))
    assert heard == [(0, 3), (1, 3), (2, 3)]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"estimator": "best"}, "estimator: 'best' is none of auto"),
        ({"estimator": "dv", "critic": "deep"}, "critic: 'deep' is none of auto"),
        ({"critic": "concat"}, "a critic of its own"),
        ({"estimator": "ksg", "critic": "concat"}, "'ksg' has none"),
        ({"estimator": "club", "critic": "concat"}, "learned log q"),
    ],
)
def test_names_that_do_not_go_together(arguments: dict[str, str], said: str) -> None:
    with pytest.raises(InputError, match=said):
        mutual_information(np.arange(20.0), np.arange(20.0), **arguments)


def test_all_names_are_there() -> None:
    assert set(ESTIMATORS) < set(NAMES)
    assert set(CRITICS) == {"separable", "concat", "bilinear"}
    assert len(set(NAMES)) == len(NAMES)
