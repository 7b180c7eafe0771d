"""Gaussian blur, the width drawn for each image."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jaxtyping import Int
from torch import Generator, Tensor

from mutua.kernels.devices.copies import to_device
from mutua.types import InputError
from mutua.views.base import chance, changed, check_probability, check_range, uniform
from mutua.views.image.base import ImageTransform, as_dtype, as_float, check_images
from mutua.views.image.resample import blur_matrix, resample

__all__ = ["GaussianBlur", "blur_radius"]


def blur_radius(height: int, width: int) -> int:
    """Radius of SimCLR's kernel: a tenth of the (shorter) side across, odd, at least 3.

    >>> [2 * blur_radius(side, side) + 1 for side in (8, 32, 96, 224)]
    [3, 3, 9, 23]
    """
    return max(1, min(height, width) // 10 // 2)


@dataclass(frozen=True)
class GaussianBlur(ImageTransform):
    """Convolution with a Gaussian of standard deviation U[sigma] pixels, with probability p.

    The kernel exp(-d^2 / 2 sigma^2) is cut at `blur_radius` (so sigma = 2 at 32 px is nearly a 3 x 3 box),
    normalised to sum 1, and the image reflected at its edges without repeating the edge pixel.

    Deviations: none from torchvision's `gaussian_blur` on float (1e-6). SimCLR's TensorFlow code pads with
    zeros, which darkens the border. Pillow's GaussianBlur is another filter (repeated box blurs).

    Parameters drawn: applied, (n,) bool; sigma, (n,) float32, in pixels.

    Raises InputError where a setting is out of range, an image is no (n, c, h, w) of uint8 or float, or has
    a side of one pixel, which cannot be reflected.

    Paper: Chen et al. 2020, A simple framework for contrastive learning, arXiv:2002.05709, appendix A.
    """

    sigma: tuple[float, float] = (0.1, 2.0)
    p: float = 0.5

    def __post_init__(self) -> None:
        check_range(self.sigma, "sigma", 0)
        check_probability(self.p)

    def draw(self, n: int, shape: tuple[int, ...], generator: Generator) -> dict[str, Any]:
        return {"applied": chance(n, self.p, generator), "sigma": uniform((n,), *self.sigma, generator)}

    def apply(self, images: Tensor, parameters: Mapping[str, Any]) -> Tensor:
        check_images(images, parameters)
        height, width = images.shape[2:]
        radius = blur_radius(height, width)
        if min(height, width) <= radius:
            raise InputError(f"images: {height} x {width} pixels cannot be blurred; use at least 2 x 2, or p=0")

        def blur(x: Tensor, index: Int[Tensor, " m"]) -> Tensor:
            sigma = to_device(parameters["sigma"][index], x.device)
            floats = as_float(x)
            rows = blur_matrix(sigma, radius, height).to(floats.dtype)
            columns = rows if height == width else blur_matrix(sigma, radius, width).to(floats.dtype)
            return as_dtype(resample(floats, rows, columns), x.dtype)

        return changed(images, parameters["applied"], blur)
