"""Square linear layers with smooth monotone maps between them: values, slopes, and gradients by hand.

    z_0 = x,   h_l = W_l z_l + b_l,   z_{l+1} = f_l(h_l),   s = W_L z_L + b_L
    f(h) = a h + sum_k D_k sqrt((h - m_k)^2 + c_k^2)

for each unit of each layer, with a > sum_k |D_k|, so that f' > 0 everywhere: a slope that changes from one number
to another at each of K knees m_k, over a width c_k. What flows through is (d, n), a unit's values side by side, so
that each loop runs along the samples.
"""

from __future__ import annotations

from typing import NamedTuple, no_type_check

import numba
import numpy as np
from jaxtyping import Float, Int64

__all__ = ["Layers", "Passed", "adam", "backward", "forward", "room", "scale_scores", "slow_forward"]

# Samples that go through all layers at a time: what they leave stays in the caches.
_CHUNK = 256


class Layers(NamedTuple):
    """Parameters of L maps between L + 1 linear layers, in one precision. Gradients have the same form."""

    weight: Float[np.ndarray, "l1 d d"]
    bias: Float[np.ndarray, "l1 d"]
    slope: Float[np.ndarray, "l d"]
    jump: Float[np.ndarray, "l d k"]
    knee: Float[np.ndarray, "l d k"]
    width: Float[np.ndarray, "l d k"]


class Passed(NamedTuple):
    """What a forward pass leaves for the way back.

    `inputs` (L + 1, d, n): what each linear layer saw. `before` (L, d, n): h. `first`, `second` (L, d, n): f'(h)
    and f''(h). `sources` (d, n).
    """

    inputs: Float[np.ndarray, "l1 d n"]
    before: Float[np.ndarray, "l d n"]
    first: Float[np.ndarray, "l d n"]
    second: Float[np.ndarray, "l d n"]
    sources: Float[np.ndarray, "d n"]


def slow_forward(layers: Layers, x: Float[np.ndarray, "d n"]) -> Passed:
    """The definition, in plain numpy."""
    inputs, before, first, second = [x], [], [], []
    parts = zip(layers.slope, layers.jump, layers.knee, layers.width, strict=True)
    for weight, bias, (slope, jump, knee, width) in zip(layers.weight, layers.bias, parts, strict=False):
        h = weight @ inputs[-1] + bias[:, None]  # (d, n)
        u = h[..., None] - knee[:, None]  # (d, n, k)
        r = np.sqrt(u**2 + width[:, None] ** 2)
        before.append(h)
        inputs.append(slope[:, None] * h + (jump[:, None] * r).sum(-1))
        first.append(slope[:, None] + (jump[:, None] * u / r).sum(-1))
        second.append((jump[:, None] * width[:, None] ** 2 / r**3).sum(-1))
    sources = layers.weight[-1] @ inputs[-1] + layers.bias[-1][:, None]
    none = np.zeros((0, *x.shape), x.dtype)
    h, f1, f2 = (np.stack(part) if part else none for part in (before, first, second))
    return Passed(np.stack(inputs), h, f1, f2, sources)


@numba.njit(cache=True, fastmath=True, error_model="numpy", nogil=True)
@no_type_check
def _linear(weight, bias, inputs, at, out, to_at, size):
    """out = W inputs + b on `size` columns, from `at` and `to_at` on; four at a time, to write out less."""
    d = weight.shape[0]
    for i in range(d):
        to = out[i, to_at : to_at + size]
        for t in range(size):
            to[t] = bias[i]
        for j in range(0, d - 3, 4):
            w0, w1, w2, w3 = weight[i, j], weight[i, j + 1], weight[i, j + 2], weight[i, j + 3]
            x0, x1 = inputs[j, at : at + size], inputs[j + 1, at : at + size]
            x2, x3 = inputs[j + 2, at : at + size], inputs[j + 3, at : at + size]
            for t in range(size):
                to[t] += w0 * x0[t] + w1 * x1[t] + w2 * x2[t] + w3 * x3[t]
        for j in range(d - d % 4, d):
            w0, x0 = weight[i, j], inputs[j, at : at + size]
            for t in range(size):
                to[t] += w0 * x0[t]


