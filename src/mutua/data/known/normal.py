"""Gaussian pairs: componentwise, dense, sparse, and of any covariance."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
from jaxtyping import Float

from mutua.data.known.base import Known, check_at_least
from mutua.types import InputError

__all__ = ["bivariate", "check_covariance", "dense", "gaussian", "normal", "normal_information", "sparse"]

CZYZ = "Czyz et al., 2023, Beyond Normal: on the evaluation of mutual information estimators"


def gaussian(d: int, *, information: float | None = None, rho: float | None = None) -> Known:
    """x and y standard Gaussian in d dimensions, x_i and y_i correlated by rho, all else independent.

    I(x; y) = -(d/2) log(1 - rho^2), so that rho = sqrt(1 - exp(-2 I/d)). Exact at high information too: it
    is the width of y given x, exp(-I/d), that is kept, and not rho, which rounds to 1.

    Args:
        d: columns of x, and of y.
        information: I in nats, or
        rho: the correlation, in (-1, 1). One of the two.

    Raises `InputError` for d below 1, both or none of the two, or values outside their range.

    Paper: Poole et al., 2019, On variational bounds of mutual information (the staircase).
    """
    check_at_least("gaussian", "d", d, 1)
    if (information is None) == (rho is None):
        raise InputError("gaussian: give either information= (nats) or rho= (a correlation)")
    if rho is not None:
        _check_correlation("gaussian", rho)
        nats, slope = -0.5 * d * math.log1p(-(rho**2)), rho
    else:
        assert information is not None
        check_at_least("gaussian", "information", information, 0.0)
        nats, slope = float(information), math.sqrt(-math.expm1(-2 * information / d))
    width = math.exp(-nats / d)
    if width < 1e-12:
        raise InputError(
            f"gaussian: {nats:g} nats in {d} dimensions leave y a width of {width:.0e} given x, too near the "
            "rounding of float64; give a larger d or less information"
        )

    def draw(n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        x = rng.standard_normal((n, d))
        return x, slope * x + width * rng.standard_normal((n, d))

    def log_ratio(x: Float[np.ndarray, "n d"], y: Float[np.ndarray, "n d"]) -> Float[np.ndarray, " n"]:
        residual = (y - slope * x) / width
        return nats + 0.5 * (y**2 - residual**2).sum(1)

    name = f"gaussian-{d}-{nats:g}"
    paper = "Poole et al., 2019, On variational bounds of mutual information"
    return Known(name, nats, d, d, draw, log_ratio, paper, "correlated coordinate by coordinate")


def normal(covariance: Float[np.ndarray, "d d"], dx: int, name: str = "normal") -> Known:
    """A centred Gaussian of d columns, the first dx of them x, the rest y.

    I(x; y) = (log det S_x + log det S_y - log det S)/2, and
    log p(x, y)/p(x)p(y) = I - (v' S^-1 v - x' S_x^-1 x - y' S_y^-1 y)/2 with v = (x, y).

    Raises `InputError` where the covariance is not symmetric and positive definite, or dx leaves no y.
    """
    nats = normal_information(covariance, dx)
    precision = np.linalg.inv(covariance)
    precision_x, precision_y = np.linalg.inv(covariance[:dx, :dx]), np.linalg.inv(covariance[dx:, dx:])
    factor = np.linalg.cholesky(covariance)
    dy = len(covariance) - dx

    def draw(n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        both = rng.standard_normal((n, dx + dy)) @ factor.T
        return both[:, :dx], both[:, dx:]

    def log_ratio(x: Float[np.ndarray, "n dx"], y: Float[np.ndarray, "n dy"]) -> Float[np.ndarray, " n"]:
        together = squared(np.hstack([x, y]), precision)
        return nats - 0.5 * (together - squared(x, precision_x) - squared(y, precision_y))

    return Known(name, nats, dx, dy, draw, log_ratio)


def bivariate(rho: float = 0.75) -> Known:
    """Two standard normal numbers with correlation rho: I = -log(1 - rho^2)/2.

    Paper: Czyz et al., 2023, Beyond Normal.
    """
    return dataclasses.replace(gaussian(1, rho=rho), name=f"1v1-normal-{rho:g}", paper=CZYZ)


def dense(dx: int, dy: int, rho: float = 0.5) -> Known:
    """Unit variances, every two columns (within x, within y, across) correlated by rho in [0, 1).

    Paper: Czyz et al., 2023, Beyond Normal.
    """
    _check_sizes("dense", dx, dy)
    if not 0 <= rho < 1:
        raise InputError(f"dense: rho is {rho}; it must be in [0, 1)")
    covariance = np.full((dx + dy, dx + dy), rho) + (1 - rho) * np.eye(dx + dy)
    known = normal(covariance, dx, f"multinormal-dense-{dx}-{dy}-{rho:g}")
    return dataclasses.replace(known, paper=CZYZ, notes="every two columns are related")


def sparse(dx: int, dy: int, pairs: int = 2, strength: float = 2.0) -> Known:
    """Unit variances, only x_i and y_i for i < pairs related: by s^2/(1 + s^2), a shared cause of strength s.

    I = -(pairs/2) log(1 - rho^2). Strength 2 is a correlation of 0.8; the other columns are noise.

    Paper: Czyz et al., 2023, Beyond Normal ("2-pair").
    """
    _check_sizes("sparse", dx, dy)
    if not 0 <= pairs <= min(dx, dy):
        raise InputError(f"sparse: pairs is {pairs}; it must be from 0 to {min(dx, dy)}")
    check_at_least("sparse", "strength", strength, 0.0)
    covariance = np.eye(dx + dy)
    related = np.arange(pairs)
    covariance[related, dx + related] = covariance[dx + related, related] = strength**2 / (1 + strength**2)
    known = normal(covariance, dx, f"multinormal-sparse-{dx}-{dy}-{pairs}-{strength}")
    return dataclasses.replace(known, paper=CZYZ, notes="few related columns among noise")


def squared(v: Float[np.ndarray, "n d"], precision: Float[np.ndarray, "d d"]) -> Float[np.ndarray, " n"]:
    """v' P v of each row."""
    return ((v @ precision) * v).sum(1)


def normal_information(covariance: Float[np.ndarray, "d d"], dx: int) -> float:
    """I(x; y) in nats of a Gaussian, from log-determinants. Raises as `normal` does."""
    check_covariance("normal", covariance, dx)
    x, y, both = (
        np.linalg.slogdet(block)[1] for block in (covariance[:dx, :dx], covariance[dx:, dx:], covariance)
    )
    return max(0.0, float(0.5 * (x + y - both)))  # never -1e-16 where x and y are independent


def check_covariance(where: str, covariance: Float[np.ndarray, "d d"], dx: int) -> None:
    """Raise `InputError` unless symmetric, positive definite, and dx leaves a column to each side."""
    if not 1 <= dx < len(covariance):
        raise InputError(
            f"{where}: dx is {dx} of {len(covariance)} columns; x and y need at least one column each"
        )
    if not np.allclose(covariance, covariance.T):
        raise InputError(f"{where}: the covariance is not symmetric; average it with its transpose")
    least = float(np.linalg.eigvalsh(covariance)[0])
    if not least > 0:
        raise InputError(
            f"{where}: the covariance has the eigenvalue {least:.3g}; "
            "all must be positive, so lower the correlations"
        )


def _check_correlation(where: str, rho: float) -> None:
    if not -1 < rho < 1:
        raise InputError(f"{where}: rho is {rho}; a correlation must lie strictly between -1 and 1")


def _check_sizes(where: str, dx: int, dy: int) -> None:
    check_at_least(where, "dx", dx, 1)
    check_at_least(where, "dy", dy, 1)
