"""All four quarter turns of each image."""

from __future__ import annotations

import torch
from jaxtyping import Shaped
from torch import Tensor

from mutua.types import InputError

__all__ = ["rotations"]


def rotations(images: Shaped[Tensor, "n c h w"]) -> Shaped[Tensor, "4*n c h w"]:
    """Each image turned by 0, 90, 180 and 270 degrees, counter-clockwise. Exact, any dtype.

    Rotation k of image i is at row k n + i, so the targets are torch.arange(4).repeat_interleave(n).

    Raises InputError where images are not square: a quarter turn would change their shape.

    Paper: Gidaris et al. 2018, Unsupervised representation learning by predicting image rotations,
    arXiv:1803.07728.
    """
    if images.shape[2] != images.shape[3]:
        raise InputError(f"images: shape {tuple(images.shape)}; quarter turns need square images, crop them first")
    return torch.cat([torch.rot90(images, k, (2, 3)) for k in range(4)])  # (4 n, c, h, w)
