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
from mutua.types import InputError

SMALL: dict[str, Any] = {"hidden": 8, "steps": 30, "batch": 100, "device": "cpu", "random_state": 0}


@pytest.fixture(scope="module")
def mixture() -> Mixture:
    return ivae_mixture(0, segments=8, per_segment=60, d=2, layers=2)


def test_the_posterior_is_the_product_of_message_and_prior() -> None:
    torch.manual_seed(0)
    prior = PriorOfClass(3, 2, means=True)
    torch.nn.init.normal_(prior.log_scale, std=0.2)
    torch.nn.init.normal_(prior.location)
    model = Variational(torch.eye(2), prior, hidden=4, layers=1).double()
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
    model = IVAE(family=family, layers=0, steps=500, batch=600, lr=0.02, device="cpu", random_state=0).fit(X, u)
    assert mcc(s, model.transform(X)) > 0.97
    assert mcc(s, model.transform(X, u)) > 0.97


def test_means_identify_as_well() -> None:
    rng = np.random.default_rng(1)
    u = np.repeat(np.arange(20), 50)
    s = rng.normal(size=(1000, 2)) * rng.uniform(0.3, 1, (20, 2))[u] + rng.uniform(-3, 3, (20, 2))[u]
    X = s @ [[1.0, 0.5], [-0.4, 1.0]]
    settings: dict[str, Any] = {
        "layers": 0,
        "steps": 400,
        "batch": 300,
        "lr": 0.02,
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
    model = IVAE(layers=0, hidden=32, steps=600, batch=500, lr=0.02, device="cpu", random_state=0).fit(X, t)
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
    settings = {**SMALL, "steps": 300}
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
    model = IVAE(restarts=3, trial_steps=20, **SMALL).fit(mixture.x, mixture.u)
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
