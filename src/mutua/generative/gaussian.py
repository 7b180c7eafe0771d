"""The algebra that PPCA and factor analysis share: x = W z + mean + e, z ~ N(0, I), e ~ N(0, diag(noise)).

Everywhere W is (d, q), noise (d,), and the covariance of x is C = W W^T + diag(noise). C is not inverted:
with M = I + W^T diag(noise)^-1 W, which is q x q,

    z | x ~ N(M^-1 W^T diag(noise)^-1 (x - mean), M^-1),      log |C| = sum log noise + log |M|,
    (x - mean)^T C^-1 (x - mean) = |z|^2 + (x - mean - W z)^T diag(noise)^-1 (x - mean - W z),  z = E[z | x],

the last a sum of squares, so that nothing cancels where the noise is small. A missing value is a row of W left
out; rows that miss the same features share one M. Log-likelihoods are in nats.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from scipy.linalg import cho_solve, cholesky, eigh, solve_triangular

__all__ = [
    "LOG_2PI",
    "Moments",
    "NoiseStep",
    "Patterns",
    "canonical",
    "density",
    "incomplete_posterior",
    "moments",
    "patterns",
    "posterior_map",
    "precision",
    "signed",
]

LOG_2PI = math.log(2 * math.pi)


@dataclass(frozen=True)
class Moments:
    """What complete data says to a Gaussian, on its smaller side: the d x d covariance, or the n x d data.

    mean (d,), variance (d,) and covariance (d, d) or None divide by n, as maximum likelihood does; rows (n, d)
    is the centred data, kept where n < d and no covariance was made.
    """

    n: int
    mean: np.ndarray
    variance: np.ndarray
    covariance: np.ndarray | None
    rows: np.ndarray | None

    def times(self, B: np.ndarray) -> np.ndarray:
        """S B for the covariance S and B (d, k)."""
        if self.covariance is not None:
            return self.covariance @ B  # (d, k)
        assert self.rows is not None
        return self.rows.T @ (self.rows @ B) / self.n  # (d, k)

    def scaled(self, scale: np.ndarray) -> Moments:
        """The moments of x / scale."""
        S, rows = self.covariance, self.rows
        return Moments(
            self.n,
            self.mean / scale,
            self.variance / scale**2,
            None if S is None else S / np.outer(scale, scale),
            None if rows is None else rows / scale,
        )

    def spectrum(self, k: int | None = None) -> tuple[np.ndarray, np.ndarray]:
        """The k largest eigenvalues (k,) of S, descending, and their vectors (d, k).

        By default all min(n, d) that may be above zero. Where n < d, vectors of a zero eigenvalue are zero.
        """
        side = self.covariance if self.covariance is not None else self._gram()
        # Picking out vectors costs more for each of them than finding all does.
        top = None if k is None or 8 * k > len(side) else (len(side) - k, len(side) - 1)
        values, vectors = eigh(side, subset_by_index=top, check_finite=False, driver="evr" if top else "evd")
        values, vectors = np.maximum(values[::-1][:k], 0.0), vectors[:, ::-1][:, :k]
        if self.rows is not None:
            # S u = value u with u = rows^T v / sqrt(n value); a direction without variance has no vector here.
            rounding = np.finfo(float).eps * self.rows.size * values[0]
            vectors = self.rows.T @ vectors  # (d, k)
            vectors *= np.where(values > rounding, 1 / np.sqrt(self.n * np.maximum(values, rounding)), 0.0)
        return values, vectors

    def _gram(self) -> np.ndarray:
        assert self.rows is not None
        return self.rows @ self.rows.T / self.n  # (n, n)


def moments(X: np.ndarray, mean: np.ndarray | None = None) -> Moments:
    """The moments of X (n, d), complete and finite; mean is computed where it is not given."""
    mean = X.mean(0) if mean is None else mean
    n, d = X.shape
    rows = X - mean  # (n, d)
    if n < d:
        return Moments(n, mean, np.einsum("ij,ij->j", rows, rows) / n, None, rows)
    S = rows.T @ rows  # (d, d)
    S /= n
    return Moments(n, mean, S.diagonal().copy(), S, None)


def _factor(W: np.ndarray, noise: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """diag(noise)^-1 W (d, q), and the lower Cholesky factor of M (q, q)."""
    scaled = W / noise[:, None]
    return scaled, cholesky(np.eye(W.shape[1]) + W.T @ scaled, lower=True, check_finite=False)


def posterior_map(W: np.ndarray, noise: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """B (q, d) with E[z | x] = B (x - mean); the covariance M^-1 (q, q) of z given x; log |C|."""
    scaled, L = _factor(W, noise)
    logdet = float(np.log(noise).sum() + 2 * np.log(L.diagonal()).sum())
    return cho_solve((L, True), scaled.T), cho_solve((L, True), np.eye(len(L))), logdet


def precision(W: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """C^-1 = diag(noise)^-1 - diag(noise)^-1 W M^-1 W^T diag(noise)^-1 (d, d), by Woodbury's identity."""
    scaled, L = _factor(W, noise)
    half = solve_triangular(L, scaled.T, lower=True, check_finite=False)  # (q, d)
    found = -half.T @ half  # (d, d)
    found[np.diag_indices_from(found)] += 1 / noise
    return found


