"""Metrics of disentanglement: published definitions written out slowly, cases by hand, laws, refusals."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.feature_selection import mutual_info_classif
from sklearn.linear_model import Lasso, LogisticRegression
from sklearn.metrics import log_loss, mutual_info_score, roc_auc_score
from sklearn.preprocessing import MultiLabelBinarizer
from sklearn.svm import LinearSVC

from mutua.evaluation import DISENTANGLEMENT, disentanglement, udr, udr_mended
from mutua.evaluation.disentangled.dci import dci, dci_mended, disentanglement_completeness
from mutua.evaluation.disentangled.given import Given, equal_mass, equal_width, given, information
from mutua.evaluation.disentangled.infomec import infomec, infomec_mended, neighbour_information
from mutua.evaluation.disentangled.irs import irs, irs_mended
from mutua.evaluation.disentangled.mig import mig, mig_mended
from mutua.evaluation.disentangled.modularity import (
    explicitness,
    explicitness_mended,
    modularity,
    modularity_mended,
)
from mutua.evaluation.disentangled.sap import balanced_svms, sap, sap_mended
from mutua.evaluation.disentangled.udr import lasso
from mutua.evaluation.disentangled.votes import (
    beta_vae_mended,
    beta_vae_score,
    factor_vae_mended,
    factor_vae_score,
)
from mutua.kernels.trees.boosting import boosted
from mutua.types import InputError


def world(n: int = 600, levels: tuple[int, ...] = (3, 4, 5), noise: float = 0.05, seed: int = 0) -> Given:
    """Codes that are the factors, noisy, one of them twice, and one code of noise."""
    rng = np.random.default_rng(seed)
    factors = np.stack([rng.integers(0, level, n) for level in levels], 1)
    codes = np.hstack(
        [factors / np.array(levels) + noise * rng.normal(size=factors.shape), rng.normal(size=(n, 1))]
    )
    return given(codes, factors)


def rotated(data: Given, seed: int = 1) -> Given:
    k = data.factors.shape[1]
    turn = np.linalg.qr(np.random.default_rng(seed).normal(size=(k, k)))[0]
    return Given(np.hstack([data.codes[:, :k] @ turn, data.codes[:, k:]]), data.factors)


# --- published definitions, slowly ---------------------------------------------------------------------------


def published_information(data: Given) -> np.ndarray:
    found = np.zeros((data.codes.shape[1], data.factors.shape[1]))
    for i, code in enumerate(data.codes.T):
        bins = np.digitize(code, np.histogram(code, 20)[1][:-1])
        for j, factor in enumerate(data.factors.T):
            found[i, j] = mutual_info_score(factor, bins)
    return found


def test_mig_and_modularity_are_the_published_ones() -> None:
    data = rotated(world())
    found = published_information(data)
    np.testing.assert_allclose(information(equal_width(data.codes), data.factors), found, atol=1e-12)
    top = np.sort(found, 0)[::-1]
    full = [mutual_info_score(factor, factor) for factor in data.factors.T]
    assert mig(data)["MIG"] == pytest.approx(np.mean((top[0] - top[1]) / full), abs=1e-12)
    square = found**2
    most = square.max(1)
    expected = np.mean(1 - (square.sum(1) - most) / (most * (found.shape[1] - 1)))
    assert modularity(data)["modularity"] == pytest.approx(expected, abs=1e-12)


def test_irs_is_the_published_one() -> None:
    data = rotated(world(200))
    most = np.abs(data.codes - data.codes.mean(0)).max(0)
    table = np.zeros((4, 3))
    for i in range(3):
        for value in np.unique(data.factors[:, i]):
            part = data.codes[data.factors[:, i] == value]
            table[:, i] += np.quantile(np.abs(part - part.mean(0)), 0.99, axis=0)
        table[:, i] /= len(np.unique(data.factors[:, i]))
    expected = np.average((1 - table / most[:, None]).max(1), weights=most)
    assert irs(data)["IRS"] == pytest.approx(expected, abs=1e-12)


def test_explicitness_is_the_published_one() -> None:
    data = rotated(world(300))
    train, test = data.split(3)
    mean, spread = train.codes.mean(0), train.codes.std(0)
    areas = []
    for j in range(3):
        model = LogisticRegression(tol=1e-9, max_iter=1000).fit((train.codes - mean) / spread, train.factors[:, j])
        chance = model.predict_proba((test.codes - mean) / spread)
        areas.append(roc_auc_score(MultiLabelBinarizer().fit_transform(test.factors[:, j : j + 1]), chance))
    assert explicitness(data, 3)["explicitness"] == pytest.approx(np.mean(areas), abs=1e-4)


@pytest.mark.parametrize("levels", [2, 4])
def test_svms_of_one_column_are_liblinears(levels: int) -> None:
    rng = np.random.default_rng(levels)
    codes = np.minimum(rng.geometric(0.4, 300) - 1, levels - 1)
    x = codes + 0.4 * rng.normal(size=300)
    peer = LinearSVC(C=0.01, class_weight="balanced", tol=1e-10, max_iter=100_000, dual=False)
    peer.fit(x[:, None], codes)
    weight, bias = balanced_svms(x, codes)
    np.testing.assert_allclose(weight, peer.coef_[:, 0], atol=1e-6)
    np.testing.assert_allclose(bias, peer.intercept_, atol=1e-6)


def test_sap_is_the_published_one() -> None:
    data = rotated(world(300))
    train, test = data.split(5)
    table = np.zeros((4, 3))
    for i in range(4):
        for j in range(3):
            peer = LinearSVC(C=0.01, class_weight="balanced", tol=1e-10, max_iter=100_000, dual=False)
            peer.fit(train.codes[:, i : i + 1], train.factors[:, j])
            table[i, j] = (peer.predict(test.codes[:, i : i + 1]) == test.factors[:, j]).mean()
    top = np.sort(table, 0)
    assert sap(data, 5)["SAP"] == pytest.approx((top[-1] - top[-2]).mean(), abs=1e-6)


@pytest.mark.parametrize("classes", [2, 3])
def test_boosted_trees_are_scikit_learns(classes: int) -> None:
    """With one column no two splits are equally good; with several scikit-learn draws, and differs from itself."""
    rng = np.random.default_rng(classes)
    codes = rng.integers(0, classes, 200)
    x = codes[:, None] + 0.7 * rng.normal(size=(200, 3))
    other = 2 * rng.normal(size=(50, 3))
    peer = GradientBoostingClassifier(random_state=0).fit(x[:, :1], codes)
    gain, own, held = boosted(x[:, :1], codes, other[:, :1])
    assert gain.tolist() == [1.0]
    np.testing.assert_array_equal(own, peer.predict(x[:, :1]))
    np.testing.assert_array_equal(held, peer.predict(other[:, :1]))
    peers = [GradientBoostingClassifier(random_state=seed).fit(x, codes).feature_importances_ for seed in range(2)]
    gain, _, _ = boosted(x, codes, other)
    assert np.abs(gain - peers[0]).max() < 0.02 + np.abs(peers[0] - peers[1]).max()


def test_disentanglement_and_completeness_by_hand() -> None:
    one = np.array([[0.5, 0.0], [0.0, 0.5]])
    assert disentanglement_completeness(one) == pytest.approx((1.0, 1.0), abs=1e-8)
    even = np.full((3, 2), 0.25)
    assert disentanglement_completeness(even) == pytest.approx((0.0, 0.0), abs=1e-8)
    # Both codes of the first factor are pure; it is spread over two of three codes.
    table = np.array([[0.25, 0.0], [0.25, 0.0], [0.0, 0.5]])
    expected = 0.5 * (1 - math.log(2) / math.log(3)) + 0.5
    assert disentanglement_completeness(table) == pytest.approx((1.0, expected), abs=1e-8)


@pytest.mark.parametrize("levels", [2, 7])
def test_information_by_neighbours_is_scikit_learns(levels: int) -> None:
    rng = np.random.default_rng(levels)
    factor = rng.integers(0, levels, 300)
    factor[0] = levels  # a value that occurs once
    x = factor + rng.normal(size=300)
    peer = mutual_info_classif(x[:, None], factor, discrete_features=False, n_neighbors=10, random_state=0)
    assert neighbour_information(x / x.std(), factor, 10) == pytest.approx(peer[0], abs=1e-6)


def test_infomec_is_the_published_one() -> None:
    data = rotated(world(400))
    standard = (data.codes - data.codes.mean(0)) / data.codes.std(0)
    share = np.array(
        [
            mutual_info_classif(standard, factor, n_neighbors=10, random_state=0)
            / mutual_info_score(factor, factor)
            for factor in data.factors.T
        ]
    )  # (s, a)
    m = (np.mean(share.max(0) / share.sum(0)) - 1 / 3) / (1 - 1 / 3)
    c = (np.mean(share.max(1) / share.sum(1)) - 1 / 4) / (1 - 1 / 4)
    e = []
    for factor in data.factors.T:
        model = LogisticRegression(C=1e8, class_weight="balanced", tol=1e-6, max_iter=300).fit(standard, factor)
        null = math.log(len(np.unique(factor)))
        e.append(1 - log_loss(factor, model.predict_proba(standard)) / null)
    found = infomec(data)
    assert (found["InfoM"], found["InfoC"]) == pytest.approx((m, c), abs=1e-6)
    assert found["InfoE"] == pytest.approx(np.mean(e), abs=2e-3)


def test_lasso_and_udr_are_the_published_ones() -> None:
    rng = np.random.default_rng(0)
    models = [rng.normal(size=(200, 3))]
    models += [models[0] @ np.linalg.qr(rng.normal(size=(3, 3)))[0], models[0][:, [1, 0, 2]] * [1, -2, 0]]
    kl = [np.ones(3), np.ones(3), np.array([1.0, 1.0, 0.0])]
    standard = [(m - m.mean(0)) / np.where(m.std(0) > 0, m.std(0), 1) for m in models]
    peer = Lasso(alpha=0.1, tol=1e-10).fit(standard[0], standard[1])
    np.testing.assert_allclose(lasso(standard[0], standard[1], 0.1), peer.coef_.T, atol=1e-6)
    scores = np.zeros((3, 3))
    for i in range(3):
        for j in range(3):
            if i != j:
                table = np.abs(Lasso(alpha=0.1, tol=1e-10).fit(standard[i], standard[j]).coef_).T
                table = table[kl[i] > 0.01][:, kl[j] > 0.01]
                with np.errstate(invalid="ignore"):
                    rows = np.nan_to_num(table.max(1) ** 2 / table.sum(1)).mean()
                    columns = np.nan_to_num(table.max(0) ** 2 / table.sum(0)).mean()
                scores[i, j] = (rows + columns) / 2
    expected = [np.median(np.delete(scores[:, i], i)) for i in range(3)]
    np.testing.assert_allclose(udr(models, kl), expected, atol=1e-6)
    # A permutation with other signs and units agrees wholly, up to the penalty.
    both = [models[0], models[0][:, [2, 0, 1]] * [1, -3, 2]]
    np.testing.assert_allclose(udr(both), 0.9, atol=0.02)
    assert (udr_mended(both) > 0.85).all()
    assert (udr_mended(models[:2]) < udr_mended(both)).all()


def test_votes_by_hand() -> None:
    data = world(400, noise=0.0)
    pure = Given(data.codes[:, :3] * 10, data.factors)
    assert factor_vae_score(pure, train=300, test=300) == {"FactorVAE": 1.0, "train": 1.0}
    assert beta_vae_score(pure, train=600, test=300)["BetaVAE"] == 1.0
    # Codes of a deviation under .05 have no vote; where none has more, there is no score.
    assert factor_vae_score(Given(pure.codes / 1000, pure.factors))["FactorVAE"] == 0.0
    assert factor_vae_mended(Given(pure.codes / 1000, pure.factors))["FactorVAE"] == 1.0
    rng = np.random.default_rng(0)
    noise = Given(rng.normal(size=(400, 3)), data.factors)
    assert factor_vae_score(noise, train=600, test=600)["FactorVAE"] == pytest.approx(1 / 3, abs=0.1)
    assert factor_vae_mended(noise)["FactorVAE"] < 0.15
    assert beta_vae_mended(noise)["BetaVAE"] < 0.4
    assert beta_vae_mended(pure)["BetaVAE"] == 1.0


# --- what each can reach, an outlier, dead codes -------------------------------------------------------------


def true_codes(n: int = 10_000) -> Given:
    """dSprites' factors as their own codes."""
    rng = np.random.default_rng(0)
    factors = np.stack([rng.integers(0, level, n) for level in (3, 6, 40, 32, 32)], 1)
    return given(factors.astype(float), factors)


