"""Crop and resize, blur, shift and flip of one image of float32: what a pixel takes from other places.

An image is the first c h w numbers of a flat array `work`; `spare` is another, long enough for what lies between
(`mutua.kernels.views.cpu.run`). Each function leaves its result in `work`.

Loops go by offsets into whole arrays, since a slice costs as much as a short row; offsets are unsigned, since
numba turns negative ones around and would not vectorise.
"""

from __future__ import annotations

import math
from typing import no_type_check

import numba
import numpy as np

from mutua.kernels.views.colour import FAST

__all__ = ["blur", "crop", "flip", "load", "shift"]

# Weights of the blur below this share of the middle one are left out: less than 1e-5 of grey in all.
FAINT = 1e-5

# Numbers blurred at once: they stay in the first-level cache while tap after tap is added.
_PIECE = 1024

U = np.uint64


@numba.njit(cache=True, nogil=True, error_model="numpy", fastmath=FAST)
@no_type_check
def load(source, s, white, out, o, n):
    """n pixels as float32 in [0, 1]. Divided, not multiplied by 1/255: level 128 must equal 128/255."""
    for j in range(n):
        out[o + j] = np.float32(source[s + j]) / white


@numba.njit(cache=True, nogil=True, error_model="numpy")
@no_type_check
def _weights(length, out, mirrored):
    """(First pixels (out,), weights (taps, out)) of `resize_matrix` for one side of a crop."""
    step = length / out
    reach = max(step, 1.0)
    taps = min(length, math.ceil(2 * reach))
    first = np.empty(out, np.uint32)
    weights = np.empty((taps, out), np.float32)
    for i in range(out):
        centre = (i + 0.5) * step
        start = min(max(math.floor(centre - reach - 0.5) + 1, 0), length - taps)
        place = out - 1 - i if mirrored else i
        total = 0.0
        for t in range(taps):
            total += max(0.0, 1 - abs(start + t + 0.5 - centre) / reach)
        for t in range(taps):
            weights[t, place] = max(0.0, 1 - abs(start + t + 0.5 - centre) / reach) / total
        first[place] = start
    return first, weights


@numba.njit(cache=True, nogil=True, error_model="numpy", fastmath=FAST)
@no_type_check
def _resize_four(lines, w, first, weights, out, o, n):
    """Four rows of n pixels, each pixel from its own place in `lines` (4, w): weights are read once for all."""
    taps = U(len(weights))
    b, c, d = o + n, o + n + n, o + n + n + n
    if taps == 1:
        for x in range(n):
            j = U(first[x])
            out[o + x] = lines[j]
            out[b + x] = lines[j + w]
            out[c + x] = lines[j + w + w]
            out[d + x] = lines[j + w + w + w]
        return
    for x in range(n):
        near, far = weights[0, x], weights[1, x]
        j = U(first[x])
        out[o + x] = near * lines[j] + far * lines[j + U(1)]
        j += w
        out[b + x] = near * lines[j] + far * lines[j + U(1)]
        j += w
        out[c + x] = near * lines[j] + far * lines[j + U(1)]
        j += w
        out[d + x] = near * lines[j] + far * lines[j + U(1)]
    for t in range(U(2), taps):
        for x in range(n):
            weight, j = weights[t, x], U(first[x]) + t
            out[o + x] += weight * lines[j]
            out[b + x] += weight * lines[j + w]
            out[c + x] += weight * lines[j + w + w]
            out[d + x] += weight * lines[j + w + w + w]


@numba.njit(cache=True, nogil=True, error_model="numpy", fastmath=FAST)
@no_type_check
def _mix_rows(source, s, weights, y, out, o, n):
    """Row y: neighbouring rows of n pixels from `source[s]` on, each with its weight."""
    taps = U(len(weights))
    if taps == 1:
        for x in range(n):
            out[o + x] = source[s + x]
        return
    above, below = weights[0, y], weights[1, y]
    for x in range(n):
        out[o + x] = above * source[s + x] + below * source[s + n + x]
    for t in range(U(2), taps):
        weight, there = weights[t, y], s + t * n
        for x in range(n):
            out[o + x] += weight * source[there + x]


@numba.njit(cache=True, nogil=True)
@no_type_check
def crop(source, white, spare, work, c, height, width, top, left, h, w, H, W, mirrored):
    """The h x w pixels of `source` (c height width,) from (top, left), divided by `white`, as H x W.

    Rows first, into `spare` (c, h, W); `source` may be `work`.
    """
    first, weights = _weights(w, W, mirrored)
    lines = np.empty(4 * w, np.float32)
    for row in range(0, c * h, 4):
        for i in range(4):
            k, y = divmod(min(row + i, c * h - 1), h)  # of what is past the end nothing is kept
            load(source, U((k * height + top + y) * width + left), white, lines, U(i * w), U(w))
        _resize_four(lines, U(w), first, weights, spare, U(row * W), U(W))
    first, weights = _weights(h, H, False)
    for k in range(c):
        for y in range(H):
            start = U((k * h + int(first[y])) * W)
            _mix_rows(spare, start, weights, U(y), work, U((k * H + y) * W), U(W))


