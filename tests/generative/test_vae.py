"""VAE and beta-VAE: against probabilistic PCA where they are linear, and as estimators."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from mutua.generative import IVAE, VAE, BetaVAE, ProbabilisticPCA
from mutua.generative.variational import Variational
from mutua.training import Diverged
from mutua.types import InputError, Step

SMALL: dict[str, Any] = {
    "hidden_layer_sizes": (8, 8),
    "max_iter": 30,
    "batch_size": 100,
    "device": "cpu",
    "random_state": 0,
}


def _factors(n: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, 2)) @ rng.normal(size=(2, 5)) + 0.5 * rng.normal(size=(n, 5)) + 3.0


def test_a_linear_vae_reaches_the_likelihood_of_probabilistic_pca() -> None:
    X, fresh = _factors(2000), _factors(2000, 0)[::-1][:500]
    spread = X.std(0)
    vae = VAE(
        2,
        hidden_layer_sizes=(),
        max_iter=800,
        batch_size=500,
        learning_rate=0.03,
        validation_fraction=0.001,
        device="cpu",
        random_state=0,
    ).fit(X)
    ppca = ProbabilisticPCA(2).fit(X / spread)  # the VAE's noise is isotropic in standardised channels
    expected = ppca.score(fresh / spread) - np.log(spread).sum()
    assert vae.score(fresh) == pytest.approx(expected, abs=0.03)
    assert vae.score(fresh, samples=50) == pytest.approx(expected, abs=0.03)
    assert vae.noise_ == pytest.approx(np.sqrt(ppca.noise_variance_), rel=0.05)
    reconstructed = vae.inverse_transform(vae.transform(fresh))
    np.testing.assert_allclose(
        reconstructed / spread, ppca.inverse_transform(ppca.transform(fresh / spread)), atol=0.3
    )
    drawn = vae.sample(20_000, random_state=1)
    np.testing.assert_allclose(np.cov((drawn / spread).T), ppca.get_covariance(), atol=0.05)


@pytest.mark.parametrize("whiten", [False, True])
def test_scores_are_of_x_as_given(whiten: bool) -> None:
    """A density of 10 x is lower by d log 10."""
    X = _factors(300)
    one = VAE(2, whiten=whiten, **SMALL).fit(X)
    ten = VAE(2, whiten=whiten, **SMALL).fit(10 * X)
    assert ten.score(10 * X) == pytest.approx(one.score(X) - 5 * np.log(10), abs=0.05)


def test_more_importance_samples_tighten_the_bound() -> None:
    X = _factors(300)
    vae = VAE(2, **SMALL).fit(X)
    few, many = vae.score(X, samples=1), vae.score(X, samples=20)
    assert few < many
    assert vae.score_samples(X, samples=20).shape == (300,)


def test_torch_in_numpy_out_and_names() -> None:
    X = _factors(200)
    model = VAE(2, **SMALL).fit(torch.tensor(X))
    assert isinstance(model.transform(torch.tensor(X)), np.ndarray)
    assert list(model.get_feature_names_out()) == ["vae0", "vae1"]
    assert "not identified" in model.report().words[0]


def test_beta_presses_the_latents_to_the_prior() -> None:
    X = _factors(500)
    settings = {**SMALL, "max_iter": 300, "hidden_layer_sizes": ()}
    loose, tight = BetaVAE(2, beta=1.0, **settings).fit(X), BetaVAE(2, beta=20.0, **settings).fit(X)
    assert tight.transform(X).var() < loose.transform(X).var()
    assert tight.score(X) < loose.score(X)


def test_sizes_compete_by_held_out_elbo() -> None:
    """Two factors in five channels: one latent is too few, and is seen to be."""
    model = VAE(
        [1, 2], hidden_layer_sizes=(), max_iter=100, trial_iter=300, batch_size=200, device="cpu", random_state=0
    )
    model.fit(_factors(1000))
    assert [trial.components for trial in model.trials_] == [1, 2]
    assert model.method_.k == 2


@pytest.mark.parametrize(
    ("X", "words"),
    [
        (np.full((20, 3), np.nan), "NaN"),
        (np.column_stack([np.arange(20.0), np.ones(20)]), "channel 1 is constant"),
        (np.zeros(20), "shape"),
    ],
)
def test_bad_rows_are_refused(X: np.ndarray, words: str) -> None:
    with pytest.raises(InputError, match=words):
        VAE(1, **SMALL).fit(X)


def test_other_refusals() -> None:
    model = VAE(2, **SMALL).fit(_factors(60))
    with pytest.raises(InputError, match="4 features"):
        model.transform(np.zeros((3, 4)))
    with pytest.raises(InputError, match="latents"):
        model.inverse_transform(np.zeros((3, 4)))
    with pytest.raises(InputError, match="samples"):
        model.score(_factors(10), samples=0)
    with pytest.raises(InputError, match="n_samples"):
        model.sample(0)
    with pytest.raises(InputError, match=r"n_samples: 2\.5"):
        model.sample(2.5)
    with pytest.raises(InputError, match="random_state: -1"):
        model.sample(1, random_state=-1)
    with pytest.raises(InputError, match="too large"):
        model.transform(_factors(10) * 1e300)
    with pytest.raises(InputError, match="too large"):
        model.inverse_transform(np.full((3, 2), 1e300))
    with pytest.raises(InputError, match="beta"):
        BetaVAE(beta=0, **SMALL).fit(_factors(60))
    copies = _factors(60)[:, [0, 0, 1]]
    with pytest.raises(InputError, match=r"only 2 of 3 channels are independent.*whiten=False"):
        IVAE(**SMALL).fit(copies, np.arange(60) % 2)


def test_training_that_is_not_finite_stops_and_names_the_step(monkeypatch: pytest.MonkeyPatch) -> None:
    step, calls = Variational.step, [0]

    def broken(self: Variational, batch: tuple[torch.Tensor, torch.Tensor], generator: torch.Generator) -> Step:
        calls[0] += 1
        found = step(self, batch, generator)
        return Step(found.loss * float("nan") if calls[0] == 5 else found.loss, found.logs)

    monkeypatch.setattr(Variational, "step", broken)
    with pytest.raises(Diverged, match="step 4"):
        VAE(2, **SMALL).fit(_factors(300))


def test_a_report_is_titled_by_its_model() -> None:
    said = BetaVAE(2, **SMALL).fit(_factors(200)).report()
    assert said.title.startswith("BetaVAE:")
    assert said.tables[0].title.startswith("BetaVAE:")
