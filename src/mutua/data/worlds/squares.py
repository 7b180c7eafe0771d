"""Squares that move: worlds in which the overlap of neighbours, and so what pixel losses say, is chosen."""

from __future__ import annotations

from functools import partial

import numpy as np
from jaxtyping import Int64

from mutua.data.worlds.base import Factors, Pixels, World
from mutua.types import InputError

__all__ = ["one_square", "xy_squares"]


def xy_squares(spacing: int = 8) -> World:
    """Three 8 x 8 squares, red, green and blue, each on a grid of its own of 8 x 8 positions on 64 x 64: 8^6
    images.

    At the published spacing of 8 no two positions overlap, every two images that differ in one position are
    equally far apart, and a pixel loss knows no order. Where squares of two colours meet their colours add.

    Args:
        spacing: of neighbouring positions in pixels, 1 to 8; the grid is centred.

    Paper: Michlo, Klein and James 2023, Overlooked Implications of the Reconstruction Loss for VAE
    Disentanglement, arXiv:2202.13341.
    """
    if not 1 <= spacing <= 8:
        raise InputError(f"spacing: {spacing}; give 1 to 8 pixels, at which eight squares of 8 fit into 64")
    names = tuple(f"{axis} {colour}" for colour in ("red", "green", "blue") for axis in ("x", "y"))
    name = "XY squares" if spacing == 8 else f"XY squares at spacing {spacing}"
    return World(name, names, (8,) * 6, partial(_xy, spacing=spacing))


def one_square(columns: int = 24, rows: int = 24, spacing: int = 1, size: int = 32, side: int = 8) -> World:
    """One white square of side 8 at `columns` x `rows` positions on 32 x 32: factors x and y alone.

    Args:
        columns, rows: positions along x and y; unequal ranges are what lets a VAE tell the axes apart.
        spacing: of neighbouring positions in pixels; from `side` on no two overlap.
    """
    fits = (size - side) // spacing + 1
    if not (2 <= columns <= fits and 2 <= rows <= fits):
        raise InputError(f"columns={columns}, rows={rows}: give 2 to {fits} positions at spacing {spacing}")
    make = partial(_one, spacing=spacing, size=size, side=side, extent=(columns, rows))
    return World(f"one square, {columns} x {rows} positions", ("x", "y"), (columns, rows), make)


def _place(
    pixels: Pixels, channel: int, x: Int64[np.ndarray, " n"], y: Int64[np.ndarray, " n"], side: int
) -> None:
    at = np.arange(pixels.shape[-1])
    across = (at >= x[:, None]) & (at < x[:, None] + side)  # (n, w)
    down = (at >= y[:, None]) & (at < y[:, None] + side)
    pixels[:, channel] = 255 * (down[:, :, None] & across[:, None, :])


def _xy(factors: Factors, draw: np.random.Generator, spacing: int) -> Pixels:
    pixels = np.zeros((len(factors), 3, 64, 64), np.uint8)
    first = (64 - (7 * spacing + 8)) // 2
    for channel in range(3):
        x, y = factors[:, 2 * channel], factors[:, 2 * channel + 1]
        _place(pixels, channel, first + spacing * x, first + spacing * y, 8)
    return pixels


def _one(
    factors: Factors, draw: np.random.Generator, spacing: int, size: int, side: int, extent: tuple[int, int]
) -> Pixels:
    pixels = np.zeros((len(factors), 1, size, size), np.uint8)
    first = [(size - ((many - 1) * spacing + side)) // 2 for many in extent]
    _place(pixels, 0, first[0] + spacing * factors[:, 0], first[1] + spacing * factors[:, 1], side)
    return pixels
