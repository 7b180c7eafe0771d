"""What contrastive predictive coding does to single patches, so that they aren't told by their edges and
colours."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Generator, Tensor

from mutua.kernels.devices.copies import to_device
from mutua.types import InputError
from mutua.views.base import chance, changed, check_probability
from mutua.views.image.base import ImageTransform, check_images

__all__ = ["ChannelDrop", "SubCrop"]


@dataclass(frozen=True)
class SubCrop(ImageTransform):
    """A part of each image, `share` of its side at a random place, in the middle of a black image of the old size.

    The place is uniform over the whole pixels there are. Exact for every dtype. Paper: van den Oord et al. 2018,
    arXiv:1807.03748, section 3.3: 60 x 60 of 64 x 64, padded back.

    Parameters drawn: place, (n, 2), the share of the free rows and columns that lie above and left of the part.

    Args:
        share: of height and width, above 0 and at most 1; at least one pixel goes, where it is below 1.
    """

    share: float = 60 / 64

    def __post_init__(self) -> None:
        if not 0 < self.share <= 1:
            raise InputError(f"share: {self.share}; give a share of the side, above 0 and at most 1")

    def draw(self, n: int, shape: tuple[int, ...], generator: Generator) -> dict[str, Any]:
        return {"place": torch.rand(n, 2, generator=generator)}

    def apply(self, images: Tensor, parameters: Mapping[str, Any]) -> Tensor:
        check_images(images, parameters)
        place = to_device(parameters["place"], images.device)
        for axis, size in enumerate(images.shape[2:]):
            inner = max(math.floor(size * self.share), 1)
            free, margin = size - inner, (size - inner) // 2
            start = (place[:, axis] * (free + 1)).long().clamp(max=free)  # (n,)
            at = torch.arange(size, device=images.device) - margin  # of the part, that each pixel shows
            along = (size, 1) if axis == 0 else (1, size)
            index = (start[:, None] + at.clamp(0, inner - 1)).reshape(-1, 1, *along)
            shown = ((at >= 0) & (at < inner)).reshape(along)
            images = images.gather(2 + axis, index.expand(images.shape)) * shown
        return images


@dataclass(frozen=True)
class ChannelDrop(ImageTransform):
    """One random channel of each image in all of them, with probability p: colours are gone, whatever their mix.

    Exact for every dtype and any number of channels. Papers: Hénaff et al. 2020, arXiv:1905.09272, who drop two of
    three channels; Doersch et al. 2015, arXiv:1505.05192, who fill the dropped ones with noise.

    Parameters drawn: applied, (n,) bool; channel, (n,).
    """

    p: float = 1.0

    def __post_init__(self) -> None:
        check_probability(self.p)

    def draw(self, n: int, shape: tuple[int, ...], generator: Generator) -> dict[str, Any]:
        return {
            "applied": chance(n, self.p, generator),
            "channel": torch.randint(shape[0], (n,), generator=generator),
        }

    def apply(self, images: Tensor, parameters: Mapping[str, Any]) -> Tensor:
        check_images(images, parameters)

        def kept(x: Tensor, rows: Tensor) -> Tensor:
            channel = to_device(parameters["channel"][rows], x.device)
            return x[torch.arange(len(x), device=x.device), channel][:, None].expand_as(x)

        return changed(images, parameters["applied"], kept)
