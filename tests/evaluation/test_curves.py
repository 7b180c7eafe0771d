from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_digits

from mutua.data.splits import stratified
from mutua.evaluation import few_labels, knn
from mutua.evaluation.probes.few_labels import draw
from mutua.types import InputError

Four = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


@pytest.fixture(scope="module")
def digits() -> Four:
    x, y = load_digits(return_X_y=True)
    x = (x / 16).astype(np.float32)
    train, test = stratified(y, 0.25, 0)
    return x[train], y[train], x[test], y[test]


def test_raw_digits_read_what_they_are_known_to(digits: Four) -> None:
    """1-NN on raw digits: about 63, 86, 92 % at 1, 5, 10 labels a class and 98.8 % at all."""
    curve = few_labels(*digits, draws=10, probes=("1-nn",), labels_per_class=(1, 5, 10))
    for count, known in ((1, 63), (5, 86), (10, 92)):
        mean, sd = curve.values["1-nn"][count]
        assert mean == pytest.approx(known, abs=3)
        assert 0 < sd < 8
    assert knn(*digits, k=1).accuracy == pytest.approx(98.8, abs=0.5)


def test_mean_and_deviation_are_those_of_the_draws(digits: Four) -> None:
    x, y, z, t = digits
    curve = few_labels(x, y, z, t, labels_per_class=(5,), draws=3, seed=7, probes=("1-nn",))
    alone = [knn(x[r], y[r], z, t, k=1).accuracy for r in (draw(y, 5, 7 + i) for i in range(3))]
    assert curve.values["1-nn"][5] == pytest.approx((np.mean(alone), np.std(alone, ddof=1)))
    assert few_labels(x, y, z, t, labels_per_class=(5,), draws=1, probes=("1-nn",)).values["1-nn"][5][1] == 0


def test_linear_takes_one_label_a_class_and_gains_by_more(digits: Four) -> None:
    values = few_labels(*digits, labels_per_class=(1, 10), draws=2, probes=("linear", "knn")).values
    for name in ("linear", "knn"):
        assert 40 < values[name][1][0] < values[name][10][0] < 100


def test_draws_are_balanced_nested_and_repeat() -> None:
    labels = np.random.RandomState(0).randint(0, 3, 100)
    five, ten = draw(labels, 5, 1), draw(labels, 10, 1)
    assert np.bincount(labels[five]).tolist() == [5, 5, 5]
    assert set(five) <= set(ten)
    assert draw(labels, 5, 1).tolist() == five.tolist() != draw(labels, 5, 2).tolist()


def test_counts_beyond_the_smallest_class_are_left_out_with_a_note() -> None:
    x = np.random.RandomState(0).randn(24, 3).astype(np.float32)
    y = np.array([0] * 6 + [1] * 18)
    curve = few_labels(x, y, x, y, draws=2, probes=("1-nn",))
    assert list(curve.values["1-nn"]) == [1, 5]
    assert "Left out: 10, 100 labels a class, as the smallest class has 6." in curve.note


def test_unknown_probes_and_counts_are_refused() -> None:
    x, y = np.eye(4, dtype=np.float32), np.array([0, 0, 1, 1])
    with pytest.raises(InputError, match="mlp is none of"):
        few_labels(x, y, x, y, probes=("mlp",))
    with pytest.raises(InputError, match="labels_per_class"):
        few_labels(x, y, x, y, labels_per_class=(0,))
