"""scikit-learn's own checks, whole, for every solver; names, pandas, bad input."""

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.estimator_checks import parametrize_with_checks

from mutua.generative import FactorAnalysis, ProbabilisticPCA
from mutua.types import InputError

MODELS = [ProbabilisticPCA, FactorAnalysis]


def rows(n: int = 60, d: int = 5, seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed)
    return random.normal(size=(n, 2)) @ random.normal(size=(2, d)) + random.normal(size=(n, d)) + 1


@parametrize_with_checks(
    [
        ProbabilisticPCA(),
        ProbabilisticPCA(solver="closed"),
        ProbabilisticPCA(1, solver="em"),
        ProbabilisticPCA(1),
        FactorAnalysis(),
        FactorAnalysis(1, solver="em", max_iter=100),
        FactorAnalysis(1, solver="quasi-newton"),
    ]
)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_check_estimator(estimator, check):
    check(estimator)


@pytest.mark.parametrize("model", MODELS)
def test_pandas_in_and_out(model):
    X = pd.DataFrame(rows(), columns=list("abcde"))
    fitted = model(2).set_output(transform="pandas")
    out = fitted.fit_transform(X)
    prefix = model.__name__.lower()
    assert list(out.columns) == [f"{prefix}0", f"{prefix}1"] == fitted.get_feature_names_out().tolist()
    np.testing.assert_allclose(out.to_numpy(), model(2).fit(X.to_numpy()).transform(X.to_numpy()))


@pytest.mark.parametrize("model", MODELS)
def test_input_errors_are_one_line_and_name_the_place(model):
    X = rows()
    infinite, empty_row, empty_column = X.copy(), X.copy(), X.copy()
    infinite[3, 2], empty_row[7], empty_column[:, 4] = np.inf, np.nan, np.nan
    names = pd.DataFrame(infinite, columns=list("abcde"))
    cases = [
        (model(2), infinite, "infinity in row 3, feature 2"),
        (model(2), names, "infinity in row 3, feature 'c'"),
        (model(2), empty_row, "row 7 has no value"),
        (model(2), empty_column, "feature 4 has no value"),
        (model(5), X, "n_components: 5 .*n_features=5; use 1 to 4"),
        (model(0), X, "n_components: 0"),
        (model(True), X, "n_components: True"),
        (model("aic"), X, "n_components: 'aic'"),
        (model(1), X[:2], "n_samples=2"),
        (model(1), X[:1], "n_samples=1"),
        (model(1), X[:, :1], "n_features=1"),
        (model(1, solver="svd"), X, "solver: 'svd'"),
        (model(1, tol=0.0), X, "tol: 0.0"),
        (model(1, max_iter=0), X, "max_iter: 0"),
        (model("cv", folds=1), X, "folds: 1"),
        (model("bic", candidates=[1, 9]), X, "candidates: 9"),
        (model("bic", candidates=[]), X, "candidates"),
    ]
    for estimator, data, words in cases:
        with pytest.raises(InputError, match=words) as found:
            estimator.fit(data)
        assert "\n" not in str(found.value)


@pytest.mark.parametrize(("model", "solver"), [(ProbabilisticPCA, "closed"), (FactorAnalysis, "quasi-newton")])
def test_solvers_without_missing_values_say_so(model, solver):
    X = rows()
    X[0, 0] = np.nan
    with pytest.raises(InputError, match=r"NaN in row 0, feature 0.*use 'auto' or 'em'"):
        model(1, solver=solver).fit(X)


@pytest.mark.parametrize("model", MODELS)
def test_bad_input_after_fitting(model):
    fitted = model(2).fit(rows())
    X = rows()
    X[1, 1] = -np.inf
    for method in (fitted.transform, fitted.score, fitted.impute, fitted.posterior):
        with pytest.raises(InputError, match="infinity in row 1"):
            method(X)
    with pytest.raises(InputError, match="give \\(n, 2\\)"):
        fitted.inverse_transform(np.zeros((4, 3)))
    with pytest.raises(InputError, match="n_samples: 0"):
        fitted.sample(0)


