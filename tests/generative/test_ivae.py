"""IVAE: what the posterior is, what u does, what is refused, and sources found where they can be."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy.stats import multivariate_normal
from sklearn.base import clone

from mutua.data.sources import Mixture, ivae_mixture
from mutua.evaluation import mcc
from mutua.generative import IVAE, VAE
from mutua.generative.networks import PriorOfClass
from mutua.generative.variational import Variational
from mutua.training import Diverged
from mutua.types import InputError

SMALL: dict[str, Any] = {
    "hidden_layer_sizes": (8, 8),
    "max_iter": 30,
    "batch_size": 100,
    "device": "cpu",
    "random_state": 0,
}


@pytest.fixture(scope="module")
def mixture() -> Mixture:
    return ivae_mixture(0, segments=8, per_segment=60, d=2, layers=2)


def test_the_posterior_is_the_product_of_message_and_prior() -> None:
    torch.manual_seed(0)
    prior = PriorOfClass(3, 2, means=True)
    torch.nn.init.normal_(prior.log_scale, std=0.2)
    torch.nn.init.normal_(prior.location)
    model = Variational(torch.eye(2), prior, sizes=(4,)).double()
    x, u = torch.randn(5, 2, dtype=torch.float64), torch.tensor([0, 1, 2, 0, 1])
    with torch.no_grad():
        q, log_diagonal, location, log_scale = model.posterior(x, u)
        mean, factor = model.message(x)
    covariance = (q.factor @ q.factor.mT).numpy()
    np.testing.assert_allclose(
        log_diagonal.sum(1).numpy(), [0.5 * np.linalg.slogdet(c)[1] for c in covariance], rtol=1e-10
    )
    points = np.random.default_rng(0).normal(size=(6, 2))
    for i in range(5):
        message = multivariate_normal(mean[i].numpy(), np.linalg.inv((factor[i] @ factor[i].T).numpy()))
        ours = multivariate_normal(q.mean[i].numpy(), covariance[i])
        own = multivariate_normal(location[i].numpy(), np.diag(np.exp(2 * log_scale[i].numpy())))
        gap = message.logpdf(points) + own.logpdf(points) - ours.logpdf(points)
        np.testing.assert_allclose(gap, gap[0])  # proportional


@pytest.mark.parametrize("family", ["gaussian", "laplace"])
def test_linear_mixtures_of_modulated_sources_are_unmixed(family: str) -> None:
    """Scales of segments identify even Gaussian sources, which no linear ICA of whole rows could."""
    rng = np.random.default_rng(0)
    u = np.repeat(np.arange(20), 100)
    unit = rng.normal(size=(2000, 3)) if family == "gaussian" else rng.laplace(size=(2000, 3))
    s = unit * rng.uniform(0.2, 3, (20, 3))[u]
    X = s @ rng.normal(size=(3, 3))
    model = IVAE(
        family=family,
        hidden_layer_sizes=(),
        max_iter=500,
        batch_size=600,
        learning_rate=0.02,
        device="cpu",
        random_state=0,
    ).fit(X, u)
    assert mcc(s, model.transform(X)) > 0.97
    assert mcc(s, model.transform(X, u)) > 0.97


def test_means_identify_as_well() -> None:
    rng = np.random.default_rng(1)
    u = np.repeat(np.arange(20), 50)
    s = rng.normal(size=(1000, 2)) * rng.uniform(0.3, 1, (20, 2))[u] + rng.uniform(-3, 3, (20, 2))[u]
    X = s @ [[1.0, 0.5], [-0.4, 1.0]]
    settings: dict[str, Any] = {
        "hidden_layer_sizes": (),
        "max_iter": 400,
        "batch_size": 300,
        "learning_rate": 0.02,
        "device": "cpu",
        "random_state": 0,
    }
    model = IVAE(means=True, **settings).fit(X, u)
    assert mcc(s, model.transform(X)) > 0.95
    assert model.score(X, u) > IVAE(**settings).fit(X, u).score(X, u) + 0.3


def test_a_vector_u_modulates_through_a_network() -> None:
    rng = np.random.default_rng(2)
    t = np.linspace(0, 1, 2000)
    s = rng.normal(size=(2000, 2)) * np.exp(np.column_stack([np.sin(9 * t), np.cos(14 * t)]))
    X = s @ [[1.0, 0.6], [-0.5, 1.0]]
    model = IVAE(
        hidden_layer_sizes=(),
        max_iter=600,
        batch_size=500,
        learning_rate=0.02,
        device="cpu",
        random_state=0,
    ).fit(X, t)
    assert mcc(s, model.transform(X, t)) > 0.95
    assert model.sample(4, t[:4]).shape == (4, 2)
    # The mixture is linear: a nonlinear model has nothing to gain, and is told so.
    with pytest.warns(UserWarning, match="linear"):
        said = model.report(X, t)
    assert [row[3] for row in said.tables[0].rows][:2] == ["enough", "rich enough"]
    assert model.report().tables[0].rows[0][3] == "not checked"
    with pytest.raises(InputError, match="vector"):
        model.sample(4)


def test_u_raises_the_bound_over_the_vae(mixture: Mixture) -> None:
    settings = {**SMALL, "max_iter": 300}
    with_u = IVAE(**settings).fit(mixture.x, mixture.u)
    without = VAE(whiten=True, **settings).fit(mixture.x)
    assert with_u.score(mixture.x, mixture.u) > without.score(mixture.x)


def test_labels_may_be_strings_and_unseen_ones_are_named(mixture: Mixture, tmp_path: Path) -> None:
    names = np.array([f"part {k}" for k in mixture.u])
    model = IVAE(**SMALL).fit(mixture.x, names)
    numbered = IVAE(**SMALL).fit(mixture.x, mixture.u)
    np.testing.assert_array_equal(model.transform(mixture.x, names), numbered.transform(mixture.x, mixture.u))
    model.save(tmp_path / "ivae.safetensors")
    again = IVAE.load(tmp_path / "ivae.safetensors")
    np.testing.assert_array_equal(again.transform(mixture.x, names), model.transform(mixture.x, names))
    assert again.score(mixture.x, names) == model.score(mixture.x, names)
    np.testing.assert_array_equal(again.sample(9, random_state=1), model.sample(9, random_state=1))
    with pytest.raises(InputError, match="part 9"):
        again.transform(mixture.x[:1], ["part 9"])
    assert again.transform(mixture.x[:1]).shape == (1, 2)  # without u nothing is unseen


def test_fits_repeat_and_restarts_are_ranked(mixture: Mixture) -> None:
    model = IVAE(n_init=3, trial_iter=20, **SMALL).fit(mixture.x, mixture.u)
    np.testing.assert_array_equal(
        clone(model).fit(mixture.x, mixture.u).transform(mixture.x), model.transform(mixture.x)
    )
    assert len({trial.seed for trial in model.trials_}) == 3
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        said = model.report(mixture.x, mixture.u)
    assert len(said.tables[0].rows) == 4
    assert any("restarts agree" in words for words in said.words)
    assert any("squares" in words for words in said.words)  # which indeterminacy is left


def test_the_published_weights_train(mixture: Mixture) -> None:
    model = IVAE(weights=(100, 1, 0, 10), **SMALL).fit(mixture.x, mixture.u)
    plain = IVAE(**SMALL).fit(mixture.x, mixture.u)
    assert np.isfinite(model.score(mixture.x, mixture.u))
    assert not np.array_equal(model.transform(mixture.x), plain.transform(mixture.x))
    with pytest.raises(InputError, match="weights"):
        IVAE(weights=(1, 2, 3), **SMALL).fit(mixture.x, mixture.u)


def test_without_u_equal_segments_are_cut_with_a_warning(mixture: Mixture) -> None:
    with pytest.warns(UserWarning, match="equal segments"):
        model = IVAE(segments=4, **SMALL).fit(mixture.x)
    assert model.auxiliary_ is not None
    assert model.auxiliary_.count == 4


@pytest.mark.parametrize(
    ("u", "words"),
    [
        (np.zeros(480, int), "same value"),
        (np.zeros(479, int), "479"),
        (np.arange(480), "1 rows for 2 channels"),
        (np.full(480, np.nan), "NaN"),
    ],
)
def test_bad_u_is_refused(u: np.ndarray, words: str, mixture: Mixture) -> None:
    with pytest.raises(InputError, match=words):
        IVAE(**SMALL).fit(mixture.x, u)


def test_an_unknown_family_is_refused(mixture: Mixture) -> None:
    with pytest.raises(InputError, match="gaussian, laplace"):
        IVAE(family="cauchy", **SMALL).fit(mixture.x, mixture.u)


def test_on_linear_data_it_is_not_said_to_be_better_than_linear_ica(tmp_path: Path) -> None:
    """The linear model is fitted on the rows that the IVAE saw, and knows of the segments as it does."""
    rng = np.random.default_rng(0)
    u, fresh = np.repeat(np.arange(30), 100), np.repeat(np.arange(30), 8)
    scales, mixing = rng.uniform(0.3, 3, (30, 3)), rng.normal(size=(3, 3))
    X = (rng.normal(size=(3000, 3)) * scales[u]) @ mixing
    held = (rng.normal(size=(240, 3)) * scales[fresh]) @ mixing
    model = IVAE(hidden_layer_sizes=(16, 16), max_iter=300, device="cpu", random_state=0).fit(X, u)
    with pytest.warns(UserWarning, match="linear"):
        said = model.report(held, fresh)
    check, gain, _, verdict = said.tables[0].rows[-1]
    assert check.startswith("gain")
    assert verdict != "better"
    assert abs(gain) < 0.05
    model.save(tmp_path / "model")
    with pytest.warns(UserWarning, match="linear"):
        assert IVAE.load(tmp_path / "model").report(held, fresh) == said


def test_weights_too_large_for_their_outputs_are_divergence(mixture: Mixture) -> None:
    with pytest.raises(Diverged, match="not finite at step 0; check the data, or lower learning_rate"):
        IVAE(**SMALL | {"max_iter": 1, "batch_size": 1000, "learning_rate": 1e30}).fit(mixture.x, mixture.u)


@pytest.mark.parametrize("size", [1e300, 1e60, 1e25])
def test_rows_too_large_are_named(size: float, mixture: Mixture) -> None:
    model = IVAE(**SMALL).fit(mixture.x, mixture.u)
    for asked in (lambda: model.score(mixture.x * size, mixture.u), lambda: model.transform(mixture.x * 1e60)):
        with pytest.raises(InputError, match=r"^X: .*too large"):
            asked()


def test_columns_are_held_to_their_names(mixture: Mixture, tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(mixture.x, columns=["a", "b"])
    IVAE(**SMALL).fit(frame, mixture.u).save(tmp_path / "model")
    model = IVAE.load(tmp_path / "model")
    assert model.transform(frame).shape == mixture.x.shape
    with pytest.raises(InputError, match=r"^X: The feature names should match") as caught:
        model.transform(frame[["b", "a"]])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "arguments",
    [
        {"random_state": -1},
        {"family": ["gaussian"]},
        {"activation": ["silu"]},
        {"means": "no"},
        {"whiten": "no"},
        {"segments": 5},
    ],
)
def test_bad_arguments_are_refused_by_name(arguments: dict[str, Any], mixture: Mixture) -> None:
    with pytest.raises(InputError, match=next(iter(arguments))):
        IVAE(**{**SMALL, **arguments}).fit(mixture.x, mixture.u)


@pytest.mark.parametrize("segments", ["8", 2.5, 0])
def test_segments_that_are_no_number_are_refused(segments: object, mixture: Mixture) -> None:
    with pytest.raises(InputError, match="segments"):
        IVAE(segments=segments, **SMALL).fit(mixture.x)


@pytest.mark.filterwarnings("ignore:.*linear:UserWarning")
def test_what_is_not_checked_is_said(mixture: Mixture) -> None:
    model = IVAE(**SMALL).fit(mixture.x, mixture.u)
    some = mixture.u > 0
    said = model.report(mixture.x[some], mixture.u[some])
    assert [row[3] for row in said.tables[0].rows][:2] == ["not checked"] * 2
    assert any("0 rows of segment 0" in words for words in said.words)
    few = model.report(mixture.x[:5], mixture.u[:5])
    assert any("was not compared" in words for words in few.words)
    time = np.linspace(0, 1, 480)
    short = IVAE(**SMALL).fit(mixture.x, time).report(mixture.x[:5], time[:5])
    assert any("5 rows are too few" in words for words in short.words)


def test_agreement_is_said_to_be_of_trials_and_is_kept(mixture: Mixture, tmp_path: Path) -> None:
    model = IVAE(n_init=3, trial_iter=20, **SMALL).fit(mixture.x, mixture.u)
    assert any("short trials" in words for words in model.report().words)
    model.save(tmp_path / "model")
    assert IVAE.load(tmp_path / "model").report() == model.report()
