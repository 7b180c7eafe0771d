"""What `VAE`, `BetaVAE` and `IVAE` share as estimators: checks, restarts, training, scores, files."""

from __future__ import annotations

import copy
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from jaxtyping import Float, Int64
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data
from torch import Generator, Tensor, nn

from mutua.data.auxiliary import Auxiliary, checked_rows
from mutua.evaluation.sources.evidence import Agreement, agreement
from mutua.generative.keeping import Trial, kept, recalled
from mutua.generative.linear import Modulated
from mutua.generative.rows import Affine, judging, standardised, whitened
from mutua.generative.settings import checked_settings, device_of, random_of, sizes_of
from mutua.generative.variational import Pairs, Variational
from mutua.training import Diverged, Plan
from mutua.training import fit as train
from mutua.types import InputError

__all__ = ["OF_TRIALS", "Autoencoding"]

OF_TRIALS = (
    "Restarts agree, or not, after their short trials (`trial_steps`): only the best of them was trained on."
)

_CHUNK = 8192
_LEAST_AGREEING = 10
"""Rows held out, fewer than which say nothing of how far restarts agree."""
Model = TypeVar("Model", bound="Autoencoding")


class Autoencoding(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """The base of the VAE family. Subclasses say what p(s | u) is, and how u is read."""

    n_components: Any
    hidden: Any
    layers: Any
    activation: Any
    whiten: Any
    noise: Any
    steps: Any
    batch: Any
    lr: Any
    restarts: Any
    trial_steps: Any
    held_out: Any
    device: Any
    random_state: Any

    affine_: Affine
    method_: Variational
    trials_: list[Trial]
    history_: list[dict[str, float]]
    noise_: float
    elbo_: float
    n_features_in_: int
    auxiliary_: Auxiliary | None
    agreement_: Agreement | None
    linear_: Modulated | None
    _n_features_out: int
    _settings: dict[str, Any]

    # --- what subclasses define ---

    def _prior(self, k: int, u: Auxiliary | None) -> nn.Module:
        raise NotImplementedError

    def _objective(self, rows: int) -> dict[str, Any]:
        """Arguments of `Variational` beyond the networks'."""
        return {}

    def _linear(self, z: Float[np.ndarray, "n d"], u: Auxiliary | None) -> Modulated | None:
        """The linear model to be compared with, of the rows that are learned from as the networks see them."""
        return None

    def _coded(self, u: Auxiliary | None, n: int) -> Tensor:
        """u as the prior takes it; zeros where there is none."""
        if u is None:
            return torch.zeros(n, dtype=torch.long)
        if u.index is not None:
            return torch.as_tensor(u.index)
        return torch.as_tensor(u.vector, dtype=torch.float32)

    # --- fitting ---

    def _refit(self, X: Any, u: Auxiliary | None, rows: Float[np.ndarray, "n d"]) -> None:
        """Fit to rows, X as numbers. A fit that fails leaves this model as it was."""
        work = copy.copy(self)
        work._named(X, reset=True)
        work._fit(u, rows)
        self.__dict__ = work.__dict__

    def _named(self, X: Any, *, reset: bool) -> None:
        """Set the number and names of the columns, or hold X to them. Raises `InputError` where they differ."""
        try:
            validate_data(self, X, reset=reset, skip_check_array=True)
        except ValueError as error:
            raise InputError(f"X: {' '.join(str(error).split())}") from None

    def _fit(self, u: Auxiliary | None, rows: Float[np.ndarray, "n d"]) -> None:
        checked_settings(self)
        n, d = rows.shape
        self.auxiliary_, self._settings = u, self.get_params(deep=False)
        random = random_of(self.random_state)
        self.affine_ = whitened(rows) if self.whiten else standardised(rows)
        z = self.affine_(rows)
        x = torch.as_tensor(z, dtype=torch.float32)
        coded = self._coded(u, n)
        learn, judge = judging(u, n, self.held_out, np.random.default_rng(random.randint(2**31)))
        data, held = Pairs(x[learn], coded[learn]), Pairs(x[judge], coded[judge])
        entered = [
            (k, random.randint(2**31)) for k in sizes_of(self.n_components, d) for _ in range(self.restarts)
        ]
        best: Variational | None = None
        self.trials_, self.history_, seed = [], [], 0
        codes = []
        for k, one in entered:
            method = self._started(k, one, x[learn], u)
            if len(entered) > 1:
                self._train(method, data, held, one, self.trial_steps)
                codes.append(self._means(method, held.x))
            self.trials_.append(Trial(k, one, self._elbo(method, held, one)))
            if best is None or self.trials_[-1].elbo > max(trial.elbo for trial in self.trials_[:-1]):
                best, seed = method, one
        assert best is not None
        self.history_ = self._train(best, data, held, seed, self.steps)
        self.method_, self._n_features_out = best, best.k
        self.noise_ = float(best.log_noise.detach().exp())
        self.elbo_ = self._elbo(best, held, seed) + self.affine_.log_det
        # Means of the trials on the same rows: how far restarts agree.
        alike = [code for code in codes if code.shape[1] == best.k]
        self.agreement_ = agreement(alike) if len(alike) > 1 and len(judge) >= _LEAST_AGREEING else None
        self.linear_ = self._linear(z[learn], None if u is None else _taken(u, learn))

    def _started(self, k: int, seed: int, x: Tensor, u: Auxiliary | None) -> Variational:
        """A model whose encoder is the first k principal components at deviation 1, in a random rotation."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            values, vectors = torch.linalg.eigh(x.double().T @ x.double() / len(x))
            top = (vectors[:, -k:] / values[-k:].clamp_min(1e-8).sqrt()).T  # (k, d)
            rotation, _ = torch.linalg.qr(torch.randn(k, k, dtype=torch.float64))
            return Variational(
                (rotation @ top).float(),
                self._prior(k, u),
                hidden=self.hidden,
                layers=self.layers,
                activation=self.activation,
                noise=self.noise,
                **self._objective(len(x)),
            )

    def _train(
        self, method: Variational, data: Pairs, held: Pairs, seed: int, steps: int
    ) -> list[dict[str, float]]:
        """Raises `Diverged`, naming the step, where training or what the networks then give is not finite."""
        batch = min(self.batch, len(data))
        epochs = max(1, round(steps / (len(data) // batch)))
        warm = min(0.05 * epochs, 200 / (len(data) // batch))
        plan = Plan(
            epochs=epochs,
            batch=batch,
            optimizer="adam",
            lr=self.lr,
            weight_decay=0.0,
            warmup=warm,
            clip=5.0,
            accelerator=device_of(self.device),
            seed=seed % 2**31,
            log_every=100,
        )
        try:
            history = train(method, data, plan)
        except Diverged as error:
            raise _diverged(error.step) from None
        # No loss is taken after the last step, and weights can be finite and too large.
        if not (np.isfinite(self._means(method, held.x)).all() and np.isfinite(self._elbo(method, held, seed))):
            raise _diverged(epochs * (len(data) // batch) - 1)
        return history

    # --- asking ---

    @torch.no_grad()
    def _means(self, method: Variational, x: Tensor, u: Tensor | None = None) -> Float[np.ndarray, "n k"]:
        """Means of q(s | x, u), or of g(s | x) without u."""
        where = method.raw_noise.device
        parts = []
        for start in range(0, len(x), _CHUNK):
            rows = x[start : start + _CHUNK].to(where)
            if u is None:
                parts.append(method.encode(rows))
            else:
                parts.append(method.posterior(rows, u[start : start + _CHUNK].to(where))[0].mean)
        return torch.cat(parts).cpu().numpy().astype(np.float64)

    def _log_weights(
        self, method: Variational, x: Tensor, u: Tensor, samples: int, seed: int
    ) -> Float[np.ndarray, "samples n"]:
        where, generator = method.raw_noise.device, Generator().manual_seed(seed)
        parts = [
            method.log_weights(
                x[start : start + _CHUNK].to(where), u[start : start + _CHUNK].to(where), samples, generator
            )
            for start in range(0, len(x), _CHUNK)
        ]
        return torch.cat(parts, 1).cpu().double().numpy()

    def _elbo(self, method: Variational, held: Pairs, seed: int) -> float:
        """Mean ELBO of rows held out, of four samples each, in the coordinates of the networks."""
        return float(self._log_weights(method, held.x, held.u, 4, seed % 2**31).mean())

    def _rows(self, X: Any) -> Tensor:
        check_is_fitted(self, "method_")
        rows = checked_rows(X, least=1)
        if rows.shape[1] != self.n_features_in_:
            raise InputError(f"X: {rows.shape[1]} channels, but the fit had {self.n_features_in_}; give the same")
        self._named(X, reset=False)
        return self._seen(rows)

    def _seen(self, rows: Float[np.ndarray, "n d"]) -> Tensor:
        """Rows as the networks see them."""
        with np.errstate(over="ignore"):  # beyond float32 is infinity, which is refused later
            return torch.as_tensor(self.affine_(rows).astype(np.float32))

    def _encoded(self, x: Tensor, u: Tensor | None = None) -> Float[np.ndarray, "n k"]:
        """`_means` of the fitted networks. Raises `InputError` where rows are too large for finite ones."""
        return _finite(self._means(self.method_, x, u))

    def _bound(self, x: Tensor, u: Tensor, samples: int) -> Float[np.ndarray, " n"]:
        """log of the mean of `samples` importance weights: the ELBO's estimate for 1, log p(x | u) for many."""
        if not isinstance(samples, (int, np.integer)) or samples < 1:
            raise InputError(f"samples: {samples!r}; give a whole number of 1 or more")
        weights = self._log_weights(self.method_, x, u, int(samples), 0)
        top = _finite(weights.max(0))
        return top + np.log(np.exp(weights - top).mean(0)) + self.affine_.log_det

    def inverse_transform(self, X: Any) -> Float[np.ndarray, "n d"]:
        """E[x | s] = f(s) of latents X (n, k), without noise."""
        check_is_fitted(self, "method_")
        z = np.asarray(X, np.float64)
        if z.ndim != 2 or z.shape[1] != self.method_.k or not np.isfinite(z).all():
            raise InputError(f"X: latents of shape {z.shape}; give finite numbers (n, {self.method_.k})")
        with np.errstate(over="ignore"):  # beyond float32 is infinity, which is refused
            return _finite(self.affine_.inverse(self._decoded(z.astype(np.float32))))

    @torch.no_grad()
    def _decoded(self, z: Float[np.ndarray, "n k"]) -> Float[np.ndarray, "n d"]:
        where = self.method_.raw_noise.device
        return self.method_.decoder(torch.as_tensor(z, dtype=torch.float32).to(where)).cpu().double().numpy()

    def _drawn(self, u: Tensor, random: np.random.RandomState) -> Float[np.ndarray, "n d"]:
        """x ~ p(x | u) of each row of u."""
        with torch.no_grad():
            location, log_scale = self.method_.prior(u.to(self.method_.raw_noise.device))
        shape = (len(u), self.method_.k)
        unit = (
            random.standard_normal(shape)
            if self.method_.family == "gaussian"
            else random.laplace(scale=np.sqrt(0.5), size=shape)
        )
        z = location.cpu().numpy() + np.exp(log_scale.cpu().numpy()) * unit
        x = self._decoded(z)
        return self.affine_.inverse(x + self.noise_ * random.standard_normal(x.shape))

    # --- files ---

    def save(self, path: str | Path) -> None:
        """Write the fitted model to a safetensors file, without pickle."""
        check_is_fitted(self, "method_")
        kept(self, path)

    @classmethod
    def load(cls: type[Model], path: str | Path) -> Model:
        """A model that `save` wrote, on the CPU. Raises `InputError` where the file is something else."""
        return recalled(cls, path)


def _diverged(step: int) -> Diverged:
    """That training was no longer finite, in the words of these models' own arguments."""
    return Diverged(step, what="training", mend="check the data, or lower lr")


def _finite(values: np.ndarray) -> np.ndarray:
    """The same, of rows of X. Raises `InputError` where they are not finite."""
    if not (good := np.isfinite(values)).all():
        row = int(np.argwhere(~good)[0, 0])
        raise InputError(
            f"X: row {row} is too large: what the networks make of it is not finite; scale as in the fit"
        )
    return values


def _taken(u: Auxiliary, rows: Int64[np.ndarray, " m"]) -> Auxiliary:
    """u of some of the rows."""
    index = None if u.index is None else u.index[rows]
    return replace(u, index=index, vector=None if u.vector is None else u.vector[rows])
