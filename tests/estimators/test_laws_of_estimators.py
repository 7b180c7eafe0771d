"""Laws of every estimator of nonlinear and linear ICA and of the generative family: parameters, fits, files."""

from __future__ import annotations

import inspect
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils.estimator_checks import check_estimator

from mutua import generative, ica
from mutua.estimators.base import Estimator
from mutua.estimators.files import FORMAT, read_estimator, write_estimator
from mutua.types import InputError

CATALOGUE: dict[str, type[Estimator]] = ica.ESTIMATORS | generative.ESTIMATORS
FAST = {
    "max_iter": 5,
    "n_init": 1,
    "batch_size": 16,
    "hidden_layer_sizes": (5,),
    "baseline": False,
    "device": "cpu",
    "random_state": 0,
}
"""Of these each takes those it has: a fit in some hundredths of a second."""

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning")


def fast(name: str, **more: Any) -> Estimator:
    kind = CATALOGUE[name]
    known = inspect.signature(kind).parameters
    return kind(**{word: value for word, value in (FAST | more).items() if word in known})


def takes_u(name: str) -> bool:
    return "u" in inspect.signature(CATALOGUE[name].fit).parameters


def rows(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Rows (120, 3) of sources that four segments modulate, and the segments."""
    rng = np.random.default_rng(seed)
    u = np.repeat(np.arange(4), 30)
    s = rng.laplace(size=(120, 3)) * rng.uniform(0.3, 3, (4, 3))[u]
    return s @ rng.normal(size=(3, 3)) + rng.normal(size=(120, 3)), u


def given(name: str, seed: int = 0) -> tuple[np.ndarray, ...]:
    """What its fit takes; `PCL`'s u is the recording."""
    x, u = rows(seed)
    return (x, u) if takes_u(name) else (x,)


@pytest.fixture(scope="module")
def fits() -> dict[str, Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return {name: fast(name).fit(*given(name)) for name in CATALOGUE}


@pytest.mark.parametrize("name", CATALOGUE)
def test_it_is_described(name: str) -> None:
    kind = CATALOGUE[name]
    assert kind.__name__ == name
    assert kind.about()
    assert "\n" not in kind.about() + kind.paper()
    assert any(character.isdigit() for character in kind.paper())  # a year
    told = " ".join(inspect.getdoc(base) or "" for base in kind.__mro__ if base.__module__.startswith("mutua."))
    for word in inspect.signature(kind).parameters:
        assert word in told, f"{word} is not explained"


@pytest.mark.parametrize(
    "name", [name for name in CATALOGUE if name not in ("LinearICA", "ProbabilisticPCA", "FactorAnalysis")]
)
def test_what_is_left_open_is_said(name: str, fits: dict[str, Any]) -> None:
    assert CATALOGUE[name].indeterminacy
    assert any(CATALOGUE[name].indeterminacy in words for words in fits[name].report().words)


@pytest.mark.parametrize("name", CATALOGUE)
def test_parameters_are_kept_as_given_and_copied(name: str) -> None:
    model = fast(name)
    assert clone(model).get_params() == model.get_params()
    assert repr(model).startswith(name)
    with pytest.raises(NotFittedError):
        model.transform(rows()[0])
    with pytest.raises(NotFittedError):
        model.save("nowhere")


@pytest.mark.parametrize("name", CATALOGUE)
def test_any_parameter_that_is_nonsense_is_named_before_the_work_begins(name: str) -> None:
    if name == "LinearICA":
        pytest.importorskip("sklearn")
    for word in inspect.signature(CATALOGUE[name]).parameters:
        more = {"n_components": "bic"} if word == "candidates" else {}
        args = given(name)[:1] if word == "segments" else given(name)
        for nonsense in (object(), -3, "nonsense"):
            with pytest.raises(InputError) as caught:
                fast(name, **more, **{word: nonsense}).fit(*args)
            assert word in str(caught.value)
            assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", CATALOGUE)
def test_words_that_parameters_had_are_refused_with_the_new_one(name: str) -> None:
    kind = CATALOGUE[name]
    known = set(inspect.signature(kind).parameters)
    for old, new in kind._renamed.items():
        assert new in known
        if old in known:
            continue
        for use in (lambda old=old: kind(**{old: 1}), lambda old=old: kind().set_params(**{old: 1})):
            with pytest.raises(InputError, match=f"^{name}: {old} is called {new} now; use that word$"):
                use()


@pytest.mark.parametrize("name", CATALOGUE)
def test_the_same_twice(name: str, fits: dict[str, Any]) -> None:
    again = fast(name).fit(*given(name))
    np.testing.assert_array_equal(again.transform(rows()[0]), fits[name].transform(rows()[0]))
    assert again.score(*given(name)) == fits[name].score(*given(name))


@pytest.mark.parametrize("name", CATALOGUE)
def test_arrays_in_arrays_out(name: str, fits: dict[str, Any]) -> None:
    x, model = rows()[0], fits[name]
    found = model.transform(torch.from_numpy(x)) if takes_u(name) else model.transform(x)
    assert isinstance(found, np.ndarray)
    names = list(model.get_feature_names_out())
    assert names == [f"{name.lower()}{i}" for i in range(found.shape[1])]
    assert model.n_features_in_ == 3
    np.testing.assert_allclose(model.transform(x[:1]), found[:1], rtol=1e-4, atol=1e-6)
    with pytest.raises(ValueError, match=r"features|channels"):
        model.transform(x[:, :2])


@pytest.mark.parametrize("name", CATALOGUE)
def test_a_fit_that_fails_leaves_the_one_before(name: str) -> None:
    model = fast(name).fit(*given(name))
    before = model.transform(rows()[0])
    bad = rows()[0] * 5 + 2
    bad[:, 1] = np.inf
    with pytest.raises(InputError):
        model.fit(bad, *given(name)[1:])
    with pytest.raises(InputError):
        model.set_params(random_state=-1).fit(*given(name))
    np.testing.assert_array_equal(model.transform(rows()[0]), before)


@pytest.mark.parametrize("name", CATALOGUE)
def test_saved_and_loaded_it_is_the_same(name: str, tmp_path: Path) -> None:
    kind, args = CATALOGUE[name], given(name)
    model = fast(name).fit(*args)
    parameters = model.get_params()
    # What is kept is what it was fitted with, whatever is set for the next fit.
    changed = {"n_components": 1} | {word: 9 for word in ("max_iter", "layers") if word in parameters}
    model.set_params(**changed).save(tmp_path / "model")
    again = kind.load(tmp_path / "model")
    np.testing.assert_array_equal(again.transform(args[0]), model.transform(args[0]))
    assert again.score(*args) == model.score(*args)
    assert again.get_params() == parameters
    assert list(again.get_feature_names_out()) == list(model.get_feature_names_out())
    if "report" in dir(kind) and "X" not in inspect.signature(kind.report).parameters:
        assert again.report() == model.report()
    if "sample" in dir(kind):
        more = {"u": args[1][:9]} if "u" in inspect.signature(kind.sample).parameters else {}
        drawn, same = (each.sample(9, **more, random_state=1) for each in (model, again))
        np.testing.assert_array_equal(drawn, same)
    again.save(tmp_path / "second")
    first, second = (read_estimator(tmp_path / each, name) for each in ("model", "second"))
    assert first[:2] == second[:2]
    assert first[0] == FORMAT
    assert first[2].keys() == second[2].keys()
    other = next(each for each in CATALOGUE if each != name)
    with pytest.raises(InputError, match=f"holds a {name}, not a {other}; use {name}.load"):
        CATALOGUE[other].load(tmp_path / "model")


@pytest.mark.parametrize("name", CATALOGUE)
def test_a_damaged_file_is_named(name: str, fits: dict[str, Any], tmp_path: Path) -> None:
    kind, path = CATALOGUE[name], tmp_path / "model"
    fits[name].save(path)
    _, settings, arrays = read_estimator(path, name)

    def refused(settings: dict[str, Any], arrays: dict[str, np.ndarray]) -> bool:
        write_estimator(path, name, settings, arrays)
        said = ""
        try:
            kind.load(path)
        except InputError as error:
            said = str(error)
        assert not said or ("model: its parts don't fit together" in said and "\n" not in said)
        return bool(said)

    assert not refused(settings, arrays)
    assert refused({}, arrays)
    assert refused({**settings, "parameters": {"colour": "red"}}, arrays)
    assert refused(settings, {})
    for word in settings:
        assert refused({key: value for key, value in settings.items() if key != word}, arrays) or word == "classes"
    short = [refused(settings, {**arrays, each: arrays[each][..., :-1]}) for each in arrays if arrays[each].ndim]
    gone = [refused(settings, {key: value for key, value in arrays.items() if key != each}) for each in arrays]
    assert any(short)
    assert any(gone)


@pytest.mark.skipif(torch.cuda.is_available(), reason="CUDA is here")
@pytest.mark.parametrize(
    "name", [name for name in CATALOGUE if "device" in inspect.signature(CATALOGUE[name]).parameters]
)
def test_a_file_from_cuda_is_read_where_there_is_none(name: str, fits: dict[str, Any], tmp_path: Path) -> None:
    fits[name].save(tmp_path / "model")
    _, settings, arrays = read_estimator(tmp_path / "model", name)
    settings["parameters"]["device"] = "cuda"
    write_estimator(tmp_path / "model", name, settings, arrays)
    again = CATALOGUE[name].load(tmp_path / "model")
    np.testing.assert_array_equal(again.transform(rows()[0]), fits[name].transform(rows()[0]))


FIRST = Path(__file__).parent / "release_0_1"
"""Written by release 0.1 (commit 9591836), with what it made of the same rows."""


U = np.repeat(np.arange(4), 30)
TIME = np.linspace(0, 1, 120)
OLD: dict[str, tuple[type[Estimator], Any]] = {
    "tcl": (ica.TCL, [f"part {i}" for i in U]),
    "gcl": (ica.GCL, TIME),
    "pcl": (ica.PCL, None),
    "flow_segments": (ica.FlowICA, U),
    "flow_time": (ica.FlowICA, TIME),
    "flow_past": (ica.FlowICA, None),
    "ivae": (generative.IVAE, U),
    "ivae_time": (generative.IVAE, TIME),
    "vae": (generative.VAE, None),
    "betavae": (generative.BetaVAE, None),
}
"""Its files, the class of each and the u it was fitted with."""


@pytest.mark.parametrize("file", OLD)
def test_files_of_the_first_release_are_read(file: str, tmp_path: Path) -> None:
    kind, u = OLD[file]
    expected = load_file(FIRST / "expected.safetensors")
    model, x = kind.load(FIRST / f"{file}.safetensors"), expected["X"]
    np.testing.assert_allclose(model.transform(x), expected[f"{file}.transform"], rtol=1e-6, atol=1e-9)
    score = model.score(x) if u is None else model.score(x, u)
    assert score == pytest.approx(float(expected[f"{file}.score"]), rel=1e-6)
    model.save(tmp_path / "again")
    np.testing.assert_array_equal(kind.load(tmp_path / "again").transform(x), model.transform(x))


U_NOT_Y = {
    "check_fit_score_takes_y": "the second argument is u",
    "check_n_features_in_after_fitting": "score takes u, not y",
}
DRAWS = {
    "check_methods_sample_order_invariance": "a score is an estimate, of draws by the row's place",
    "check_methods_subset_invariance": "the same",
}
NO_ROWS = {"check_estimators_nan_inf": "u is a vector there, or ten rows with a label each"}
APART: dict[str, dict[str, str]] = {
    "TCL": U_NOT_Y | NO_ROWS,
    "GCL": U_NOT_Y,
    "PCL": U_NOT_Y
    | NO_ROWS
    | {"check_estimators_dtypes": "u is a label each row there, so that no pair is of one"},
    "FlowICA": U_NOT_Y,
    "VAE": U_NOT_Y | DRAWS,
    "BetaVAE": U_NOT_Y | DRAWS,
    "IVAE": U_NOT_Y | DRAWS,
}
"""Of scikit-learn's checks those that an estimator fails, and why that is right."""


@pytest.mark.parametrize("name", CATALOGUE)
def test_scikit_learns_own_checks(name: str) -> None:
    more = {} if name == "IVAE" else {"segments": 3}  # which IVAE takes in place of u alone
    model = fast(name, **more) if name in ("VAE", "BetaVAE", "IVAE") else fast(name, validation_fraction=0, **more)
    expected = APART.get(name, {})
    results = check_estimator(model, expected_failed_checks=expected, on_skip=None, on_fail=None)
    failed = {each["check_name"]: str(each["exception"])[:200] for each in results if each["status"] == "failed"}
    assert failed == {}
    assert {each["check_name"] for each in results if each["status"] == "xfail"} == set(expected)
