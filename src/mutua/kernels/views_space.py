"""Crop and resize, blur, shift and flip of one image of float32: what a pixel takes from other places.

An image is the first c h w numbers of a flat array `work`; `spare` is another, long enough for what lies between
(`mutua.kernels.views.run`). Each function leaves its result in `work`.

Loops go by offsets into whole arrays, since a slice costs as much as a short row; offsets are unsigned, since
numba turns negative ones around and would not vectorise.
"""

from __future__ import annotations

import math
from typing import no_type_check

import numba
import numpy as np

from mutua.kernels.views_colour import FAST

__all__ = ["blur", "crop", "flip", "load", "shift"]

# Weights of the blur below this share of the middle one are left out: less than 1e-5 of grey in all.
FAINT = 1e-6

# Numbers blurred at once: they stay in the first-level cache while tap after tap is added.
_PIECE = 1024

U = np.uint64


@numba.njit(cache=True, nogil=True, error_model="numpy", fastmath=FAST)
@no_type_check
def load(source, s, white, out, n):
    """n pixels as float32 in [0, 1]. Divided, not multiplied by 1/255: level 128 must equal 128/255."""
    for j in range(n):
        out[j] = np.float32(source[s + j]) / white


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
def _resize_row(line, first, weights, out, o, n):
    """A row of n pixels, each from its own place in `line`."""
    taps = U(len(weights))
    if taps == 1:
        for x in range(n):
            out[o + x] = line[first[x]]
        return
    for x in range(n):
        j = U(first[x])
        out[o + x] = weights[0, x] * line[j] + weights[1, x] * line[j + U(1)]
    for t in range(U(2), taps):
        for x in range(n):
            out[o + x] += weights[t, x] * line[first[x] + t]


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
    line = np.empty(w, np.float32)
    for k in range(c):
        for y in range(h):
            load(source, U((k * height + top + y) * width + left), white, line, U(w))
            _resize_row(line, first, weights, spare, U((k * h + y) * W), U(W))
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
    """out[o + i] = sum of kernel[|d|] source[s + i + d step], n numbers in pieces; no two of them overlap."""
    r = U(len(kernel) - 1)
    for start in range(U(0), n, U(_PIECE)):
        m = min(U(_PIECE), n - start)
        p, q = s + start, o + start
        middle = kernel[0]
        for i in range(m):
            out[q + i] = middle * source[p + i]
        d = U(1)
        while d + U(2) <= r:
            ka, kb, kc = kernel[d], kernel[d + U(1)], kernel[d + U(2)]
            a, b = p - d * step, p + d * step
            e, f = a - step, b + step
            g, h = e - step, f + step
            for i in range(m):
                out[q + i] += (
                    ka * (source[a + i] + source[b + i])
                    + kb * (source[e + i] + source[f + i])
                    + kc * (source[g + i] + source[h + i])
                )
            d += U(3)
        while d <= r:
            ka = kernel[d]
            a, b = p - d * step, p + d * step
            for i in range(m):
                out[q + i] += ka * (source[a + i] + source[b + i])
            d += U(1)


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
