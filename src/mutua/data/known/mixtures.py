"""Gaussian mixtures in the plane, integrated: X, AI, galaxy and waves."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from mutua.data.known.base import Known
from mutua.data.known.transforms import Bijection, plane, spun, transformed
from mutua.types import InputError

__all__ = ["galaxy", "letters_ai", "mixture", "waves", "with_noise", "x_shaped"]

PAPER = "Czyz et al., 2023, On the properties and estimation of pointwise mutual information profiles"


def mixture(
    weights: Sequence[float],
    means: Float[np.ndarray, "k 2"],
    covariances: Float[np.ndarray, "k 2 2"],
    name: str = "mixture",
) -> Known:
    """(x, y) in the plane from one of k Gaussians.

    I(x; y) is the integral of p log p/(p_x p_y), by the trapezoid rule on a grid that is halved until the
    value moves by less than 1e-10; the rule converges exponentially for such densities.

    Raises `InputError` for weights that aren't positive or don't sum to 1, lengths that differ, covariances
    that aren't positive definite, or an integral that doesn't settle.
    """
    shares = np.asarray(weights, dtype=float)
    if not len(shares) == len(means) == len(covariances):
        raise InputError(
            f"{name}: {len(shares)} weights, {len(means)} means, {len(covariances)} covariances; "
            "give one of each a part"
        )
    if not (shares > 0).all() or not abs(shares.sum() - 1) < 1e-9:
        raise InputError(f"{name}: weights sum to {shares.sum():.6g}; they must be positive and sum to 1")
    if not (np.linalg.eigvalsh(covariances) > 0).all():
        raise InputError(f"{name}: a covariance that isn't positive definite; lower its correlation")
    factors = np.linalg.cholesky(covariances)  # (k, 2, 2)

    def draw(n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        part = rng.choice(len(shares), size=n, p=shares)
        both = means[part] + np.einsum("nij,nj->ni", factors[part], rng.standard_normal((n, 2)))
        return both[:, :1], both[:, 1:]

    def log_ratio(x: Float[np.ndarray, "n 1"], y: Float[np.ndarray, "n 1"]) -> Float[np.ndarray, " n"]:
        joint = _log_joint(x[:, 0], y[:, 0], shares, means, covariances)
        return (
            joint
            - _log_margin(x[:, 0], 0, shares, means, covariances)
            - _log_margin(y[:, 0], 1, shares, means, covariances)
        )

    nats = _integrated(shares, means, covariances, name)
    return Known(name, nats, 1, 1, draw, log_ratio, PAPER, "several clusters")


def x_shaped(rho: float = 0.9) -> Known:
    """Half of correlation rho, half of -rho: uncorrelated, and x tells of |y| alone."""
    if not -1 < rho < 1:
        raise InputError(f"x_shaped: rho is {rho}; a correlation must lie strictly between -1 and 1")
    covariances = np.array([[[1.0, r], [r, 1.0]] for r in (-rho, rho)])
    return mixture([0.5, 0.5], np.zeros((2, 2)), covariances, f"1v1-X-{rho:g}")


def letters_ai() -> Known:
    """Six Gaussians that draw the letters A and I, I with its two bars."""
    slant = 0.95 * np.sqrt(0.04 * 0.2)
    parts = [
        ((1.0, 0.0), np.diag([0.01, 0.2])),
        ((1.0, 1.0), np.diag([0.05, 0.001])),
        ((1.0, -1.0), np.diag([0.05, 0.001])),
        ((-0.8, -0.2), np.diag([0.03, 0.001])),
        ((-1.2, 0.0), np.array([[0.04, slant], [slant, 0.2]])),
        ((-0.4, 0.0), np.array([[0.04, -slant], [-slant, 0.2]])),
    ]
    means, covariances = zip(*parts, strict=True)
    return mixture([1 / 6] * 6, np.array(means), np.array(covariances), "1v1-AI")


def with_noise(base: Known, columns: int = 1) -> Known:
    """`base` with standard normal columns put after x that tell nothing: I is the same."""
    if columns < 1:
        raise InputError(f"with_noise: columns is {columns}; it must be at least 1")

    def draw(n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        x, y = base.draw(n, rng)
        return np.hstack([x, rng.standard_normal((n, columns))]), y  # (n, dx) -> (n, dx + columns)

    ratio = base.log_ratio

    def log_ratio(x: Float[np.ndarray, "n dx"], y: Float[np.ndarray, "n dy"]) -> Float[np.ndarray, " n"]:
        assert ratio is not None
        return ratio(x[:, : base.dx], y)

    return dataclasses.replace(
        base,
        name=f"noise-{base.name}",
        dx=base.dx + columns,
        draw=draw,
        log_ratio=None if ratio is None else log_ratio,
    )


def galaxy(speed: float = 0.5, distance: float = 3.0) -> Known:
    """Two unit balls in three dimensions, x the first two columns, wound up into the arms of a galaxy.

    The balls lie at +-(1, 1, 1) distance/2. Across their diagonal x is noise, so that I is that of a mixture
    in the plane (the place along the diagonal, y), integrated.
    """
    far = np.array([[-1.0, -1.0], [1.0, 1.0]]) * np.array([np.sqrt(2.0), 1.0]) * distance / 2
    plain = with_noise(mixture([0.5, 0.5], far, np.array([np.eye(2)] * 2), "balls"))
    diagonal = np.array([[1.0, -1.0], [1.0, 1.0]]) / np.sqrt(2.0)
    wind = plane(2, 0, 1) * speed
    arms = Bijection(
        forward=lambda x: spun(x @ diagonal.T, wind),
        inverse=lambda z: spun(z, -wind) @ diagonal,
    )
    known = transformed(plain, "galaxy", x=arms)
    return dataclasses.replace(known, name=f"2v1-galaxy-{speed}-{distance}", notes="two arms that wind")


def waves(parts: int = 12, amplitude: float = 5.0, frequency: float = 3.0) -> Known:
    """Stripes: x is a place that is swept to and fro by a sine of a second column, y a row of four clusters.

    The place s and y are a mixture around (1.5 k, 1.5 (k mod 4)), the second column t is noise, and
    x = (0.1 (s + amplitude sin(frequency t)) - 0.8, t/2), which is invertible.
    """
    if parts < 1:
        raise InputError(f"waves: parts is {parts}; it must be at least 1")
    number = np.arange(parts)
    means = 1.5 * np.stack([number, number % 4], axis=1)
    plain = mixture([1 / parts] * parts, means, np.array([0.1 * np.eye(2)] * parts), "stripes")

    def forward(x: Float[np.ndarray, "n 2"]) -> Float[np.ndarray, "n 2"]:
        swept = x[:, :1] + amplitude * np.sin(frequency * x[:, 1:])
        return np.hstack([0.1 * swept - 0.8, 0.5 * x[:, 1:]])

    def inverse(z: Float[np.ndarray, "n 2"]) -> Float[np.ndarray, "n 2"]:
        second = 2 * z[:, 1:]
        return np.hstack([(z[:, :1] + 0.8) / 0.1 - amplitude * np.sin(frequency * second), second])

    known = transformed(with_noise(plain), "waves", x=Bijection(forward, inverse))
    return dataclasses.replace(
        known, name=f"2v1-waves-{parts}-{amplitude}-{frequency}", notes="stripes that a sine sweeps"
    )


def _log_joint(
    x: Float[np.ndarray, "*#n"],
    y: Float[np.ndarray, "*#n"],
    shares: Float[np.ndarray, " k"],
    means: Float[np.ndarray, "k 2"],
    covariances: Float[np.ndarray, "k 2 2"],
) -> Float[np.ndarray, "*n"]:
    """log p(x, y); x and y broadcast."""
    total: np.ndarray | None = None
    for share, mean, covariance in zip(shares, means, covariances, strict=True):
        (a, b), (_, c) = np.linalg.inv(covariance)
        u, v = x - mean[0], y - mean[1]
        constant = np.log(share) - np.log(2 * np.pi) - 0.5 * np.linalg.slogdet(covariance)[1]
        part = constant - 0.5 * (a * u**2 + 2 * b * u * v + c * v**2)
        total = part if total is None else np.logaddexp(total, part)
    assert total is not None
    return total


def _log_margin(
    x: Float[np.ndarray, " n"],
    column: int,
    shares: Float[np.ndarray, " k"],
    means: Float[np.ndarray, "k 2"],
    covariances: Float[np.ndarray, "k 2 2"],
) -> Float[np.ndarray, " n"]:
    """log p of one of the two columns."""
    variance = covariances[:, column, column]
    squares = (x[:, None] - means[:, column]) ** 2 / variance  # (n,) -> (n, k)
    logs = np.log(shares) - 0.5 * np.log(2 * np.pi * variance) - 0.5 * squares
    return np.logaddexp.reduce(logs, axis=1)  # (n, k) -> (n,)


def _integrated(
    shares: Float[np.ndarray, " k"],
    means: Float[np.ndarray, "k 2"],
    covariances: Float[np.ndarray, "k 2 2"],
    name: str,
) -> float:
    # The narrowest part of the density along each axis sets the first step.
    narrow = 1 / np.sqrt(np.linalg.inv(covariances)[:, [0, 1], [0, 1]].max(0))  # (2,)
    widths = np.sqrt(covariances[:, [0, 1], [0, 1]])  # (k, 2)
    low, high = (means - 10 * widths).min(0), (means + 10 * widths).max(0)
    before = np.inf
    for halving in range(5):
        steps = narrow / (2.0 * 2**halving)
        if np.prod((high - low) / steps) > 5e7:
            break
        x, y = (np.arange(low[i], high[i] + steps[i], steps[i]) for i in (0, 1))
        margin_x = _log_margin(x, 0, shares, means, covariances)
        margin_y = _log_margin(y, 1, shares, means, covariances)
        total = 0.0
        for first in range(0, len(x), 128):  # blocks of rows: the grid can have millions of points
            rows = slice(first, first + 128)
            joint = _log_joint(x[rows, None], y[None], shares, means, covariances)
            total += float((np.exp(joint) * (joint - margin_x[rows, None] - margin_y)).sum())
        value = total * float(steps.prod())
        if abs(value - before) < 1e-10:
            return max(0.0, value)
        before = value
    raise InputError(f"{name}: the integral does not settle; use parts less narrow for their distance")