@numba.njit(cache=True, fastmath=True, error_model="numpy", nogil=True)
@no_type_check
def _outer(grad, at, inputs, in_at, size, out, bias):
    """out += grad inputs^T and bias += the sum of grad, over `size` columns from `at` and `in_at` on."""
    d = out.shape[0]
    zero = out.dtype.type(0)
    for i in range(d):
        g = grad[i, at : at + size]
        total = zero
        for t in range(size):
            total += g[t]
        bias[i] += total
        for j in range(0, d - 3, 4):
            s0, s1, s2, s3 = zero, zero, zero, zero
            x0, x1 = inputs[j, in_at : in_at + size], inputs[j + 1, in_at : in_at + size]
            x2, x3 = inputs[j + 2, in_at : in_at + size], inputs[j + 3, in_at : in_at + size]
            for t in range(size):
                s0 += g[t] * x0[t]
                s1 += g[t] * x1[t]
                s2 += g[t] * x2[t]
                s3 += g[t] * x3[t]
            out[i, j] += s0
            out[i, j + 1] += s1
            out[i, j + 2] += s2
            out[i, j + 3] += s3
        for j in range(d - d % 4, d):
            s0, x0 = zero, inputs[j, in_at : in_at + size]
            for t in range(size):
                s0 += g[t] * x0[t]
            out[i, j] += s0


@numba.njit(cache=True, fastmath=True, error_model="numpy", nogil=True)
@no_type_check
def _forward(weight, bias, slope, jump, knee, width, x, rows, inputs, before, first, second, sources):
    maps, d, k = jump.shape
    n = len(rows)
    one = x.dtype.type(1)
    for start in range(0, n, _CHUNK):
        stop = min(start + _CHUNK, n)
        for t in range(start, stop):
            row = rows[t]
            for i in range(d):
                inputs[0, i, t] = x[row, i]
        for l in range(maps):  # noqa: E741
            _linear(weight[l], bias[l], inputs[l], start, before[l], start, stop - start)
            for i in range(d):
                h, z = before[l, i, start:stop], inputs[l + 1, i, start:stop]
                f1, f2 = first[l, i, start:stop], second[l, i, start:stop]
                a = slope[l, i]
                for t in range(stop - start):
                    z[t] = a * h[t]
                    f1[t] = a
                    f2[t] = 0
                for q in range(k):
                    jq, m, cc = jump[l, i, q], knee[l, i, q], width[l, i, q] * width[l, i, q]
                    for t in range(stop - start):
                        u = h[t] - m
                        r2 = u * u + cc
                        r = np.sqrt(r2)
                        inverse = one / r
                        z[t] += jq * r
                        f1[t] += jq * u * inverse
                        f2[t] += jq * cc * inverse * inverse * inverse
        _linear(weight[maps], bias[maps], inputs[maps], start, sources, start, stop - start)


@numba.njit(cache=True, fastmath=True, error_model="numpy", nogil=True)
@no_type_check
def _backward(
    weight_t,
    jump,
    knee,
    width,
    inputs,
    before,
    first,
    second,
    grad,
    g_weight,
    g_bias,
    g_slope,
    g_jump,
    g_knee,
    g_width,
):
    maps, d, k = jump.shape
    n = grad.shape[1]
    zero = grad.dtype.type(0)
    one = grad.dtype.type(1)
    nothing = np.zeros(d, grad.dtype)
    gz = np.empty((d, _CHUNK), grad.dtype)
    gh = np.empty((d, _CHUNK), grad.dtype)
    inv = np.empty(_CHUNK, grad.dtype)
    for start in range(0, n, _CHUNK):
        stop = min(start + _CHUNK, n)
        size = stop - start
        _outer(grad, start, inputs[maps], start, size, g_weight[maps], g_bias[maps])
        _linear(weight_t[maps], nothing, grad, start, gz, 0, size)
        for back in range(maps):
            l = maps - 1 - back  # noqa: E741
            for i in range(d):
                h = before[l, i, start:stop]
                f1, f2 = first[l, i, start:stop], second[l, i, start:stop]
                g, to = gz[i, :size], gh[i, :size]
                total = zero
                for t in range(size):
                    w = one / f1[t]
                    inv[t] = w
                    to[t] = g[t] * f1[t] - f2[t] * w
                    total += g[t] * h[t] - w
                g_slope[l, i] += total
                for q in range(k):
                    jq, m, c = jump[l, i, q], knee[l, i, q], width[l, i, q]
                    cc = c * c
                    s_jump, s_knee, s_width = zero, zero, zero
                    for t in range(size):
                        u = h[t] - m
                        r2 = u * u + cc
                        r = np.sqrt(r2)
                        v = one / r
                        tau = u * v
                        v3w = v * v * v * inv[t]
                        s_jump += g[t] * r - tau * inv[t]
                        s_knee += cc * v3w - g[t] * tau
                        s_width += g[t] * v + u * v3w
                    g_jump[l, i, q] += s_jump
                    g_knee[l, i, q] += jq * s_knee
                    g_width[l, i, q] += jq * c * s_width
            _outer(gh, 0, inputs[l], start, size, g_weight[l], g_bias[l])
            if l > 0:
                _linear(weight_t[l], nothing, gh, 0, gz, 0, size)


