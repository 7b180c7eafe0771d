"""Views: batched random augmentation, the parameters drawn for each image by itself. Plain torch.

This is the definition that faster kernels are held to. `VIEWS` names every view, with settings for RGB.
"""

from __future__ import annotations

from collections.abc import Callable

from mutua.types import View
from mutua.views.base import Transform
from mutua.views.compose import Compose, rows
from mutua.views.image.base import as_dtype, as_float
from mutua.views.image.blur import GaussianBlur
from mutua.views.image.crop import HorizontalFlip, RandomResizedCrop
from mutua.views.image.jitter import ColourJitter, Greyscale, Solarise
from mutua.views.image.published import simclr
from mutua.views.image.rotation import rotations
from mutua.views.image.shift import PaddedCrop

__all__ = [
    "VIEWS",
    "ColourJitter",
    "Compose",
    "GaussianBlur",
    "Greyscale",
    "HorizontalFlip",
    "PaddedCrop",
    "RandomResizedCrop",
    "Solarise",
    "Transform",
    "as_dtype",
    "as_float",
    "rotations",
    "rows",
    "simclr",
]

VIEWS: dict[str, Callable[[], View]] = {
    "crop": RandomResizedCrop,
    "crop-to-24x20": lambda: RandomResizedCrop((24, 20)),
    "flip": HorizontalFlip,
    "shift": PaddedCrop,
    "jitter": ColourJitter,
    "jitter-any-channels": lambda: ColourJitter(saturation=0.0, hue=0.0),
    "grey": lambda: Greyscale(0.5),
    "blur": GaussianBlur,
    "solarise": lambda: Solarise(p=0.5),
    "simclr": lambda: simclr(3, 32),
    "simclr-blurred": lambda: simclr(3, 32, blur=0.5),
}
