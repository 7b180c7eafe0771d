"""Densities of one source: log p(a), its score phi = d log p/da, and the score's derivative.

All are normalised, so that likelihoods under different densities compare. The scale of a source is free in the
model x = A s, so that a density's own scale does not matter.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float
from scipy.special import betaln, gammaln, kve, logsumexp

from mutua.kernels.ica.linear import LAPLACE, SECH, STUDENT, SUB_GAUSSIAN
from mutua.types import InputError

__all__ = [
    "DENSITIES",
    "Density",
    "Laplace",
    "Mixture",
    "Scaled",
    "Sech",
    "Student",
    "SubGaussian",
    "packed",
    "unpacked",
]

Values = Float[np.ndarray, "*n"]
Parts = Float[np.ndarray, "components *n"]


@runtime_checkable
class Density(Protocol):
    """What `LinearICA` takes as a density: three elementwise functions of an array."""

    def log_prob(self, a: Values) -> Values: ...
    def score(self, a: Values) -> Values: ...
    def score_derivative(self, a: Values) -> Values: ...


def _positive(name: str, value: float) -> None:
    if not (math.isfinite(value) and value > 0):
        raise InputError(f"{name}: {value} is no scale; use a finite number above 0")


@dataclass(frozen=True)
class Sech:
    """p(a) proportional to cosh(beta a)^(-1/beta), so that phi(a) = -tanh(beta a); beta = 1 is 1/(pi cosh a).

    A larger beta comes near the biexponential, exp(-|a|)/2; a smaller one near a Gaussian.

    Paper: MacKay, Maximum likelihood and covariant algorithms for independent component analysis (1996).
    """

    beta: float = 1.0

    def __post_init__(self) -> None:
        _positive("Sech: beta", self.beta)

    def log_prob(self, a: Values) -> Values:
        size = self.beta * np.abs(a)
        return self.constant - (size + np.log1p(np.exp(-2 * size)) - math.log(2)) / self.beta

    def score(self, a: Values) -> Values:
        return -np.tanh(self.beta * a)

    def score_derivative(self, a: Values) -> Values:
        return self.beta * (np.tanh(self.beta * a) ** 2 - 1)

    @property
    def constant(self) -> float:
        """-log of the integral of cosh(beta a)^(-1/beta), which is B(1/2, 1/(2 beta)) / beta."""
        return math.log(self.beta) - float(betaln(0.5, 0.5 / self.beta))

    @property
    def kernel(self) -> tuple[int, float, float]:
        """The kernel's code and parameter, and what it leaves out of log p."""
        return SECH, self.beta, self.constant + math.log(2) / self.beta


@dataclass(frozen=True)
class Laplace:
    """The biexponential with a smooth corner: p(a) = exp(-sqrt(a^2 + epsilon^2)) / (2 epsilon K_1(epsilon)).

    phi(a) = -a / sqrt(a^2 + epsilon^2). epsilon -> 0 is the Laplace density exp(-|a|)/2.
    """

    epsilon: float = 0.1

    def __post_init__(self) -> None:
        _positive("Laplace: epsilon", self.epsilon)

    def log_prob(self, a: Values) -> Values:
        return self.constant - np.sqrt(a**2 + self.epsilon**2)

    def score(self, a: Values) -> Values:
        return -a / np.sqrt(a**2 + self.epsilon**2)

    def score_derivative(self, a: Values) -> Values:
        return -(self.epsilon**2) / (a**2 + self.epsilon**2) ** 1.5

    @property
    def constant(self) -> float:
        """-log(2 epsilon K_1(epsilon)), K_1 the modified Bessel function of the second kind."""
        return -math.log(2 * self.epsilon * float(kve(1, self.epsilon))) + self.epsilon

    @property
    def kernel(self) -> tuple[int, float, float]:
        """The kernel's code and parameter, and what it leaves out of log p."""
        return LAPLACE, self.epsilon, self.constant


@dataclass(frozen=True)
class Student:
    """Student's t with nu degrees of freedom: phi(a) = -(nu + 1) a / (nu + a^2)."""

    nu: float = 5.0

    def __post_init__(self) -> None:
        _positive("Student: nu", self.nu)

    def log_prob(self, a: Values) -> Values:
        return self.constant - 0.5 * (self.nu + 1) * np.log1p(a**2 / self.nu)

    def score(self, a: Values) -> Values:
        return -(self.nu + 1) * a / (self.nu + a**2)

    def score_derivative(self, a: Values) -> Values:
        return -(self.nu + 1) * (self.nu - a**2) / (self.nu + a**2) ** 2

    @property
    def constant(self) -> float:
        """log Gamma((nu + 1)/2) - log Gamma(nu/2) - log(pi nu)/2."""
        half = 0.5 * self.nu
        return float(gammaln(half + 0.5) - gammaln(half)) - 0.5 * math.log(math.pi * self.nu)

    @property
    def kernel(self) -> tuple[int, float, float]:
        """The kernel's code and parameter, and what it leaves out of log p."""
        return STUDENT, self.nu, self.constant


