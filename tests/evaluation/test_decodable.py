"""Decodable information: the laws of usable information, codes in bits, and what is refused."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

import mutua
from mutua.evaluation.decodable.capacity import LossCapacity, loss_capacity
from mutua.evaluation.decodable.curves import LossData, loss_data, over_orderings
from mutua.evaluation.decodable.families import FAMILIES, linear, null
from mutua.evaluation.decodable.targets import target
from mutua.evaluation.decodable.usable import usable_information
from mutua.information import mutual_information
from mutua.types import InputError

RNG = np.random.default_rng


def classes(n: int, d: int = 4, k: int = 3, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = RNG(seed)
    y = rng.integers(0, k, n)
    return rng.normal(size=(k, d))[y] * 1.5 + rng.normal(size=(n, d)), y


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("discrete", [True, False])
def test_independent_sides_have_none(family: str, discrete: bool) -> None:
    rng = RNG(1)
    z = rng.normal(size=(600, 3))
    y = rng.integers(0, 3, 600) if discrete else rng.normal(size=(600, 2))
    found = mutua.usable_information(z, y, family=family)
    assert abs(found.value) < 0.05
    assert found.interval[0] < 0.01


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_reads_what_is_there(family: str) -> None:
    z, y = classes(900)
    found = usable_information(z, y, family=family)
    assert 0.5 < found.value < math.log(3)
    assert found.value == pytest.approx(found.null - found.conditional)
    assert found.value == pytest.approx(found.pointwise.mean())
    assert found.interval[0] < found.value < found.interval[1]
    assert found.bits == pytest.approx(found.value / math.log(2))
    assert found.null == pytest.approx(math.log(3), abs=0.02)
    assert len(found.rows) == len(found.pointwise) == 225
    assert family in found.protocol


def test_a_gaussian_pair_has_minus_half_log_one_minus_r_squared() -> None:
    rng = RNG(2)
    z = rng.normal(size=(40_000, 3))
    one = z @ [1.0, 0.5, 0.0] + rng.normal(size=40_000)
    assert usable_information(z, one).value == pytest.approx(-0.5 * math.log(1 - 1.25 / 2.25), abs=0.02)
    two = np.stack([one, one - z[:, 2] + 0.5 * rng.normal(size=40_000)], 1)
    covariance = np.cov(np.hstack([z, two]).T)
    truth = 0.5 * (np.linalg.slogdet(covariance[3:, 3:])[1] + np.linalg.slogdet(covariance[:3, :3])[1])
    truth -= 0.5 * np.linalg.slogdet(covariance)[1]
    assert usable_information(z, two).value == pytest.approx(truth, abs=0.02)


@pytest.mark.parametrize("discrete", [True, False])
def test_without_a_penalty_no_invertible_linear_map_is_seen(discrete: bool) -> None:
    z, y = classes(800)
    y = y if discrete else z @ RNG(3).normal(size=(4, 2)) + RNG(4).normal(size=(800, 2))
    matrix = RNG(5).normal(size=(4, 4)) * [1.0, 1.0, 1.0, 100.0]
    plain, mapped = (usable_information(x, y, penalty=0.0).value for x in (z, z @ matrix + 7))
    assert mapped == pytest.approx(plain, abs=1e-4)


def test_a_bijection_lowers_it_and_leaves_mutual_information() -> None:
    rng = RNG(6)
    y = rng.normal(size=600)
    z = y + 0.3 * rng.normal(size=600)
    # One to one: the sign of a digit far behind the point, in front.
    folded = np.where(np.floor(4 * z) % 2 == 0, z, -z - 100)
    assert len(np.unique(folded)) == len(z)
    plain, ruined = (usable_information(x, y).value for x in (z, folded))
    assert ruined < 0.3 * plain
    # A monotone one changes no information, and what is linear is read no more.
    bent = np.sinh(3 * z)
    assert usable_information(bent, y).value < 0.7 * plain
    before, after = (mutual_information(x, y, effort="quick", permutations=19).value for x in (z, bent))
    assert after == pytest.approx(before, abs=0.05)


def test_the_unpenalised_linear_family_is_logistic_regression() -> None:
    z, y = classes(300)
    x = ((z - z[:200].mean(0)) / z[:200].std(0)).astype(np.float32)
    of = target(y, 300)
    probe = linear(
        z[:160].astype(np.float32),
        of.rows(np.arange(160)),
        z[160:200].astype(np.float32),
        of.rows(np.arange(160, 200)),
        0,
        penalty=0.0,
    )
    peer = LogisticRegression(C=1e10, tol=1e-9, max_iter=2000).fit(x[:200], y[:200])
    share = peer.predict_proba(x[200:])[np.arange(100), y[200:]]
    expected = np.log((200 * share + 1 / 3) / 201)
    got = probe.log_prob(z[200:].astype(np.float32), of.rows(np.arange(200, 300)))
    np.testing.assert_allclose(got, expected, atol=1e-3)


def test_the_null_model_is_frequencies_with_one_pseudo_row() -> None:
    of = target(np.array([0, 0, 0, 1]), 4)
    np.testing.assert_allclose(
        null(of).log_prob(np.zeros((4, 1), np.float32), of), np.log([3.5 / 5, 3.5 / 5, 3.5 / 5, 1.5 / 5])
    )


def test_uniform_labels_take_log2_k_bits_each() -> None:
    rng = RNG(7)
    y = rng.integers(0, 8, 4000)
    found = loss_data(rng.normal(size=(4000, 3)), y, orderings=3)
    code = found.description_length() / found.sizes[-1]
    np.testing.assert_allclose(code, 3.0, rtol=0.02)


@pytest.mark.parametrize("family", FAMILIES)
def test_curves_fall_and_their_code_beats_a_uniform_one(family: str) -> None:
    z, y = classes(400, d=2)
    found = loss_data(z, y, family=family, sizes=(10, 50, 200), orderings=2)
    assert found.sizes == (10, 50, 200)
    assert found.losses.shape == (2, 3)
    assert (found.losses[:, -1] < found.losses[:, 0]).all()
    assert found.description_length().mean() < 200 * math.log2(3)
    (first, *_, last) = found.table().rows
    assert first[3] == pytest.approx(10 * math.log2(3))
    assert last[3] == pytest.approx(found.description_length().mean())


def test_the_linear_curve_is_that_of_logistic_regressions() -> None:
    z, y = classes(400, d=3)
    found = loss_data(z, y, sizes=(20, 100), orderings=1, penalty=0.5, seed=3)
    from mutua.data.splits import split_rows

    learned, tested = split_rows(400, y, 0.25, 3)
    order = np.random.RandomState([3, 0]).permutation(learned)
    x = (z - z[learned].mean(0)) / z[learned].std(0)
    for i, n in enumerate((20, 100)):
        peer = LogisticRegression(C=2.0, tol=1e-8, max_iter=1000).fit(x[order[:n]], y[order[:n]])
        for rows, got in ((tested, found.losses[0, i]), (order[20:100], found.ahead[0, 0])):
            if i and rows is not tested:
                continue
            share = peer.predict_proba(x[rows])[np.arange(len(rows)), y[rows]]
            assert got == pytest.approx(-np.log((n * share + 1 / 3) / (n + 1)).mean(), abs=1e-3)


def test_codes_surplus_and_complexity_by_hand() -> None:
    ln2 = math.log(2)
    found = LossData((10, 30, 50), np.array([[2.0, 1.0, 0.5]]) * ln2, np.array([[3.0, 0.5]]) * ln2, 4, "linear")
    assert found.description_length() == pytest.approx([10 * 2 + 20 * 3 + 20 * 0.5])
    # The curve's own losses, at the left ends, from the uniform code on.
    assert found.surplus(0.5 * ln2) == pytest.approx([10 * 1.5 + 20 * 1.5 + 20 * 0.5])
    assert found.surplus(1.5 * ln2) == pytest.approx([10 * 0.5 + 20 * 0.5])
    assert found.sample_complexity(1.0 * ln2).tolist() == [30]
    assert found.sample_complexity(0.1 * ln2).tolist() == [math.inf]
    assert over_orderings(np.array([1.0, 3.0])) == pytest.approx((2.0, 2 - 12.706, 2 + 12.706), abs=1e-3)
    assert over_orderings(np.array([1.5])) == (1.5, 1.5, 1.5)


def test_a_class_not_seen_costs_finitely_much() -> None:
    rng = RNG(8)
    y = np.repeat([0, 1], [296, 4])
    found = loss_data(rng.normal(size=(300, 2)), y, sizes=(5, 10, 200), orderings=4)
    assert np.isfinite(found.losses).all()
    assert np.isfinite(found.ahead).all()


def test_capacity_by_hand_and_on_data() -> None:
    by_hand = LossCapacity((0, 1, 2), (1, 10, 100), np.array([1.0, 0.2, 0.4]), 1.0)
    assert by_hand.least.tolist() == [1.0, 0.2, 0.2]
    # One triangle of height .8 on half of the axis.
    assert by_hand.explicitness() == pytest.approx(1 - 2 * 0.5 * 0.8 / 2)
    rng = RNG(9)
    z = rng.normal(size=(400, 2))
    easy = loss_capacity(z, (z[:, 0] > 0).astype(int), widths=(0, 32))
    hard = loss_capacity(z, (z[:, 0] * z[:, 1] > 0).astype(int), widths=(0, 32))
    assert easy.explicitness() > 0.9
    assert hard.losses[0] > 0.6 > hard.losses[1]
    assert hard.explicitness() < easy.explicitness() - 0.1


@pytest.mark.parametrize(
    ("z", "y", "words"),
    [
        (np.full((30, 2), np.nan), np.arange(30) % 2, "z: NaN or infinity in row 0, column 0"),
        (np.zeros((30, 2)), np.zeros(30, int), "y: only the class 0"),
        (np.zeros((30, 2)), np.ones(30), "y: column 0 is constant"),
        (np.zeros((30, 2)), np.arange(29) % 2, "y: 29 rows where z has 30"),
        (np.zeros((30, 2)), np.arange(30), "30 classes in 30 rows"),
        (np.zeros((8, 2)), np.arange(8) % 2, "give at least 20"),
        (np.zeros((30, 0)), np.arange(30) % 2, "z: shape"),
        (np.array([["a"]] * 30), np.arange(30) % 2, "z: not an array of real numbers"),
        (
            np.zeros((30, 2)),
            np.where(np.arange(30.0) == 4, np.inf, np.arange(30.0)),
            "y: NaN or infinity in row 4",
        ),
    ],
)
def test_refused(z: np.ndarray, y: np.ndarray, words: str) -> None:
    with pytest.raises(InputError, match=words) as error:
        usable_information(z, y)
    assert "\n" not in str(error.value)


def test_settings_refused() -> None:
    z, y = classes(60)
    with pytest.raises(InputError, match="is none of knn, linear, mlp"):
        usable_information(z, y, family="forest")
    with pytest.raises(InputError, match=r"penalty: 1.0 with family 'knn'"):
        usable_information(z, y, family="knn", penalty=1.0)
    with pytest.raises(InputError, match="test z: 3 columns where z has 4"):
        usable_information(z, y, test=(z[:, :3], y))
    with pytest.raises(InputError, match="classes that y has none of"):
        usable_information(z, y, test=(z, y + 1))
    with pytest.raises(InputError, match="give ascending numbers"):
        loss_data(z, y, sizes=(50, 20))
    with pytest.raises(InputError, match="no uniform start"):
        loss_data(z, z[:, 0])
    with pytest.raises(InputError, match="give two or more ascending"):
        loss_capacity(z, y, widths=(4,))


def test_names_tensors_and_a_test_side_of_ones_own() -> None:
    z, y = classes(400)
    named = np.array(["ant", "bee", "cat"])[y]
    whole = usable_information(z[:300], y[:300], test=(z[300:], y[300:]))
    of_names = usable_information(torch.from_numpy(z[:300]), named[:300], test=(z[300:], named[300:]))
    assert of_names.value == pytest.approx(whole.value)
    assert len(whole.rows) == 100
