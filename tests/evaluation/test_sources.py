"""Amari distance and MCC against hand-worked cases and scipy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from mutua.evaluation.sources.mcc import amari_distance, held_out_r2, matched, mcc, pearson, spearman, weak_mcc
from mutua.types import InputError


def test_amari_by_hand() -> None:
    # Rows: 1/2 and 1/4 over their largest; columns: 1/4 and 1/2 the same. Sum 1.5, over 2 * 2 * 1.
    p = [[4.0, -2.0], [1.0, 4.0]]
    assert amari_distance(p, np.eye(2)) == pytest.approx((0.5 + 0.25 + 0.25 + 0.5) / 4)
    assert amari_distance(np.ones((5, 5)), np.eye(5)) == pytest.approx(1.0)
    assert amari_distance([[3.0]], [[2.0]]) == 0.0


def test_amari_is_blind_to_permutation_and_to_one_scale_and_sign() -> None:
    rng = np.random.default_rng(0)
    w, a = rng.normal(size=(4, 6)), rng.normal(size=(6, 4))
    order, sign = rng.permutation(4), rng.choice([-1.0, 1.0], 4)
    expected = amari_distance(w, a)
    assert amari_distance(-7 * (sign[:, None] * w)[order], a[:, rng.permutation(4)]) == pytest.approx(expected)
    scales = np.diag([1.0, -2.0, 3.0, 0.5])
    assert amari_distance(scales[order] @ np.linalg.pinv(a), a) == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize(
    ("w", "a", "words"),
    [
        (np.eye(2), np.eye(3), "as many estimates as sources"),
        (np.diag([1.0, 0.0]), np.eye(2), "row 1"),
        ([[1.0, 0.0], [1.0, 0.0]], np.eye(2), "column 1"),
        (np.diag([1.0, np.nan]), np.eye(2), "NaN or infinity"),
    ],
)
def test_amari_refuses(w, a, words: str) -> None:
    with pytest.raises(InputError, match=words):
        amari_distance(w, a)


def test_correlations_are_those_of_scipy() -> None:
    rng = np.random.default_rng(1)
    s = rng.normal(size=(50, 3))
    e = np.round(s[:, [2, 0]] ** 3 + rng.normal(size=(50, 2)))  # with ties
    for i in range(3):
        for j in range(2):
            assert pearson(s, e)[i, j] == pytest.approx(stats.pearsonr(s[:, i], e[:, j])[0])
            assert spearman(s, e)[i, j] == pytest.approx(stats.spearmanr(s[:, i], e[:, j])[0])


def test_mcc_finds_the_assignment_that_greedy_choice_misses() -> None:
    # Greedy takes .9 and is left with 0; the best pairs .8 with .8.
    table = np.array([[0.9, 0.8], [0.8, 0.0]])
    s, e = np.random.default_rng(0).normal(size=(2, 10, 2))
    found = matched(s, e, lambda *_: table)
    assert found.estimate.tolist() == [1, 0]
    assert mcc(s, e, lambda *_: table) == pytest.approx(0.8)


def test_mcc_is_one_up_to_what_it_forgives() -> None:
    rng = np.random.default_rng(2)
    s = rng.normal(size=(200, 4))
    e = 3 - s[:, [3, 1, 0, 2]] * [1.0, -2.0, 0.1, 5.0]
    assert mcc(s, e) == pytest.approx(1)
    assert matched(s, e).estimate.tolist() == [2, 1, 3, 0]
    assert matched(s, e).correlation == pytest.approx([-1, 1, -1, -1])
    assert mcc(s, np.exp(e), spearman) == pytest.approx(1)
    assert mcc(s, np.exp(e)) < 0.95


def test_weak_mcc_forgives_a_linear_map_that_strong_does_not() -> None:
    rng = np.random.default_rng(3)
    s = rng.normal(size=(300, 3))
    e = s @ rng.normal(size=(3, 5)) + 2
    assert weak_mcc(s[:100], e[:100], s[100:], e[100:]) == pytest.approx(1)
    assert mcc(s[100:], e[100:]) < 0.99
    # Noise fits the training samples (as many estimates as samples) and predicts nothing.
    noise = rng.normal(size=(300, 100))
    assert weak_mcc(s[:100], noise[:100], s[:100], noise[:100]) > 0.95
    assert weak_mcc(s[:100], noise[:100], s[100:], noise[100:]) < 0.3


def test_degenerate_inputs_are_named() -> None:
    rng = np.random.default_rng(4)
    s = rng.normal(size=(20, 2))
    assert mcc(s, s[:, :1]) == pytest.approx(0.5)
    assert mcc(s, np.stack([s[:, 0], np.full(20, 0.1)], 1)) == pytest.approx(0.5)
    assert matched(s, s[:, 1]).estimate.tolist() == [-1, 0]
    with pytest.raises(InputError, match="column 1 is constant"):
        mcc(np.stack([s[:, 0], np.ones(20)], 1), s)
    with pytest.raises(InputError, match="19 samples for 20"):
        mcc(s, s[1:])
    with pytest.raises(InputError, match="row 3"):
        mcc(s, np.where(np.arange(20)[:, None] == 3, np.nan, s))
    with pytest.raises(InputError, match="at least two"):
        mcc(s[:1], s[:1])
    with pytest.raises(InputError, match="same columns"):
        weak_mcc(s, s, s[:, :1], s)


def test_r2_is_scikit_learns_and_held_out() -> None:
    from sklearn.linear_model import LinearRegression
    from sklearn.metrics import r2_score

    rng = np.random.default_rng(8)
    s = rng.normal(size=(400, 2))
    e = np.tanh(s @ rng.normal(size=(2, 3))) + 0.1 * rng.normal(size=(400, 3))
    found = held_out_r2(s[:100], e[:100], s[100:], e[100:])
    predicted = LinearRegression().fit(e[:100], s[:100]).predict(e[100:])
    np.testing.assert_allclose(found, r2_score(s[100:], predicted, multioutput="raw_values"))
    np.testing.assert_allclose(held_out_r2(s[:100], 3 - 2 * s[:100], s[100:], 3 - 2 * s[100:]), 1)
    assert (held_out_r2(s[:20], rng.normal(size=(20, 15)), s, rng.normal(size=(400, 15))) < 0).all()
    with pytest.raises(InputError, match="constant"):
        held_out_r2(s, e, np.ones((50, 2)), e[:50])
