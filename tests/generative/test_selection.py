"""Choice of dimension: the true one is found, and shortcuts give what fitting each size gives."""

import math

import numpy as np
import pytest
from sklearn.model_selection import KFold
from sklearn.utils import check_random_state

from mutua.generative import FactorAnalysis, ProbabilisticPCA


def rows(n: int = 600, d: int = 9, q: int = 3, uneven: bool = False) -> np.ndarray:
    random = np.random.default_rng(5)
    noise = random.normal(size=(n, d)) * (random.uniform(0.5, 1.5, d) if uneven else 1)
    return random.normal(size=(n, q)) @ random.normal(size=(q, d)) * 2 + noise


@pytest.mark.parametrize("criterion", ["bic", "cv"])
@pytest.mark.parametrize("model", [ProbabilisticPCA, FactorAnalysis])
def test_the_true_dimension_is_found(model, criterion):
    found = model(criterion, random_state=0).fit(rows(uneven=model is FactorAnalysis))
    assert len(found.components_) == 3
    assert found.selection_.columns[0] == "n_components"
    assert [row[0] for row in found.selection_.rows][:4] == [1, 2, 3, 4]
    assert model(3).fit(rows()).selection_ is None


def test_missing_values_take_the_long_way_to_the_same_dimension():
    X = rows()
    X[np.random.default_rng(0).random(X.shape) < 0.1] = np.nan
    for criterion in ("bic", "cv"):
        found = ProbabilisticPCA(criterion, candidates=[2, 3, 4], folds=3, random_state=0).fit(X)
        assert len(found.components_) == 3


def test_bic_of_each_size_is_that_of_its_fit():
    X = rows()
    for q, loglike, parameters, bic in ProbabilisticPCA("bic").fit(X).selection_.rows:
        assert loglike == pytest.approx(ProbabilisticPCA(q).fit(X).score(X) * len(X), rel=1e-12)
        # The mean, the noise, and W less the q (q - 1) / 2 angles of a rotation.
        assert parameters == 9 + 1 + 9 * q - q * (q - 1) // 2
        assert bic == pytest.approx(parameters * math.log(len(X)) - 2 * loglike)


@pytest.mark.parametrize(("n", "d"), [(60, 9), (20, 30)])
def test_held_out_curve_is_that_of_fits_fold_by_fold(n, d):
    X = rows(n, d)
    table = ProbabilisticPCA("cv", folds=4, random_state=0, candidates=[1, 3, 6]).fit(X).selection_
    splits = list(KFold(4, shuffle=True, random_state=check_random_state(0).randint(2**31)).split(X))
    for q, score, error in table.rows:
        values = [ProbabilisticPCA(q).fit(X[train]).score(X[held]) for train, held in splits]
        assert score == pytest.approx(np.mean(values), rel=1e-10)
        assert error == pytest.approx(np.std(values, ddof=1) / 2, rel=1e-8)