@dataclass(frozen=True)
class SubGaussian:
    """Half N(mu, 1) and half N(-mu, 1): phi(a) = mu tanh(mu a) - a. One flat top at mu = 1, two bumps above.

    Paper: Lee, Girolami and Sejnowski, Independent component analysis using an extended infomax algorithm for
    mixed sub-Gaussian and super-Gaussian sources (1999).
    """

    mu: float = 1.0

    def __post_init__(self) -> None:
        _positive("SubGaussian: mu", self.mu)

    def log_prob(self, a: Values) -> Values:
        size = self.mu * np.abs(a)
        return self.constant - 0.5 * a**2 + size + np.log1p(np.exp(-2 * size)) - math.log(2)

    def score(self, a: Values) -> Values:
        return self.mu * np.tanh(self.mu * a) - a

    def score_derivative(self, a: Values) -> Values:
        return self.mu**2 * (1 - np.tanh(self.mu * a) ** 2) - 1

    @property
    def constant(self) -> float:
        """-mu^2/2 - log(2 pi)/2."""
        return -0.5 * self.mu**2 - 0.5 * math.log(2 * math.pi)

    @property
    def kernel(self) -> tuple[int, float, float]:
        """The kernel's code and parameter, and what it leaves out of log p."""
        return SUB_GAUSSIAN, self.mu, self.constant - math.log(2)


@dataclass(frozen=True)
class Mixture:
    """A mixture of Gaussians: p(a) = sum_c weights_c N(a; means_c, deviations_c^2).

    The default is a mixture of two scales, super-Gaussian. Raises `InputError` where the tuples differ in length,
    a weight or a deviation is not above 0, or the weights do not sum to 1.
    """

    weights: tuple[float, ...] = (0.5, 0.5)
    means: tuple[float, ...] = (0.0, 0.0)
    deviations: tuple[float, ...] = (0.5, 1.5)

    def __post_init__(self) -> None:
        if not len(self.weights) == len(self.means) == len(self.deviations) > 0:
            lengths = f"{len(self.weights)}, {len(self.means)} and {len(self.deviations)}"
            raise InputError(f"Mixture: {lengths} weights, means and deviations; give one of each a component")
        if min(*self.weights, *self.deviations) <= 0 or abs(sum(self.weights) - 1) > 1e-9:
            raise InputError("Mixture: weights and deviations must be above 0, and the weights sum to 1")

    def _parts(self, a: Values) -> tuple[Parts, Parts, Values]:
        """log(weight N(a)) and -(a - mean)/deviation^2 of each component, and log p."""
        weights, means, deviations = (
            np.reshape(values, (-1,) + (1,) * np.ndim(a)) for values in (self.weights, self.means, self.deviations)
        )
        offset = (a - means) / deviations  # (c, *n)
        log = np.log(weights) - 0.5 * offset**2 - np.log(deviations) - 0.5 * math.log(2 * math.pi)
        return log, -offset / deviations, np.asarray(logsumexp(log, axis=0))

    def log_prob(self, a: Values) -> Values:
        return self._parts(a)[2]

    def score(self, a: Values) -> Values:
        log, slopes, total = self._parts(a)
        return (np.exp(log - total) * slopes).sum(0)

    def score_derivative(self, a: Values) -> Values:
        log, slopes, total = self._parts(a)
        share = np.exp(log - total)  # (c, *n)
        inverse = np.reshape(np.square(self.deviations), (-1,) + (1,) * np.ndim(a)) ** -1.0
        return (share * (slopes**2 - inverse)).sum(0) - (share * slopes).sum(0) ** 2


@dataclass(frozen=True)
class Scaled:
    """The density of s where scale * s has the density `base`: log p(s) = log|scale| + log base(scale s).

    A negative scale turns an asymmetric density over.
    """

    base: Density
    scale: float

    def log_prob(self, a: Values) -> Values:
        return math.log(abs(self.scale)) + self.base.log_prob(self.scale * a)

    def score(self, a: Values) -> Values:
        return self.scale * self.base.score(self.scale * a)

    def score_derivative(self, a: Values) -> Values:
        return self.scale**2 * self.base.score_derivative(self.scale * a)


DENSITIES: dict[str, type[Density]] = {
    "sech": Sech,
    "laplace": Laplace,
    "student": Student,
    "mixture": Mixture,
    "sub_gaussian": SubGaussian,
}
"""The densities a name stands for, with their default parameters."""


def packed(density: Any) -> Any:
    """A density of this module as plain values; anything else as it is."""
    kind = type(density).__name__
    if isinstance(density, list | tuple):
        return [packed(one) for one in density]
    if kind not in _KINDS or type(density) is not _KINDS[kind]:
        return density
    return {"density": kind} | {each.name: packed(getattr(density, each.name)) for each in fields(density)}


def unpacked(value: Any) -> Any:
    """Undo `packed`."""
    if isinstance(value, list | tuple):
        return tuple(unpacked(one) for one in value)
    if not isinstance(value, dict):
        return value
    return _KINDS[value["density"]](**{name: unpacked(one) for name, one in value.items() if name != "density"})


_KINDS: dict[str, Any] = {kind.__name__: kind for kind in (*DENSITIES.values(), Scaled)}
