"""Random changes of colour: jitter, grey, solarise."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Int
from torch import Generator, Tensor

from mutua.kernels.devices.copies import to_device
from mutua.types import InputError
from mutua.views.base import chance, changed, check_probability, uniform
from mutua.views.image import colour
from mutua.views.image.base import ImageTransform, as_dtype, as_float, check_images, check_rgb

__all__ = ["ColourJitter", "Greyscale", "Solarise"]

# Column j of `order` counts these: 0 is brightness.
OPERATIONS = {
    "brightness": colour.brightness,
    "contrast": colour.contrast,
    "saturation": colour.saturation,
    "hue": colour.hue,
}


def _with_factor(operation: Callable[[Tensor, Tensor], Tensor], factor: Tensor) -> Callable[..., Tensor]:
    """`operation` for `changed`: rows and their numbers, the factor of each looked up."""
    return lambda x, index: operation(x, to_device(factor[index], x.device).to(x.dtype))


@dataclass(frozen=True)
class ColourJitter(ImageTransform):
    """Brightness, contrast, saturation and hue changed, in an order drawn for each image, with probability p.

    The factors of the first three are U[max(0, 1 - s), 1 + s], s the setting; the hue is turned by U[-s, s]
    turns. What each does is in `mutua.views.image.colour`, deviations from Pillow there. A setting of 0 leaves its
    operation out. Saturation and hue need RGB; brightness and contrast take any number of channels (contrast
    of what is not RGB is about each channel's own mean).

    Deviation: SimCLR's TensorFlow code takes contrast about each channel's own mean in RGB too; this is its
    torchvision form, with the mean of grey. Torchvision shares order and factors over a batch; here each
    image has its own.

    Parameters drawn: applied, (n,) bool; order, (n, 4) int64, the operation (0 brightness, 1 contrast,
    2 saturation, 3 hue) at each place; brightness, contrast, saturation, hue, (n,) float32.

    Raises InputError where a setting is out of range, an image is no (n, c, h, w) of uint8 or float, or
    saturation or hue is asked of what is not RGB (whatever was drawn).

    Paper: Chen et al. 2020, A simple framework for contrastive learning, arXiv:2002.05709, appendix A.
    """

    brightness: float = 0.4
    contrast: float = 0.4
    saturation: float = 0.4
    hue: float = 0.1
    p: float = 0.8

    def __post_init__(self) -> None:
        for name in ("brightness", "contrast", "saturation"):
            if not 0 <= getattr(self, name) < math.inf:
                raise InputError(f"{name}: {getattr(self, name)}; give a number of at least 0 (0 leaves it out)")
        if not 0 <= self.hue <= 0.5:
            raise InputError(f"hue: {self.hue}; give a number from 0 (left out) to 0.5 (every hue)")
        check_probability(self.p)

    def draw(self, n: int, shape: tuple[int, ...], generator: Generator) -> dict[str, Any]:
        parameters = {
            "applied": chance(n, self.p, generator),
            "order": uniform((n, len(OPERATIONS)), 0.0, 1.0, generator).argsort(1),
        }
        for name in ("brightness", "contrast", "saturation"):
            s = getattr(self, name)
            parameters[name] = uniform((n,), max(0.0, 1 - s), 1 + s, generator)
        return parameters | {"hue": uniform((n,), -self.hue, self.hue, generator)}

    def apply(self, images: Tensor, parameters: Mapping[str, Any]) -> Tensor:
        check_images(images, parameters)
        if self.saturation or self.hue:
            check_rgb(images, "ColourJitter's saturation or hue", "use ColourJitter(saturation=0, hue=0)")

        def jitter(x: Tensor, index: Int[Tensor, " m"]) -> Tensor:
            drawn = {name: parameters[name][index] for name in ("order", *OPERATIONS)}
            floats = as_float(x)
            for place in drawn["order"].T:  # (m,)
                # Only the images whose turn it is: in the end each has gone through each operation once.
                for number, (name, operation) in enumerate(OPERATIONS.items()):
                    if getattr(self, name):
                        turn = _with_factor(operation, drawn[name])
                        floats = changed(floats, place == number, turn)
            return as_dtype(floats, x.dtype)

        return changed(images, parameters["applied"], jitter)


@dataclass(frozen=True)
class Greyscale(ImageTransform):
    """0.299 R + 0.587 G + 0.114 B in all three channels, with probability p. RGB only.

    Deviation: none from Pillow's convert("L") after rounding, but at ties (one level).

    Parameters drawn: applied, (n,) bool.

    Raises InputError where p is no probability, or an image is no RGB (n, 3, h, w) of uint8 or float.
    """

    p: float = 0.2

    def __post_init__(self) -> None:
        check_probability(self.p)

    def draw(self, n: int, shape: tuple[int, ...], generator: Generator) -> dict[str, Any]:
        return {"applied": chance(n, self.p, generator)}

    def apply(self, images: Tensor, parameters: Mapping[str, Any]) -> Tensor:
        check_images(images, parameters)
        check_rgb(images, "Greyscale", "leave Greyscale out")
        return changed(
            images,
            parameters["applied"],
            lambda x, _: as_dtype(colour.grey(as_float(x)).expand(-1, 3, -1, -1), x.dtype),
        )


@dataclass(frozen=True)
class Solarise(ImageTransform):
    """x to 1 - x where x >= threshold, with probability p. Exact on uint8: Pillow's `ImageOps.solarize`.

    The threshold is on [0, 1]; Pillow's default, level 128, is 128 / 255. Any number of channels.

    Parameters drawn: applied, (n,) bool.

    Raises InputError where a setting is out of range, or an image is no (n, c, h, w) of uint8 or float.

    Paper: Grill et al. 2020, Bootstrap your own latent, arXiv:2006.07733, appendix B.
    """

    threshold: float = 128 / 255
    p: float = 0.2

    def __post_init__(self) -> None:
        if not 0 <= self.threshold <= 1:
            raise InputError(f"threshold: {self.threshold}; give a number from 0 to 1 (level 128 is 128 / 255)")
        check_probability(self.p)

    def draw(self, n: int, shape: tuple[int, ...], generator: Generator) -> dict[str, Any]:
        return {"applied": chance(n, self.p, generator)}

    def apply(self, images: Tensor, parameters: Mapping[str, Any]) -> Tensor:
        check_images(images, parameters)

        def solarise(x: Tensor, _: Int[Tensor, " m"]) -> Tensor:
            floats = as_float(x)
            return as_dtype(torch.where(floats >= self.threshold, 1 - floats, floats), x.dtype)

        return changed(images, parameters["applied"], solarise)
