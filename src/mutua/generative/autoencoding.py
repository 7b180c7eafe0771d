"""What `VAE`, `BetaVAE` and `IVAE` share as estimators: checks, restarts, training, scores, files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from jaxtyping import Float
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted
from torch import Generator, Tensor, nn

from mutua.data.auxiliary import Auxiliary, checked_rows
from mutua.data.kept import keep_estimator, kept_estimator
from mutua.generative.rows import Affine, judging, standardised, whitened
from mutua.generative.settings import checked_settings, device_of, sizes_of
from mutua.generative.variational import Pairs, Variational
from mutua.training import Plan
from mutua.training import fit as train
from mutua.types import InputError

__all__ = ["Autoencoding", "Trial"]

_CHUNK = 8192
Model = TypeVar("Model", bound="Autoencoding")


@dataclass(frozen=True)
class Trial:
    """One restart: its number of components, its seed, and its ELBO on the rows held out, in nats a row."""

    components: int
    seed: int
    elbo: float


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
    _n_features_out: int
    _codes: list[np.ndarray]

    # --- what subclasses define ---

    def _prior(self, k: int, u: Auxiliary | None) -> nn.Module:
        raise NotImplementedError

    def _objective(self, rows: int) -> dict[str, Any]:
        """Arguments of `Variational` beyond the networks'."""
        return {}

    def _coded(self, u: Auxiliary | None, n: int) -> Tensor:
        """u as the prior takes it; zeros where there is none."""
        if u is None:
            return torch.zeros(n, dtype=torch.long)
        if u.index is not None:
            return torch.as_tensor(u.index)
        return torch.as_tensor(u.vector, dtype=torch.float32)

    # --- fitting ---

    def _fit(self, u: Auxiliary | None, rows: Float[np.ndarray, "n d"]) -> None:
        checked_settings(self)
        n, d = rows.shape
        self.n_features_in_, self.auxiliary_ = d, u
        random = check_random_state(self.random_state)
        self.affine_ = whitened(rows) if self.whiten else standardised(rows)
        x = torch.as_tensor(self.affine_(rows), dtype=torch.float32)
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
                self._train(method, data, one, self.trial_steps)
                codes.append(self._means(method, held.x))
            self.trials_.append(Trial(k, one, self._elbo(method, held, one)))
            if best is None or self.trials_[-1].elbo > max(trial.elbo for trial in self.trials_[:-1]):
                best, seed = method, one
        assert best is not None
        self.history_ = self._train(best, data, seed, self.steps)
        self.method_, self._n_features_out = best, best.k
        self.noise_ = float(best.log_noise.detach().exp())
        self.elbo_ = self._elbo(best, held, seed) + self.affine_.log_det
        # Means of the trials on the same rows: how far restarts agree.
        self._codes = [code for code in codes if code.shape[1] == best.k]

    def _started(self, k: int, seed: int, x: Tensor, u: Auxiliary | None) -> Variational:
        """A model whose encoder is the first k principal components at deviation 1, in a random rotation."""
        with torch.random.fork_rng():
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

    def _train(self, method: Variational, data: Pairs, seed: int, steps: int) -> list[dict[str, float]]:
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
        return train(method, data, plan)

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
        return torch.as_tensor(self.affine_(rows), dtype=torch.float32)

    def _bound(self, x: Tensor, u: Tensor, samples: int) -> Float[np.ndarray, " n"]:
        """log of the mean of `samples` importance weights: the ELBO's estimate for 1, log p(x | u) for many."""
        if not isinstance(samples, (int, np.integer)) or samples < 1:
            raise InputError(f"samples: {samples!r}; give a whole number of 1 or more")
        weights = self._log_weights(self.method_, x, u, int(samples), 0)
        top = weights.max(0)
        return top + np.log(np.exp(weights - top).mean(0)) + self.affine_.log_det

    def inverse_transform(self, X: Any) -> Float[np.ndarray, "n d"]:
        """E[x | s] = f(s) of latents X (n, k), without noise."""
        check_is_fitted(self, "method_")
        z = np.asarray(X, np.float64)
        if z.ndim != 2 or z.shape[1] != self.method_.k or not np.isfinite(z).all():
            raise InputError(f"X: latents of shape {z.shape}; give finite numbers (n, {self.method_.k})")
        return self.affine_.inverse(self._decoded(z))

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
        u = self.auxiliary_
        settings = {
            "arguments": {**self.get_params(deep=False), "random_state": None},
            "components": self.method_.k,
            "trials": [[trial.components, trial.seed, trial.elbo] for trial in self.trials_],
            "noise": self.noise_,
            "elbo": self.elbo_,
            "classes": None if u is None or u.classes is None else u.classes.tolist(),
        }
        tensors = {f"method.{name}": value for name, value in self.method_.state_dict().items()}
        tensors |= {f"affine.{name}": getattr(self.affine_, name) for name in ("centre", "forward", "back")}
        if u is not None and u.centre is not None and u.spread is not None:
            tensors |= {"u.centre": u.centre, "u.spread": u.spread}
        if u is not None and u.index is not None:
            tensors["u.counts"] = np.bincount(u.index, minlength=u.count)
        keep_estimator(path, type(self).__name__, settings, tensors)

    @classmethod
    def load(cls: type[Model], path: str | Path) -> Model:
        """A model that `save` wrote, on the CPU. Raises `InputError` where the file is something else."""
        settings, arrays = kept_estimator(path, cls.__name__)
        try:
            model = cls(**settings["arguments"])
            k = int(settings["components"])
            classes = settings["classes"]
            counts, centre = arrays.get("u.counts"), arrays.get("u.centre")
            model.auxiliary_ = None
            if classes is not None:
                assert counts is not None
                model.auxiliary_ = Auxiliary(
                    index=np.repeat(np.arange(len(counts)), counts), classes=np.array(classes)
                )
            elif centre is not None:
                model.auxiliary_ = Auxiliary(
                    vector=np.zeros((0, len(centre))), centre=centre, spread=arrays["u.spread"]
                )
            model.affine_ = Affine(*(arrays[f"affine.{name}"] for name in ("centre", "forward", "back")))
            d = len(model.affine_.centre)
            state = {name[7:]: torch.as_tensor(v) for name, v in arrays.items() if name.startswith("method.")}
            model.method_ = Variational(
                state["encoder.matrix"],
                model._prior(k, model.auxiliary_),
                hidden=model.hidden,
                layers=model.layers,
                activation=model.activation,
                **model._objective(1),
            )
            model.method_.load_state_dict(state)
        except (KeyError, TypeError, ValueError, RuntimeError, AssertionError) as error:
            reason = " ".join(str(error).split())[:120]
            raise InputError(f"{path}: its parts don't fit together ({reason}); save it again") from error
        model.method_.eval()
        model.n_features_in_, model._n_features_out = d, k
        model.noise_, model.elbo_ = float(settings["noise"]), float(settings["elbo"])
        model.trials_ = [Trial(int(a), int(b), float(c)) for a, b, c in settings["trials"]]
        model.history_, model._codes = [], []
        return model