def test_mig_reaches_897_on_dsprites_factors_and_the_mended_one_1() -> None:
    data = true_codes()
    assert mig(data)["MIG"] == pytest.approx(0.897, abs=0.002)
    assert mig_mended(data)["MIG"] == pytest.approx(1.0, abs=1e-3)
    outlier = Given(data.codes.copy(), data.factors)
    outlier.codes[0] = 1000 * outlier.codes[0] + 1000
    assert mig(outlier)["MIG"] < 0.01
    assert mig_mended(outlier)["MIG"] > 0.9
    dead = Given(np.hstack([data.codes, np.ones((10_000, 5))]), data.factors)
    assert mig(dead) == mig(data)
    assert mig_mended(dead) == mig_mended(data)


def test_modularity_rewards_noise_over_silence_and_the_mended_one_neither() -> None:
    data = true_codes()
    rng = np.random.default_rng(1)
    noisy = Given(np.hstack([data.codes, rng.normal(size=(10_000, 5))]), data.factors)
    silent = Given(np.hstack([data.codes, np.ones((10_000, 5))]), data.factors)
    assert modularity(data)["modularity"] == pytest.approx(1.0, abs=0.01)
    assert modularity(noisy)["modularity"] == pytest.approx(0.85, abs=0.03)
    assert modularity(silent)["modularity"] == pytest.approx(0.5, abs=0.01)
    for each in (data, noisy, silent):
        assert modularity_mended(each)["modularity"] > 0.99


