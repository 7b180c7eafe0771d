"""The randomised dependence coefficient: how nonlinearly dependent two variables are, 0 to 1."""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike
from scipy.stats import rankdata

from mutua.types import InputError

__all__ = ["rdc", "rdc_matrix"]

_RANK = 1e-10
"""Directions of the features below this share of the largest singular value are rounding, not information."""


def rdc(
    x: ArrayLike,
    y: ArrayLike,
    *,
    features: int = 20,
    scale: float = 1 / 6,
    repeats: int = 5,
    random_state: Any = 0,
) -> float:
    """The largest correlation between random nonlinear features of x and of y, both (n,) or (n, columns).

    Each column is replaced by its ranks divided by n, which makes the coefficient unchanged by monotone maps of
    columns; a one is appended; `features` sines of random projections are taken,

        phi(x) = sin((ranks / n, 1) w),   w ~ N(0, (scale / q)^2) of q columns, the ones among them

    (they carry the phase); and the coefficient is the largest canonical correlation between phi(x) and phi(y). It
    is the median over `repeats` draws. At the published scale, 1/6, the sines are slow: they span little more than
    polynomials of the ranks of degree six, and what is smaller than rounding is left out. Independent variables do
    not give 0: of n samples, about 5 / sqrt(n). A constant has 0.

    Raises `InputError`: fewer samples than 2 features + 2, other numbers of samples, NaN or infinity.

    >>> t = np.random.default_rng(0).normal(size=2000)
    >>> round(rdc(t, t**2), 2), rdc(t, np.exp(t)) > 0.999
    (1.0, True)

    Paper: Lopez-Paz, Hennig and Scholkopf, The randomized dependence coefficient (2013), arXiv:1304.7717.
    """
    a, b = _columns(x, "x"), _columns(y, "y")
    _check(len(a), len(b), features, scale, repeats)
    rng = np.random.default_rng(random_state)
    draws = [_largest(_basis(a, features, scale, rng), _basis(b, features, scale, rng)) for _ in range(repeats)]
    return float(np.median(draws))


def rdc_matrix(
    sources: Float[np.ndarray, "n k"],
    estimates: Float[np.ndarray, "n m"],
    *,
    features: int = 20,
    scale: float = 1 / 6,
    repeats: int = 5,
    random_state: Any = 0,
) -> Float[np.ndarray, "k m"]:
    """`rdc` of every source with every estimate, which `mcc` takes as its `correlation`.

    Each column's features are drawn and orthonormalised once a repeat, not once a pair.
    """
    _check(len(sources), len(estimates), features, scale, repeats)
    rng = np.random.default_rng(random_state)
    s, e = _columns(sources, "sources"), _columns(estimates, "estimates")
    tables = []
    for _ in range(repeats):
        left = [_basis(s[:, [i]], features, scale, rng) for i in range(s.shape[1])]
        right = [_basis(e[:, [j]], features, scale, rng) for j in range(e.shape[1])]
        tables.append([[_largest(a, b) for b in right] for a in left])
    return np.median(np.array(tables), axis=0)  # (k, m)


def _basis(
    x: Float[np.ndarray, "n q"], features: int, scale: float, rng: np.random.Generator
) -> Float[np.ndarray, "n r"]:
    """An orthonormal basis of the centred random features, r <= features; r = 0 where x is constant."""
    n, q = x.shape
    ranks = np.column_stack([rankdata(x, method="max", axis=0) / n, np.ones(n)])  # (n, q + 1)
    weights = rng.standard_normal((q + 1, features)) * (scale / (q + 1))
    phi = np.sin(ranks @ weights)
    phi -= phi.mean(0)
    u, values, _ = np.linalg.svd(phi, full_matrices=False)
    if not values[0] > 1e-9 * np.sqrt(n):
        return u[:, :0]
    return u[:, values > _RANK * values[0]]


def _check(n: int, m: int, features: int, scale: float, repeats: int) -> None:
    if n != m:
        raise InputError(f"rdc: {n} samples of one and {m} of the other; give the same samples of both")
    if features < 1 or repeats < 1 or not scale > 0:
        raise InputError(f"rdc: features={features}, scale={scale}, repeats={repeats}; give numbers above 0")
    if n < 2 * features + 2:
        raise InputError(f"rdc: {n} samples for {features} features; give at least {2 * features + 2}")


def _columns(values: ArrayLike, name: str) -> Float[np.ndarray, "n q"]:
    x = np.asarray(values, float)
    x = x[:, None] if x.ndim == 1 else x
    if x.ndim != 2 or x.shape[1] == 0:
        raise InputError(f"{name}: shape {np.shape(values)}; give (n,) or (n, columns)")
    if not np.isfinite(x).all():
        row = int(np.argwhere(~np.isfinite(x))[0, 0])
        raise InputError(f"{name}: NaN or infinity in row {row}; leave such rows out")
    return x


def _largest(a: Float[np.ndarray, "n r"], b: Float[np.ndarray, "n t"]) -> float:
    """The largest canonical correlation of two orthonormal bases: the norm of their product."""
    return min(float(np.linalg.norm(a.T @ b, 2)), 1.0) if a.size and b.size else 0.0
