"""Expectation maximisation for PPCA and factor analysis, on moments or on data with missing values.

The two models differ only in the last step of M: PPCA pools the residual variances of the features, factor
analysis keeps them apart. That step is the argument `noise_step`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mutua.generative.gaussian import (
    LOG_2PI,
    Moments,
    NoiseStep,
    incomplete_posterior,
    patterns,
    posterior_map,
)

__all__ = ["Fitted", "complete", "incomplete"]


@dataclass(frozen=True)
class Fitted:
    """Parameters and how they were reached: loglike holds the total log-likelihood (nats) of every iteration."""

    mean: np.ndarray
    W: np.ndarray
    noise: np.ndarray
    loglike: np.ndarray
    converged: bool


def _climb(
    state: tuple[np.ndarray, ...],
    expect: Callable[..., tuple[float, Callable[[], tuple[np.ndarray, ...]]]],
    n: int,
    max_iter: int,
    tol: float,
) -> tuple[tuple[np.ndarray, ...], list[float], bool]:
    """Alternate E and M until what is still to gain, by Aitken's extrapolation, is below tol nats a sample.

    EM gains less each time by about the same factor r, so after a gain g about g r / (1 - r) is left. The
    last gain alone says little: it is small too where EM is slow and far from the top.
    """
    values: list[float] = []
    gain = np.inf
    for i in range(max_iter):
        value, maximise = expect(*state)
        values.append(value)
        if len(values) > 1:
            before, gain = gain, (values[-1] - values[-2]) / n
            rate = gain / before if before > 0 else 0.0
            if gain < tol and gain * rate < tol * (1 - rate):
                return state, values, True
        if i + 1 < max_iter:  # else what is returned is what the last value was computed for
            state = maximise()
    return state, values, False


def complete(
    data: Moments, W: np.ndarray, noise: np.ndarray, noise_step: NoiseStep, *, max_iter: int, tol: float
) -> Fitted:
    """EM on complete data, through S B alone for the covariance S and a (d, q) matrix B: O(d^2 q) a step.

        E: B = M^-1 W^T diag(noise)^-1,  E[z z^T] = M^-1 + B S B^T
        M: W = S B^T E[z z^T]^-1,        residual = diag(S - W B S)

    Args:
        data: the moments of X (n, d).
        W: (d, q), where to begin; noise: (d,), all positive.
        noise_step: residual variances (d,) to noise (d,).
        max_iter: evaluations of the likelihood, at most.
        tol: nats a sample still to gain.

    Paper: Rubin and Thayer 1982 (Psychometrika 47:69); Tipping and Bishop 1999 (JRSS B 61:611), appendix B.
    """
    d = len(noise)

    def expect(W: np.ndarray, noise: np.ndarray) -> tuple[float, Callable[[], tuple[np.ndarray, ...]]]:
        B, covariance, logdet = posterior_map(W, noise)
        SB = data.times(B.T)  # (d, q)
        trace = (data.variance / noise).sum() - ((W / noise[:, None]) * SB).sum()

        def maximise() -> tuple[np.ndarray, ...]:
            second = covariance + B @ SB  # (q, q)
            new = np.linalg.solve(second, SB.T).T  # (d, q)
            return new, noise_step(data.variance - (new * SB).sum(1))

        return -0.5 * data.n * (d * LOG_2PI + logdet + trace), maximise

    (W, noise), values, converged = _climb((W, noise), expect, data.n, max_iter, tol)
    return Fitted(data.mean, W, noise, np.array(values), converged)


def incomplete(
    X: np.ndarray,
    mean: np.ndarray,
    W: np.ndarray,
    noise: np.ndarray,
    noise_step: NoiseStep,
    *,
    max_iter: int,
    tol: float,
) -> Fitted:
    """Exact EM on the likelihood of what is observed: X (n, d) holds NaN where a value is missing at random.

    Only z is hidden: a missing value drops out of the likelihood and is never filled in. M is then a least
    squares of each feature on (z, 1) over the rows that have it, and E is one q x q inverse for each pattern
    of missing features: O(n d q + P d q^2) a step for P patterns.

        M: (w_j, mean_j) = [sum_i E[u u^T]]^-1 sum_i x_ij E[u],   u = (z, 1), i over the rows that have feature j
           residual_j = mean over those i of (x_ij - mean_j - w_j^T E[z])^2 + w_j^T cov(z | x_i) w_j

    noise_step is given the residuals (d,), each over the rows that have the feature. Arguments else as `complete`.
    """
    observed = ~np.isnan(X)
    groups = patterns(observed)
    # About the first mean: with a large offset the least squares would be badly conditioned.
    shift = mean
    values_at = np.where(observed, X - shift, 0.0)  # (n, d)
    counts = observed.sum(0)  # (d,)
    sizes = np.diff(groups.starts)  # (P,)
    mask = groups.observed.astype(float)  # (P, d)
    q = W.shape[1]

    def expect(
        offset: np.ndarray, W: np.ndarray, noise: np.ndarray
    ) -> tuple[float, Callable[[], tuple[np.ndarray, ...]]]:
        z, covariance, loglike = incomplete_posterior(values_at - offset * observed, groups, W, noise)

        def maximise() -> tuple[np.ndarray, ...]:
            u = np.concatenate([z, np.ones((len(z), 1))], 1)  # (n, q + 1)
            spread = sizes[:, None, None] * covariance  # (P, q, q)
            second = groups.second_moments(u)  # (P, q + 1, q + 1)
            second[:, :q, :q] += spread
            A = (mask.T @ second.reshape(len(sizes), -1)).reshape(-1, q + 1, q + 1)  # (d, q + 1, q + 1)
            b = values_at.T @ u  # (d, q + 1)
            found = np.linalg.solve(A, b[..., None])[..., 0]  # (d, q + 1)
            W = found[:, :q]
            rest = (values_at - u @ found.T) * observed  # (n, d)
            within = (mask.T @ spread.reshape(len(sizes), -1)).reshape(-1, q, q)  # (d, q, q)
            squares = np.einsum("ij,ij->j", rest, rest) + np.einsum("jk,jkl,jl->j", W, within, W)
            return found[:, q], W, noise_step(squares / counts)

        return float(loglike.sum()), maximise

    start = (np.zeros_like(mean), W, noise)
    (offset, W, noise), values, converged = _climb(start, expect, len(X), max_iter, tol)
    return Fitted(shift + offset, W, noise, np.array(values), converged)