def test_independent_codes_read_nothing_mended_where_rows_are_few() -> None:
    rng = np.random.default_rng(2)
    data = given(rng.normal(size=(300, 4)), rng.integers(0, 10, (300, 3)))
    assert mig_mended(data)["MIG"] < 0.05
    assert sap_mended(data)["SAP"] < 0.1
    assert dci_mended(data)["informativeness"] < 0.1
    assert infomec_mended(data)["InfoE"] < 0.05
    assert explicitness_mended(data)["explicitness"] < 0.15


def test_irs_of_an_outlier() -> None:
    data = rotated(world(400))
    out = Given(data.codes.copy(), data.factors)
    out.codes[0, 0] = 1000.0
    assert irs(out)["IRS"] > 0.95 > irs(data)["IRS"]
    assert irs_mended(out)["IRS"] == pytest.approx(irs_mended(data)["IRS"], abs=0.02)


def test_dead_codes_raise_published_completeness_only() -> None:
    data = rotated(world(300))
    dead = Given(np.hstack([data.codes, np.ones((300, 3))]), data.factors)
    assert dci(dead)["disentanglement"] == pytest.approx(dci(data)["disentanglement"], abs=1e-6)
    assert dci(dead)["completeness"] > dci(data)["completeness"] + 0.03
    assert dci_mended(dead) == dci_mended(data)


