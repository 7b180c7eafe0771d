"""Compositions that every compiled path of `Compose` is held to, and images for them."""

import torch

from mutua.views import (
    ColourJitter,
    Compose,
    GaussianBlur,
    Greyscale,
    HorizontalFlip,
    PaddedCrop,
    RandomResizedCrop,
    Solarise,
    simclr,
)

# Each member at work on every image, and compositions in other orders than the published one.
PROGRAMS = {
    "crop": (RandomResizedCrop(),),
    "crop-larger": (RandomResizedCrop((40, 57)),),
    "crop-smaller": (RandomResizedCrop((9, 5), scale=(0.5, 1.0)),),
    "crop-to-a-pixel": (RandomResizedCrop(1),),
    "flip": (HorizontalFlip(1.0),),
    "shift": (PaddedCrop(4),),
    "jitter": (ColourJitter(p=1.0),),
    "jitter-strong": (ColourJitter(2.0, 2.0, 2.0, 0.5, p=1.0),),
    "jitter-any-channels": (ColourJitter(0.8, 0.8, 0.0, 0.0, p=1.0),),
    "grey": (Greyscale(1.0),),
    "blur": (GaussianBlur(p=1.0),),
    "blur-wide": (GaussianBlur((5.0, 50.0), p=1.0),),
    "solarise": (Solarise(p=1.0),),
    "crop-flip": (RandomResizedCrop((20, 30)), HorizontalFlip(0.5)),
    "flip-crop-crop-shift": (HorizontalFlip(), RandomResizedCrop((30, 24)), RandomResizedCrop(28), PaddedCrop(2)),
    "blur-jitter-blur-grey": (GaussianBlur(), ColourJitter(), GaussianBlur(), Greyscale(), HorizontalFlip()),
    "within": (Compose((RandomResizedCrop(24), Compose((Solarise(), HorizontalFlip())))), GaussianBlur()),
    "crop-flips-jitters": (
        *(RandomResizedCrop(30), HorizontalFlip(), HorizontalFlip()),
        *(Greyscale(), ColourJitter(), ColourJitter(p=1.0)),
    ),
    "solarise-jitter": (Solarise(0.0, p=1.0), ColourJitter(0.8, 0.8, 0.0, 0.0, p=1.0)),
    "none": (),
    "simclr": simclr(3, 32).views,
    "simclr-blurred": simclr(3, 32, strength=1.0, blur=0.5).views,
    "simclr-one-channel": simclr(1, 28, blur=0.5).views,
}
RGB = {
    *("jitter", "jitter-strong", "grey", "blur-jitter-blur-grey", "crop-flips-jitters"),
    *("simclr", "simclr-blurred"),
}
LEVEL = 1 / 255


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def pictures(n=12, channels=3, side=32, width=None, seed=7):
    """Blurry noise, so that neighbours are alike as in photographs; with black, white and flat ones."""
    width = width or side
    small = torch.rand(n, channels, 6, 6, generator=seeded(seed))
    x = torch.nn.functional.interpolate(small, (side, width), mode="bilinear")
    x = (x + 0.1 * torch.rand(n, channels, side, width, generator=seeded(seed + 1))).clamp(0, 1)
    levels = (x * 255).round().to(torch.uint8)
    levels[0], levels[1 % n], levels[2 % n] = 0, 255, 90
    return levels
