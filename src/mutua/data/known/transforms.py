"""Invertible maps of x alone and of y alone: the samples change, their mutual information doesn't."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Shaped
from scipy.special import log_ndtr, ndtr, ndtri, ndtri_exp

from mutua.data.known.base import Known, check_at_least
from mutua.data.known.normal import CZYZ, bivariate
from mutua.types import InputError

__all__ = [
    "Bijection",
    "asinh",
    "bimodal",
    "cubic",
    "half_cube",
    "mixed_cubic",
    "normal_cdf",
    "plane",
    "spiral",
    "spun",
    "swiss_roll",
    "transformed",
    "wiggly",
]

Rows = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Bijection:
    """A map of rows, (n, d) -> (n, e), and its inverse."""

    forward: Rows
    inverse: Rows


IDENTITY = Bijection(forward=lambda x: x, inverse=lambda x: x)
NORMAL_CDF = Bijection(forward=ndtr, inverse=ndtri)
HALF_CUBE = Bijection(
    forward=lambda x: np.sign(x) * np.abs(x) ** 1.5, inverse=lambda z: np.sign(z) * np.abs(z) ** (2 / 3)
)
ASINH = Bijection(forward=np.arcsinh, inverse=np.sinh)
CUBIC = Bijection(forward=lambda x: x**3, inverse=np.cbrt)


def transformed(
    base: Known, name: str, x: Bijection = IDENTITY, y: Bijection = IDENTITY, extra_dx: int = 0
) -> Known:
    """`base` with x and y each mapped: I(f(x); g(y)) = I(x; y), and the log ratio is read at the inverse.

    Args:
        base: where the pairs come from.
        name: put before the base's.
        x, y: the maps; the identity where not given.
        extra_dx: columns that the map of x adds (an embedding: still one to one).
    """

    def draw(n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        drawn_x, drawn_y = base.draw(n, rng)
        return x.forward(drawn_x), y.forward(drawn_y)

    ratio = base.log_ratio

    def log_ratio(u: Shaped[np.ndarray, "n dx"], v: Shaped[np.ndarray, "n dy"]) -> Float[np.ndarray, " n"]:
        assert ratio is not None
        return ratio(x.inverse(u), y.inverse(v))

    return replace(
        base,
        name=f"{name}-{base.name}",
        dx=base.dx + extra_dx,
        draw=draw,
        log_ratio=None if ratio is None else log_ratio,
    )


def normal_cdf(base: Known) -> Known:
    """Phi of every coordinate: standard normal margins become uniform on (0, 1). Paper: Czyz et al., 2023."""
    return transformed(base, "normal_cdf", NORMAL_CDF, NORMAL_CDF)


def half_cube(base: Known) -> Known:
    """sign(x)|x|^1.5 of every coordinate: longer tails. Paper: Czyz et al., 2023."""
    return transformed(base, "half_cube", HALF_CUBE, HALF_CUBE)


def asinh(base: Known) -> Known:
    """asinh of every coordinate: shorter tails. Paper: Czyz et al., 2023."""
    return transformed(base, "asinh", ASINH, ASINH)


def cubic(base: Known) -> Known:
    """y_i^3, x as it was: the staircase's second half. Paper: Poole et al., 2019."""
    return transformed(base, "cubic", y=CUBIC)


def mixed_cubic(base: Known, seed: int = 0, condition: float = 4.0) -> Known:
    """z = (W y)^3 of each coordinate, x as it was: I(x; z) = I(x; y), W being invertible.

    W = U diag(s) V' with U, V random rotations of the seed and s from 1/sqrt(condition) to sqrt(condition),
    evenly in the logarithm. Raises `InputError` for a condition number below 1.
    """
    check_at_least("mixed_cubic", "condition", condition, 1.0)
    rng = np.random.default_rng(seed)
    left, right = (np.linalg.qr(rng.standard_normal((base.dy, base.dy)))[0] for _ in range(2))
    stretch = condition ** np.linspace(-0.5, 0.5, base.dy) if base.dy > 1 else np.ones(1)
    mix, unmix = (left * stretch) @ right.T, (right / stretch) @ left.T
    cube = Bijection(forward=lambda y: (y @ mix.T) ** 3, inverse=lambda z: np.cbrt(z) @ unmix.T)
    return transformed(base, "mixed_cubic", y=cube)


def wiggly(base: Known) -> Known:
    """x plus small sines, another such sum for y; both strictly rising. Paper: Czyz et al., 2023."""
    x = _waves((0.4, 1.0, 0.0), (0.2, 1.7, 1.0), (0.03, 3.3, -2.5))
    y = _waves((-0.4, 0.4, 0.0), (0.17, 1.3, 3.5), (0.02, 4.3, -2.5))
    return transformed(base, "wiggly", x, y)


def swiss_roll(base: Known) -> Known:
    """x in [0, 1] rolled up in the plane: (t cos t, t sin t)/21 with t = 1.5 pi (1 + 2 x); y as it was.

    Raises `InputError` where x has more than one column, and on drawing where x leaves [0, 1].

    Paper: Czyz et al., 2023.
    """
    if base.dx != 1:
        raise InputError(f"swiss_roll: x of {base.name} has {base.dx} columns; give a distribution with one")

    def forward(x: Float[np.ndarray, "n 1"]) -> Float[np.ndarray, "n 2"]:
        if x.min() < 0 or x.max() > 1:
            raise InputError(f"swiss_roll: x of {base.name} leaves [0, 1]; put normal_cdf before it")
        t = 1.5 * np.pi * (1 + 2 * x)
        return np.hstack([t * np.cos(t), t * np.sin(t)]) / 21.0  # (n, 1) -> (n, 2)

    def inverse(z: Float[np.ndarray, "n 2"]) -> Float[np.ndarray, "n 1"]:
        t = 21.0 * np.linalg.norm(z, axis=1, keepdims=True)  # (n, 2) -> (n, 1)
        return (t / (1.5 * np.pi) - 1) / 2

    return transformed(base, "swissroll_x", x=Bijection(forward, inverse), extra_dx=1)


