"""`FlowICA`: sources found, likelihoods that are ones, files, and what is refused."""

import json
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch

from mutua.data.sources import Mixture, gcl_past_mixture, gcl_time_mixture, held_out, ivae_mixture
from mutua.evaluation import mcc, variability_of_scales
from mutua.ica.flow import FlowICA
from mutua.ica.flow import training as training_module
from mutua.training.stopping import Diverged
from mutua.types import InputError


def small(**changed: object) -> FlowICA:
    settings = {
        "prior": "gaussian",
        "layers": 3,
        "max_iter": 400,
        "batch_size": 512,
        "n_init": 2,
        "finalists": 1,
        "device": "cpu",
    }
    return FlowICA(**(settings | changed))


@pytest.fixture(scope="module")
def mixture() -> Mixture:
    return ivae_mixture(0, segments=12, per_segment=250, d=3, layers=2)


@pytest.fixture(scope="module")
def fitted(mixture: Mixture) -> FlowICA:
    return small(max_iter=1500, finalists=2).fit(mixture.x, mixture.u)


def test_finds_the_sources(mixture: Mixture) -> None:
    train, test = held_out(mixture, 0)
    model = small(max_iter=1500).fit(mixture.x[train], mixture.u[train])
    found = model.transform(mixture.x[test])
    assert mcc(mixture.s[test], found) > 0.97
    assert mcc(mixture.s[test], mixture.x[test]) < 0.9
    np.testing.assert_allclose(model.transform(mixture.x[train]).std(0), 1, atol=0.05)
    assert model.comparison_ is not None
    assert model.comparison_.better


def test_density_of_x_is_that_of_the_units_it_is_in(fitted: FlowICA, mixture: Mixture) -> None:
    # p(x) through the inverse: log p(s) less the log of the volume that the inverse makes, by finite differences.
    u = mixture.u[:3]
    s = fitted.transform(mixture.x[:3])
    step = 1e-5
    shifts = step * np.eye(3)
    rows = (fitted.inverse_transform((s[:, None] + shifts).reshape(-1, 3)) - np.repeat(mixture.x[:3], 3, 0)) / step
    volume = np.linalg.slogdet(rows.reshape(3, 3, 3))[1]
    own = np.empty_like(s)
    own[:, fitted._order] = s
    prior = fitted._fit.prior.log_prob((own * fitted.scale_).T, fitted._known(u, 3))
    np.testing.assert_allclose(
        fitted.score_samples(mixture.x[:3], u), prior + np.log(fitted.scale_).sum() - volume, atol=1e-3
    )


def test_rows_come_back(fitted: FlowICA, mixture: Mixture) -> None:
    np.testing.assert_allclose(fitted.inverse_transform(fitted.transform(mixture.x)), mixture.x, atol=1e-9)


def test_u_tells_more(fitted: FlowICA, mixture: Mixture) -> None:
    fresh = mixture.fresh(0)
    assert fitted.score(fresh.x, fresh.u) > fitted.score(fresh.x)


def test_samples_are_like_the_rows(fitted: FlowICA, mixture: Mixture) -> None:
    drawn = fitted.sample(len(mixture.u), mixture.u)
    np.testing.assert_allclose(np.cov(drawn.T), np.cov(mixture.x.T), atol=0.1 * np.var(mixture.x, 0).max())
    assert fitted.sample(5).shape == (5, 3)


@pytest.mark.filterwarnings("ignore:.*linear:UserWarning")
@pytest.mark.parametrize("make", ["layers", "coupling"])
def test_save_and_load(make: str, mixture: Mixture, tmp_path: Path) -> None:
    names = np.array([f"day {i}" for i in mixture.u])
    model = small(make=make, max_iter=20).fit(torch.from_numpy(mixture.x), names)
    model.save(tmp_path / "flow.safetensors")
    again = FlowICA.load(tmp_path / "flow.safetensors")
    np.testing.assert_array_equal(again.transform(mixture.x), model.transform(mixture.x))
    assert again.score(mixture.x, names) == model.score(mixture.x, names)
    assert again.score(mixture.x) == model.score(mixture.x)
    assert again.report().words == model.report().words
    with pytest.raises(InputError, match="day 99"):
        again.score(mixture.x[:1], ["day 99"])


