"""A shift by a few pixels: padding, then a crop of the old size."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Generator, Tensor

from mutua.kernels.devices.copies import to_device
from mutua.types import InputError
from mutua.views.image.base import ImageTransform, check_images

__all__ = ["PaddedCrop"]


@dataclass(frozen=True)
class PaddedCrop(ImageTransform):
    """Each image on a black border of `padding` pixels, then a window of the old size at a random place.

    The place is uniform over the (2 padding + 1)^2 there are: torchvision's RandomCrop(size, padding), the
    augmentation of CIFAR-10 since He et al. 2016, arXiv:1512.03385, section 4.2. Exact for every dtype.

    Args:
        padding: pixels on each side, 0 or more.
    """

    padding: int = 4

    def __post_init__(self) -> None:
        if self.padding < 0:
            raise InputError(f"padding: {self.padding}; give a number of pixels, 0 or more")

    def draw(self, n: int, shape: tuple[int, ...], generator: Generator) -> dict[str, Any]:
        """`shift`: (n, 2), how far down and right the window stands of the padded image's corner."""
        return {"shift": torch.randint(0, 2 * self.padding + 1, (n, 2), generator=generator)}

    def apply(self, images: Tensor, parameters: Mapping[str, Any]) -> Tensor:
        check_images(images, parameters)
        n, _, height, width = images.shape
        shift = to_device(parameters["shift"], images.device)  # (n, 2)
        padded = torch.nn.functional.pad(images, (self.padding,) * 4)  # (n, c, h + 2p, w + 2p)
        down = shift[:, :1] + torch.arange(height, device=images.device)  # (n, h)
        right = shift[:, 1:] + torch.arange(width, device=images.device)  # (n, w)
        image = torch.arange(n, device=images.device)[:, None, None]
        # Indices around a slice put the channels last: back they go.
        return padded[image, :, down[:, :, None], right[:, None, :]].permute(0, 3, 1, 2).contiguous()