def room(layers: Layers, n: int) -> Passed:
    """Arrays that a forward pass of n samples can fill again: fresh ones cost more than the arithmetic."""
    maps, d, _ = layers.jump.shape
    kind = layers.weight.dtype
    inputs, sources = np.empty((maps + 1, d, n), kind), np.empty((d, n), kind)
    before, first, second = (np.empty((maps, d, n), kind) for _ in range(3))
    return Passed(inputs, before, first, second, sources)


def forward(
    layers: Layers, x: Float[np.ndarray, "m d"], rows: Int64[np.ndarray, " n"], into: Passed | None = None
) -> Passed:
    """Rows x[rows] through all layers; `into` is a `room` for as many samples, overwritten."""
    passed = room(layers, len(rows)) if into is None else into
    _forward(*layers, x, rows, *passed)
    return passed


def backward(layers: Layers, passed: Passed, grad: Float[np.ndarray, "d n"]) -> Layers:
    """The gradient of sum_n [E(s_n) - sum log f'(h_n)], from dE/ds (d, n).

    The linear layers' -log|det W| is left to the caller.
    """
    found = Layers(*(np.zeros_like(part) for part in layers))
    weight_t = np.ascontiguousarray(layers.weight.transpose(0, 2, 1))
    _backward(weight_t, *layers[3:], *passed[:4], grad, *found)
    return found


@numba.njit(cache=True, fastmath=True, error_model="numpy", nogil=True)
@no_type_check
def scale_scores(s, segment, inverse, laplace, score, total):
    """-d log p/ds of zero-mean Laplace or Gaussian sources s (d, n), each segment with its scale.

    inverse (m, d): 1 over the mean |s| (Laplace) or the variance of each segment. total (m, d) += |s| or s^2.
    """
    d, n = s.shape
    for i in range(d):
        for t in range(n):
            v, e = s[i, t], segment[t]
            if laplace:
                score[i, t] = inverse[e, i] if v > 0 else -inverse[e, i]
                total[e, i] += abs(v)
            else:
                score[i, t] = v * inverse[e, i]
                total[e, i] += v * v


@numba.njit(cache=True, error_model="numpy", nogil=True)
@no_type_check
def adam(theta, gradient, mean, square, rate, beta1, beta2, step, clip):
    """One step of Adam, in place, on a gradient scaled down to norm `clip`. Returns its norm before that."""
    norm = 0.0
    for i in range(len(theta)):
        norm += float(gradient[i]) ** 2
    norm = np.sqrt(norm)
    factor = min(1.0, clip / norm) if norm > 0 else 1.0
    unbias1, unbias2 = 1 - beta1**step, 1 - beta2**step
    for i in range(len(theta)):
        g = gradient[i] * factor
        mean[i] = beta1 * mean[i] + (1 - beta1) * g
        square[i] = beta2 * square[i] + (1 - beta2) * g * g
        theta[i] -= rate * (mean[i] / unbias1) / (np.sqrt(square[i] / unbias2) + 1e-8)
    return norm
