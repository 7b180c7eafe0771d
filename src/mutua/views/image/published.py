"""Compositions of views of images as papers publish them."""

from __future__ import annotations

from mutua.types import InputError, View
from mutua.views.base import check_probability
from mutua.views.compose import Compose
from mutua.views.image.blur import GaussianBlur
from mutua.views.image.crop import HorizontalFlip, RandomResizedCrop
from mutua.views.image.jitter import ColourJitter, Greyscale, Solarise

__all__ = ["byol", "moco", "simclr", "vicreg"]

Size = int | tuple[int, int]

BLUR_ABOVE = 32
"""The largest side in pixels that published blurs are left out for, as SimCLR does on CIFAR-10 (B.9)."""


def simclr(
    channels: int,
    size: Size,
    *,
    strength: float = 0.5,
    flip: float = 0.5,
    scale: tuple[float, float] = (0.08, 1.0),
    blur: float | None = None,
) -> Compose:
    """SimCLR's views: crop and resize, flip, colour distortion, blur.

    Colour distortion of strength s is, with probability 0.8, a jitter of brightness, contrast and saturation
    by 0.8 s and of hue by 0.2 s, then grey with probability 0.2. Where `channels` is not 3 what needs RGB is
    left out: the jitter is of brightness and contrast alone, and there is no grey. Expect less of the views
    then: colour distortion is what keeps the crops from being matched by their histograms.

    Args:
        channels: of the images.
        size: side, or (height, width), of what comes out.
        strength: s; published 0.5 for CIFAR-10 and 1.0 for ImageNet. 0 leaves the jitter out.
        flip: probability of the horizontal flip; 0 where left and right mean something (digits, letters).
        scale: smallest and largest share of the area that a crop keeps.
        blur: probability of the blur; None is as published: 0 up to 32 px (CIFAR-10), 0.5 above.

    Raises InputError where a setting is out of range.

    Paper: Chen et al. 2020, A simple framework for contrastive learning of visual representations,
    arXiv:2002.05709, appendix A (B.9 for CIFAR-10).
    """
    p_blur = _published_blur(0.5, size) if blur is None else blur
    return _views(channels, size, (0.8, 0.8, 0.8, 0.2), strength, flip, scale, p_blur)


def byol(
    channels: int,
    size: Size,
    *,
    strength: float = 1.0,
    flip: float = 0.5,
    scale: tuple[float, float] = (0.08, 1.0),
) -> tuple[Compose, Compose]:
    """BYOL's two views, which differ: the first always blurred; the second rarely, and solarised one time in five.

    Jitter of brightness and contrast by 0.4 s, saturation by 0.2 s and hue by 0.1 s with probability 0.8, grey
    with 0.2. Barlow Twins takes the same two. Blurs are left out up to 32 px, as SimCLR does.

    Args: as of `simclr`; strength 1 is as published.

    Papers: Grill et al. 2020, Bootstrap your own latent, arXiv:2006.07733, table 6; Zbontar et al. 2021, Barlow
    Twins, arXiv:2103.03230.
    """
    jitter = (0.4, 0.4, 0.2, 0.1)
    first = _views(channels, size, jitter, strength, flip, scale, _published_blur(1.0, size))
    second = _views(channels, size, jitter, strength, flip, scale, _published_blur(0.1, size), solarise=0.2)
    return first, second


def moco(
    channels: int,
    size: Size,
    *,
    strength: float = 1.0,
    flip: float = 0.5,
    scale: tuple[float, float] = (0.2, 1.0),
) -> Compose:
    """MoCo v2's views, SimSiam's too: crops of a fifth at least, jitter by 0.4 s (hue 0.1 s), grey, blur.

    Probabilities: jitter 0.8, grey 0.2, blur 0.5. Blurs are left out up to 32 px, as SimSiam does on CIFAR-10.

    Args: as of `simclr`; strength 1 is as published.

    Papers: Chen, Fan, Girshick and He 2020, Improved baselines with momentum contrastive learning,
    arXiv:2003.04297; Chen and He 2021, Exploring simple Siamese representation learning, arXiv:2011.10566.
    """
    return _views(channels, size, (0.4, 0.4, 0.4, 0.1), strength, flip, scale, _published_blur(0.5, size))


def vicreg(
    channels: int,
    size: Size,
    *,
    strength: float = 1.0,
    flip: float = 0.5,
    scale: tuple[float, float] = (0.08, 1.0),
) -> Compose:
    """VICReg's views: BYOL's jitter, blur one time in two and solarisation one in ten, for both views alike.

    Blurs are left out up to 32 px, as SimCLR does.

    Args: as of `simclr`; strength 1 is as published.

    Paper: Bardes, Ponce and LeCun 2022, VICReg, arXiv:2105.04906, appendix C.
    """
    jitter = (0.4, 0.4, 0.2, 0.1)
    return _views(channels, size, jitter, strength, flip, scale, _published_blur(0.5, size), solarise=0.1)


def _published_blur(p: float, size: Size) -> float:
    return p if max(size if isinstance(size, tuple) else (size,)) > BLUR_ABOVE else 0.0


def _views(
    channels: int,
    size: Size,
    jitter: tuple[float, float, float, float],
    strength: float,
    flip: float,
    scale: tuple[float, float],
    blur: float,
    solarise: float = 0.0,
) -> Compose:
    """Crop, flip, jitter (brightness, contrast, saturation, hue, times the strength), grey, blur, solarise."""
    if channels < 1:
        raise InputError(f"channels: {channels}; give the number of channels of the images, at least 1")
    if not strength >= 0:
        raise InputError(f"strength: {strength}; give a number of at least 0")
    sides = size if isinstance(size, tuple) else (size, size)
    check_probability(flip, "flip")
    check_probability(blur, "blur")
    rgb = channels == 3
    views: list[View] = [RandomResizedCrop(sides, scale=scale)]
    if flip:
        views.append(HorizontalFlip(flip))
    if strength:
        brightness, contrast, saturation, hue = (strength * amount for amount in jitter)
        hue = min(0.5, hue)  # half a turn either way is already every hue
        views.append(ColourJitter(brightness, contrast, saturation if rgb else 0.0, hue if rgb else 0.0, p=0.8))
    if rgb:
        views.append(Greyscale(0.2))
    if blur:
        views.append(GaussianBlur(p=blur))
    if solarise:
        views.append(Solarise(p=solarise))
    return Compose(tuple(views))
