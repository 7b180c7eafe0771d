"""Probabilistic principal component analysis: factor analysis whose noise has one variance for all features."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass
from typing import Any, ClassVar

import numpy as np
from sklearn.utils import check_random_state

from mutua.estimators.validation import Constraint, choice
from mutua.generative import em
from mutua.generative.em import Fitted
from mutua.generative.gaussian import Moments, NoiseStep, canonical, moments, signed
from mutua.generative.linear_gaussian import (
    LinearGaussian,
    check_candidates,
    check_components,
    check_size,
    constant,
    read,
)
from mutua.generative.selection import by_bic, by_held_out, ppca_by_bic, ppca_by_held_out, ppca_loglike
from mutua.types import InputError, Table

__all__ = ["ProbabilisticPCA", "closed_form", "pooled"]


def closed_form(data: Moments, q: int) -> Fitted:
    """The maximum of PPCA's likelihood, from the q largest eigenvalues l_j and vectors U of the covariance S:

        noise = (trace S - sum_{j<=q} l_j) / (d - q),   W = U (diag(l) - noise I)^(1/2).

    S divides by n. noise is (d,), all equal. Raises `InputError` where nothing is left for the noise, as the
    likelihood then has no bound.

    Paper: Tipping and Bishop 1999 (JRSS B 61:611), section 3.2.
    """
    d = len(data.mean)
    values, vectors = data.spectrum(q)
    trace = float(data.variance.sum())
    noise = (trace - float(values.sum())) / (d - q)
    if not noise > _rounding(data, trace):
        rank = _rank(data, trace)
        raise InputError(
            f"n_components={q} leaves no noise in data of rank {rank}: the likelihood has no bound; "
            + (f"use at most {rank - 1}" if rank > 1 else "the features are copies of one, or constant")
        )
    W = signed(vectors * np.sqrt(np.maximum(values - noise, 0.0)))  # (d, q)
    loglike = ppca_loglike(values, trace, data.n, d, np.array([q]))
    return Fitted(data.mean, W, np.full(d, noise), loglike, True)


def pooled(least: float, counts: np.ndarray | None = None) -> NoiseStep:
    """EM's last step: one noise, the mean of the residual variances over all values.

    counts (d,) says how many values each feature has, where some are missing. `InputError` where the noise falls
    under `least`.
    """

    def step(residual: np.ndarray) -> np.ndarray:
        noise = float(np.average(residual, weights=counts))
        if not noise > least:
            raise InputError(
                f"n_components leaves no noise: EM brought it to {noise:.1e}, and the likelihood has no bound; "
                "use fewer"
            )
        return np.full(len(residual), noise)

    return step


def _rounding(data: Moments, trace: float) -> float:
    """What rounding alone leaves in the place of a zero eigenvalue."""
    return max(data.n, len(data.mean)) * float(np.finfo(float).eps) * trace


def _rank(data: Moments, trace: float) -> int:
    return int((data.spectrum()[0] > _rounding(data, trace)).sum())


@dataclass(eq=False, repr=False)
class ProbabilisticPCA(LinearGaussian):
    """x = W z + mean + e with z ~ N(0, I_q) and e ~ N(0, noise I_d), by maximum likelihood.

    The eigenvalues of the covariance give the optimum in closed form; EM takes over where values are missing
    (NaN, missing at random), exactly: they are marginalised, not filled in.

    Args:
        n_components: q, from 1 to min(d - 1, n - 2). None: as many as leave noise, which is the full covariance
            where n > d. "bic" or "cv": chosen, see `selection_`.
        solver: "auto" is the closed form, and EM where values are missing; "closed" refuses NaN, in `fit` and
            after; "em".
        max_iter: of EM.
        tol: EM stops when less than so many nats a sample are left to gain, by its own extrapolation.
        candidates: the sizes that "bic" and "cv" choose from; by default all there are. Where values are missing
            each must be fitted, and the search stops after three in a row that were worse than the best.
        folds: of "cv".
        random_state: of the starting point of EM on complete data, of the folds, and of `sample`.

    Attributes:
        components_: (q, d), W^T in the order of variance, each row's entry of largest size positive. Not of
            unit length: row j has the squared length l_j - noise, for l_j the j-th eigenvalue.
        mixing_: (d, q), W.
        mean_: (d,). noise_variance_: a float.
        loglike_: (n_iter_,), total log-likelihood of the training data in nats after each iteration.
        converged_: False with a `ConvergenceWarning` where max_iter was reached.
        selection_: `Table` of the scores of each size, None where n_components was given.

    Unlike scikit-learn's PCA, covariances divide by n, and with n <= d the noise is the mean over all d - q
    discarded directions, those without variance among them.

    `fit` raises `InputError` for an infinity, a row or feature that is all NaN, fewer than 3 rows or 2
    features, a size out of range, and data that leaves no noise.

    >>> X = np.random.default_rng(0).normal(size=(500, 1)) * [3.0, 2.0, 1.0] + [0.0, 1.0, 2.0]
    >>> X += np.random.default_rng(1).normal(size=X.shape)
    >>> model = ProbabilisticPCA(1).fit(X)
    >>> model.components_.round().tolist(), round(model.noise_variance_, 1)
    ([[3.0, 2.0, 1.0]], 1.0)

    Paper: Tipping and Bishop 1999 (JRSS B 61:611), https://doi.org/10.1111/1467-9868.00196.
    """

    n_components: Any = None
    _: KW_ONLY
    solver: Any = "auto"
    max_iter: Any = 2000
    tol: Any = 1e-7
    candidates: Any = None
    folds: Any = 5
    random_state: Any = None

    _constraints: ClassVar[Mapping[str, Constraint]] = {
        **LinearGaussian._constraints,
        "solver": choice(["auto", "closed", "em"]),
    }

    def fit(self, X: Any, y: Any = None) -> ProbabilisticPCA:
        """Fit X (n, d), NaN where a value is missing; y is ignored."""
        with self._refit():
            self._find(X)
        return self

    def _find(self, X: Any) -> None:
        X, complete = read(self, X, reset=True)
        limit = check_size(self, X, complete)
        data = moments(X if complete else _filled(X))
        if len(constant(data)) == X.shape[1]:
            raise InputError("X: every feature is constant; there is nothing to explain")
        q, self.selection_ = self._size(X, data, complete, limit)
        start = closed_form(data, q)  # raises where there is no noise to find
        if complete and self.solver != "em":
            self._keep(start, start.W)
            self.noise_variance_ = float(start.noise[0])
            return
        scale = float(data.variance.mean())
        step = pooled(1e-9 * scale, None if complete else (~np.isnan(X)).sum(0))
        if complete:
            # From anywhere else than the optimum: what EM reaches by itself is what was asked for.
            random = check_random_state(self.random_state)
            W = random.standard_normal((X.shape[1], q)) * np.sqrt(scale / (2 * q))
            noise = np.full(X.shape[1], scale / 2)
            found = em.complete(data, W, noise, step, max_iter=self.max_iter, tol=self.tol)
        else:
            found = em.incomplete(X, start.mean, start.W, start.noise, step, max_iter=self.max_iter, tol=self.tol)
        self._keep(found, canonical(found.W, found.noise))
        self.noise_variance_ = float(found.noise[0])

    def _size(self, X: np.ndarray, data: Moments, complete: bool, limit: int) -> tuple[int, Table | None]:
        wanted = self.n_components
        if wanted is not None and not isinstance(wanted, str):
            return check_components(wanted, limit, X.shape), None
        most = max(1, min(limit, _rank(data, float(data.variance.sum())) - 1))
        if wanted is None:
            return most, None
        return self._chosen(X, data, complete, most)

    def _chosen(self, X: np.ndarray, data: Moments, complete: bool, most: int) -> tuple[int, Table]:
        if self.n_components == "cv":
            most = max(1, min(most, len(X) - -(-len(X) // self.folds) - 2))
        sizes = check_candidates(self.candidates, most, most, X.shape)
        if self.n_components == "bic":
            return ppca_by_bic(data, sizes) if complete else by_bic(self, X, sizes, 1)
        random = check_random_state(self.random_state).randint(2**31)
        if complete:
            return ppca_by_held_out(X, sizes, self.folds, random)
        return by_held_out(self, X, sizes, self.folds, random)


def _filled(X: np.ndarray) -> np.ndarray:
    """X with each NaN replaced by the mean of its feature: where EM begins."""
    return np.where(np.isnan(X), np.nanmean(X, axis=0), X)