MENDED_GAPS = {"mig": "MIG", "dci": "disentanglement", "sap": "SAP", "infomec": "InfoM"}


@pytest.mark.parametrize("name", DISENTANGLEMENT)
def test_laws(name: str) -> None:
    metric, data = DISENTANGLEMENT[name], world(300, noise=0.15)
    base = {read: read(data, 0) for read in (metric.published, metric.mended)}
    for found in base.values():
        assert all(-0.2 <= value <= 1 + 1e-9 for value in found.values()), found
        assert set(base[metric.mended]) <= set(base[metric.published])
    shuffled = Given(data.codes[:, [2, 0, 3, 1]] * -1, data.factors)
    for read, found in base.items():
        assert read(shuffled, 0) == pytest.approx(found, abs=0.06), read
    # Monotone maps: the mended ones cut and rank. Linear readings may change.
    if name in ("mig", "dci", "sap", "modularity"):
        bent = Given(np.exp(data.codes), data.factors)
        assert metric.mended(bent, 0) == pytest.approx(base[metric.mended], abs=1e-9)
    if name in MENDED_GAPS:
        part = MENDED_GAPS[name]
        assert metric.mended(rotated(data), 0)[part] < base[metric.mended][part] - 0.02


def test_bins_of_equal_mass_keep_equal_values_together() -> None:
    rng = np.random.default_rng(3)
    column = rng.normal(size=(1000, 1))
    counts = np.bincount(equal_mass(column, 10)[:, 0])
    assert (np.abs(counts - 100) <= 1).all()
    few = equal_mass(np.array([[5.0], [1.0], [5.0], [2.0]] * 20), 10)[:, 0]
    assert few[:4].tolist() == [2, 0, 2, 1]
    tied = np.where(rng.random((1000, 1)) < 0.5, 0.0, column)
    assert len(np.unique(equal_mass(tied, 10)[tied[:, 0] == 0, 0])) == 1


