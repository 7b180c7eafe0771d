"""One pass over the data for maximum-likelihood ICA: log density and moments of y = W z, block by block.

`moments` is compiled, for four densities, in float32 or float64; `slow_moments` is its twin in plain numpy, for
any density.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple, no_type_check

import numba
import numpy as np
from jaxtyping import Float, Float64, Int64
from numba.extending import overload

__all__ = ["LAPLACE", "SECH", "STUDENT", "SUB_GAUSSIAN", "Moments", "moments", "slow_moments"]

# What the kernel calls the densities it knows; each has one parameter.
SECH, LAPLACE, STUDENT, SUB_GAUSSIAN = range(4)

# Factors 1 + e <= 2 that are multiplied before one logarithm is taken: 2^64 fits float32.
_LANES = 64
# Bytes of the blocks worked on at once: y, phi, phi' and y^2 stay in the second-level cache.
_CACHE = 1 << 19


class Moments(NamedTuple):
    """Sums over n samples of y = W z, with psi = -d log p/da and psi' its derivative.

    `log_prob` (k,): sum of log p_i(y_i), without constants where the kernel made it (see `moments`).
    `gradient` (k, k): sum of psi_i(y_i) y_j. `curvature` (k, k): sum of psi_i'(y_i) y_j^2.
    """

    log_prob: Float[np.ndarray, " k"]
    gradient: Float[np.ndarray, "k k"]
    curvature: Float[np.ndarray, "k k"]


def slow_moments(y: Float[np.ndarray, "k n"], densities: Sequence[Any], curved: bool = True) -> Moments:
    """The definition, in the dtype of y: each density has `log_prob`, `score` and `score_derivative`."""
    log_prob = np.array([density.log_prob(row).sum() for density, row in zip(densities, y, strict=True)])
    psi = np.stack([-density.score(row) for density, row in zip(densities, y, strict=True)])  # (k, n)
    if not curved:
        return Moments(log_prob, psi @ y.T, np.zeros((len(y), len(y))))
    slope = np.stack([-density.score_derivative(row) for density, row in zip(densities, y, strict=True)])
    return Moments(log_prob, psi @ y.T, slope @ np.square(y).T)


# error_model="numpy" below: Python's check of a division by zero keeps loops from being vectorised. The loops are
# written for either precision: constants are made of the parameter, and `_exp` is the one of that precision.


@no_type_check
def _exp32(x):
    """exp(x) for x <= 0 in float32, to about 2 units in the last place: 2^m times a polynomial on +-ln(2)/2."""
    x = max(x, np.float32(-87.0))
    m = np.floor(x * np.float32(1.4426950408889634) + np.float32(0.5))
    # ln 2 in two parts, the first short enough that m times it is exact.
    r = (x - m * np.float32(0.693359375)) + m * np.float32(2.12194440e-4)
    p = np.float32(1 / 720)
    p = p * r + np.float32(1 / 120)
    p = p * r + np.float32(1 / 24)
    p = p * r + np.float32(1 / 6)
    p = p * r + np.float32(0.5)
    p = p * r + np.float32(1.0)
    p = p * r + np.float32(1.0)
    return p * np.int32((np.int32(m) + np.int32(127)) << np.int32(23)).view(np.float32)


@no_type_check
def _exp64(x):
    """exp(x) for x <= 0 in float64, to some units in the last place."""
    x = max(x, -700.0)
    m = np.floor(x * 1.4426950408889634 + 0.5)
    r = (x - m * 0.693145751953125) - m * 1.42860682030941723212e-6
    p = 1 / 479001600
    p = p * r + 1 / 39916800
    p = p * r + 1 / 3628800
    p = p * r + 1 / 362880
    p = p * r + 1 / 40320
    p = p * r + 1 / 5040
    p = p * r + 1 / 720
    p = p * r + 1 / 120
    p = p * r + 1 / 24
    p = p * r + 1 / 6
    p = p * r + 0.5
    p = p * r + 1.0
    p = p * r + 1.0
    return p * np.int64((np.int64(m) + 1023) << 52).view(np.float64)


@no_type_check
def _exp(x):
    """exp(x) for x <= 0, without branches or tables, so that loops of it are vectorised."""
    return (_exp32 if isinstance(x, np.float32) else _exp64)(x)


@overload(_exp, inline="always", jit_options={"fastmath": True, "error_model": "numpy"})
@no_type_check
def _exp_of(x):
    return _exp32 if x == numba.float32 else _exp64


@numba.njit(cache=True, fastmath=True, error_model="numpy")
@no_type_check
def _tanh_rows(y, psi, slope, square, beta):
    """tanh(beta y), its derivative by y, y^2; returns the sum of log(2 cosh(beta y))."""
    one = beta / beta
    two, four = one + one, one + one + one + one
    for t in range(len(y)):
        square[t] = _exp(-two * beta * abs(y[t]))
    linear = one - one
    for t in range(len(y)):
        e = square[t]
        inverse = one / (one + e)
        psi[t] = math.copysign((one - e) * inverse, y[t])
        slope[t] = beta * four * e * inverse * inverse
        linear += abs(y[t])
    total = float(beta) * float(linear)
    for start in range(0, len(y), _LANES):
        # A slice, indexed from 0: numba cannot tell that start + t is not negative, and would not vectorise.
        lanes = square[start : start + _LANES]
        product = one
        for t in range(len(lanes)):
            product *= one + lanes[t]
        total += math.log(product)
    for t in range(len(y)):
        square[t] = y[t] * y[t]
    return total


@numba.njit(cache=True, fastmath=True, error_model="numpy")
@no_type_check
def _laplace_rows(y, psi, slope, square, epsilon):
    """a/r, epsilon^2/r^3 and a^2, with r = sqrt(a^2 + epsilon^2); returns the sum of r."""
    corner, one = epsilon * epsilon, epsilon / epsilon
    total = one - one
    for t in range(len(y)):
        a = y[t]
        r = np.sqrt(a * a + corner)
        inverse = one / r
        psi[t] = a * inverse
        slope[t] = corner * inverse * inverse * inverse
        square[t] = a * a
        total += r
    return float(total)


@numba.njit(cache=True, fastmath=True, error_model="numpy")
@no_type_check
def _student_rows(y, psi, slope, square, nu):
    """(nu + 1) a / (nu + a^2), its derivative, a^2; returns the sum of (nu + 1)/2 log(1 + a^2/nu)."""
    one = nu / nu
    for t in range(len(y)):
        a2 = y[t] * y[t]
        inverse = one / (nu + a2)
        psi[t] = (nu + one) * y[t] * inverse
        slope[t] = (nu + one) * (nu - a2) * inverse * inverse
        square[t] = a2
    total = 0.0
    for t in range(len(y)):
        total += math.log(one + square[t] / nu)
    return total * 0.5 * (float(nu) + 1.0)


@numba.njit(cache=True, fastmath=True, error_model="numpy")
@no_type_check
def _two_bumps_rows(y, psi, slope, square, mu):
    """psi of half N(mu, 1) and half N(-mu, 1): a - mu tanh(mu a); returns the sum of -log p, up to constants."""
    one = mu / mu
    total = -_tanh_rows(y, psi, slope, square, mu)
    part = one - one
    for t in range(len(y)):
        psi[t] = y[t] - mu * psi[t]
        slope[t] = one - mu * slope[t]
        part += square[t]
    return total + 0.5 * float(part)


@numba.njit(cache=True, fastmath=True, error_model="numpy", nogil=True)
@no_type_check
def _moments(z, w, codes, parameters, block, curved):
    n, k = z.shape[0], w.shape[0]
    energy = np.zeros(k)
    gradient = np.zeros((k, k))
    curvature = np.zeros((k, k))
    part = np.empty((k, k), z.dtype)
    y = np.empty((k, min(block, n)), z.dtype)
    psi, slope, square = np.empty_like(y), np.empty_like(y), np.empty_like(y)
    for start in range(0, n, block):
        rows = z[start : min(start + block, n)]  # (b, m)
        if len(rows) != y.shape[1]:
            y = np.empty((k, len(rows)), z.dtype)
            psi, slope, square = np.empty_like(y), np.empty_like(y), np.empty_like(y)
        np.dot(w, rows.T, y)  # (k, b)
        for i in range(k):
            value = parameters[i]
            if codes[i] == SECH:
                energy[i] += _tanh_rows(y[i], psi[i], slope[i], square[i], value) / value
            elif codes[i] == LAPLACE:
                energy[i] += _laplace_rows(y[i], psi[i], slope[i], square[i], value)
            elif codes[i] == STUDENT:
                energy[i] += _student_rows(y[i], psi[i], slope[i], square[i], value)
            else:
                energy[i] += _two_bumps_rows(y[i], psi[i], slope[i], square[i], value)
        np.dot(psi, y.T, part)
        gradient += part
        if curved:
            np.dot(slope, square.T, part)
            curvature += part
    return energy, gradient, curvature


def moments(
    z: Float[np.ndarray, "n m"],
    w: Float[np.ndarray, "k m"],
    codes: Int64[np.ndarray, " k"],
    parameters: Float64[np.ndarray, " k"],
    curved: bool = True,
) -> Moments:
    """`Moments` of y = W z, in the precision of z, for the densities that `codes` name.

    `log_prob` lacks the constants of the densities: it is the sum of -log(2 cosh(beta y))/beta, -sqrt(y^2 +
    epsilon^2), -(nu + 1)/2 log(1 + y^2/nu) or log(2 cosh(mu y)) - y^2/2. `curvature` is 0 unless `curved`.
    """
    kind = z.dtype.type
    if kind not in (np.float32, np.float64):
        raise TypeError(f"moments: z is {z.dtype}, not float32 or float64")
    block = min(1024, max(256, _CACHE // (16 * len(w)) // 16 * 16))
    energy, gradient, curvature = _moments(
        np.ascontiguousarray(z), np.ascontiguousarray(w, kind), codes, parameters.astype(kind), block, curved
    )
    return Moments(-energy, gradient, curvature)
