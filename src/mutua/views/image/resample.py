"""Separable resampling, each image with its own two matrices: out = R x C^T. Crops and blurs are made of it."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

__all__ = ["blur_matrix", "resample", "resize_matrix"]


def resample(
    images: Float[Tensor, "n c h w"], rows: Float[Tensor, "n H h"], columns: Float[Tensor, "n W w"]
) -> Float[Tensor, "n c H W"]:
    """out[i, k] = rows[i] @ images[i, k] @ columns[i]^T, for each image i and channel k; autocast or not."""
    n, c, h, w = images.shape
    H, W = rows.shape[1], columns.shape[1]
    with torch.autocast(images.device.type, enabled=False):
        wide = torch.bmm(images.reshape(n, c * h, w), columns.mT)  # (n, c h, W)
        wide = wide.view(n, c, h, W).transpose(1, 2).reshape(n, h, c * W)
        return torch.bmm(rows, wide).view(n, H, c, W).transpose(1, 2).contiguous()  # (n, c, H, W)


def resize_matrix(
    start: Int[Tensor, " n"], length: Int[Tensor, " n"], size: int, out: int
) -> Float[Tensor, "n out size"]:
    """Antialiased linear interpolation of pixels start .. start + length - 1, of `size`, to `out` pixels.

    Output pixel i is centred at u = start + (i + 1/2) s, s = length / out. Its weights are the triangle
    max(0, 1 - |j + 1/2 - u| / max(s, 1)) over the pixels j of the crop, normalised to sum 1: Pillow's
    BILINEAR after a crop, which is plain linear interpolation where the image is enlarged.
    """
    first = start[:, None, None].float()  # (n, 1, 1)
    extent = length[:, None, None].float()
    step = extent / out
    target = first + (torch.arange(out, device=start.device)[:, None] + 0.5) * step  # (n, out, 1)
    source = torch.arange(size, device=start.device) + 0.5  # (size,)
    weight = (1 - (source - target).abs() / step.clamp(min=1)).clamp(min=0)  # (n, out, size)
    weight = weight * ((source > first) & (source < first + extent))
    return weight / weight.sum(-1, keepdim=True)


def blur_matrix(sigma: Float[Tensor, " n"], radius: int, size: int) -> Float[Tensor, "n size size"]:
    """Convolution with exp(-d^2 / 2 sigma^2), |d| <= radius, normalised to sum 1; the edge is reflected.

    Reflection leaves out the edge pixel itself (d c b | a b c d), so it needs radius < size.
    """
    offset = torch.arange(-radius, radius + 1, device=sigma.device)  # (k,)
    kernel = torch.softmax(-0.5 * (offset / sigma[:, None]) ** 2, -1)  # (n, k)
    source = (torch.arange(size, device=sigma.device)[:, None] + offset).abs()  # (size, k)
    source = (size - 1) - (size - 1 - source).abs()
    taps = F.one_hot(source, size).to(kernel.dtype)  # (size, k, size)
    with torch.autocast(kernel.device.type, enabled=False):
        return torch.einsum("nk,ikj->nij", kernel, taps)
