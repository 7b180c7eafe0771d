"""What methods' arguments have in common: the views they speak of, and the numbers that are allowed."""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch

from mutua.encoders import Staged, Wrapped, evaluating
from mutua.encoders.lab import from_lab, to_lab
from mutua.objectives import Views
from mutua.types import InputError, names
from mutua.views import augmentation

__all__ = [
    "at_least",
    "deepest",
    "map_of",
    "one_of",
    "order_of_frames",
    "shares",
    "single_frames",
    "unseen_colour",
    "views_of",
]


def views_of(
    paper: str, encoder: Staged | Wrapped, strength: float | None, smallest_crop: float | None, flip: float | None
) -> Views:
    """A paper's view of what the encoder takes, or a view for each of two; None is as published for that kind."""
    return augmentation(paper, encoder.spec, strength=strength, smallest_crop=smallest_crop, flip=flip)


def at_least(least: float, **settings: float) -> None:
    """Raise `InputError` naming the first of the settings that is below `least`, or not finite."""
    for name, value in settings.items():
        if not least <= value < math.inf:
            raise InputError(f"{name}: {value} is too few; give {least:g} or more")


def shares(**settings: float) -> None:
    """Raise `InputError` naming the first of the settings that is not within [0, 1]."""
    for name, value in settings.items():
        if not 0 <= value <= 1:
            raise InputError(f"{name}: {value}; give a number from 0 to 1")


def one_of(catalogue: Iterable[str], **settings: str) -> None:
    """Raise `InputError` naming the first of the settings that is not in the catalogue."""
    for name, value in settings.items():
        if value not in catalogue:
            raise InputError(f"{name}: {value!r} is none of {names(catalogue)}")


def deepest(encoder: Staged | Wrapped) -> str:
    """The shallowest depth after which nothing is learned, so that a loss on it trains all of the encoder: the
    last, or the map that is only pooled after it, which still says where things are."""
    depth = encoder.depths[-1]
    if isinstance(encoder, Staged):
        for before in reversed(encoder.depths[:-1]):
            if any(True for _ in encoder.stages[depth].parameters()):
                break
            depth = before
    return depth


def map_of(encoder: Staged | Wrapped) -> str:
    """The deepest map of at least a quarter of the image's sides, or else the largest. Raises `InputError` where
    the encoder has none."""
    shapes = {depth: encoder.shapes[depth] for depth in encoder.depths if len(encoder.shapes[depth]) == 3}
    if not shapes:
        raise InputError(
            f"encoder: {type(encoder).__name__} has no depth with a map (c, h, w); name one, or use dim32"
        )
    least = min(encoder.spec.shape[1:]) / 4
    fine = [depth for depth, shape in shapes.items() if min(shape[1:]) >= least]
    return fine[-1] if fine else max(shapes, key=lambda depth: min(shapes[depth][1:]))


def unseen_colour(encoder: Staged | Wrapped) -> None:
    """Raise `InputError` where images are no RGB, or the encoder tells one from the same in grey: it sees what it
    is asked."""
    if encoder.channels != 3:
        raise InputError(f"data: learning colours needs RGB, 3 channels, and they have {encoder.channels}")
    place = next((p.device for p in encoder.parameters()), torch.device("cpu"))
    images = torch.rand(4, *encoder.spec.shape, generator=torch.Generator().manual_seed(0))
    grey = from_lab(to_lab(images) * torch.tensor([1.0, 0, 0])[:, None, None])
    with evaluating(encoder), torch.no_grad():
        colour, none = encoder(torch.cat([images, grey]).to(place)).flatten(1).chunk(2)
    if (colour - none).abs().max() > 0.01 * colour.std():
        raise InputError(
            "encoder: sees the colours that it is to tell; use dim32-lightness or resnet18-lightness, or begin "
            "yours with encoders.Lightness"
        )


def order_of_frames(encoder: Staged | Wrapped) -> None:
    """Raise `InputError` where a clip and the same backwards have one code."""
    place = next((p.device for p in encoder.parameters()), torch.device("cpu"))
    noise = torch.rand(2, *encoder.spec.shape, generator=torch.Generator().manual_seed(0)).to(place)
    with evaluating(encoder), torch.no_grad():
        there, back = encoder(torch.cat([noise, noise.flip(1)])).flatten(1).chunk(2)
    if (there - back).abs().max() < 1e-4 * there.abs().max():
        raise InputError("encoder: reads frames in no order, so nothing of time; use stacked or frames-gru")


def single_frames(encoder: Staged | Wrapped) -> None:
    """Raise `InputError` where an encoder of films takes no single frame."""
    place = next((p.device for p in encoder.parameters()), torch.device("cpu"))
    frame = torch.zeros(2, 1, *encoder.spec.shape[1:], device=place)
    try:
        with evaluating(encoder), torch.no_grad():
            encoder(frame)
    except (InputError, RuntimeError) as error:
        raise InputError(
            "encoder: takes all frames of a clip at once, and is to be given them one by one; use frames"
        ) from error
