"""What methods' arguments have in common: the views they speak of, and the numbers that are allowed."""

from __future__ import annotations

import math
from collections.abc import Iterable

from mutua.encoders import Staged, Wrapped
from mutua.objectives import Views
from mutua.types import InputError, names
from mutua.views import augmentation

__all__ = ["at_least", "deepest", "one_of", "views_of"]


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
