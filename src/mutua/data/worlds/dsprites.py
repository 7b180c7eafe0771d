"""dSprites, re-rendered: its rule, recovered from 320 true frames to about 1 pixel in 4,096. It is not the
published file.

Centres of pixels at k + 1/2, no smoothing; the sprite's centre is (16 + 32 x, 16 + 32 y), x and y from 0 to 1 in
32 steps, scale s from .5 to 1 in 6, orientation from 0 to 2 pi in 40: a square of side 19.2 s, an ellipse of half
axes 12.8 s and 7.2 s, and a heart (9.6 sin^3 t, -(10.6/16)(13 cos t - 5 cos 2t - 2 cos 3t - cos 4t) - 1.45) s,
turned by minus the angle where y points down.

Quirks, kept: orientation 39 is orientation 0, so that each shape has 39 distinct images of 40 at most; 39 is no
multiple of 2 or 4, so that the turns that leave a square (9.75 steps) or an ellipse (19.5) as it is fall between
labels, and no smooth code can carry the label of these. `modulo_symmetry` and `orientation_vector` are labels that
one can.
"""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int64

from mutua.data.worlds.base import Factors, Pixels, World
from mutua.types import InputError

__all__ = ["SYMMETRY", "coloured_dsprites", "dsprites", "modulo_symmetry", "orientation_vector"]

FACTORS = ("shape", "scale", "orientation", "x", "y")
LEVELS = (3, 6, 40, 32, 32)
SYMMETRY = np.array([4, 2, 1])
"""How many turns leave the square, the ellipse and the heart as they are."""

SIZE = 64


def dsprites() -> World:
    """ "dSprites, re-rendered": 737,280 images of 1 x 64 x 64, of shape (square, ellipse, heart), scale,
    orientation, x, y.

    Origin: Matthey, Higgins, Hassabis and Lerchner 2017, dSprites; rendered anew by its rule, see the module.
    """
    return World("dSprites, re-rendered", FACTORS, LEVELS, _grey)


def coloured_dsprites(noisy: bool = False) -> World:
    """The same in colour: each sprite of a colour U(.5, 1)^3 that no factor says, on black.

    Args:
        noisy: a white sprite on a background of noise U(0, 1) instead, as Noisy-dSprites.

    Paper: Locatello et al. 2019, arXiv:1811.12359 (Color-dSprites, Noisy-dSprites).
    """
    name = f"{'noisy' if noisy else 'coloured'} dSprites, re-rendered"
    return World(name, FACTORS, LEVELS, partial(_coloured, noisy=noisy))


def _angle(orientation: Int64[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    # The 40th is 2 pi, whose rounded sine is not 0: the frames are the same, to the pixel.
    return 2 * math.pi / 39 * (orientation % 39)


def _masks(factors: Factors) -> Bool[np.ndarray, "n 64 64"]:
    shape, scale, orientation, x, y = factors.T
    s = 0.5 + 0.1 * scale
    theta = _angle(orientation)
    centre = np.arange(SIZE) + 0.5
    dx = centre[None, None, :] - (16 + 32 * x / 31)[:, None, None]  # (n, 1, w)
    dy = centre[None, :, None] - (16 + 32 * y / 31)[:, None, None]  # (n, h, 1)
    cos, sin = np.cos(theta)[:, None, None], np.sin(theta)[:, None, None]
    # The pixel in the sprite's own coordinates, in units of its scale.
    u, v = (dx * cos - dy * sin) / s[:, None, None], (dx * sin + dy * cos) / s[:, None, None]
    found = np.empty(u.shape, bool)
    for kind, inside in enumerate((_square, _ellipse, _heart)):
        rows = shape == kind
        found[rows] = inside(u[rows], v[rows])
    return found


def _square(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    return np.maximum(np.abs(u), np.abs(v)) <= 9.6


def _ellipse(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    return (u / 12.8) ** 2 + (v / 7.2) ** 2 <= 1


def _heart(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Between the curve's two branches: each u has one t on either side of the lobe, at cos t and -cos t."""
    sine = np.cbrt(np.minimum(np.abs(u) / 9.6, 1.0))
    c = np.sqrt(np.maximum(1 - sine**2, 0.0))

    def branch(c: np.ndarray) -> np.ndarray:
        twice = 2 * c**2 - 1
        wave = 13 * c - 5 * twice - 2 * (4 * c**3 - 3 * c) - (2 * twice**2 - 1)
        return -(10.6 / 16) * wave - 1.45

    return (np.abs(u) <= 9.6) & (branch(c) <= v) & (v <= branch(-c))


def _grey(factors: Factors, draw: np.random.Generator) -> Pixels:
    return (255 * _masks(factors).astype(np.uint8))[:, None]


def _coloured(factors: Factors, draw: np.random.Generator, noisy: bool) -> Pixels:
    sprite = _masks(factors)[:, None]
    if noisy:
        found = np.clip(sprite + draw.random((len(sprite), 3, SIZE, SIZE)), 0, 1)
    else:
        found = sprite * draw.uniform(0.5, 1, (len(sprite), 3, 1, 1))
    return np.round(255 * found).astype(np.uint8)


def modulo_symmetry(factors: Any, bins: int = 10) -> Factors:
    """Factors whose orientation is the angle modulo the shape's symmetry, in `bins` parts of the whole of it."""
    given = _checked(factors)
    part = 2 * math.pi / SYMMETRY[given[:, 0]]
    turn = np.mod(_angle(given[:, 2]), part) / part
    found = given.copy()
    found[:, 2] = np.minimum((turn * bins + 1e-9).astype(np.int64), bins - 1)
    return found


def orientation_vector(factors: Any) -> Float[np.ndarray, "n 2"]:
    """(cos m a, sin m a) of the angle a and the shape's symmetry m: what a smooth code can carry of it."""
    given = _checked(factors)
    turned = SYMMETRY[given[:, 0]] * _angle(given[:, 2])
    return np.stack([np.cos(turned), np.sin(turned)], 1)


def _checked(factors: Any) -> Factors:
    given = np.asarray(factors)
    if given.ndim != 2 or given.shape[1] != len(LEVELS) or given[:, 0].max(initial=0) > 2:
        raise InputError(f"factors: shape {given.shape}; give dSprites' own, (n, 5): {', '.join(FACTORS)}")
    return given.astype(np.int64)
