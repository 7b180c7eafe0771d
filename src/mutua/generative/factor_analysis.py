"""Factor analysis: latents explain all covariance, and each feature has noise of its own variance."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass
from typing import Any, ClassVar

import numpy as np
from scipy.optimize import minimize
from sklearn.utils import check_random_state

from mutua.estimators.validation import Constraint, choice, positive
from mutua.generative import em
from mutua.generative.em import Fitted
from mutua.generative.gaussian import LOG_2PI, Moments, canonical, moments
from mutua.generative.linear_gaussian import (
    LinearGaussian,
    check_candidates,
    check_components,
    check_size,
    constant,
    named,
    read,
)
from mutua.generative.selection import by_bic, by_held_out
from mutua.types import InputError, Table

__all__ = ["FactorAnalysis", "ledermann", "profile", "quasi_newton"]


def ledermann(d: int) -> int:
    """The most factors whose model has no more parameters than a covariance of d features, at least 1.

    (d - q)^2 >= d + q, so q <= (2 d + 1 - sqrt(8 d + 1)) / 2.

    >>> [ledermann(d) for d in (3, 6, 10)]
    [1, 3, 6]
    """
    return max(1, int((2 * d + 1 - np.sqrt(8 * d + 1)) / 2 + 1e-9))


def profile(log_noise: np.ndarray, data: Moments, q: int) -> tuple[float, np.ndarray, np.ndarray]:
    """Minus the mean log-likelihood (nats) at the best W for this noise, its gradient (d,), that W (d, q).

    With S* = diag(noise)^(-1/2) S diag(noise)^(-1/2), its eigenvalues t_j descending and vectors u_j,

        W = diag(noise)^(1/2) U diag(max(t - 1, 0))^(1/2)
        2 f = d log 2 pi + sum_i log noise_i + sum_i S_ii / noise_i + sum_{j<=q, t_j>1} (log t_j + 1 - t_j)
        2 df / d log noise_i = 1 + sum_{j<=q} max(t_j - 1, 0) u_ij^2 - S_ii / noise_i = (C - S)_ii / noise_i

    so that at the optimum the model's variances are those of the data. Only q eigenvectors are needed.

    Paper: Lawley 1940 (Proc. R. Soc. Edinburgh 60:64); Jöreskog 1967 (Psychometrika 32:443).
    """
    noise = np.exp(log_noise)
    values, vectors = data.scaled(np.sqrt(noise)).spectrum(q)
    lift = np.maximum(values - 1, 0.0)  # (q,)
    ratio = data.variance / noise
    f = 0.5 * (len(noise) * LOG_2PI + log_noise.sum() + ratio.sum() + (np.log1p(lift) - lift).sum())
    gradient = 0.5 * (1 + vectors**2 @ lift - ratio)
    return float(f), gradient, np.sqrt(noise)[:, None] * vectors * np.sqrt(lift)


def quasi_newton(data: Moments, q: int, *, floor: float, max_iter: int, tol: float) -> Fitted:
    """Maximise the profile likelihood over log noise by L-BFGS-B, within log floor <= log(noise / variance) <= 0.

    The features are first scaled to unit variance, which changes nothing but the conditioning: the model is
    equivariant. Arguments: the moments of X (n, d), no variance zero; q; the least noise as a share of each
    variance; iterations; tolerance in nats a sample.
    """
    scale = np.sqrt(data.variance)
    unit = data.scaled(scale)
    values: list[float] = []

    def watch(intermediate_result: Any) -> None:
        values.append(float(intermediate_result.fun))

    found = minimize(
        lambda x: profile(x, unit, q)[:2],
        first_noise(unit, q, floor),
        jac=True,
        method="L-BFGS-B",
        bounds=[(np.log(floor), 0.0)] * len(scale),
        callback=watch,
        options={"maxiter": max_iter, "maxcor": 20, "ftol": tol * 1e-3, "gtol": tol**0.75},
    )
    value, _, W = profile(found.x, unit, q)
    loglike = np.array([*values[:-1], value])
    return Fitted(
        data.mean,
        W * scale[:, None],
        np.exp(found.x) * data.variance,
        -data.n * (loglike + np.log(scale).sum()),
        bool(found.success),
    )


def first_noise(unit: Moments, q: int, floor: float) -> np.ndarray:
    """log noise (d,) to begin with, of features of unit variance: (1 - q / 2d) of what the others don't explain.

    Without an inverse covariance (n <= d, or copies among the features), half of the variance.

    Paper: Jöreskog 1967 (Psychometrika 32:443).
    """
    d = len(unit.mean)
    noise = np.full(d, 0.5)
    if unit.covariance is not None:
        values, vectors = unit.spectrum()
        if values[-1] > 1e-10 * values[0]:
            noise = (1 - q / (2 * d)) / (vectors**2 @ (1 / values))
    return np.log(np.clip(noise, max(floor, 1e-3), 1.0))


@dataclass(eq=False, repr=False)
class FactorAnalysis(LinearGaussian):
    """x = W z + mean + e with z ~ N(0, I_q) and e ~ N(0, diag(noise)), by maximum likelihood.

    A quasi-Newton on the profile likelihood of the noise, W being known given it; EM takes over where values
    are missing (NaN, missing at random), exactly: they are marginalised, not filled in.

    Args:
        n_components: q, from 1 to min(d - 1, n - 2). None: Ledermann's bound, the most for which the model has
            no more parameters than a covariance. "bic" or "cv": chosen, see `selection_`.
        solver: "auto" is quasi-Newton, and EM where values are missing; "quasi-newton" refuses NaN, in `fit`
            and after; "em".
        max_iter: of either.
        tol: nats a sample that may be left to gain.
        noise_floor: the least noise variance, as a share of the feature's variance. A likelihood that rises
            all the way to it is a Heywood case, and a `UserWarning` names the features.
        candidates: the sizes that "bic" and "cv" choose from; by default 1 to the bound above. The search stops
            after three in a row that were worse than the best.
        folds: of "cv".
        random_state: of the folds and of `sample`.

    Attributes:
        components_: (q, d), W^T, turned so that W^T diag(noise)^-1 W is diagonal and descending, each row's
            entry of largest size positive. Any rotation of its rows fits as well.
        mixing_: (d, q), W.
        mean_: (d,). noise_variance_: (d,).
        loglike_: (n_iter_,), total log-likelihood of the training data in nats after each iteration.
        converged_: False with a `ConvergenceWarning` where max_iter was reached.
        selection_: `Table` of the scores of each size, None where n_components was given.

    `fit` raises `InputError` for an infinity, a row or feature that is all NaN, a constant feature (whose
    likelihood has no bound), fewer than 3 rows or 2 features, and a size out of range.

    >>> X = np.random.default_rng(0).normal(size=(5000, 1)) * [3.0, 2.0, 1.0, 2.0]
    >>> X += np.random.default_rng(1).normal(size=X.shape) * [1.0, 2.0, 1.0, 1.0]
    >>> model = FactorAnalysis(1).fit(X)
    >>> model.components_.round().tolist(), model.noise_variance_.round().tolist()
    ([[3.0, 2.0, 1.0, 2.0]], [1.0, 4.0, 1.0, 1.0])

    Paper: Jöreskog 1967 (Psychometrika 32:443); Rubin and Thayer 1982 (Psychometrika 47:69).
    """

    n_components: Any = None
    _: KW_ONLY
    solver: Any = "auto"
    max_iter: Any = 2000
    tol: Any = 1e-7
    noise_floor: Any = 1e-6
    candidates: Any = None
    folds: Any = 5
    random_state: Any = None

    _constraints: ClassVar[Mapping[str, Constraint]] = {
        **LinearGaussian._constraints,
        "solver": choice(["auto", "quasi-newton", "em"]),
        "noise_floor": Constraint(
            lambda value: positive.holds(value) and value < 1, "a share above 0 and below 1"
        ),
    }

    def fit(self, X: Any, y: Any = None) -> FactorAnalysis:
        """Fit X (n, d), NaN where a value is missing; y is ignored."""
        with self._refit():
            self._find(X)
        return self

    def _find(self, X: Any) -> None:
        X, complete = read(self, X, reset=True)
        limit = check_size(self, X, complete)
        mean = None if complete else np.nanmean(X, axis=0)
        data = moments(X if mean is None else np.where(np.isnan(X), mean, X), mean)
        if len(still := constant(data)):
            raise InputError(
                f"X: {named(self, still.tolist())} constant, so that the likelihood has no bound; drop it first"
            )
        q, self.selection_ = self._size(X, limit)
        if complete and self.solver != "em":
            found = quasi_newton(data, q, floor=self.noise_floor, max_iter=self.max_iter, tol=self.tol)
        else:
            found = self._em(X, data, complete, q)
        self._keep(found, canonical(found.W, found.noise))
        self.noise_variance_ = found.noise
        self._warn_of_heywood(data.variance if complete else np.nanvar(X, axis=0))

    def _em(self, X: np.ndarray, data: Moments, complete: bool, q: int) -> Fitted:
        least = self.noise_floor * (data.variance if complete else np.nanvar(X, axis=0))  # (d,)

        def floored(residual: np.ndarray) -> np.ndarray:
            return np.maximum(residual, least)

        scale = np.sqrt(data.variance)
        unit = data.scaled(scale)
        log_noise = first_noise(unit, q, self.noise_floor)
        W = profile(log_noise, unit, q)[2] * scale[:, None]
        # A column of zeros is a stationary point of EM: it would never leave it.
        flat = ~W.any(0)
        W[:, flat] = 1e-2 * scale[:, None] * np.eye(len(scale), q)[:, flat]
        noise = np.maximum(np.exp(log_noise) * data.variance, least)
        if complete:
            return em.complete(data, W, noise, floored, max_iter=self.max_iter, tol=self.tol)
        return em.incomplete(X, data.mean, W, noise, floored, max_iter=self.max_iter, tol=self.tol)

    def _warn_of_heywood(self, variance: np.ndarray) -> None:
        at_floor = np.flatnonzero(self.noise_variance_ <= 1.01 * self.noise_floor * variance).tolist()
        if at_floor:
            warnings.warn(
                f"FactorAnalysis: the noise of {named(self, at_floor)} fell to its floor, {self.noise_floor:g} of "
                "the variance (a Heywood case): too many components or too few rows, or a copy of other features",
                UserWarning,
                stacklevel=4,
            )

    def _size(self, X: np.ndarray, limit: int) -> tuple[int, Table | None]:
        wanted = self.n_components
        if wanted is not None and not isinstance(wanted, str):
            return check_components(wanted, limit, X.shape), None
        most = min(limit, ledermann(X.shape[1]))
        if wanted is None:
            return most, None
        if wanted == "cv":
            most = max(1, min(most, len(X) - -(-len(X) // self.folds) - 2))
        sizes = check_candidates(self.candidates, most, limit, X.shape)
        if wanted == "bic":
            return by_bic(self, X, sizes, X.shape[1])
        return by_held_out(self, X, sizes, self.folds, check_random_state(self.random_state).randint(2**31))
