"""What a fitted linear Gaussian model can be asked, the same for PPCA and factor analysis."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, ClassVar, NamedTuple

import numpy as np
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import check_is_fitted

from mutua.estimators.base import Estimator
from mutua.estimators.rows import LARGEST, validated
from mutua.estimators.validation import (
    Constraint,
    any_state,
    generator_of,
    optional,
    or_word,
    positive,
    several,
    whole,
)
from mutua.generative.em import Fitted
from mutua.generative.gaussian import (
    Moments,
    density,
    incomplete_posterior,
    patterns,
    posterior_map,
    precision,
)
from mutua.types import InputError, Table

__all__ = ["LinearGaussian", "Posterior", "check_size", "read"]


COMPLETE_ONLY = ("closed", "quasi-newton")
"""Solvers for data without missing values. Their models refuse NaN after the fit as well, as their tags say."""


class Posterior(NamedTuple):
    """z | x ~ N(mean, covariance): mean (n, q) and covariance (n, q, q), of each row of X.

    Where no value is missing all rows share one covariance, and the second array is a read-only view of it.
    """

    mean: np.ndarray
    covariance: np.ndarray


def read(model: LinearGaussian, X: Any, *, reset: bool) -> tuple[np.ndarray, bool]:
    """X as float64 (n, d), and whether it is complete.

    Raises `InputError` at an infinity, an empty row, and a NaN that the model's solver has no use for.
    """
    X = validated(model, X, reset=reset, least=1, dtype=np.float64)
    with np.errstate(invalid="ignore"):
        largest = max(np.nanmax(X, initial=0.0), -np.nanmin(X, initial=0.0))
    if LARGEST < largest < np.inf:
        raise InputError(f"X: too large: {largest:.3g} and its square overflow; give other units")
    # One pass where all is well: any NaN or infinity shows in the sum.
    with np.errstate(over="ignore", invalid="ignore"):
        if np.isfinite(X.sum()):
            return X, True
    infinite = np.isinf(X)
    if infinite.any():
        i, j = np.argwhere(infinite)[0]
        raise InputError(f"X: infinity in row {i}, {named(model, [int(j)])}; remove it, or NaN if it is missing")
    missing = np.isnan(X)
    if missing.any() and model.solver in COMPLETE_ONLY:
        i, j = np.argwhere(missing)[0]
        raise InputError(
            f"X: NaN in row {i}, {named(model, [int(j)])}, which solver={model.solver!r} can't use; "
            "use 'auto' or 'em'"
        )
    if missing.all(1).any():
        raise InputError(f"X: row {int(missing.all(1).argmax())} has no value but NaN; drop such rows first")
    return X, not missing.any()


def named(model: BaseEstimator, columns: Sequence[int]) -> str:
    """Features as a message names them: by their names where the data had some, the first five."""
    names = getattr(model, "feature_names_in_", None)
    words = [str(j) if names is None else repr(str(names[j])) for j in columns[:5]]
    rest = f" and {len(columns) - 5} others" if len(columns) > 5 else ""
    return f"feature{'s' if len(columns) > 1 else ''} {', '.join(words)}{rest}"


def check_size(model: BaseEstimator, X: np.ndarray, complete: bool) -> int:
    """The most components that X (n, d) leaves noise for, min(d - 1, n - 2); `InputError` where there are none."""
    n, d = X.shape
    if n < 3 or d < 2:
        raise InputError(
            f"X: n_samples={n}, n_features={d}; one component and its noise need at least 3 rows, 2 features"
        )
    if not complete and np.isnan(X).all(0).any():
        empty = np.flatnonzero(np.isnan(X).all(0)).tolist()
        raise InputError(f"X: {named(model, empty)} has no value but NaN; drop such features first")
    return min(d - 1, n - 2)


def check_components(wanted: Any, limit: int, shape: tuple[int, ...], name: str = "n_components") -> int:
    """A number of components as an int in 1..limit, for data of this shape; `InputError` where it is none."""
    whole(1).check(name, wanted)
    if wanted > limit:
        raise InputError(f"{name}: {wanted} with n_samples={shape[0]}, n_features={shape[1]}; use 1 to {limit}")
    return int(wanted)


def check_candidates(given: Sequence[int] | None, most: int, limit: int, shape: tuple[int, ...]) -> list[int]:
    """The sizes to choose from, ascending: 1 to most, or those given, each of them in 1..limit."""
    sizes = range(1, most + 1) if given is None else sorted(set(given))
    if not sizes:
        raise InputError("candidates: none given; name at least one size, or None for all")
    return [check_components(q, limit, shape, "candidates") for q in sizes]


def constant(data: Moments) -> np.ndarray:
    """Which features have no more variance than rounding makes, (k,) column numbers."""
    return np.flatnonzero(data.variance <= (1e-12 * data.mean) ** 2)


class LinearGaussian(ClassNamePrefixFeaturesOutMixin, TransformerMixin, Estimator):
    """x = W z + mean + noise with z ~ N(0, I_q) and independent Gaussian noise of each feature.

    Missing values (NaN) are marginalised everywhere: a row is judged, and its latents inferred, by what it has.
    """

    components_: np.ndarray
    mean_: np.ndarray
    noise_variance_: Any
    loglike_: np.ndarray
    n_iter_: int
    converged_: bool
    selection_: Table | None
    solver: Any
    random_state: Any

    _constraints: ClassVar[Mapping[str, Constraint]] = {
        "n_components": or_word(optional(whole(1)), "bic", "cv"),
        "max_iter": whole(1),
        "tol": positive,
        "candidates": optional(several(whole(1))),
        "folds": whole(2),
        "random_state": any_state,
    }
    _plain: ClassVar[tuple[str, ...]] = ("n_iter_", "converged_")
    _arrays: ClassVar[tuple[str, ...]] = ("components_", "mean_", "loglike_")

    def _pack(self) -> tuple[dict[str, Any], dict[str, Any]]:
        selection = None if self.selection_ is None else asdict(self.selection_)
        return {"selection": selection}, {"noise_variance": np.asarray(self.noise_variance_)}

    def _unpack(self, settings: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
        self.selection_ = None if settings["selection"] is None else Table(**settings["selection"])
        noise = arrays["noise_variance"]
        self.noise_variance_ = float(noise) if noise.ndim == 0 else noise
        if self.components_.shape[1:] != self.mean_.shape or noise.shape not in ((), self.mean_.shape):
            raise ValueError(f"the parts are not of {len(self.mean_)} features")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = self.solver not in COMPLETE_ONLY
        return tags

    @property
    def _n_features_out(self) -> int:
        return len(self.components_)

    @property
    def _noise(self) -> np.ndarray:
        return np.broadcast_to(np.asarray(self.noise_variance_, dtype=float), self.mean_.shape)  # (d,)

    @property
    def mixing_(self) -> np.ndarray:
        """W (d, q)."""
        return self.components_.T

    def _keep(self, found: Fitted, W: np.ndarray) -> None:
        self.mean_ = found.mean
        self.components_ = np.ascontiguousarray(W.T)  # (q, d)
        self.loglike_ = found.loglike
        self.n_iter_ = max(1, len(found.loglike))
        self.converged_ = found.converged
        if not found.converged:
            warnings.warn(
                f"{type(self).__name__} stopped after {self.n_iter_} iterations short of its tolerance; "
                "raise max_iter or tol",
                ConvergenceWarning,
                stacklevel=4,
            )

    def _ready(self, X: Any) -> tuple[np.ndarray, bool]:
        check_is_fitted(self)
        return read(self, X, reset=False)

    def _incomplete(self, X: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Posterior means (n, q) and covariances (n, q, q), and log-likelihoods (n,), with NaN in X."""
        groups = patterns(~np.isnan(X))
        centred = np.where(groups.observed[groups.of], X - self.mean_, 0.0)
        z, covariance, loglike = incomplete_posterior(centred, groups, self.mixing_, self._noise)
        return z, covariance[groups.of], loglike

    def posterior(self, X: Any) -> Posterior:
        """p(z | x) of each row of X (n, d), given the features that it has."""
        X, complete = self._ready(X)
        if not complete:
            return Posterior(*self._incomplete(X)[:2])
        B, covariance, _ = posterior_map(self.mixing_, self._noise)
        z = (X - self.mean_) @ B.T  # (n, q)
        return Posterior(z, np.broadcast_to(covariance, (len(X), *covariance.shape)))

    def transform(self, X: Any) -> np.ndarray:
        """E[z | x] of each row of X (n, d): (n, q)."""
        return self.posterior(X).mean

    def inverse_transform(self, X: Any) -> np.ndarray:
        """E[x | z] = W z + mean of each row of latents X (n, q): (n, d), without noise.

        After `transform` this is E[W z + mean | x], shrunk towards the mean: not the orthogonal projection of PCA.
        """
        check_is_fitted(self)
        Z = np.asarray(X, dtype=float)
        if Z.ndim != 2 or Z.shape[1] != len(self.components_):
            raise InputError(f"X: latents of shape {Z.shape}; give (n, {len(self.components_)})")
        return Z @ self.components_ + self.mean_  # (n, d)

    def impute(self, X: Any) -> np.ndarray:
        """X (n, d) with each NaN replaced by its mean given the rest of the row, w_j^T E[z | x] + mean_j."""
        X, complete = self._ready(X)
        if complete:
            return X.copy()
        return np.where(np.isnan(X), self._incomplete(X)[0] @ self.components_ + self.mean_, X)  # (n, d)

    def score_samples(self, X: Any) -> np.ndarray:
        """log p(x) of each row of X (n, d), in nats, missing values marginalised: (n,)."""
        X, complete = self._ready(X)
        if not complete:
            return self._incomplete(X)[2]
        return density(X - self.mean_, self.mixing_, self._noise)

    def score(self, X: Any, y: Any = None) -> float:
        """Mean log p(x) over the rows of X (n, d), in nats; y is ignored."""
        return float(self.score_samples(X).mean())

    def sample(self, n_samples: int = 1, random_state: Any = None) -> np.ndarray:
        """Rows drawn from the model, (n_samples, d). random_state is the model's own where none is given."""
        check_is_fitted(self)
        whole(1).check("n_samples", n_samples)
        random = generator_of(self.random_state if random_state is None else random_state)
        z = random.standard_normal((n_samples, len(self.components_)))
        noise = random.standard_normal((n_samples, len(self.mean_))) * np.sqrt(self._noise)
        return z @ self.components_ + self.mean_ + noise

    def get_covariance(self) -> np.ndarray:
        """C = W W^T + diag(noise), (d, d)."""
        check_is_fitted(self)
        C = self.components_.T @ self.components_
        C[np.diag_indices_from(C)] += self._noise
        return C

    def get_precision(self) -> np.ndarray:
        """C^-1 (d, d), through a q x q inverse."""
        check_is_fitted(self)
        return precision(self.mixing_, self._noise)
