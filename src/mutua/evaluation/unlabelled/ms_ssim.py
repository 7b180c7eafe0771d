"""How alike two images are to the eye, at several scales."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import avg_pool2d, conv2d

from mutua.types import InputError

__all__ = ["ms_ssim", "scales_of"]

WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
_WINDOW, _SIGMA = 11, 1.5


def scales_of(height: int, width: int) -> int:
    """How many of the five scales such images have: as many halvings as leave a window of 11 px."""
    return max(0, min(len(WEIGHTS), (min(height, width) // _WINDOW).bit_length()))


def ms_ssim(x: Float[Tensor, "n c h w"], y: Float[Tensor, "n c h w"]) -> Float[Tensor, " n"]:
    """Multi-scale structural similarity of images in [0, 1]: 1 where they are the same.

        prod over scales j < M of cs_j^w_j  x  ssim_M^w_M

    cs compares contrast and structure, ssim luminance too, in Gaussian windows of 11 px (deviation 1.5), means
    over places and channels; negative ones count as 0. The paper has five scales, for which sides of 176 px are
    needed: here as many as fit, their weights brought to a sum of 1. Images of 32 px have two.

    Raises `InputError` for images smaller than the window.

    Paper: Wang, Simoncelli and Bovik 2003, Multiscale structural similarity for image quality assessment.
    """
    _, channels, height, width = x.shape
    scales = scales_of(height, width)
    if not scales:
        raise InputError(f"images: {height} x {width} px where the window has {_WINDOW}; enlarge them")
    at = torch.arange(_WINDOW, dtype=x.dtype, device=x.device) - _WINDOW // 2
    bell = torch.exp(-at.square() / (2 * _SIGMA**2))
    bell = bell / bell.sum()
    across, down = (bell.view(shape).expand(channels, 1, *shape[-2:]) for shape in ((1, 1, 1, -1), (1, 1, -1, 1)))

    def blurred(z: Tensor) -> Tensor:
        return conv2d(conv2d(z, across, groups=channels), down, groups=channels)

    weights = torch.tensor(WEIGHTS[:scales], dtype=x.dtype, device=x.device)
    weights = weights / weights.sum()
    found = x.new_ones(len(x))
    for scale in range(scales):
        mx, my = blurred(x), blurred(y)
        vx, vy, both = blurred(x * x) - mx * mx, blurred(y * y) - my * my, blurred(x * y) - mx * my
        structure = (2 * both + 0.03**2) / (vx + vy + 0.03**2)
        if scale == scales - 1:
            structure = structure * (2 * mx * my + 0.01**2) / (mx * mx + my * my + 0.01**2)
        found = found * structure.flatten(1).mean(1).clamp_min(0) ** weights[scale]
        x, y = avg_pool2d(x, 2), avg_pool2d(y, 2)
    return found
