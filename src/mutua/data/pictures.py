"""Small pictures of what is no picture: spectrograms and curves as pixels, for maps and galleries."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, UInt8

__all__ = ["coloured", "curves"]

# Five points of matplotlib's viridis (van der Walt and Smith, CC0); what lies between them is interpolated.
_VIRIDIS = np.array([[68, 1, 84], [59, 82, 139], [33, 145, 140], [94, 201, 98], [253, 231, 37]], float)
_INKS = np.array([[31, 119, 180], [214, 96, 20], [44, 140, 44], [148, 90, 180]], float)


def coloured(levels: Float[np.ndarray, "h w"]) -> UInt8[np.ndarray, "3 h w"]:
    """Levels in [0, 1] as colours from dark to light."""
    at = np.linspace(0, 1, len(_VIRIDIS))
    return np.stack([np.interp(levels, at, channel) for channel in _VIRIDIS.T]).round().astype(np.uint8)


def curves(
    values: Float[np.ndarray, "c t"], height: int = 48, width: int = 64
) -> UInt8[np.ndarray, "3 {height} {width}"]:
    """Up to four curves over one another, each scaled to the picture's height; a gap where there is no number."""
    picture = np.full((3, height, width), 255.0)
    for row, ink in zip(values[:4], _INKS, strict=False):
        known = np.isfinite(row)
        if not known.any():
            continue
        low, high = row[known].min(), row[known].max()
        level = (row - low) / (high - low) if high > low else np.where(known, 0.5, np.nan)
        y = (height - 1) * (1 - level)  # (t,)
        for x in range(width):
            # All that falls into a column of pixels, and the first of the next, so that the curve has no gaps.
            first, last = x * len(row) // width, (x + 1) * len(row) // width
            part = y[first : max(last, first + 1) + 1]
            part = part[np.isfinite(part)]
            if len(part):
                picture[:, round(part.min()) : round(part.max()) + 1, x] = ink[:, None]
    return picture.astype(np.uint8)
