"""What `VAE`, `BetaVAE` and `IVAE` share as estimators: checks, restarts, training, scores, files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from jaxtyping import Float
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted
from torch import Generator, Tensor, nn

from mutua.estimators.auxiliary import Auxiliary
from mutua.estimators.base import Estimator
from mutua.estimators.devices import device_here, device_of
from mutua.estimators.restarts import best_of
from mutua.estimators.rows import finite_rows, rows_of
from mutua.estimators.splits import drawn_rows
from mutua.estimators.validation import (
    Constraint,
    any_state,
    choice,
    device_name,
    flag,
    generator_of,
    positive,
    several,
    share,
    whole,
)
from mutua.estimators.whitening import Whitening, check_orientation, standardised, whitening
from mutua.evaluation.sources.evidence import Agreement, agreement
from mutua.generative.linear import Modulated
from mutua.generative.networks import ACTIVATIONS
from mutua.generative.variational import Pairs, Variational
from mutua.training import Diverged, Plan
from mutua.training import fit as train
from mutua.types import InputError

__all__ = ["OF_TRIALS", "Autoencoding", "Trial"]

OF_TRIALS = (
    "Restarts agree, or not, after their short trials (`trial_iter`): only the best of them was trained on."
)

_CHUNK = 8192
_LEAST_AGREEING = 10
"""Rows held out, fewer than which say nothing of how far restarts agree."""


@dataclass(frozen=True)
class Trial:
    """One restart: its number of components, its seed, and its ELBO on the rows held out, in nats a row."""

    components: int
    seed: int
    elbo: float


@dataclass(eq=False, repr=False)
class Autoencoding(ClassNamePrefixFeaturesOutMixin, TransformerMixin, Estimator):
    """The base of the VAE family. Subclasses say what p(s | u) is, and how u is read.

    Args:
        n_components: k latents; None for as many as channels; a sequence tries each by the ELBO of rows held out.
        hidden_layer_sizes: units of the hidden layers of encoder and decoder; () is a linear model (probabilistic
            PCA, whose likelihood the ELBO then reaches).
        activation: "silu", "tanh", "softplus" or "leaky_relu".
        whiten: work on principal components of deviation 1 rather than on standardised channels.
        noise: deviation that the observation noise starts at, of 1; it is learned.
        max_iter, batch_size, learning_rate: of training, Adam with warm-up and a cosine to 0.
        n_init: how many starts are tried for `trial_iter` steps each; the one with the best held-out ELBO is
            trained in full. With one start and one size there is no trial.
        validation_fraction: share of the rows that starts are ranked by. They are never trained on.
        device: "auto", "cpu" or "cuda".
        random_state: of starts, batches and samples.
    """

    n_components: Any = None
    _: KW_ONLY
    hidden_layer_sizes: Any = (64, 64)
    activation: Any = "silu"
    whiten: Any = False
    noise: Any = 0.5
    max_iter: Any = 4000
    batch_size: Any = 1000
    learning_rate: Any = 1e-2
    n_init: Any = 1
    trial_iter: Any = 500
    validation_fraction: Any = 0.1
    device: Any = "auto"
    random_state: Any = None

    _constraints: ClassVar[Mapping[str, Constraint]] = {
        "hidden_layer_sizes": several(whole(1)),
        "activation": choice(ACTIVATIONS),
        "whiten": flag,
        "noise": positive,
        "max_iter": whole(1),
        "batch_size": whole(2),
        "learning_rate": positive,
        "n_init": whole(1),
        "trial_iter": whole(1),
        "validation_fraction": Constraint(lambda value: share.holds(value) and value > 0, "a share in (0, 1)"),
        "device": device_name,
        "random_state": any_state,
    }
    _renamed: ClassVar[Mapping[str, str]] = {
        "hidden": "hidden_layer_sizes",
        "layers": "hidden_layer_sizes",
        "steps": "max_iter",
        "batch": "batch_size",
        "lr": "learning_rate",
        "restarts": "n_init",
        "trial_steps": "trial_iter",
        "held_out": "validation_fraction",
    }
    _plain: ClassVar[tuple[str, ...]] = ("noise_", "elbo_", "n_iter_", "_n_features_out")

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

    def _find(self, rows: Float[np.ndarray, "n d"], u: Auxiliary | None) -> None:
        n, d = rows.shape
        self.auxiliary_ = u
        random = generator_of(self.random_state)
        if self.whiten:
            check_orientation(n, d)
            covariance = np.cov(rows.T, bias=True).reshape(d, d)
            self.affine_ = whitening(rows.mean(0), covariance, None, samples=n, otherwise="whiten=False")
        else:
            self.affine_ = standardised(rows)
        z = self.affine_(rows)
        x = torch.as_tensor(z, dtype=torch.float32)
        coded = self._coded(u, n)
        shuffle = np.random.default_rng(random.randint(2**31))
        learn, judge = drawn_rows(None if u is None else u.index, n, self.validation_fraction, shuffle)
        data, held = Pairs(x[learn], coded[learn]), Pairs(x[judge], coded[judge])
        entered = [(k, random.randint(2**31)) for k in _sizes(self.n_components, d) for _ in range(self.n_init)]

        def tried(k: int, seed: int) -> tuple[int, Variational]:
            method = self._started(k, seed, x[learn], u)
            if len(entered) > 1:
                self._train(method, data, held, seed, self.trial_iter)
            return seed, method

        ranked = best_of((tried(*one) for one in entered), lambda run: self._elbo(run[1], held, run[0]))
        self.trials_ = [Trial(*one, elbo) for one, elbo in zip(entered, ranked.scores, strict=True)]
        seed, best = ranked.best
        # Means of the trials on the same rows: how far restarts agree.
        alike = [self._means(run, held.x) for _, run in ranked.runs if run.k == best.k]
        self.agreement_: Agreement | None = None
        if len(alike) > 1 and len(judge) >= _LEAST_AGREEING:
            self.agreement_ = agreement(alike)
        self.history_: list[dict[str, float]] = self._train(best, data, held, seed, self.max_iter)
        self.method_, self._n_features_out = best, best.k
        self.n_iter_ = self.max_iter
        self.noise_ = float(best.log_noise.detach().exp())
        self.elbo_ = self._elbo(best, held, seed) + self.affine_.log_det
        self.linear_ = self._linear(z[learn], None if u is None else u.take(learn))

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
                sizes=self.hidden_layer_sizes,
                activation=self.activation,
                noise=self.noise,
                **self._objective(len(x)),
            )

    def _train(
        self, method: Variational, data: Pairs, held: Pairs, seed: int, steps: int
    ) -> list[dict[str, float]]:
        """Raises `Diverged`, naming the step, where training or what the networks then give is not finite."""
        batch = min(self.batch_size, len(data))
        epochs = max(1, round(steps / (len(data) // batch)))
        warm = min(0.05 * epochs, 200 / (len(data) // batch))
        plan = Plan(
            epochs=epochs,
            batch=batch,
            optimizer="adam",
            lr=self.learning_rate,
            weight_decay=0.0,
            warmup=warm,
            clip=5.0,
            accelerator=device_of(self.device).type,
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
        return self._seen(rows_of(self, X, reset=False))

    def _seen(self, rows: Float[np.ndarray, "n d"]) -> Tensor:
        """Rows as the networks see them."""
        with np.errstate(over="ignore"):  # beyond float32 is infinity, which is refused later
            return torch.as_tensor(self.affine_(rows).astype(np.float32))

    def _encoded(self, x: Tensor, u: Tensor | None = None) -> Float[np.ndarray, "n k"]:
        """`_means` of the fitted networks. Raises `InputError` where rows are too large for finite ones."""
        return finite_rows(self._means(self.method_, x, u))

    def _bound(self, x: Tensor, u: Tensor, samples: int) -> Float[np.ndarray, " n"]:
        """log of the mean of `samples` importance weights: the ELBO's estimate for 1, log p(x | u) for many."""
        whole(1).check("samples", samples)
        weights = self._log_weights(self.method_, x, u, int(samples), 0)
        top = finite_rows(weights.max(0))
        return top + np.log(np.exp(weights - top).mean(0)) + self.affine_.log_det

    def inverse_transform(self, X: Any) -> Float[np.ndarray, "n d"]:
        """E[x | s] = f(s) of latents X (n, k), without noise."""
        check_is_fitted(self, "method_")
        z = np.asarray(X, np.float64)
        if z.ndim != 2 or z.shape[1] != self.method_.k or not np.isfinite(z).all():
            raise InputError(f"X: latents of shape {z.shape}; give finite numbers (n, {self.method_.k})")
        with np.errstate(over="ignore"):  # beyond float32 is infinity, which is refused
            return finite_rows(self.affine_.back(self._decoded(z.astype(np.float32))))

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
        return self.affine_.back(x + self.noise_ * random.standard_normal(x.shape))

    # --- files ---

    def _pack(self) -> tuple[dict[str, Any], dict[str, Any]]:
        trials = [[trial.components, trial.seed, trial.elbo] for trial in self.trials_]
        arrays = {f"method.{name}": value for name, value in self.method_.state_dict().items()}
        arrays |= self.affine_.arrays() | ({} if self.linear_ is None else self.linear_.arrays())
        if self.agreement_ is not None:
            arrays["agreement"] = self.agreement_.matrix
        classes, coding = (None, {}) if self.auxiliary_ is None else self.auxiliary_.coding()
        return {"trials": trials, "classes": classes}, arrays | coding

    def _unpack(self, settings: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
        self.auxiliary_ = Auxiliary.of_coding(settings["classes"], arrays)
        self.affine_ = Whitening.of_arrays(arrays, self.n_features_in_)
        self.agreement_ = Agreement.of_matrix(arrays["agreement"]) if "agreement" in arrays else None
        self.linear_ = Modulated.of_arrays(arrays)
        state = {name[7:]: torch.as_tensor(v) for name, v in arrays.items() if name.startswith("method.")}
        self.method_ = Variational(
            state["encoder.matrix"],
            self._prior(self._n_features_out, self.auxiliary_),
            sizes=self.hidden_layer_sizes,
            activation=self.activation,
            **self._objective(1),
        )
        self.method_.load_state_dict(state)
        self.method_.to(device_here(self.device)).eval()
        self.trials_ = [Trial(int(a), int(b), float(c)) for a, b, c in settings["trials"]]
        self.history_ = []

    @classmethod
    def _of_first_format(
        cls, settings: dict[str, Any], arrays: dict[str, np.ndarray]
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        old = dict(settings["arguments"])
        sizes = [old.pop("hidden")] * old.pop("layers")
        parameters = {cls._renamed.get(name, name): value for name, value in old.items()}
        first = {
            **settings,
            "parameters": parameters | {"hidden_layer_sizes": sizes},
            "n_features": len(arrays["affine.centre"]),
            "noise_": settings["noise"],
            "elbo_": settings["elbo"],
            "n_iter_": parameters["max_iter"],
            "_n_features_out": settings["components"],
        }
        named = {"affine.centre": "white.mean", "affine.forward": "white.matrix", "affine.back": "white.inverse"}
        return first, {named.get(name, name): value for name, value in arrays.items()}


def _diverged(step: int) -> Diverged:
    return Diverged(step, what="training", mend="check the data, or lower learning_rate")


def _sizes(wanted: Any, d: int) -> list[int]:
    """Numbers of components to try: d for None, one, or several."""
    sizes = [d] if wanted is None else list(wanted) if isinstance(wanted, Sequence) else [wanted]
    for k in sizes:
        if not whole(1, d).holds(k):
            raise InputError(f"n_components: {wanted!r} for {d} channels; use 1 to {d}, several of them, or None")
    if not sizes:
        raise InputError("n_components: an empty list; name at least one size")
    return [int(k) for k in sizes]
