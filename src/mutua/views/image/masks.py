"""Parts of images hidden, anew for each image: a hole in the middle, blocks, regions of free form, patches."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Generator, Tensor
from torch.nn.functional import interpolate

from mutua.kernels.devices.copies import to_device
from mutua.types import InputError
from mutua.views.base import check_range, uniform
from mutua.views.image.base import ImageTransform, as_dtype, as_float, check_images

__all__ = ["MASKS", "BlockMask", "CentreMask", "Mask", "PatchMask", "RegionMask", "fill", "visible_mean"]


def visible_mean(images: Float[Tensor, "n c h w"], hidden: Bool[Tensor, "n 1 h w"]) -> Float[Tensor, "n c 1 1"]:
    """Mean of each channel of each image over the pixels that are not hidden."""
    seen = (~hidden).to(images.dtype)
    return (images * seen).sum((2, 3), keepdim=True) / seen.sum((2, 3), keepdim=True).clamp(min=1)


def fill(images: Tensor, hidden: Bool[Tensor, "n 1 h w"]) -> Tensor:
    """The images, hidden pixels replaced by the mean of the image's visible ones: nothing of them is left."""
    floats = as_float(images)
    return as_dtype(torch.where(hidden, visible_mean(floats, hidden), floats), images.dtype)


class Mask(ImageTransform):
    """Hides pixels: all channels of them, filled with the mean of the visible pixels of the same image.

    The papers fill with the mean of all images of a collection; an image's own needs no collection, and whatever
    is filled in, hidden pixels have no part in it.

    Parameters drawn: hidden, (n, h, w) bool. A subclass defines `hide`.
    """

    def hide(self, n: int, height: int, width: int, generator: Generator) -> Bool[Tensor, "n h w"]:
        """True where a pixel is hidden."""
        raise NotImplementedError(f"{type(self).__name__} must define hide(n, height, width, generator)")

    def draw(self, n: int, shape: tuple[int, ...], generator: Generator) -> dict[str, Any]:
        height, width = shape[-2:]
        hidden = self.hide(n, height, width, generator)
        count, pixels = hidden.flatten(1).sum(1), height * width
        if n and (int(count.min()) < 1 or int(count.max()) >= pixels):
            most = "all" if int(count.max()) >= pixels else "none"
            raise InputError(
                f"mask: {self} hides {most} of {height} x {width} px; give another share, smaller parts "
                "or larger images"
            )
        return {"hidden": hidden}

    def check_shape(self, shape: tuple[int, ...]) -> None:
        """Raise `InputError` where it hides all or nothing of images of a shape."""
        self.draw(64, shape, Generator().manual_seed(0))

    def apply(self, images: Tensor, parameters: Mapping[str, Any]) -> Tensor:
        check_images(images, parameters)
        return fill(images, to_device(parameters["hidden"], images.device)[:, None])


