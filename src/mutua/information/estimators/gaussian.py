"""What a Gaussian knows: canonical correlations, their information, and the log ratio they imply.

If (x, y) is jointly Gaussian with canonical correlations rho_i, I(x; y) = -1/2 sum_i log(1 - rho_i^2), and with
canonical variates u, v of unit variance

    log r(x, y) = sum_i [rho_i u_i v_i - rho_i^2 (u_i^2 + v_i^2) / 2] / (1 - rho_i^2) - 1/2 log(1 - rho_i^2).

Paper: Hotelling 1936, Relations Between Two Sets of Variates; Gelfand and Yaglom 1959 for the information.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from scipy.special import digamma

from mutua.information.estimators.ksg import numbers
from mutua.types import InputError

__all__ = ["Canonical", "canonical", "gaussian_information", "shrunk"]


@dataclass(frozen=True)
class Canonical:
    """u = x @ left and v = y @ right are uncorrelated within, and correlate by `correlations` one to one."""

    left: Float[ndarray, "dx k"]
    right: Float[ndarray, "dy k"]
    correlations: Float[ndarray, " k"]

    @property
    def information(self) -> float:
        """-1/2 sum log(1 - rho^2), in nats."""
        return float(-0.5 * np.log1p(-np.minimum(self.correlations**2, 1 - 1e-15)).sum())


def canonical(x: Float[ndarray, "n dx"], y: Float[ndarray, "n dy"], most: int | None = None) -> Canonical:
    """Canonical correlation analysis of centred copies of x and y.

    Each side is first reduced to its principal directions: those that carry variance at all, and no more than
    `most` of them (a quarter of the rows by default), since with as many columns as rows everything correlates.
    """
    most = max(1, len(x) // 4) if most is None else most
    wx, wy = _whitening(x, most), _whitening(y, most)  # (dx, kx), (dy, ky)
    cross = (x @ wx - (x @ wx).mean(0)).T @ (y @ wy - (y @ wy).mean(0)) / len(x)  # (kx, ky)
    u, s, vt = np.linalg.svd(cross, full_matrices=False)
    return Canonical(wx @ u, wy @ vt.T, np.clip(s, 0, 1))


def _whitening(a: Float[ndarray, "n d"], most: int) -> Float[ndarray, "d k"]:
    n, d = a.shape
    centred = a - a.mean(0)
    if d <= n:
        values, vectors = np.linalg.eigh(centred.T @ centred / n)
    else:
        # The same eigenvalues on the smaller side; a vector u there is centred^T u here.
        values, small = np.linalg.eigh(centred @ centred.T / n)
        vectors = centred.T @ small / np.sqrt(np.maximum(n * values, 1e-300))
    kept = np.flatnonzero(values > 1e-9 * max(values[-1], 1e-300))[-most:]
    if len(kept) == 0:
        raise InputError("every column is constant; there is no information to estimate")
    return vectors[:, kept] / np.sqrt(values[kept])


def shrunk(found: Canonical, n: int) -> Canonical:
    """Canonical correlations as they would be on fresh rows: noise dropped, the rest adjusted as R^2 is.

    Of independent variables the largest squared correlation is about (sqrt(dx/n) + sqrt(dy/n))^2: smaller ones
    are dropped. A kept one becomes (rho^2 - d/n)/(1 - d/n) with d = dx + dy - 1 of the directions that remain: the
    adjusted R^2 where one side is a single column, and Lawley's first-order bias where both have many.

    Paper: Lawley 1959, Tests of significance in canonical analysis.
    """
    kx, ky = found.left.shape[1], found.right.shape[1]
    kept: list[float] = []
    for i, rho in enumerate(found.correlations):
        noise = (np.sqrt((kx - i) / n) + np.sqrt((ky - i) / n)) ** 2 + 2 / n
        free = kx + ky - 2 * i - 1
        if rho**2 <= noise or free >= n:
            break
        kept.append(float(np.sqrt(max((rho**2 - free / n) / (1 - free / n), 0.0))))
    k = len(kept)
    return Canonical(found.left[:, :k], found.right[:, :k], np.minimum(np.array(kept), np.sqrt(1 - 1e-12)))


def gaussian_information(x: Any, y: Any) -> float:
    """The mutual information of a Gaussian with the sample's covariance, in nats, unbiased if it is Gaussian.

    1/2 (log|S_x| + log|S_y| - log|S_xy|), minus its expected excess: E log|S| of a sample covariance with n - 1
    degrees of freedom is log|Sigma| + sum_i psi((n - i)/2) + d log(2/(n - 1)), psi the digamma function.
    A lower bound where both margins are Gaussian; where they are not it can err on either side. x and y are
    arrays, tensors or lists of n rows, one column (n,) or several (n, d).

    Raises `InputError` for sides of different lengths, for what aren't real and finite numbers, for no more rows
    than columns, and where a column is a linear combination of others.

    Paper: Misra, Singh and Demchuk 2005, Estimation of the entropy of a multivariate normal distribution.
    """
    x, y = numbers(x, "gaussian_information: x"), numbers(y, "gaussian_information: y")
    n, dx, dy = len(x), x.shape[1], y.shape[1]
    if len(y) != n:
        raise InputError(f"gaussian_information: x has {n} rows and y has {len(y)}; give pairs, row by row")
    if n <= dx + dy + 1:
        raise InputError(
            f"{n} rows for {dx + dy} columns: a covariance needs more rows than columns; use fewer columns"
        )
    (_, of_x), (_, of_y), (sign, of_both) = (
        np.linalg.slogdet(np.cov(part, rowvar=False).reshape(part.shape[1], -1))
        for part in (x, y, np.hstack([x, y]))
    )
    if sign <= 0 or not np.isfinite(of_both):
        raise InputError(
            "x and y: a column is a linear combination of others, so the information is infinite or undefined"
        )
    excess = _log_det_bias(n, dx) + _log_det_bias(n, dy) - _log_det_bias(n, dx + dy)
    return float(0.5 * (of_x + of_y - of_both - excess))


def _log_det_bias(n: int, d: int) -> float:
    return float(digamma((n - np.arange(1, d + 1)) / 2).sum() + d * np.log(2 / (n - 1)))