def density(centred: np.ndarray, W: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """log N(x; mean, C) of each row of X - mean (n, d), none missing: (n,) nats."""
    n, d, q = len(centred), *W.shape
    # With q near d the triangle of C costs less than two products with W; it loses digits where noise is small.
    if 4 * n * d * q > 2 * n * d**2 + d**3 + 2 * d**2 * q and noise.min() > 1e-6 * (W**2).sum(1).max():
        L = cholesky(W @ W.T + np.diag(noise), lower=True, check_finite=False)
        rest = centred @ solve_triangular(L, np.eye(d), lower=True, check_finite=False).T  # (n, d)
        squares = np.einsum("ij,ij->i", rest, rest)
        return -0.5 * (squares + (d * LOG_2PI + 2 * np.log(L.diagonal()).sum()))
    B, _, logdet = posterior_map(W, noise)
    z = centred @ B.T  # (n, q)
    rest = z @ W.T  # (n, d)
    np.subtract(centred, rest, out=rest)
    rest *= 1 / np.sqrt(noise)
    squares = np.einsum("ij,ij->i", rest, rest) + np.einsum("ij,ij->i", z, z)
    return -0.5 * (squares + (d * LOG_2PI + logdet))


# --- missing values ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Patterns:
    """Rows grouped by which features they have: observed (P, d), of (n,) the pattern of each row.

    order (n,) sorts the rows by pattern and starts (P + 1,) says where each begins in it.
    """

    observed: np.ndarray
    of: np.ndarray
    order: np.ndarray
    starts: np.ndarray

    def __iter__(self) -> Iterator[tuple[int, np.ndarray]]:
        """Each pattern's number and its rows."""
        for p in range(len(self.observed)):
            yield p, self.order[self.starts[p] : self.starts[p + 1]]

    @property
    def batched(self) -> bool:
        """Whether patterns are so many that a loop over them would cost more than an array for every row."""
        return len(self.of) < 16 * len(self.observed)

    def mapped(self, matrices: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Each row of (n, q) times the symmetric matrix of its pattern, of (P, q, q): (n, q)."""
        if self.batched:
            return np.einsum("nkl,nl->nk", matrices[self.of], rows)
        found = np.empty_like(rows)
        for p, which in self:
            found[which] = rows[which] @ matrices[p]
        return found

    def second_moments(self, rows: np.ndarray) -> np.ndarray:
        """The sum of u u^T over the rows u of each pattern: (n, q) to (P, q, q)."""
        rows = rows[self.order]
        if self.batched:
            return np.add.reduceat(rows[:, :, None] * rows[:, None, :], self.starts[:-1], axis=0)
        blocks = [rows[a:b] for a, b in itertools.pairwise(self.starts)]
        return np.stack([block.T @ block for block in blocks])


def patterns(observed: np.ndarray) -> Patterns:
    """Group the rows of observed (n, d), True where there is a value."""
    # Eight features a byte, and a row one key: unique then sorts short byte strings instead of wide rows.
    keys = np.packbits(observed, axis=1)
    _, first, of = np.unique(keys, axis=0, return_index=True, return_inverse=True)
    of = of.reshape(-1)
    counts = np.bincount(of, minlength=len(first))
    return Patterns(observed[first], of, np.argsort(of, kind="stable"), np.concatenate([[0], counts.cumsum()]))


def incomplete_posterior(
    centred: np.ndarray, groups: Patterns, W: np.ndarray, noise: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """E[z | observed x] (n, q), its covariance for each pattern (P, q, q), log p(observed x) (n,) nats.

    centred is X - mean (n, d) with 0 in the place of what is missing. A row with nothing observed has the prior
    as its posterior and the log-likelihood 0.
    """
    q = W.shape[1]
    scaled = W / noise[:, None]  # (d, q)
    outer = (W[:, :, None] * scaled[:, None, :]).reshape(len(W), q * q)
    M = np.eye(q) + (groups.observed.astype(float) @ outer).reshape(-1, q, q)  # (P, q, q)
    covariance = np.linalg.inv(M)
    covariance = (covariance + covariance.transpose(0, 2, 1)) / 2
    logdet = np.linalg.slogdet(M)[1] + groups.observed @ np.log(noise)  # (P,)
    weighted = centred @ scaled  # (n, q)
    z = groups.mapped(covariance, weighted)
    rest = (centred - z @ W.T) * (groups.observed / np.sqrt(noise))[groups.of]  # (n, d)
    squares = np.einsum("ij,ij->i", rest, rest) + np.einsum("ij,ij->i", z, z)
    constant = groups.observed.sum(1) * LOG_2PI + logdet  # (P,)
    return z, covariance, -0.5 * (squares + constant[groups.of])


# --- a form of W that is the same for all its rotations ----------------------------------------------------


def canonical(W: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """W R for the orthogonal R that makes W^T diag(noise)^-1 W diagonal and descending, signs fixed.

    The likelihood is the same for every R, so the data cannot say which one it was; this choice makes latents
    independent given x, and two fits of one optimum comparable. The largest entry of each column is positive.
    """
    scaled = W / np.sqrt(noise)[:, None]
    _, vectors = eigh(scaled.T @ scaled, check_finite=False)
    return signed(W @ vectors[:, ::-1])


def signed(W: np.ndarray) -> np.ndarray:
    """Columns turned so that the entry of largest size is positive."""
    picked = W[np.abs(W).argmax(0), np.arange(W.shape[1])]
    return W * np.where(picked < 0, -1.0, 1.0)


NoiseStep = Callable[[np.ndarray], np.ndarray]
"""Residual variances (d,) to the noise variances (d,) that the model allows: pooled, or floored."""