@dataclass(frozen=True)
class CentreMask(Mask):
    """A rectangle in the middle, `side` times the image's sides: the same of every image.

    Paper: Pathak et al. 2016, Context Encoders, arXiv:1604.07379, section 3.3, who find that it teaches less than
    the others: the encoder learns what the hole's border asks for.
    """

    side: float = 0.5

    def __post_init__(self) -> None:
        check_range((self.side, self.side), "side", 0, 1)

    def hide(self, n: int, height: int, width: int, generator: Generator) -> Bool[Tensor, "n h w"]:
        hidden = torch.zeros(n, height, width, dtype=torch.bool)
        h, w = round(self.side * height), round(self.side * width)
        hidden[:, (height - h) // 2 : (height - h) // 2 + h, (width - w) // 2 : (width - w) // 2 + w] = True
        return hidden


@dataclass(frozen=True)
class BlockMask(Mask):
    """Rectangles that may overlap, added one after another as long as no more than `share` is hidden.

    Args:
        share: of the image, hidden at most (the first block is kept whatever it covers).
        side: smallest and largest side of a block, of the image's sides.
        blocks: drawn at most.

    Paper: Pathak et al. 2016, arXiv:1604.07379, section 3.3, up to a quarter of the image; sizes and number of
    blocks are not published.
    """

    share: float = 0.25
    side: tuple[float, float] = (1 / 8, 1 / 4)
    blocks: int = 12

    def __post_init__(self) -> None:
        check_range((self.share, self.share), "share", 0, 1)
        check_range(self.side, "side", 0, 1)
        if self.blocks < 1:
            raise InputError(f"blocks: {self.blocks}; give one or more")

    def hide(self, n: int, height: int, width: int, generator: Generator) -> Bool[Tensor, "n h w"]:
        def spans(size: int) -> Bool[Tensor, "n b size"]:
            length = (uniform((n, self.blocks), *self.side, generator) * size).round().clamp(1, size)
            start = (uniform((n, self.blocks), 0.0, 1.0, generator) * (size - length + 1)).floor()
            at = torch.arange(size)
            return (at >= start[..., None]) & (at < (start + length)[..., None])

        block = spans(height)[..., :, None] & spans(width)[..., None, :]  # (n, b, h, w)
        union = block.to(torch.uint8).cummax(1).values
        covered = union.flatten(2).sum(2)  # (n, b), growing
        kept = (covered <= self.share * height * width).sum(1).clamp(min=1) - 1
        return union[torch.arange(n), kept].bool()


@dataclass(frozen=True)
class RegionMask(Mask):
    """Regions of free form, unrelated to the image: the lowest `share` of a smooth random field.

    The field is uniform noise of `cells` x `cells` enlarged bicubically; the authors cut a field of noise enlarged
    17 times and take what lies under a level, one mask for all images of a batch. Here each image has its own,
    and the level is the quantile, so that none is thrown away.

    Args:
        share: smallest and largest share of the image that is hidden, uniform between them.
        cells: of the field along each side.

    Paper: Pathak et al. 2016, arXiv:1604.07379, section 3.3; share and smoothness are of the authors' code.
    """

    share: tuple[float, float] = (0.2, 0.3)
    cells: int = 8

    def __post_init__(self) -> None:
        check_range(self.share, "share", 0, 1)
        if self.cells < 2:
            raise InputError(f"cells: {self.cells}; give two or more")

    def hide(self, n: int, height: int, width: int, generator: Generator) -> Bool[Tensor, "n h w"]:
        noise = uniform((n, 1, self.cells, self.cells), 0.0, 1.0, generator)
        count = (uniform((n,), *self.share, generator) * height * width).round()
        if not n:
            return torch.zeros(0, height, width, dtype=torch.bool)
        field = interpolate(noise, (height, width), mode="bicubic", align_corners=False)
        return (field.flatten(1).argsort(1).argsort(1) < count[:, None]).view(n, height, width)


@dataclass(frozen=True)
class PatchMask(Mask):
    """A share of the squares of a grid, chosen anew for each image: exactly round(share * squares) of them.

    Args:
        patch: side of a square in pixels; those at the right and lower edge may be cut.
        share: of the squares that are hidden.

    Paper: He et al. 2022, Masked Autoencoders Are Scalable Vision Learners, arXiv:2111.06377.
    """

    patch: int = 4
    share: float = 0.75

    def __post_init__(self) -> None:
        check_range((self.share, self.share), "share", 0, 1)
        if self.patch < 1:
            raise InputError(f"patch: {self.patch}; give a side of one pixel or more")

    def hide(self, n: int, height: int, width: int, generator: Generator) -> Bool[Tensor, "n h w"]:
        rows, columns = -(-height // self.patch), -(-width // self.patch)
        order = uniform((n, rows * columns), 0.0, 1.0, generator).argsort(1).argsort(1)
        hidden = (order < round(self.share * rows * columns)).view(n, rows, columns)
        return hidden.repeat_interleave(self.patch, 1).repeat_interleave(self.patch, 2)[:, :height, :width]


MASKS: dict[str, Callable[[], Mask]] = {
    "centre": CentreMask,
    "blocks": BlockMask,
    "regions": RegionMask,
    "patches": PatchMask,
}
"""Every kind of hole by name, as papers have them."""
