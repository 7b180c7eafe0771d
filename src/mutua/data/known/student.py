"""Multivariate Student-t pairs: heavy tails, and information even without correlation."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
from jaxtyping import Float
from scipy.special import digamma, gammaln

from mutua.data.known.base import Known, check_at_least
from mutua.data.known.normal import CZYZ, check_covariance, normal_information, squared
from mutua.types import InputError

__all__ = ["student", "student_dispersed"]


def student(dx: int, dy: int, dof: float) -> Known:
    """Student-t of dx + dy columns with the identity for dispersion: uncorrelated, yet not independent.

    All columns share the scale that makes the tails heavy, and that is what x tells of y.
    Raises `InputError` for a dimension below 1 or dof that isn't positive.

    Paper: Czyz et al., 2023, Beyond Normal.
    """
    check_at_least("student", "dx", dx, 1)
    check_at_least("student", "dy", dy, 1)
    known = student_dispersed(np.eye(dx + dy), dx, dof, f"student-identity-{dx}-{dy}-{dof:g}")
    return dataclasses.replace(known, paper=CZYZ, notes="heavy tails: related by a shared scale alone")


def student_dispersed(
    dispersion: Float[np.ndarray, "d d"], dx: int, dof: float, name: str = "student-dispersed"
) -> Known:
    """(x, y) = z sqrt(dof/w), z Gaussian of covariance `dispersion`, w chi-squared of `dof` freedom.

    I(x; y) = I of the Gaussian + h(dx) + h(dy) - h(dx + dy), h(k) the differential entropy of the k-column
    Student-t with identity dispersion:
        h(k) = log G(dof/2) - log G((dof + k)/2) + (k/2) log(pi dof)
               + (dof + k)/2 (psi((dof + k)/2) - psi(dof/2))

    Raises `InputError` for dof that isn't positive, or where the dispersion is no covariance.

    Paper: Arellano-Valle et al., 2013, Shannon entropy and mutual information for multivariate
    skew-elliptical distributions.
    """
    if not 0 < dof < math.inf:
        raise InputError(f"{name}: dof is {dof}; it must be positive and finite")
    check_covariance(name, dispersion, dx)
    d = len(dispersion)
    dy = d - dx
    gaussian_part = normal_information(dispersion, dx)
    nats = gaussian_part + _entropy(dx, dof) + _entropy(dy, dof) - _entropy(d, dof)
    factor = np.linalg.cholesky(dispersion)
    precision = np.linalg.inv(dispersion)
    precision_x, precision_y = np.linalg.inv(dispersion[:dx, :dx]), np.linalg.inv(dispersion[dx:, dx:])

    def draw(n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        scale = np.sqrt(dof / rng.chisquare(dof, (n, 1)))
        both = (rng.standard_normal((n, d)) @ factor.T) * scale
        return both[:, :dx], both[:, dx:]

    def log_ratio(x: Float[np.ndarray, "n dx"], y: Float[np.ndarray, "n dy"]) -> Float[np.ndarray, " n"]:
        joint = _log_density(squared(np.hstack([x, y]), precision), d, dof)
        alone_x = _log_density(squared(x, precision_x), dx, dof)
        alone_y = _log_density(squared(y, precision_y), dy, dof)
        return gaussian_part + joint - alone_x - alone_y

    return Known(name, nats, dx, dy, draw, log_ratio)


def _log_density(squares: Float[np.ndarray, " n"], k: int, dof: float) -> Float[np.ndarray, " n"]:
    """log density of k columns at Mahalanobis squares, without the dispersion's determinant."""
    constant = gammaln((dof + k) / 2) - gammaln(dof / 2) - 0.5 * k * math.log(math.pi * dof)
    return constant - 0.5 * (dof + k) * np.log1p(squares / dof)


def _entropy(k: int, dof: float) -> float:
    half = (dof + k) / 2
    log_terms = gammaln(dof / 2) - gammaln(half) + 0.5 * k * math.log(math.pi * dof)
    return float(log_terms + half * (digamma(half) - digamma(dof / 2)))
