"""Colour as CIE Lab: sRGB to lightness and two axes of colour, and back; and networks that see lightness alone.

Written out here, for it is a matrix, a power and a root: scikit-image, which has it too, brings a library of image
processing for one function on arrays of the CPU, kornia one of augmentations.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import torch
from jaxtyping import Float
from torch import Tensor, nn

from mutua.encoders.inputs import side
from mutua.encoders.staged import Staged
from mutua.types import Spec

__all__ = ["Lightness", "from_lab", "gamut", "on_lightness", "to_lab"]

_XYZ = ((0.4124, 0.3576, 0.1805), (0.2126, 0.7152, 0.0722), (0.0193, 0.1192, 0.9505))
"""Of linear sRGB under D65 (IEC 61966-2-1). The rows' sums are the white, so that a grey has a = b = 0 exactly."""

_EDGE = 6 / 29


def _matrix(x: Tensor) -> Float[Tensor, "3 3"]:
    matrix = torch.tensor(_XYZ, dtype=x.dtype, device=x.device)
    return matrix / matrix.sum(1, keepdim=True)  # of X / Xn, Y / Yn, Z / Zn


def to_lab(images: Float[Tensor, "n 3 *place"]) -> Float[Tensor, "n 3 *place"]:
    """sRGB in [0, 1] to L in [0, 100], a and b: of sRGB's colours a lies in [-86.2, 98.3], b in [-107.9, 94.5].

        L = 116 f(Y/Yn) - 16,  a = 500 (f(X/Xn) - f(Y/Yn)),  b = 200 (f(Y/Yn) - f(Z/Zn)),
        f(t) = t^(1/3) above (6/29)^3, t / (3 (6/29)^2) + 4/29 below

    CIE 15:2004, with the white of D65.
    """
    linear = torch.where(images > 0.04045, ((images.clamp(min=0.04045) + 0.055) / 1.055) ** 2.4, images / 12.92)
    ratio = torch.einsum("ij,nj...->ni...", _matrix(images), linear)
    curved = torch.where(ratio > _EDGE**3, ratio.clamp(min=_EDGE**3) ** (1 / 3), ratio / (3 * _EDGE**2) + 4 / 29)
    x, y, z = curved.unbind(1)
    return torch.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], 1)


def from_lab(lab: Float[Tensor, "n 3 *place"]) -> Float[Tensor, "n 3 *place"]:
    """L, a, b to sRGB in [0, 1]; colours that no screen shows are clipped, channel by channel."""
    lightness, a, b = lab.unbind(1)
    y = (lightness + 16) / 116
    curved = torch.stack([y + a / 500, y, y - b / 200], 1)
    ratio = torch.where(curved > _EDGE, curved**3, 3 * _EDGE**2 * (curved - 4 / 29))
    linear = torch.einsum("ij,nj...->ni...", torch.linalg.inv(_matrix(lab)), ratio).clamp(0, 1)
    return torch.where(
        linear > 0.0031308, 1.055 * linear.clamp(min=0.0031308) ** (1 / 2.4) - 0.055, 12.92 * linear
    )


@lru_cache(maxsize=8)
def gamut(grid: float = 10.0) -> Float[Tensor, "q 2"]:
    """The points (a, b) of a square grid that are the nearest to some colour of sRGB: 261 of them at a step of 10.

    Zhang et al. 2016 have 313, a list in their code, from a hull of their own. A colour solid casts the same
    shadow on the plane of a and b as its surface does, so that the cube's faces alone are looked at, 256 levels a
    side.
    """
    levels = torch.linspace(0, 1, 256, dtype=torch.float64)
    u, v = torch.meshgrid(levels, levels, indexing="ij")
    faces = [torch.stack([torch.full_like(u, end), u, v]).roll(axis, 0) for axis in range(3) for end in (0.0, 1.0)]
    ab = to_lab(torch.stack(faces))[:, 1:]  # (6, 2, 256, 256)
    return (torch.unique((ab.movedim(1, -1).flatten(0, 2) / grid).round(), dim=0) * grid).float()


class Lightness(nn.Module):
    """Images in [-1, 1], as networks take them, to L / 50 - 1 in one channel. Of other than three channels L is
    that of the grey whose value is their mean."""

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n 1 h w"]:
        rgb = (x + 1) / 2
        if x.shape[1] != 3:
            rgb = rgb.mean(1, keepdim=True).expand(-1, 3, -1, -1)
        return to_lab(rgb)[:, :1] / 50 - 1


def on_lightness(make: Callable[[int, int], Staged]) -> Callable[[Spec], Staged]:
    """A network of (channels, size) as one of a spec that turns what it is given to lightness first: it sees no
    colour, when it learns and when it is judged."""

    def build(spec: Spec) -> Staged:
        return Staged({"lightness": Lightness(), **dict(make(1, side(spec)).stages.items())}, spec)

    return build
