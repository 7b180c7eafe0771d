"""Batches as networks take them: floats, channels before time, near one in size."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from mutua.types import InputError, Spec, names

__all__ = ["PREPARED", "image_spec", "pixels", "prepared", "side", "waves"]


def pixels(images: Tensor) -> Tensor:
    """Images as networks take them: uint8 or float in [0, 1] to float in [-1, 1]."""
    if images.dtype == torch.uint8:
        return images.float() / 127.5 - 1
    return images * 2 - 1


def waves(x: Tensor) -> Tensor:
    """Samples (n, c, t): int16 to float in [-1, 1); floats as they are."""
    return x.float() / 32768 if x.dtype == torch.int16 else x


def channels_first(x: Tensor) -> Tensor:
    """Series (n, t, c) to (n, c, t), as convolutions take them."""
    return (x if x.is_floating_point() else x.float()).transpose(1, 2)


def floats(x: Tensor) -> Tensor:
    """Rows of a table as floats; NaN, a missing value, stays NaN."""
    return x if x.is_floating_point() else x.float()


PREPARED: dict[str, Callable[[Tensor], Tensor]] = {
    "image": pixels,
    "video": pixels,
    "sound": waves,
    "series": channels_first,
    "table": floats,
    "text": Tensor.long,
}
"""Kind of data to what is done to a batch of it before a network sees it."""


def prepared(x: Tensor, spec: Spec) -> Tensor:
    """A batch of the spec's kind as networks take it. Raises `InputError` for a kind that there is none for."""
    if spec.kind not in PREPARED:
        raise InputError(f"spec: {spec.kind!r} is none of {names(PREPARED)}")
    return PREPARED[spec.kind](x)


def image_spec(channels: int, size: int) -> Spec:
    """Square images of bytes. Floats in [0, 1] are taken too."""
    return Spec("image", (channels, size, size), "uint8")


def side(spec: Spec) -> int:
    """Height and width of square images. Raises `InputError` for others."""
    _, height, width = spec.shape
    if height != width:
        mend = f"make them square with --size {min(height, width)}"
        raise InputError(f"images of {height} x {width}, and this network takes square ones; {mend}")
    return height
