"""Compositions of views as papers publish them."""

from __future__ import annotations

from mutua.types import InputError, View
from mutua.views.base import check_probability
from mutua.views.compose import Compose
from mutua.views.image.blur import GaussianBlur
from mutua.views.image.crop import HorizontalFlip, RandomResizedCrop
from mutua.views.image.jitter import ColourJitter, Greyscale

__all__ = ["simclr"]


def simclr(
    channels: int,
    size: int | tuple[int, int],
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
    if channels < 1:
        raise InputError(f"channels: {channels}; give the number of channels of the images, at least 1")
    if not strength >= 0:
        raise InputError(f"strength: {strength}; give a number of at least 0")
    sides = size if isinstance(size, tuple) else (size, size)
    p_blur = (0.5 if max(sides) > 32 else 0.0) if blur is None else blur
    check_probability(flip, "flip")
    check_probability(p_blur, "blur")
    rgb = channels == 3
    views: list[View] = [RandomResizedCrop(sides, scale=scale)]
    if flip:
        views.append(HorizontalFlip(flip))
    if strength:
        s = 0.8 * strength
        hue = min(0.5, 0.2 * strength)  # half a turn either way is already every hue
        views.append(ColourJitter(s, s, s if rgb else 0.0, hue if rgb else 0.0, p=0.8))
    if rgb:
        views.append(Greyscale(0.2))
    if p_blur:
        views.append(GaussianBlur(p=p_blur))
    return Compose(tuple(views))
