"""What methods' arguments have in common: the views they speak of, and the numbers that are allowed."""

from __future__ import annotations

import math

from mutua.encoders import Staged, Wrapped
from mutua.objectives import Views
from mutua.types import InputError
from mutua.views import augmentation

__all__ = ["at_least", "views_of"]


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