def test_one_table_of_all() -> None:
    data = world(200)
    table = disentanglement(data.codes, data.factors, bootstrap=5)
    assert {row[0] for row in table.rows} == set(DISENTANGLEMENT)
    by_part = {(row["metric"], row["part"]): row for row in table.records()}
    found = by_part["mig", "MIG"]
    low, high = found["interval"]
    assert low <= found["published"] <= high
    assert by_part["dci", "completeness"]["interval"] is None
    assert "0 dead" in table.note
    named = np.array([f"v{value}" for value in data.factors.ravel()], object).reshape(data.factors.shape)
    again = disentanglement(data.codes, named, metrics=("mig",), bootstrap=0)
    assert again.rows[0][2] == pytest.approx(found["published"])
    assert again.rows[0][3] is None


CODES, FACTORS = np.random.default_rng(0).normal(size=(50, 3)), np.arange(150).reshape(50, 3) % 4


@pytest.mark.parametrize(
    ("codes", "factors", "words"),
    [
        (
            np.where(np.arange(150).reshape(50, 3) == 4, np.nan, CODES),
            FACTORS,
            "NaN or infinity in row 1, column 1",
        ),
        (np.ones((50, 3)), FACTORS, "the encoder is dead"),
        (CODES, FACTORS * [1, 0, 1], "factors: column 1 is constant"),
        (CODES, FACTORS[:, :1], "factors: one alone"),
        (CODES, FACTORS + 0.5, "factors: column 0 is continuous"),
        (CODES, np.arange(150).reshape(50, 3), "column 0 has 50 values in 50 rows"),
        (CODES[:3], FACTORS[:3], "3 rows of 3 codes"),
        (CODES, FACTORS[:49], "shape"),
        (CODES[:, 0], FACTORS, "codes: shape"),
        (np.full((50, 3), "a"), FACTORS, "not an array of real numbers"),
        (CODES, np.where(FACTORS == 0, np.nan, FACTORS), "factors: NaN or infinity in row"),
    ],
)
def test_refused(codes: np.ndarray, factors: np.ndarray, words: str) -> None:
    with pytest.raises(InputError, match=words) as error:
        disentanglement(codes, factors)
    assert "\n" not in str(error.value)


def test_names_and_models_refused() -> None:
    with pytest.raises(InputError, match="metrics: gap is none of"):
        disentanglement(CODES, FACTORS, metrics=("gap",))
    with pytest.raises(InputError, match="of 1 model"):
        udr([CODES])
    with pytest.raises(InputError, match="model 1 has shape"):
        udr([CODES, CODES[:4]])
    with pytest.raises(InputError, match="model 0 has NaN"):
        udr([CODES * np.nan, CODES])
    with pytest.raises(InputError, match="kl: give one number"):
        udr([CODES, CODES], [np.ones(2), np.ones(3)])