@numba.njit(cache=True, nogil=True)
@no_type_check
def flip(work, rows, w):
    """Left and right exchanged in each of the rows."""
    for y in range(rows):
        a, b = y * w, (y + 1) * w - 1
        while a < b:
            work[a], work[b] = work[b], work[a]
            a, b = a + 1, b - 1


@numba.njit(cache=True, nogil=True)
@no_type_check
def shift(work, spare, c, h, w, down, right):
    """The image moved up by `down` and left by `right` pixels (below 0: the other way), black where none was."""
    for i in range(c * h * w):
        spare[i] = work[i]
        work[i] = 0
    for k in range(c):
        for y in range(max(0, -down), min(h, h - down)):
            for x in range(max(0, -right), min(w, w - right)):
                work[(k * h + y) * w + x] = spare[(k * h + y + down) * w + x + right]


@numba.njit(cache=True, nogil=True)
@no_type_check
def _gaussian(sigma, radius):
    """exp(-d^2 / 2 sigma^2), d = 0 .. radius, both sides together 1, without what is faint."""
    kernel = np.empty(radius + 1, np.float32)
    total = 0.0
    taps = 0
    for d in range(radius + 1):
        weight = math.exp(-0.5 * (d / sigma) ** 2)
        if weight < FAINT:
            break
        kernel[d] = weight
        total += weight if d == 0 else 2 * weight
        taps += 1
    for d in range(taps):
        kernel[d] = kernel[d] / total
    return kernel[:taps]


@numba.njit(cache=True, nogil=True, error_model="numpy", fastmath=FAST)
@no_type_check
def _convolve(source, s, step, kernel, out, o, n):
    """out[o + i] = sum of kernel[|d|] source[s + i + d step], n numbers in pieces, radius 1 or more."""
    r = U(len(kernel) - 1)
    for start in range(U(0), n, U(_PIECE)):
        m = min(U(_PIECE), n - start)
        p, q = s + start, o + start
        middle, ka = kernel[0], kernel[1]
        a, b = p - step, p + step
        d = U(2)
        if r == U(1):
            for i in range(m):
                out[q + i] = middle * source[p + i] + ka * (source[a + i] + source[b + i])
        else:
            kb, e, f = kernel[2], a - step, b + step
            d = U(3)
            for i in range(m):
                out[q + i] = (
                    middle * source[p + i]
                    + ka * (source[a + i] + source[b + i])
                    + kb * (source[e + i] + source[f + i])
                )
        while d < r:
            ka, kb = kernel[d], kernel[d + U(1)]
            a, b = p - d * step, p + d * step
            e, f = a - step, b + step
            for i in range(m):
                out[q + i] += ka * (source[a + i] + source[b + i]) + kb * (source[e + i] + source[f + i])
            d += U(2)
        if d == r:
            ka, a, b = kernel[d], p - d * step, p + d * step
            for i in range(m):
                out[q + i] += ka * (source[a + i] + source[b + i])


@numba.njit(cache=True, nogil=True, error_model="numpy", fastmath=FAST)
@no_type_check
def _copy(source, s, out, o, n):
    for i in range(n):
        out[o + i] = source[s + i]


@numba.njit(cache=True, nogil=True)
@no_type_check
def blur(work, c, h, w, sigma, radius):
    """`GaussianBlur` of one image: a plane at a time along its rows, then down its columns.

    Planes get mirrored margins, so that each way is one long convolution (what it makes of the margins is not
    used).
    """
    kernel = _gaussian(sigma, radius)
    r = len(kernel) - 1
    if r == 0:
        return
    pitch = w + 2 * r
    wide, tall = np.empty(h * pitch, np.float32), np.empty((h + 2 * r) * pitch, np.float32)
    for k in range(c):
        plane = k * h * w
        for y in range(h):
            row = y * pitch + r
            _copy(work, U(plane + y * w), wide, U(row), U(w))
            for d in range(1, r + 1):
                wide[row - d] = wide[row + d]
                wide[row + w - 1 + d] = wide[row + w - 1 - d]
        middle = r * pitch
        _convolve(wide, U(r), U(1), kernel, tall, U(middle + r), U(h * pitch - 2 * r))
        for d in range(1, r + 1):
            _copy(tall, U(middle + d * pitch + r), tall, U(middle - d * pitch + r), U(w))
            last = middle + (h - 1) * pitch + r
            _copy(tall, U(last - d * pitch), tall, U(last + d * pitch), U(w))
        _convolve(tall, U(middle + r), U(pitch), kernel, wide, U(r), U(h * pitch - 2 * r))
        for y in range(h):
            _copy(wide, U(y * pitch + r), work, U(plane + y * w), U(w))
