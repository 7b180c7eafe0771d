"""`VAE` and `BetaVAE`: latent variable models that know of nothing but x."""

from __future__ import annotations

from dataclasses import replace
from numbers import Real
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from sklearn.utils.validation import check_is_fitted
from torch import nn

from mutua.data.auxiliary import Auxiliary, checked_rows
from mutua.evaluation.sources.evidence import evidence
from mutua.generative.networks import StandardPrior
from mutua.generative.settings import checked_size, random_of
from mutua.generative.vae_base import OF_TRIALS, Autoencoding
from mutua.types import InputError, Result

__all__ = ["VAE", "BetaVAE"]


class VAE(Autoencoding):
    """x = f(s) + noise with s ~ N(0, I): a variational autoencoder of plain rows, noise learned.

        ELBO = E_q[log N(x; f(s), noise^2 I)] - KL(q(s | x) || N(0, I))

    in standardised channels, or in whitened ones; every score is in nats a row of X as given. f and the encoder
    are a linear map plus a small perceptron; q has a full covariance, see `Variational`.

    Args:
        n_components: k latents; None for as many as channels; a list tries each by the ELBO of rows held out.
        hidden, layers: units and number of hidden layers of encoder and decoder; layers=0 is a linear model
            (probabilistic PCA, whose likelihood the ELBO then reaches).
        activation: "silu", "tanh", "softplus" or "leaky_relu".
        whiten: work on principal components of deviation 1 rather than on standardised channels.
        noise: deviation that the observation noise starts at, of 1; it is learned.
        steps, batch, lr: of training, Adam with warm-up and a cosine to 0.
        restarts: how many are tried for `trial_steps` each; the one with the best held-out ELBO is trained in
            full. With one restart and one size there is no trial.
        held_out: share of the rows that restarts are ranked by. They are never trained on.
        device: "auto", "cpu" or "cuda".
        random_state: of restarts, batches and samples.

    Attributes:
        method_: the trained networks, a `Variational`. noise_: the learned deviation, of 1.
        elbo_: of the rows held out, nats a row. trials_: `Trial` of each restart. history_: logged metrics.

    `fit` raises `InputError`: NaN, constant channels, arguments out of range; and `Diverged` (an `InputError`)
    naming the step where training is no longer finite.

    Nothing identifies the latents: see `report`.

    >>> X = np.random.default_rng(0).normal(size=(500, 1)) * [3.0, 2.0, 1.0] + [0.0, 1.0, 2.0]
    >>> X += np.random.default_rng(1).normal(size=X.shape)
    >>> model = VAE(1, hidden=8, steps=20, batch=100, device="cpu", random_state=0).fit(X)
    >>> model.transform(X).shape, model.inverse_transform(model.transform(X)).shape, model.sample(3).shape
    ((500, 1), (500, 3), (3, 3))

    Paper: Kingma and Welling, Auto-encoding variational Bayes (2014), arXiv:1312.6114.
    """

    # Any, because scikit-learn's convention is that arguments are kept as given and judged by `fit`.
    def __init__(
        self,
        n_components: Any = None,
        *,
        hidden: Any = 64,
        layers: Any = 2,
        activation: Any = "silu",
        whiten: Any = False,
        noise: Any = 0.5,
        steps: Any = 4000,
        batch: Any = 1000,
        lr: Any = 1e-2,
        restarts: Any = 1,
        trial_steps: Any = 500,
        held_out: Any = 0.1,
        device: Any = "auto",
        random_state: Any = None,
    ) -> None:
        self.n_components = n_components
        self.hidden = hidden
        self.layers = layers
        self.activation = activation
        self.whiten = whiten
        self.noise = noise
        self.steps = steps
        self.batch = batch
        self.lr = lr
        self.restarts = restarts
        self.trial_steps = trial_steps
        self.held_out = held_out
        self.device = device
        self.random_state = random_state

    def _prior(self, k: int, u: Auxiliary | None) -> nn.Module:
        return StandardPrior(k)

    def fit(self, X: Any, u: Any = None) -> VAE:
        """Fit X (n, d). u is ignored: it is there so that models with and without it are called alike."""
        self._refit(X, None, checked_rows(X))
        return self

    def transform(self, X: Any, u: Any = None) -> Float[np.ndarray, "n k"]:
        """E_q[s | x] of each row of X (n, d)."""
        x = self._rows(X)
        return self._encoded(x, self._coded(None, len(x)))

    def score_samples(self, X: Any, u: Any = None, *, samples: int = 1) -> Float[np.ndarray, " n"]:
        """A bound on log p(x) of each row, in nats: log-mean-exp of importance weights.

        samples=1 estimates the ELBO without bias; the bound rises to log p(x) with more (Burda et al. 2016).
        """
        x = self._rows(X)
        return self._bound(x, self._coded(None, len(x)), samples)

    def score(self, X: Any, u: Any = None, *, samples: int = 1) -> float:
        """Mean of `score_samples`: the ELBO of the rows of X."""
        return float(self.score_samples(X, samples=samples).mean())

    def sample(self, n_samples: Any = 1, random_state: Any = None) -> Float[np.ndarray, "n d"]:
        """Rows drawn from the model, noise included. random_state is the model's own where none is given."""
        check_is_fitted(self, "method_")
        checked_size("n_samples", n_samples, 1)
        random = random_of(self.random_state if random_state is None else random_state)
        zero = torch.zeros(n_samples, dtype=torch.long)
        # The standard prior answers with one row for all.
        return self._drawn(zero, random)

    def report(self) -> Result:
        """What is known without the truth: agreement of restarts, and that nothing identifies the latents."""
        check_is_fitted(self, "method_")
        words = [] if self.agreement_ is None else [OF_TRIALS]
        found = evidence("VAE", sources=self.method_.k, restarts=self.agreement_, words=words)
        # What is left open by the theory is the same, whatever the KL divergence is weighed by.
        name = type(self).__name__
        tables = [replace(table, title=table.title.replace("VAE", name, 1)) for table in found.tables]
        return replace(found, title=found.title.replace("VAE", name, 1), tables=tables)


class BetaVAE(VAE):
    """A VAE whose KL divergence is weighed by beta > 1, which presses latents towards independence.

    It trains on E_q[log p(x | s)] - beta KL; scores are ELBOs all the same. The noise is learned as well, so that
    beta tempers the posterior (as it would the noise where that is fixed). Arguments are those of `VAE`.

    Paper: Higgins et al., beta-VAE (2017).
    """

    def __init__(
        self,
        n_components: Any = None,
        *,
        beta: Any = 4.0,
        hidden: Any = 64,
        layers: Any = 2,
        activation: Any = "silu",
        whiten: Any = False,
        noise: Any = 0.5,
        steps: Any = 4000,
        batch: Any = 1000,
        lr: Any = 1e-2,
        restarts: Any = 1,
        trial_steps: Any = 500,
        held_out: Any = 0.1,
        device: Any = "auto",
        random_state: Any = None,
    ) -> None:
        super().__init__(
            n_components,
            hidden=hidden,
            layers=layers,
            activation=activation,
            whiten=whiten,
            noise=noise,
            steps=steps,
            batch=batch,
            lr=lr,
            restarts=restarts,
            trial_steps=trial_steps,
            held_out=held_out,
            device=device,
            random_state=random_state,
        )
        self.beta = beta

    def _objective(self, rows: int) -> dict[str, Any]:
        if not isinstance(self.beta, Real) or not 0 < float(self.beta) < float("inf"):
            raise InputError(f"beta={self.beta!r}; give a number above 0 (1 is the VAE)")
        return {"beta": float(self.beta)}
