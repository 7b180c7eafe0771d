"""Where in the image to look: the random resized crop and the horizontal flip."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Generator, Tensor

from mutua.kernels.devices.copies import to_device
from mutua.types import InputError
from mutua.views.base import chance, changed, check_probability, check_range, uniform
from mutua.views.image.base import ImageTransform, as_dtype, as_float, check_images
from mutua.views.image.resample import resample, resize_matrix

__all__ = ["HorizontalFlip", "RandomResizedCrop"]

TRIES = 10


@dataclass(frozen=True)
class RandomResizedCrop(ImageTransform):
    """A part of the image of random area and aspect, resized with antialiased bilinear interpolation.

    Area is U[scale] times the image's and log(width / height) is U[log ratio]; both sides are rounded to
    whole pixels. Draws that do not fit into the image are dropped, up to ten, so that the areas that come out
    lean to the small. If none fits, the largest centred crop of an allowed aspect is taken. The place is
    uniform over those that fit.

    Deviations: none from torchvision's sampling but for its stream of random numbers. The resize differs from
    Pillow's on uint8 by its two roundings (one between the passes) and 8-bit-scaled coefficients: at most one
    level, against Pillow's float mode about 1e-6. The crop is cut before it is resized, as torchvision does;
    Pillow's `resize(box=...)` lets pixels beyond the box in.

    Parameters drawn: top, left, height, width, each (n,) int64, in pixels.

    Args:
        size: side, or (height, width), of what comes out; the input's own where None.
        scale: smallest and largest share of the area, within (0, 1].
        ratio: smallest and largest width / height.

    Raises InputError where a setting is out of range, or an image is no (n, c, h, w) of uint8 or float.

    Paper: Szegedy et al. 2015, Going deeper with convolutions, arXiv:1409.4842.
    """

    size: int | tuple[int, int] | None = None
    scale: tuple[float, float] = (0.08, 1.0)
    ratio: tuple[float, float] = (3 / 4, 4 / 3)

    def __post_init__(self) -> None:
        sides = self.size if isinstance(self.size, tuple) else (self.size,)
        if len(sides) > 2 or any(side is not None and side < 1 for side in sides):
            raise InputError(f"size: {self.size}; give a side of at least one pixel, (height, width), or None")
        check_range(self.scale, "scale", 0, 1)
        check_range(self.ratio, "ratio", 0)

    def shape_after(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        if self.size is None:
            return shape
        return (*shape[:-2], *(self.size if isinstance(self.size, tuple) else (self.size, self.size)))

    def draw(self, n: int, shape: tuple[int, ...], generator: Generator) -> dict[str, Any]:
        height, width = shape[-2:]
        # float64, so that rounding to whole pixels and to the last place is exact.
        share = uniform((n, TRIES), *self.scale, generator, torch.float64)
        low, high = (math.log(ratio) for ratio in self.ratio)
        aspect = uniform((n, TRIES), low, high, generator, torch.float64).exp()
        where = uniform((n, 2), 0.0, 1.0, generator, torch.float64)

        area = height * width * share
        w = (area * aspect).sqrt().round().long()  # (n, TRIES)
        h = (area / aspect).sqrt().round().long()
        fits = (w >= 1) & (w <= width) & (h >= 1) & (h <= height)
        first = fits.int().argmax(1, keepdim=True)  # (n, 1): the first try that fits, 0 where none does
        some = fits.any(1)  # (n,)
        h0, w0 = self._fallback(height, width)
        h = torch.where(some, h.gather(1, first)[:, 0], h0)  # (n,)
        w = torch.where(some, w.gather(1, first)[:, 0], w0)
        top = (where[:, 0] * (height - h + 1)).long()
        left = (where[:, 1] * (width - w + 1)).long()
        return {
            "top": torch.where(some, top, (height - h0) // 2),
            "left": torch.where(some, left, (width - w0) // 2),
            "height": h,
            "width": w,
        }

    def _fallback(self, height: int, width: int) -> tuple[int, int]:
        """The largest height and width whose aspect is allowed."""
        low, high = self.ratio
        if width < low * height:
            return max(1, round(width / low)), width
        if width > high * height:
            return height, max(1, round(height * high))
        return height, width

    def apply(self, images: Tensor, parameters: Mapping[str, Any]) -> Tensor:
        check_images(images, parameters)
        height, width = images.shape[2:]
        H, W = self.shape_after(tuple(images.shape))[-2:]
        top, left, h, w = (
            to_device(parameters[name], images.device) for name in ("top", "left", "height", "width")
        )
        x = as_float(images)
        rows = resize_matrix(top, h, height, H).to(x.dtype)  # (n, H, height)
        columns = resize_matrix(left, w, width, W).to(x.dtype)  # (n, W, width)
        return as_dtype(resample(x, rows, columns), images.dtype)


@dataclass(frozen=True)
class HorizontalFlip(ImageTransform):
    """Left and right exchanged, with probability p. Exact: no arithmetic.

    Parameters drawn: applied, (n,) bool.

    Raises InputError where p is no probability, or an image is no (n, c, h, w) of uint8 or float.
    """

    p: float = 0.5

    def __post_init__(self) -> None:
        check_probability(self.p)

    def draw(self, n: int, shape: tuple[int, ...], generator: Generator) -> dict[str, Any]:
        return {"applied": chance(n, self.p, generator)}

    def apply(self, images: Tensor, parameters: Mapping[str, Any]) -> Tensor:
        check_images(images, parameters)
        return changed(images, parameters["applied"], lambda x, _: x.flip(-1))
