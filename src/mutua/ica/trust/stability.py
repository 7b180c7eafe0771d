"""Whether a component comes back: fits of resampled rows and from other starts, and what chance alone gives."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float
from scipy.optimize import linear_sum_assignment
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state

from mutua.ica.trust.block_bootstrap import block_edges, resampled_rows

__all__ = ["Refits", "Stability", "refitted", "stability_of"]

Make = Callable[[int], Any]
"""A seed to an unfitted estimator of all components."""


@dataclass(frozen=True)
class Refits:
    """Unmixings of refits, rows matched to the reference's by |correlation|; how many did not converge."""

    unmixings: Float[np.ndarray, "r k k"]
    unconverged: int


@dataclass(frozen=True)
class Stability:
    """Per component of the reference.

    inside: mean |correlation| between its counterparts in different refits. outside: between them and all other
    components of the refits. index: inside - outside, at most 1. confusion (k, k): root mean squared correlation
    of the reference's component i with the refits' counterparts of j.

    Paper: Himberg, Hyvarinen and Esposito, Validating the independent components of neuroimaging time series via
    clustering and visualization (2004).
    """

    inside: Float[np.ndarray, " k"]
    outside: Float[np.ndarray, " k"]
    confusion: Float[np.ndarray, "k k"]

    @property
    def index(self) -> Float[np.ndarray, " k"]:
        return self.inside - self.outside


def refitted(
    z: Float[np.ndarray, "m k"],
    reference: Float[np.ndarray, "k k"],
    make: Make,
    repeats: int,
    *,
    resample: bool,
    random_state: int | np.random.RandomState,
) -> Refits:
    """Fit `repeats` times: to blocks of z drawn with replacement, or to z as it is, always from another start."""
    generator = check_random_state(random_state)
    covariance, edges = np.cov(z.T, bias=True).reshape(z.shape[1], -1), block_edges(len(z))
    found, unconverged = [], 0
    for _ in range(repeats):
        rows = z[resampled_rows(edges, generator)] if resample else z
        model = make(int(generator.randint(2**31 - 1)))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            w = model.fit(rows).components_
        unconverged += not model.converged_
        _, columns = linear_sum_assignment(-_correlations(reference, w, covariance))
        found.append(w[columns])
    return Refits(np.stack(found), unconverged)


def stability_of(refits: Refits, reference: Float[np.ndarray, "k k"], z: Float[np.ndarray, "m k"]) -> Stability:
    """How alike the refits' components are: inside each matched cluster, and between clusters.

    A component's correlation with itself and with the reference's does not count inside: the matching sees to
    the latter. One component alone has outside = 0.
    """
    r, k = refits.unmixings.shape[:2]
    covariance = np.cov(z.T, bias=True).reshape(k, k)
    every = refits.unmixings.reshape(r * k, k)
    alike = _correlations(every, every, covariance).reshape(r, k, r, k)
    same_refit = np.einsum("aiaj->ij", alike)  # (k, k)
    total = alike.sum((0, 2))  # (k, k)
    inside = (np.diag(total) - np.diag(same_refit)) / (r * (r - 1))
    outside = (total.sum(1) - np.diag(total)) / max(1, r * r * (k - 1))
    squared = [_correlations(reference, w, covariance) ** 2 for w in refits.unmixings]
    return Stability(inside, outside, np.sqrt(np.mean(squared, 0)))


def _correlations(
    a: Float[np.ndarray, "p k"], b: Float[np.ndarray, "q k"], covariance: Float[np.ndarray, "k k"]
) -> Float[np.ndarray, "p q"]:
    """|Correlation| of every a_i z with every b_j z."""

    def unit(w: Float[np.ndarray, "q k"]) -> Float[np.ndarray, "q k"]:
        return w / np.sqrt(np.einsum("ij,jk,ik->i", w, covariance, w))[:, None]

    return np.abs(unit(a) @ covariance @ unit(b).T).clip(0, 1)