def test_a_constant_feature_is_named_by_factor_analysis_and_harmless_to_ppca():
    X = rows()
    X[:, 3] = 0.1
    with pytest.raises(InputError, match="feature 3 constant"):
        FactorAnalysis(1).fit(X)
    assert ProbabilisticPCA(1).fit(X).components_[0, 3] == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("solver", ["closed", "em"])
def test_data_without_noise_is_refused_with_its_rank(solver):
    X = rows(50, 2) @ rows(2, 6)
    with pytest.raises(InputError, match=r"rank 2.*use at most 1"):
        ProbabilisticPCA(2, solver=solver).fit(X)
    with pytest.raises(InputError, match="every feature is constant"):
        ProbabilisticPCA(1, solver=solver).fit(np.full((9, 3), 0.1))
    assert ProbabilisticPCA(1, solver=solver).fit(X).converged_


def test_data_without_noise_is_refused_with_missing_values_too():
    X = rows(50, 2) @ rows(2, 6)
    X[np.random.default_rng(0).random(X.shape) < 0.1] = np.nan
    with pytest.raises(InputError, match="no noise"):
        ProbabilisticPCA(2).fit(X)


@pytest.mark.parametrize("solver", ["em", "quasi-newton"])
def test_heywood_case_is_floored_and_named(solver):
    X = rows(300, 6)
    X = np.column_stack([X, X[:, 1]])  # a copy: both can be explained by a factor of their own
    with pytest.warns(UserWarning, match="features 1, 6 fell to its floor"):
        model = FactorAnalysis(3, solver=solver, max_iter=50_000).fit(X)
    np.testing.assert_allclose(model.noise_variance_[[1, 6]], 1e-6 * X.var(0)[[1, 6]], rtol=0.02)


@pytest.mark.parametrize(
    "estimator", [ProbabilisticPCA(2, solver="em"), FactorAnalysis(2), FactorAnalysis(2, solver="em")]
)
def test_too_few_iterations_are_said(estimator):
    with pytest.warns(ConvergenceWarning, match="raise max_iter"):
        estimator.set_params(max_iter=2, tol=1e-12).fit(rows())
    assert not estimator.converged_
    assert estimator.n_iter_ == len(estimator.loglike_) == 2
    # The parameters kept are those of the last likelihood, not one step on.
    assert estimator.loglike_[-1] == pytest.approx(60 * estimator.score(rows()), rel=1e-12)


@pytest.mark.parametrize("model", MODELS)
def test_ordinary_data_gives_no_warning(model):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert model(2).fit(rows(500, 7)).converged_


@pytest.mark.parametrize("kind", [ProbabilisticPCA, FactorAnalysis])
def test_what_is_no_table_of_numbers_is_refused_in_a_line(kind: type) -> None:
    for x in (np.zeros((4, 1, 1)), np.zeros(4), np.zeros((4, 3)) + 1j, np.zeros((0, 3))):
        with pytest.raises(InputError, match=r"^X: ") as refused:
            kind().fit(x)
        assert "\n" not in str(refused.value)


@pytest.mark.parametrize("kind", [ProbabilisticPCA, FactorAnalysis])
def test_numbers_whose_squares_overflow_are_refused(kind: type) -> None:
    x = np.random.default_rng(0).normal(size=(50, 3))
    for value in (1e300, -1e300):
        x[7, 1] = value
        with pytest.raises(InputError, match=r"X: too large: 1e\+300"):
            kind().fit(x)


def test_a_floor_of_the_noise_above_the_variance_is_refused() -> None:
    with pytest.raises(InputError, match=r"noise_floor: 2\.0; use a share"):
        FactorAnalysis(noise_floor=2.0).fit(np.random.default_rng(0).normal(size=(50, 3)))
