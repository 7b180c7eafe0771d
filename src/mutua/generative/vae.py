"""`VAE` and `BetaVAE`: latent variable models that know of nothing but x."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from jaxtyping import Float
from sklearn.utils.validation import check_is_fitted
from torch import nn

from mutua.estimators.auxiliary import Auxiliary
from mutua.estimators.rows import rows_of
from mutua.estimators.validation import Constraint, generator_of, positive, whole
from mutua.evaluation.sources.evidence import evidence
from mutua.generative.networks import StandardPrior
from mutua.generative.vae_base import OF_TRIALS, Autoencoding
from mutua.types import Result

__all__ = ["VAE", "BetaVAE"]


@dataclass(eq=False, repr=False)
class VAE(Autoencoding):
    """x = f(s) + noise with s ~ N(0, I): a variational autoencoder of plain rows, noise learned.

        ELBO = E_q[log N(x; f(s), noise^2 I)] - KL(q(s | x) || N(0, I))

    in standardised channels, or in whitened ones; every score is in nats a row of X as given. f and the encoder
    are a linear map plus a small perceptron; q has a full covariance, see `Variational`.

    Args: as in `Autoencoding`.

    Attributes:
        method_: the trained networks, a `Variational`. noise_: the learned deviation, of 1.
        elbo_: of the rows held out, nats a row. trials_: `Trial` of each restart. history_: logged metrics.

    `fit` raises `InputError`: NaN, constant channels, arguments out of range; and `Diverged` (an `InputError`)
    naming the step where training is no longer finite.

    Nothing identifies the latents: see `report`.

    >>> X = np.random.default_rng(0).normal(size=(500, 1)) * [3.0, 2.0, 1.0] + [0.0, 1.0, 2.0]
    >>> X += np.random.default_rng(1).normal(size=X.shape)
    >>> model = VAE(1, hidden_layer_sizes=(8,), max_iter=20, batch_size=100, device="cpu", random_state=0).fit(X)
    >>> model.transform(X).shape, model.inverse_transform(model.transform(X)).shape, model.sample(3).shape
    ((500, 1), (500, 3), (3, 3))

    Paper: Kingma and Welling, Auto-encoding variational Bayes (2014), arXiv:1312.6114.
    """

    indeterminacy: ClassVar[str] = (
        "Nothing identifies the latents: any map that keeps the prior, and there are infinitely many besides "
        "rotations, gives the same p(x) and other latents."
    )

    def _prior(self, k: int, u: Auxiliary | None) -> nn.Module:
        return StandardPrior(k)

    def fit(self, X: Any, u: Any = None) -> VAE:
        """Fit X (n, d). u is ignored: it is there so that models with and without it are called alike."""
        with self._refit():
            self._find(rows_of(self, X, reset=True), None)
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
        whole(1).check("n_samples", n_samples)
        random = generator_of(self.random_state if random_state is None else random_state)
        zero = torch.zeros(n_samples, dtype=torch.long)
        # The standard prior answers with one row for all.
        return self._drawn(zero, random)

    def report(self) -> Result:
        """What is known without the truth: agreement of restarts, and that nothing identifies the latents."""
        check_is_fitted(self, "method_")
        words = [] if self.agreement_ is None else [OF_TRIALS]
        return evidence(
            type(self).__name__,
            self.indeterminacy,
            sources=self.method_.k,
            identified=False,
            restarts=self.agreement_,
            words=words,
        )


@dataclass(eq=False, repr=False)
class BetaVAE(VAE):
    """A VAE whose KL divergence is weighed by beta > 1, which presses latents towards independence.

    It trains on E_q[log p(x | s)] - beta KL; scores are ELBOs all the same. The noise is learned as well, so that
    beta tempers the posterior (as it would the noise where that is fixed). Arguments are those of `VAE`.

    Paper: Higgins et al., beta-VAE (2017).
    """

    _: KW_ONLY
    beta: Any = 4.0

    _constraints: ClassVar[Mapping[str, Constraint]] = {**VAE._constraints, "beta": positive}

    def _objective(self, rows: int) -> dict[str, Any]:
        return {"beta": float(self.beta)}
