"""Nearest-neighbour estimators against scikit-learn, slow twins and known truths."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.special import digamma
from sklearn.feature_selection import mutual_info_classif, mutual_info_regression

from mutua.data.known import known
from mutua.information.estimators import ksg as nearest
from mutua.information.estimators.ksg import entropy, ksg, ksg_labels, ksg_mixed, ksg_pointwise
from mutua.types import InputError


def pair(n: int, dx: int, dy: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, dx)) * 10.0 ** np.arange(dx)
    return x, x[:, :1] + rng.standard_normal((n, dy)) ** 3


def apart(z: np.ndarray) -> np.ndarray:
    """Max-norm distances of all pairs, columns scaled: (n, n)."""
    z = z.reshape(len(z), -1) / z.reshape(len(z), -1).std(0)
    return np.abs(z[:, None] - z[None]).max(-1)


def slow_ksg(x: np.ndarray, y: np.ndarray, k: int) -> np.ndarray:
    dx, dy = apart(x), apart(y)
    terms = []
    for i in range(len(x)):
        eps = sorted(max(dx[i, j], dy[i, j]) for j in range(len(x)) if j != i)[k - 1]
        n_x = sum(dx[i, j] < eps for j in range(len(x)) if j != i)
        n_y = sum(dy[i, j] < eps for j in range(len(x)) if j != i)
        terms.append(digamma(k) + digamma(len(x)) - digamma(n_x + 1) - digamma(n_y + 1))
    return np.array(terms)


def slow_mixed(x: np.ndarray, y: np.ndarray, k: int) -> float:
    dx, dy = apart(x), apart(y)
    total = 0.0
    for i in range(len(x)):
        joint = np.maximum(dx[i], dy[i])
        eps = np.sort(joint)[k]
        if eps == 0:
            near, m_x, m_y = ((d == 0).sum() for d in (joint, dx[i], dy[i]))
        else:
            near, m_x, m_y = k, (dx[i] < eps).sum(), (dy[i] < eps).sum()
        total += digamma(near) + math.log(len(x)) - digamma(m_x) - digamma(m_y)
    return total / len(x)


@pytest.mark.parametrize("k", [1, 3, 7])
def test_ksg_is_scikit_learns_on_one_column(k: int) -> None:
    x, y = pair(400, 1, 1)
    oracle = mutual_info_regression(x, y[:, 0], n_neighbors=k, random_state=0)[0]
    assert ksg(x, y, k) == pytest.approx(oracle, abs=1e-6)  # scikit-learn adds noise of 1e-10
    assert ksg(x[:, 0], y[:, 0], k) == ksg(x, y, k)


@pytest.mark.parametrize("shape", [(1, 1), (1, 3), (4, 2), (8, 4), (12, 12)])
def test_ksg_is_its_definition(shape: tuple[int, int]) -> None:
    x, y = pair(90, *shape)
    np.testing.assert_allclose(ksg_pointwise(x, y, 3), slow_ksg(x, y, 3), atol=1e-12)


def test_ksg_counts_strictly_nearer_where_values_are_on_a_grid() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 300, 80) / 7, rng.integers(0, 300, 80) / 7
    np.testing.assert_allclose(ksg_pointwise(x, y, 3), slow_ksg(x, y, 3), atol=1e-12)


@pytest.mark.parametrize("nudge", [-1.0, 0.0, 1.0])
def test_counting_on_a_line_is_by_differences_whatever_the_rounding(nudge: float) -> None:
    rng = np.random.default_rng(0)
    z = rng.permutation(np.repeat(rng.random(60) + 1e8, 2))  # far from zero, z +- radius is rounded coarsely
    radius = np.abs(z - np.roll(z, 1))
    radius = np.maximum(np.nextafter(radius, radius + nudge), 0)
    slow = [max(1, sum(abs(c - other) < r for other in z)) for c, r in zip(z, radius, strict=True)]
    counts = nearest._inside(z[:, None], radius)
    tied = radius == 0  # only itself is promised there
    np.testing.assert_array_equal(counts[~tied], np.array(slow)[~tied])


def test_tree_and_chunks_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = pair(150, 3, 4)
    by_tree = ksg_pointwise(x, y)
    monkeypatch.setattr(nearest, "TREE_COLUMNS", 0)
    monkeypatch.setattr(nearest, "CHUNK_CELLS", 1000)
    np.testing.assert_array_equal(ksg_pointwise(x, y), by_tree)


@pytest.mark.parametrize(
    ("name", "tolerance"),
    [("1v1-normal-0.75", 0.05), ("multinormal-sparse-2-2-2-2.0", 0.1), ("1v1-additive-0.75", 0.05)],
)
def test_ksg_is_near_the_truth(name: str, tolerance: float) -> None:
    truth = known(name)
    assert ksg(*truth.sample(2000, seed=0)) == pytest.approx(truth.information, abs=tolerance)


def test_ksg_is_near_zero_under_independence_and_blind_to_units() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((1500, 2)), rng.standard_normal((1500, 2))
    assert abs(ksg(x, y)) < 0.06
    assert ksg(x * [1, 1024], y / 4096 + 1) == pytest.approx(ksg(x, y), abs=1e-3)


def test_ksg_refuses_ties() -> None:
    x = np.repeat(np.arange(10.0), 5)
    with pytest.raises(InputError, match=r"50 of 50 rows .* ksg_mixed"):
        ksg(x, x)


@pytest.mark.parametrize("shape", [(1, 1), (2, 1), (7, 6)])
@pytest.mark.parametrize("ties", ["none", "some", "all"])
def test_mixed_is_its_definition(shape: tuple[int, int], ties: str) -> None:
    x, y = pair(90, *shape)
    if ties != "none":
        y = np.round(y / 8) * 8
        x[::2] = np.round(x[::2] / 10.0 ** np.arange(shape[0]))
    if ties == "all":
        x = np.round(x / 10.0 ** np.arange(shape[0]))
    assert ksg_mixed(x, y, 3) == pytest.approx(slow_mixed(x, y, 3))


@pytest.mark.parametrize(
    ("name", "tolerance"),
    [
        ("1v1-normal-0.75", 0.05),
        ("discrete-3-3", 0.05),
        ("labelled-5", 0.06),
        ("uniform-mixture-5", 0.06),
        ("zero-inflated-poisson-0.15", 0.06),
        ("independent-uniform-mixture-5", 0.05),
    ],
)
def test_mixed_is_near_the_truth(name: str, tolerance: float) -> None:
    truth = known(name)
    assert ksg_mixed(*truth.sample(2000, seed=0)) == pytest.approx(truth.information, abs=tolerance)


def test_labels_are_scikit_learns() -> None:
    x, y = pair(500, 1, 1)
    labels = (y[:, 0] > 0).astype(int) + (y[:, 0] > 2)
    x /= x.std()  # scikit-learn scales what it tells apart from labels too
    oracle = mutual_info_classif(x, labels, n_neighbors=3, random_state=0)[0]
    # It measures distances as the root of a square, which is now and then a rounding above: one row more inside.
    assert ksg_labels(x, labels) == pytest.approx(oracle, abs=2e-3)


def test_labels_are_their_definition() -> None:
    x, y = pair(60, 2, 1)
    labels = np.array(["below", "above"])[(y[:, 0] > 0).astype(int)]
    labels[0] = "alone"
    labels[1:3] = "two"
    d, own = apart(x[1:]), labels[1:]
    terms = []
    for i in range(59):
        same = np.flatnonzero(own == own[i])
        k = min(3, len(same) - 1)
        eps = np.sort(d[i, same])[k]
        terms.append(digamma(59) + digamma(k) - digamma(len(same)) - digamma((d[i] < eps).sum()))
    assert ksg_labels(x, labels) == pytest.approx(np.mean(terms))
    with pytest.raises(InputError, match="once"):
        ksg_labels(x, np.arange(60))


def test_entropy_of_known_densities() -> None:
    rng = np.random.default_rng(0)
    gaussian = rng.standard_normal((4000, 2)) * [1, 10]
    assert entropy(gaussian) == pytest.approx(math.log(2 * math.pi * math.e * 10), abs=0.06)
    assert entropy(8 * rng.random(4000)) == pytest.approx(math.log(8), abs=0.06)
    with pytest.raises(InputError, match="density"):
        entropy(np.repeat(np.arange(10.0), 5))


@pytest.mark.parametrize(
    ("x", "y", "k", "words"),
    [
        (np.arange(5.0), np.arange(6.0), 3, "x has 5 rows and y has 6"),
        (np.arange(5.0), np.arange(5.0), 5, "k is 5 with 5 rows"),
        (np.arange(5.0), np.arange(5.0), 0, "k is 0"),
        (np.array([0, 1, 2, np.nan]), np.arange(4.0), 1, "NaN"),
    ],
)
def test_bad_input_is_one_line(x: np.ndarray, y: np.ndarray, k: int, words: str) -> None:
    for function in (ksg, ksg_mixed):
        with pytest.raises(InputError, match=words):
            function(x, y, k)


def test_lists_tensors_and_columns_are_taken() -> None:
    x, y = pair(60, 1, 1)
    for function in (ksg, ksg_mixed):
        wanted = function(x, y)
        assert function(x[:, 0].tolist(), y.tolist()) == wanted
        assert function(torch.tensor(x, requires_grad=True), y) == wanted
        assert function(pd.DataFrame(x).astype(object), pd.Series(y[:, 0])) == wanted
        assert math.isfinite(function(torch.tensor(x, dtype=torch.bfloat16) + torch.arange(60)[:, None] / 8, y, 7))
    labels = ["below" if value < 0 else "above" for value in y[:, 0]]
    assert ksg_labels(x.tolist(), labels) == ksg_labels(x, np.array(labels))
    assert entropy(y[:, 0].tolist()) == entropy(y)


@pytest.mark.parametrize(
    ("x", "words"),
    [
        (["a", "b", "c", "d"], "<U1; give real numbers"),
        ([1, "b", None, 2.5], "give real numbers"),
        (np.array([1, "b", 2, 3], dtype=object), "holds text"),
        (np.arange(4) + 1j, "complex128; give real numbers"),
        (np.array([1, None, 2, 3], dtype=object), "NaN or infinity in row 1"),
        (1.5, "a single float"),
        (None, "a single NoneType"),
        ([[1], [2, 3], [4], [5]], "rows of equal length"),
        (np.zeros((4, 0)), "no columns"),
        (np.zeros(0), "0 rows and y has 4"),
    ],
)
def test_what_are_no_numbers_is_one_line(x: Any, words: str) -> None:
    for function in (ksg, ksg_mixed):
        with pytest.raises(InputError, match=words) as caught:
            function(x, np.arange(4.0), 1)
        assert "\n" not in str(caught.value)


def test_k_is_a_whole_number() -> None:
    x, y = pair(20, 1, 1)
    for function in (ksg, ksg_mixed, ksg_labels):
        with pytest.raises(InputError, match="k is True"):
            function(x, y if function is not ksg_labels else np.arange(20) % 2, True)
    with pytest.raises(InputError, match=r"ksg: k is 2\.5; give a whole number"):
        nearest._check_whole("ksg", 2.5)  # the annotation of `ksg` itself is enforced in tests


def test_labels_are_as_many_as_rows() -> None:
    with pytest.raises(InputError, match=r"20 rows of x, labels of shape \(19,\)"):
        ksg_labels(np.arange(20.0), np.arange(19) % 2)
