"""What views of images share: the dtypes, and the checks.

Dtypes, one rule for every view and for `Compose`: what comes out has the dtype that came in. Arithmetic is in
float (float32; float64 stays float64) on [0, 1]; uint8 is divided by 255 once on the way in and rounded to
the nearest level once on the way out. Pillow and torchvision on uint8 round after every operation instead:
about half a level (1/510) for each operation of a chain.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from mutua.types import Batch, InputError
from mutua.views.base import Transform

__all__ = ["ImageTransform", "as_dtype", "as_float", "check_images", "check_rgb"]


class ImageTransform(Transform):
    """A view of images (n, c, h, w)."""

    kind = "image"

    def check(self, batch: Batch) -> None:
        check_images(batch)


def as_float(images: Tensor) -> Tensor:
    """uint8 to float32 in [0, 1] (divided by 255); half precision to float32; float32 and float64 as they are.

    >>> as_float(torch.tensor([0, 51, 255], dtype=torch.uint8)).tolist()
    [0.0, 0.20000000298023224, 1.0]
    """
    if images.dtype == torch.uint8:
        return images.float().div_(255)
    return images if images.dtype == torch.float64 else images.float()


def as_dtype(images: Tensor, dtype: torch.dtype) -> Tensor:
    """Float images in [0, 1] to `dtype`; to uint8 by the nearest level (numbers outside [0, 1] are clipped).

    >>> as_dtype(torch.tensor([0.0, 0.2, 1.0]), torch.uint8).tolist()
    [0, 51, 255]
    """
    if dtype == torch.uint8:
        return (images * 255).round_().clamp_(0, 255).to(torch.uint8)
    return images.to(dtype)


def check_images(images: Tensor, parameters: Mapping[str, Any] | None = None) -> None:
    """Raise `InputError` unless images are (n, c, h, w), uint8 or float, and the parameters are for n images.

    Whether floats are within [0, 1] is not looked at: it would cost a pass over every batch.
    """
    shape = tuple(images.shape)
    if images.ndim != 4:
        raise InputError(f"images: shape {shape}; views take (n, channels, height, width), add the missing axes")
    if images.dtype != torch.uint8 and not images.is_floating_point():
        raise InputError(f"images: dtype {images.dtype}; convert to torch.uint8, or to float in [0, 1]")
    if 0 in shape[1:]:
        raise InputError(f"images: shape {shape} has an empty axis; every image needs at least one pixel")
    for name, value in (parameters or {}).items():
        if isinstance(value, Tensor) and len(value) != len(images):
            raise InputError(
                f"parameters[{name!r}]: {len(value)} rows for {len(images)} images; draw them with "
                f"draw({len(images)}, ...), or slice both alike (mutua.views.rows)"
            )


def check_rgb(images: Tensor, what: str, mend: str) -> None:
    """Raise `InputError` unless images have three channels. `what` needs them; `mend` says what to do."""
    if images.shape[1] != 3:
        raise InputError(f"images: shape {tuple(images.shape)}, but {what} needs 3 channels (RGB); {mend}")
