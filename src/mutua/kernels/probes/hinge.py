"""Dual coordinate descent of linear support vector machines, one class against the rest, all classes in one pass.

    minimise over w_c, b_c:  (|w_c|^2 + b_c^2) / 2 + C sum_i max(0, 1 - y_ic (w_c' x_i + b_c))
    maximise over alpha:     sum_i alpha_ic - (|w_c|^2 + b_c^2) / 2,  0 <= alpha <= C,  w_c = sum_i alpha_ic
    y_ic x_i

A row of many columns is what takes time to fetch: while it is in the cache every class takes its step. Pairs of
    row and class that are at a bound and mean to stay are passed over, and a row that has no other isn't
    fetched.

Paper: Hsieh, Chang, Lin, Keerthi and Sundararajan 2008, A dual coordinate descent method for large-scale linear
SVM."""

from __future__ import annotations

from typing import no_type_check

import numba
import numpy as np
from jaxtyping import Bool, Float, Int64

__all__ = ["slow_sweep", "sweep"]


@no_type_check
@numba.njit(cache=True, fastmath=True, nogil=True)
def sweep(x, codes, alpha, weight, bias, squares, order, box, active, margin):
    """One pass over the rows in `order`, in place. Returns the largest violation of optimality that was met.

    x (n, d); codes (n,) the class of each row; alpha (n, k); weight (k, d), bias (k,), which are kept up;
    squares (n,) |x_i|^2 + 1; box C; active (n, k), of pairs to look at; those beyond `margin` at a bound are
    taken out."""
    d, k = x.shape[1], alpha.shape[1]
    largest = np.float32(0.0)
    for step in range(len(order)):
        i = order[step]
        for c in range(k):
            if not active[i, c]:
                continue
            score = bias[c]
            for j in range(d):
                score += x[i, j] * weight[c, j]
            sign = np.float32(1.0) if codes[i] == c else np.float32(-1.0)
            slope = sign * score - np.float32(1.0)
            before = alpha[i, c]
            if before <= 0:
                if slope > margin:
                    active[i, c] = False
                violation = min(slope, np.float32(0.0))
            elif before >= box:
                if slope < -margin:
                    active[i, c] = False
                violation = max(slope, np.float32(0.0))
            else:
                violation = slope
            largest = max(largest, abs(violation))
            if violation != 0:
                after = min(max(before - slope / squares[i], np.float32(0.0)), box)
                move = (after - before) * sign
                alpha[i, c] = after
                bias[c] += move
                for j in range(d):
                    weight[c, j] += move * x[i, j]
    return largest


def slow_sweep(
    x: Float[np.ndarray, "n d"],
    codes: Int64[np.ndarray, " n"],
    alpha: Float[np.ndarray, "n k"],
    weight: Float[np.ndarray, "k d"],
    bias: Float[np.ndarray, " k"],
    squares: Float[np.ndarray, " n"],
    order: Int64[np.ndarray, " m"],
    box: float,
    active: Bool[np.ndarray, "n k"],
    margin: float,
) -> float:
    """The twin: each class's problem by itself, as its formula says, with w made anew before each step."""
    largest = 0.0
    for c in range(alpha.shape[1]):
        sign = np.where(codes == c, 1.0, -1.0)
        for i in order:
            if not active[i, c]:
                continue
            coefficients = alpha[:, c] * sign
            slope = sign[i] * (coefficients @ x @ x[i] + coefficients.sum()) - 1
            at_zero, at_box = alpha[i, c] <= 0, alpha[i, c] >= box
            if (at_zero and slope > margin) or (at_box and slope < -margin):
                active[i, c] = False
            violation = min(slope, 0.0) if at_zero else max(slope, 0.0) if at_box else slope
            largest = max(largest, abs(violation))
            if violation:
                alpha[i, c] = min(max(alpha[i, c] - slope / squares[i], 0.0), box)
    coefficients = alpha * np.where(codes[:, None] == np.arange(alpha.shape[1]), 1.0, -1.0)
    weight[:], bias[:] = coefficients.T @ x, coefficients.sum(0)
    return largest
