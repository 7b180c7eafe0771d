"""A sequence of views of a batch in one compiled loop over its images.

A program is three arrays: `codes` (m,), one of the constants below for each view; `fixed` (m, 4), its settings;
`first` (m,), its first column in `drawn` (n, k), the parameters of each image. All numbers are float64.

    code      fixed                                   drawn
    CROP      height, width of what comes out         top, left, height, width
    FLIP                                              applied
    SHIFT                                             down, right, from where the image lies
    JITTER    1 where brightness, contrast,           applied, the four places of the order, brightness,
              saturation, hue are changed             contrast, saturation, hue
    GREY                                              applied
    BLUR      radius                                  applied, sigma
    SOLARISE  threshold                               applied

Each image is made float32 once, changed in scratch memory that stays in the cache, and written once, rounded to
the nearest level where uint8 is wanted. What comes out for an image depends on that image and its row alone.
"""

from __future__ import annotations

from typing import no_type_check

import numba
import numpy as np

from mutua.kernels.views.colour import FAST, blend, blend_grey, grey, hue, luma_sum, plane_sum, solarise
from mutua.kernels.views.space import blur, crop, flip, load, shift

__all__ = ["BLUR", "CROP", "FLIP", "GREY", "JITTER", "SHIFT", "SOLARISE", "run"]

CROP, FLIP, SHIFT, JITTER, GREY, BLUR, SOLARISE = range(7)

# Changes of colour that wait to be made: the first four as `order` counts them.
_BRIGHTNESS, _CONTRAST, _SATURATION, _HUE, _GREY, _SOLARISE = range(6)

# Pixels that all waiting changes are made of before the next ones are: 24 kB of RGB.
_PIECE = 2048


@numba.njit(cache=True, nogil=True)
@no_type_check
def _colours(work, c, size, kinds, factors, count, total, means):
    """The `count` changes that wait, one after another, of the first c planes of `size` pixels.

    Contrast needs the image's mean after all that comes before it, so it begins a new pass.
    """
    done, known = 0, False
    while done < count:
        end = done + 1 if known else done
        while end < count and kinds[end] != _CONTRAST:
            end += 1
        summing = end < count
        if summing:
            for channel in range(c):
                total[channel] = 0.0
        for start in range(0, size, _PIECE):
            stop = min(start + _PIECE, size)
            for k in range(done, end):
                kind, factor = kinds[k], np.float32(factors[k])
                if kind in (_BRIGHTNESS, _CONTRAST, _SOLARISE):
                    for channel in range(c):
                        piece = work[channel * size + start : channel * size + stop]
                        if kind == _BRIGHTNESS:
                            blend(piece, factor, np.float32(0))
                        elif kind == _CONTRAST:
                            blend(piece, factor, (np.float32(1) - factor) * np.float32(means[channel]))
                        else:
                            solarise(piece, factor)
                    continue
                r = work[start:stop]
                g = work[size + start : size + stop]
                b = work[2 * size + start : 2 * size + stop]
                if kind == _SATURATION:
                    blend_grey(r, g, b, factor)
                elif kind == _HUE:
                    hue(r, g, b, factor)
                else:
                    grey(r, g, b)
            if summing:
                if c == 3:
                    total[0] += luma_sum(
                        work[start:stop],
                        work[size + start : size + stop],
                        work[2 * size + start : 2 * size + stop],
                    )
                else:
                    for channel in range(c):
                        total[channel] += plane_sum(work[channel * size + start : channel * size + stop])
        for channel in range(c):
            means[channel] = total[0 if c == 3 else channel] / size
        done, known = end, summing


@numba.njit(cache=True, nogil=True)
@no_type_check
def _wait(kinds, factors, count, code, fixed, row):
    """Add a view's changes of colour to those that wait; returns how many there are."""
    if row[0] == 0:
        return count
    if code == GREY:
        kinds[count] = _GREY
        return count + 1
    if code == SOLARISE:
        kinds[count], factors[count] = _SOLARISE, fixed[0]
        return count + 1
    for place in range(4):
        kind = int(row[1 + place])
        if fixed[kind] != 0:
            kinds[count] = kind
            factor = row[5 + kind]
            # A turn is six sixths, and half of it either way is every hue.
            factors[count] = 6 * (factor - np.rint(factor)) if kind == _HUE else factor
            count += 1
    return count


@numba.njit(cache=True, nogil=True)
@no_type_check
def _rest(work, spare, c, h, w, codes, fixed, first, row, k, kinds, factors):
    """Views k and after of the image in `work`."""
    total, means = np.empty(c), np.empty(c)
    count = 0
    while k < len(codes):
        code, drawn = codes[k], row[first[k] :]
        if code in (JITTER, GREY, SOLARISE):
            count = _wait(kinds, factors, count, code, fixed[k], drawn)
            k += 1
            continue
        _colours(work, c, h * w, kinds, factors, count, total, means)
        count = 0
        if code == CROP:
            H, W = int(fixed[k, 0]), int(fixed[k, 1])
            top, left, rows, columns = int(drawn[0]), int(drawn[1]), int(drawn[2]), int(drawn[3])
            crop(work, np.float32(1), spare, work, c, h, w, top, left, rows, columns, H, W, False)
            h, w = H, W
        elif code == FLIP and drawn[0] != 0:
            flip(work, c * h, w)
        elif code == SHIFT:
            shift(work, spare, c, h, w, int(drawn[0]), int(drawn[1]))
        elif code == BLUR and drawn[0] != 0:
            blur(work, c, h, w, drawn[1], int(fixed[k, 0]))
        k += 1
    _colours(work, c, h * w, kinds, factors, count, total, means)


@numba.njit(cache=True, nogil=True, error_model="numpy", fastmath=FAST)
@no_type_check
def _store(work, out, levels):
    if levels:
        for i in range(len(out)):
            level = np.rint(work[i] * np.float32(255))
            level = np.float32(0) if level < np.float32(0) else level
            out[i] = np.uint8(np.int32(np.float32(255) if level > np.float32(255) else level))
    else:
        for i in range(len(out)):
            out[i] = work[i]


@numba.njit(cache=True, nogil=True)
@no_type_check
def run(images, white, c, height, width, out, levels, codes, fixed, first, drawn, room):
    """Views of `images` (n, c height width), uint8 or float32, into `out` (n, c H W), uint8 or float32.

    `white` is the float32 by which to divide the images, 255 or 1; `levels`: whether `out` is to be 0 to 255.
    `room` is the largest c h w of any stage, and three rows more. Nothing is checked: boxes must lie within their
    images, and three channels be there where grey, saturation or hue is asked for.
    """
    work, spare = np.empty(room, np.float32), np.empty(room, np.float32)
    kinds, factors = np.empty(4 * len(codes), np.int64), np.empty(4 * len(codes))
    for i in range(len(images)):
        row = drawn[i]
        h, w, k = height, width, 0
        if len(codes) and codes[0] == CROP:
            h, w, k = int(fixed[0, 0]), int(fixed[0, 1]), 1
            mirrored = False
            if len(codes) > 1 and codes[1] == FLIP:
                mirrored, k = row[first[1]] != 0, 2
            box = row[first[0] :]
            top, left, rows, columns = int(box[0]), int(box[1]), int(box[2]), int(box[3])
            source = images[i]
            crop(source, white, spare, work, c, height, width, top, left, rows, columns, h, w, mirrored)
        else:
            load(images[i], np.uint64(0), white, work, np.uint64(0), np.uint64(c * height * width))
        _rest(work, spare, c, h, w, codes, fixed, first, row, k, kinds, factors)
        _store(work, out[i], levels)
