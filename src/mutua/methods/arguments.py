"""What methods' arguments have in common: the views they speak of, and the numbers that are allowed."""

from __future__ import annotations

from mutua.encoders import Readable
from mutua.types import InputError, View
from mutua.views import augmentation

__all__ = ["at_least", "views_of"]


def views_of(
    paper: str,
    encoder: Readable,
    strength: float | None,
    smallest_crop: float | None,
    flip: float | None,
) -> View | tuple[View, ...]:
    """A paper's view of what the encoder takes, or a tuple of views where it draws them differently.

    None is what is published for that kind of data.
    """
    return augmentation(paper, encoder.spec, strength=strength, smallest_crop=smallest_crop, flip=flip)


def at_least(least: float, **settings: float) -> None:
    """Raise `InputError` naming the first of the settings that is below `least`, or not finite."""
    for name, value in settings.items():
        if not least <= value < float("inf"):
            raise InputError(f"{name}: {value} is too few; give {least:g} or more")
