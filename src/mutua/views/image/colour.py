"""Changes of colour as functions: images (n, c, h, w) in [0, 1] and one factor for each image.

They are torchvision's definitions on float. Brightness, contrast and saturation blend the image with another
one, clip(f x + (1 - f) other), and extrapolate where f > 1. Grey is 0.299 R + 0.587 G + 0.114 B (Pillow's
"L"; torchvision writes 0.2989, a difference of at most 1e-4).
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from mutua.views.image.base import check_rgb

__all__ = ["brightness", "contrast", "grey", "hue", "saturation"]

Images = Float[Tensor, "n c h w"]
Factor = Float[Tensor, " n"]

LUMA = (0.299, 0.587, 0.114)


def grey(images: Images) -> Float[Tensor, "n 1 h w"]:
    """Luma of RGB. Pillow rounds it to a level: a difference of at most 1/510."""
    check_rgb(images, "grey", "leave Greyscale out")
    red, green, blue = images.split(1, dim=1)
    return LUMA[0] * red + LUMA[1] * green + LUMA[2] * blue


def _blend(images: Tensor, other: Tensor | float, factor: Tensor) -> Tensor:
    f = factor[:, None, None, None]  # (n, 1, 1, 1)
    return (f * images + (1 - f) * other).clamp_(0, 1)


def brightness(images: Images, factor: Factor) -> Images:
    """clip(f x): blended with black. Any number of channels."""
    return _blend(images, 0.0, factor)


def contrast(images: Images, factor: Factor) -> Images:
    """clip(f x + (1 - f) m), m the mean over the image.

    RGB: m is the mean of its grey, one number (torchvision, Pillow; Pillow rounds it to a level, a difference
    of at most |1 - f| / 510, and its grey before that). Any other number of channels: each channel's own
    mean (TensorFlow's definition), since bands of a sensor share no scale.
    """
    mean = (grey(images) if images.shape[1] == 3 else images).mean((2, 3), keepdim=True)  # (n, 1 or c, 1, 1)
    return _blend(images, mean, factor)


def saturation(images: Images, factor: Factor) -> Images:
    """clip(f x + (1 - f) grey(x)). RGB only."""
    check_rgb(images, "saturation", "set saturation=0")
    return _blend(images, grey(images), factor)


def hue(images: Images, factor: Factor) -> Images:
    """Hue turned by the factor, in turns: 1/2 is the opposite colour, 1 is all the way round. RGB only.

    With v the largest and v - c the smallest of R, G, B, hue is counted in sixths of a turn from red,
    6 h = (G - B)/c, 2 + (B - R)/c or 4 + (R - G)/c as R, G or B is largest, and a channel is rebuilt as
    v - c clip(min(k, 4 - k), 0, 1), k = (6 h + 5, 3, 1 for R, G, B) mod 6. Value and chroma stay.

    Equal to converting to HSV and back in exact arithmetic (1e-6 from torchvision's float algorithm).
    Pillow's 8-bit HSV has 256 hues: a difference of up to about 1/50 in a saturated pixel.
    """
    check_rgb(images, "hue", "set hue=0")
    red, green, blue = images.unbind(1)  # (n, h, w)
    value = torch.maximum(torch.maximum(red, green), blue)
    chroma = value - torch.minimum(torch.minimum(red, green), blue)
    per = 1 / chroma.clamp(min=1e-12)  # where chroma is 0 the hue does not matter
    sixths = torch.where(
        value == red,
        (green - blue) * per,
        torch.where(value == green, 2 + (blue - red) * per, 4 + (red - green) * per),
    )
    sixths = sixths + 6 * factor[:, None, None]
    parts = []
    for offset in (5, 3, 1):
        k = (sixths + offset).remainder_(6)
        parts.append(value - chroma * torch.minimum(k, 4 - k).clamp_(0, 1))
    return torch.stack(parts, 1)
