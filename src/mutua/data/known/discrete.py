"""Discrete pairs, and pairs of a discrete and a continuous variable."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Shaped
from scipy.special import digamma, gammaln, logsumexp, xlogy

from mutua.data.known.base import Known, check_at_least
from mutua.types import InputError

__all__ = ["discrete", "labelled", "uniform_mixture", "zero_inflated_poisson"]

GAO = "Gao et al., 2017, Estimating mutual information for discrete-continuous mixtures"


def discrete(table: Float[np.ndarray, "a b"], name: str = "discrete") -> Known:
    """x in {0..a-1} and y in {0..b-1} with joint probabilities `table`: I = sum p log p/(p_x p_y).

    Raises `InputError` where the table has a negative entry or doesn't sum to 1.
    """
    if not (table >= 0).all() or not abs(table.sum() - 1) < 1e-9:
        raise InputError(
            f"{name}: the table's least entry is {table.min():g} and its sum {table.sum():.6g}; "
            "joint probabilities must be non-negative and sum to 1"
        )
    product = table.sum(1, keepdims=True) * table.sum(0, keepdims=True)  # (a, b)
    with np.errstate(divide="ignore"):
        ratios = np.log(table) - np.log(np.where(product > 0, product, 1.0))  # (a, b)
    nats = float((xlogy(table, table) - xlogy(table, product)).sum())

    def draw(n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        cells = rng.choice(table.size, size=n, p=table.ravel() / table.sum())
        x, y = np.unravel_index(cells, table.shape)
        return x.astype(np.int64)[:, None], y.astype(np.int64)[:, None]

    def log_ratio(x: Shaped[np.ndarray, "n 1"], y: Shaped[np.ndarray, "n 1"]) -> Float[np.ndarray, " n"]:
        return ratios[x[:, 0].astype(np.int64), y[:, 0].astype(np.int64)]

    return Known(name, max(0.0, nats), 1, 1, draw, log_ratio, notes="both discrete: ties everywhere")


def labelled(
    means: Sequence[float],
    scales: Sequence[float],
    weights: Sequence[float] | None = None,
    name: str = "labelled",
) -> Known:
    """x a label in {0..m-1} with probabilities `weights` (even by default), y | x = k Gaussian.

    Its mean is means[k] and its standard deviation scales[k].

    I = sum_k w_k int N_k log(N_k/p) dy with p the mixture, by the trapezoid rule, which for smooth functions
    that vanish at both ends is as exact as float64.

    Raises `InputError` for lengths that differ, scales that aren't positive, or weights that don't sum to 1.
    """
    m = len(means)
    shares = np.full(m, 1 / max(m, 1)) if weights is None else np.asarray(weights, dtype=float)
    centres, widths = np.asarray(means, dtype=float), np.asarray(scales, dtype=float)
    if m < 1 or len(widths) != m or len(shares) != m:
        raise InputError(
            f"{name}: {m} means, {len(widths)} scales, {len(shares)} weights; give one of each a label"
        )
    if not (widths > 0).all():
        raise InputError(f"{name}: the least scale is {widths.min():g}; scales must be positive")
    if not (shares > 0).all() or not abs(shares.sum() - 1) < 1e-9:
        raise InputError(
            f"{name}: weights {shares.tolist()} sum to {shares.sum():.6g}; they must be positive, with sum 1"
        )

    def log_densities(y: Float[np.ndarray, " n"]) -> Float[np.ndarray, "n m"]:
        return -0.5 * ((y[:, None] - centres) / widths) ** 2 - np.log(widths * math.sqrt(2 * math.pi))

    step = widths.min() / 20
    if (np.ptp(centres) + 24 * widths.max()) / step > 1e7:
        raise InputError(
            f"{name}: the scale {widths.min():g} is too narrow to integrate beside means "
            f"{np.ptp(centres):g} apart and the scale {widths.max():g}; widen it"
        )
    grid = np.arange((centres - 12 * widths).min(), (centres + 12 * widths).max() + step, step)
    logs = log_densities(grid)  # (n, m)
    mixture = logsumexp(logs, axis=1, b=shares)  # (n,)
    nats = float((shares * np.exp(logs) * (logs - mixture[:, None])).sum() * step)

    def draw(n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        x = rng.choice(m, size=n, p=shares).astype(np.int64)
        return x[:, None], (centres[x] + widths[x] * rng.standard_normal(n))[:, None]

    def log_ratio(x: Shaped[np.ndarray, "n 1"], y: Float[np.ndarray, "n 1"]) -> Float[np.ndarray, " n"]:
        logs = log_densities(y[:, 0])
        return logs[np.arange(len(x)), x[:, 0].astype(np.int64)] - logsumexp(logs, axis=1, b=shares)

    return Known(name, max(0.0, nats), 1, 1, draw, log_ratio, notes="a label and a number")


def uniform_mixture(m: int) -> Known:
    """x uniform on the integers {0..m-1}, y uniform on (x, x + 2): I = log m - (m - 1)/m log 2.

    Raises `InputError` for m below 1.

    Paper: Gao et al., 2017, Estimating mutual information for discrete-continuous mixtures.
    """
    check_at_least("uniform_mixture", "m", m, 1)

    def draw(n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        x = rng.integers(0, m, (n, 1))
        return x, x + rng.uniform(0.0, 2.0, (n, 1))

    def log_ratio(x: Shaped[np.ndarray, "n 1"], y: Float[np.ndarray, "n 1"]) -> Float[np.ndarray, " n"]:
        # y lies over one integer's interval at both ends of the line, and over two in between.
        over = np.where((y < 1) | (y >= m), 1, 2)
        return np.where((y >= x) & (y <= x + 2), math.log(m) - np.log(over), -np.inf)[:, 0]  # (n, 1) -> (n,)

    nats = math.log(m) - (m - 1) / m * math.log(2)
    return Known(f"uniform-mixture-{m}", nats, 1, 1, draw, log_ratio, GAO, "x discrete, y continuous")


def zero_inflated_poisson(p: float = 0.15) -> Known:
    """x exponential of mean 1; y is 0 with probability p, else Poisson of mean x.

    By y: P(y = k) = (1 - p)/2^(k+1) + p [k = 0]. For k >= 1, x given y = k is Gamma(k + 1) of rate 2, whose
    moments give the term; the term of 0, which may be of either cause, is an integral of v log v.
    The paper's (1 - p) I(no inflation) is not exact: a zero does not say which cause it had.

    Raises `InputError` for p outside [0, 1).

    Paper: Gao et al., 2017, Estimating mutual information for discrete-continuous mixtures.
    """
    if not 0 <= p < 1:
        raise InputError(f"zero_inflated_poisson: p is {p}; it must be in [0, 1)")
    k = np.arange(1, 400)
    moments = k * (digamma(k + 1) - math.log(2)) - (k + 1) / 2 - gammaln(k + 1) + (k + 1) * math.log(2)
    positive = float(((1 - p) * 0.5 ** (k + 1.0) * moments).sum())
    zero = p + (1 - p) / 2
    inner = ((-0.25) - (xlogy(p**2, p) / 2 - p**2 / 4)) / (1 - p)
    nats = positive + float(inner) - zero * math.log(zero)

    def draw(n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        x = rng.exponential(1.0, (n, 1))
        return x, np.where(rng.random((n, 1)) < p, 0, rng.poisson(x))

    def log_ratio(x: Float[np.ndarray, "n 1"], y: Shaped[np.ndarray, "n 1"]) -> Float[np.ndarray, " n"]:
        none = np.log(p + (1 - p) * np.exp(-x)) - math.log(zero)
        some = -x + xlogy(y, x) - gammaln(y + 1) + (y + 1) * math.log(2)
        return np.where(y == 0, none, some)[:, 0]  # (n, 1) -> (n,)

    return Known(f"zero-inflated-poisson-{p:g}", nats, 1, 1, draw, log_ratio, GAO, "x continuous, y counts")