def spiral(
    base: Known,
    speed: float = 1.0,
    generator_x: Float[np.ndarray, "dx dx"] | None = None,
    generator_y: Float[np.ndarray, "dy dy"] | None = None,
) -> Known:
    """x -> expm(speed |x|^2/dx A) x with A skew-symmetric, and the like for y: the longer, the more turned.

    Lengths stay, so that the same turn backwards undoes it.

    Args:
        base: where the pairs come from; at least two columns on each side.
        speed: radians turned where |x|^2 = dx.
        generator_x, generator_y: A. Without them, columns 0 and 1 of x turn, and 1 and 2 of y (0 and 1 where
            y has two columns).

    Raises `InputError` for a side of one column, or a generator that isn't skew-symmetric of that size.

    Paper: Czyz et al., 2023, Beyond Normal.
    """
    if min(base.dx, base.dy) < 2:
        raise InputError(f"spiral: {base.name} has {base.dx} x {base.dy} columns; each side needs two")
    turn_x = plane(base.dx, 0, 1) if generator_x is None else generator_x
    turn_y = plane(base.dy, *((1, 2) if base.dy > 2 else (0, 1))) if generator_y is None else generator_y
    for side, size, turn in (("x", base.dx, turn_x), ("y", base.dy, turn_y)):
        if turn.shape != (size, size) or not np.allclose(turn, -turn.T):
            raise InputError(
                f"spiral: generator_{side} of shape {turn.shape} must be skew-symmetric, {size} x {size}"
            )
    spin_x, spin_y = _spinning(turn_x * speed / base.dx), _spinning(turn_y * speed / base.dy)
    return transformed(base, "spiral", spin_x, spin_y)


def plane(d: int, i: int, j: int) -> Float[np.ndarray, "d d"]:
    """The skew-symmetric matrix that turns column i towards column j."""
    if not (0 <= i < d and 0 <= j < d and i != j):
        raise InputError(f"plane: columns {i} and {j} must be two different ones of {d}")
    matrix = np.zeros((d, d))
    matrix[i, j], matrix[j, i] = -1.0, 1.0
    return matrix


def spun(x: Float[np.ndarray, "n d"], generator: Float[np.ndarray, "d d"]) -> Float[np.ndarray, "n d"]:
    """expm(|x|^2 A) x of each row, A skew-symmetric.

    i A is Hermitian: with its eigenvectors V and eigenvalues w, expm(t A) = V diag(exp(-i t w)) V^*.
    """
    values, vectors = np.linalg.eigh(1j * generator)
    length = (x**2).sum(1, keepdims=True)
    turned = (x @ vectors.conj()) * np.exp(-1j * length * values)
    return (turned @ vectors.T).real


def bimodal(rho: float = 0.75) -> Known:
    """A normal pair's dependence under margins of two bumps each.

    x is F^-1(Phi(u)) of a standard normal u with F the margin's distribution function, of
    0.3 N(0, 1) + 0.7 N(5, 1); that of y is 0.5 N(-1, 1) + 0.5 N(3, 1).

    Paper: Czyz et al., 2023, Beyond Normal.
    """
    x, y = _two_bumps((0.3, 0.7), (0.0, 5.0)), _two_bumps((0.5, 0.5), (-1.0, 3.0))
    return replace(transformed(bivariate(rho), "bimodal", x, y), name=f"1v1-bimodal-{rho:g}", paper=CZYZ)


def _spinning(generator: Float[np.ndarray, "d d"]) -> Bijection:
    return Bijection(forward=lambda x: spun(x, generator), inverse=lambda z: spun(z, -generator))


def _waves(*sines: tuple[float, float, float]) -> Bijection:
    """x + sum of a sin(b x + c). Rising while the sum of |a b| is below 1."""
    reach = sum(abs(a) for a, _, _ in sines)

    def forward(x: np.ndarray) -> np.ndarray:
        return x + sum(a * np.sin(b * x + c) for a, b, c in sines)

    return Bijection(forward, inverse=lambda z: _solved(forward, z, z - reach, z + reach))


def _two_bumps(weights: tuple[float, float], means: tuple[float, float]) -> Bijection:
    """Standard normal to a mixture of unit Gaussians, by their distribution functions."""
    log_weights = np.log(weights)

    def inverse(z: np.ndarray) -> np.ndarray:
        # The smaller of the two tails: 1 - tiny would round.
        shifted = z[..., None] - np.array(means)  # (n, d) -> (n, d, 2)
        below = np.logaddexp.reduce(log_weights + log_ndtr(shifted), axis=-1)
        above = np.logaddexp.reduce(log_weights + log_ndtr(-shifted), axis=-1)
        return np.where(below < above, ndtri_exp(np.minimum(below, 0)), -ndtri_exp(np.minimum(above, 0)))

    # A mixture's quantile lies between those of its parts.
    return Bijection(
        forward=lambda u: _solved(inverse, u, u + min(means), u + max(means)),
        inverse=inverse,
    )


def _solved(rising: Rows, target: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """z with rising(z) = target, elementwise, by halving [low, high]: 60 halvings are past float64."""
    for _ in range(60):
        middle = 0.5 * (low + high)
        above = rising(middle) > target
        low, high = np.where(above, low, middle), np.where(above, middle, high)
    return 0.5 * (low + high)