def test_smooth_u_and_the_past(tmp_path: Path) -> None:
    time = gcl_time_mixture(0, d=3, n=4000)
    model = small(prior="laplace", max_iter=600, n_init=1).fit(time.x, time.u)
    assert mcc(time.s, model.transform(time.x)) > 0.97
    model.save(tmp_path / "a")
    assert FlowICA.load(tmp_path / "a").score(time.x, time.u) == model.score(time.x, time.u)
    past = gcl_past_mixture(0, d=3, n=4000)
    chain = small(prior="laplace", past=True, max_iter=600, n_init=1).fit(past.x)
    assert mcc(past.s, chain.transform(past.x)) > 0.97
    chain.save(tmp_path / "b")
    assert FlowICA.load(tmp_path / "b").score(past.x) == chain.score(past.x)


def test_u_ignored_is_one_segment(mixture: Mixture) -> None:
    model = small(use_u=False, max_iter=50).fit(mixture.x)
    assert model.score(mixture.x) == model.score(mixture.x, mixture.u)


def test_fewer_components() -> None:
    rng = np.random.default_rng(0)
    u = np.repeat(np.arange(10), 200)
    s = rng.standard_normal((2000, 2)) * rng.uniform(0.3, 3, (10, 2))[u]
    x = s @ rng.standard_normal((2, 4)) + 1e-3 * rng.standard_normal((2000, 4))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # linear is as good, and said to be
        model = small(n_components=2, layers=1).fit(x, u)
    assert model.transform(x).shape == (2000, 2)
    assert mcc(s, model.transform(x)) > 0.97
    assert np.abs(model.inverse_transform(model.transform(x)) - x).max() < 0.02


def test_a_linear_mixture_is_said_to_be_linear() -> None:
    rng = np.random.default_rng(0)
    u = np.repeat(np.arange(10), 300)
    x = (rng.standard_normal((3000, 2)) * rng.uniform(0.3, 3, (10, 2))[u]) @ rng.standard_normal((2, 2))
    with pytest.warns(UserWarning, match="linear"):
        model = small().fit(x, u)
    assert any("LinearICA" in words for words in model.report().words)


def test_report_is_plain(fitted: FlowICA) -> None:
    report = fitted.report()
    assert len(report.tables[0].rows) == 4
    assert fitted.agreement_ is not None
    assert "scale" in " ".join(report.words)
    json.dumps(report.settings)


def test_training_that_diverges_names_the_step(mixture: Mixture, monkeypatch: pytest.MonkeyPatch) -> None:
    steps = iter(range(1000))

    class Broken(training_module.Descent):
        def step(self, gradient: np.ndarray, rate: float) -> bool:
            return super().step(gradient * np.nan if next(steps) == 6 else gradient, rate)

    monkeypatch.setattr(training_module, "Descent", Broken)
    with pytest.raises(Diverged, match="step 7"):
        small(n_init=1).fit(mixture.x, mixture.u)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"prior": "cauchy"}, "prior"),
        ({"make": "free"}, "make"),
        ({"layers": -1}, "layers"),
        ({"knees": 0}, "knees"),
        ({"validation_fraction": 1}, "validation_fraction"),
        ({"learning_rate": 0}, "learning_rate"),
        ({"n_init": 0}, "n_init"),
        ({"use_u": "no"}, "use_u"),
        ({"n_components": 9}, "n_components|components"),
        ({"device": "abacus"}, "device"),
        ({"past": True}, "past"),
    ],
)
def test_settings_that_are_none(settings: dict, message: str, mixture: Mixture) -> None:
    with pytest.raises(InputError, match=message):
        small(**settings).fit(mixture.x, mixture.u)


