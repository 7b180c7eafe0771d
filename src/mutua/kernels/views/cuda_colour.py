"""Changes of colour of blocks of float32 in [0, 1], in Triton: twins of `mutua.views.image.colour`."""

from typing import no_type_check

import triton
import triton.language as tl

from mutua.kernels.views import stages as names

__all__ = ["changed", "level", "luma"]

_BRIGHTNESS = tl.constexpr(names.BRIGHTNESS)
_CONTRAST = tl.constexpr(names.CONTRAST)
_SATURATION = tl.constexpr(names.SATURATION)
_HUE = tl.constexpr(names.HUE)
_GREYED = tl.constexpr(names.GREYED)
_SOLARISED = tl.constexpr(names.SOLARISED)


@triton.jit
@no_type_check
def _clip(x):
    # Not by minimum and maximum: what is no number stays none.
    x = tl.where(x < 0.0, 0.0, x)
    return tl.where(x > 1.0, 1.0, x)


@triton.jit
@no_type_check
def luma(r, g, b):
    return 0.299 * r + 0.587 * g + 0.114 * b


@triton.jit
@no_type_check
def _turned(value, chroma, place):
    """A channel rebuilt, `place` sixths of a turn (-9 to 9) from where the channel is darkest."""
    away = tl.abs(place)
    away = tl.minimum(away, tl.abs(away - 6.0))  # around the circle of six: 0 to 3
    return value - chroma * _clip(2.0 - away)


@triton.jit
@no_type_check
def _hue(r, g, b, sixths):
    high = tl.maximum(tl.maximum(r, g), b)
    chroma = high - tl.minimum(tl.minimum(r, g), b)
    per = 1.0 / tl.maximum(chroma, 1e-12)
    place = tl.where(high == g, 2.0 + (b - r) * per, 4.0 + (r - g) * per)
    place = tl.where(high == r, (g - b) * per, place) + sixths
    return (
        _turned(high, chroma, place - 3.0),
        _turned(high, chroma, place + 1.0),
        _turned(high, chroma, place - 1.0),
    )


@triton.jit
@no_type_check
def changed(r, g, b, begin, end, kinds, slots, mean, RGB: tl.constexpr):
    """Slots `begin` to `end`, in turn; `kinds` points at the image's kinds, `slots` before its factors."""
    for k in range(begin, end):
        kind = tl.load(kinds + k).to(tl.int32)
        factor = tl.load(kinds + slots + k)
        if kind == _BRIGHTNESS:
            r = _clip(factor * r)
            g = _clip(factor * g)
            b = _clip(factor * b)
        if kind == _CONTRAST:
            middle = (1.0 - factor) * mean
            r = _clip(factor * r + middle)
            g = _clip(factor * g + middle)
            b = _clip(factor * b + middle)
        if kind == _SOLARISED:
            r = tl.where(r >= factor, 1.0 - r, r)
            g = tl.where(g >= factor, 1.0 - g, g)
            b = tl.where(b >= factor, 1.0 - b, b)
        if RGB:
            if kind == _SATURATION:
                other = (1.0 - factor) * luma(r, g, b)
                r = _clip(factor * r + other)
                g = _clip(factor * g + other)
                b = _clip(factor * b + other)
            if kind == _HUE:
                r, g, b = _hue(r, g, b, factor)
            if kind == _GREYED:
                r = luma(r, g, b)
                g = r
                b = r
    return r, g, b


@triton.jit
@no_type_check
def level(x):
    x = x * 255.0
    x = tl.where(x < 0.0, 0.0, x)
    x = tl.where(x > 255.0, 255.0, x)
    # 1.5 * 2^23: of such floats the last bit is 1, so adding rounds to the nearest whole number, ties to even.
    return ((x + 12582912.0) - 12582912.0).to(tl.int32).to(tl.uint8)