def test_data_that_are_none(mixture: Mixture, fitted: FlowICA) -> None:
    x, u = mixture.x, mixture.u
    constant, holed = x.copy(), x.copy()
    constant[:, 1], holed[5, 2] = 2.0, np.nan
    for rows, aux, message in (
        (x, u[:-1], "2999"),
        (x, np.zeros(len(x), int), "every row has the same value"),
        (x, np.arange(len(x)) // 3, "segment"),
        (constant, u, "constant"),
        (holed, u, "row 5, channel 2"),
    ):
        with pytest.raises(InputError, match=message):
            small().fit(rows, aux)
    with pytest.raises(InputError, match="77"):
        fitted.score(x[:1], [77])
    with pytest.raises(InputError, match="2 columns"):
        fitted.inverse_transform(np.zeros((1, 2)))
    with pytest.warns(UserWarning, match="equal segments"):
        small(max_iter=5, validation_fraction=0).fit(x)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA here")
def test_on_cuda(mixture: Mixture) -> None:
    model = small(max_iter=1000, device="cuda").fit(mixture.x, mixture.u)
    assert mcc(mixture.s, model.transform(mixture.x)) > 0.95


@pytest.mark.parametrize("make", ["layers", "coupling"])
def test_parameters_that_are_too_large_name_the_step(make: str, mixture: Mixture) -> None:
    with pytest.raises(Diverged, match=r"not finite at step \d; check the data, or lower learning_rate$"):
        small(make=make, max_iter=1, learning_rate=1e30, n_init=1).fit(mixture.x, mixture.u)


def test_a_run_without_a_likelihood_is_the_last_choice(mixture: Mixture, monkeypatch: pytest.MonkeyPatch) -> None:
    likelihoods = iter([np.nan, 0.0])
    monkeypatch.setattr(training_module, "mean_log_prob", lambda *_: next(likelihoods))
    model = small(max_iter=8, validation_fraction=0, n_init=2).fit(mixture.x, mixture.u)
    assert model.log_likelihoods_.tolist() == [-np.inf, 0.0]


def test_rows_too_large_are_named(fitted: FlowICA, mixture: Mixture) -> None:
    for asked in (fitted.transform, fitted.score):
        with pytest.raises(InputError, match=r"^X: too large"):
            asked(mixture.x * 1e300)


def test_the_weakest_direction_is_numbered_as_the_components_are(fitted: FlowICA, mixture: Mixture) -> None:
    assert fitted.variability_ is not None
    again = variability_of_scales(fitted.transform(mixture.x), mixture.u)
    np.testing.assert_allclose(np.abs(fitted.variability_.weakest), np.abs(again.weakest), atol=1e-6)


def test_u_that_is_not_used_is_still_of_the_rows(mixture: Mixture) -> None:
    ignoring = small(use_u=False, max_iter=5, validation_fraction=0)
    with pytest.raises(InputError, match="u: 1 values"):
        ignoring.fit(mixture.x, [np.nan])
    ignoring.fit(mixture.x)
    chain = small(past=True, max_iter=5, validation_fraction=0).fit(mixture.x)
    for model in (ignoring, chain):
        with pytest.raises(InputError, match="u: 2 values"):
            model.score(mixture.x, [1, 2])
        with pytest.raises(InputError, match="u: NaN"):
            model.score(mixture.x[:2], [0.0, np.nan])


@pytest.mark.filterwarnings("ignore:.*linear:UserWarning")
def test_too_few_rows_for_segments_of_time_are_not_checked() -> None:
    x = np.random.default_rng(0).standard_normal((60, 8))
    report = small(max_iter=5, validation_fraction=0).fit(x, np.linspace(0, 1, 60)).report()
    assert report.tables[0].rows[0][3] == "not checked"


@pytest.mark.parametrize("n", [-1, 0, 2.5, True])
def test_sizes_of_samples(n: object, fitted: FlowICA) -> None:
    with pytest.raises(InputError, match=f"n: {n}"):
        fitted.sample(n)
