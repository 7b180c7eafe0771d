"""What methods' arguments have in common: the views they speak of, and the numbers that are allowed."""

from __future__ import annotations

from mutua.encoders import Staged, Wrapped
from mutua.types import InputError, View
from mutua.views import simclr

__all__ = ["at_least", "views_of"]


def views_of(
    paper: str,
    encoder: Staged | Wrapped,
    strength: float | None,
    smallest_crop: float | None,
    flip: float | None,
) -> View | tuple[View, ...]:
    """A paper's view of what the encoder takes, or a tuple of views where it draws them differently.

    None is what is published for that kind of data.
    """
    # To be `augmentation(paper, encoder.spec, strength=...)` as soon as views have their catalogue by kind.
    crop = {"moco": 0.2, "simsiam": 0.2}.get(paper, 0.08) if smallest_crop is None else smallest_crop
    distortion = 0.5 * (1.0 if strength is None else strength) if paper != "simclr" else strength
    return simclr(
        encoder.channels,
        encoder.size,
        strength=0.5 if distortion is None else distortion,
        flip=0.5 if flip is None else flip,
        scale=(crop, 1.0),
    )


def at_least(least: float, **settings: float) -> None:
    """Raise `InputError` naming the first of the settings that is below `least`, or not finite."""
    for name, value in settings.items():
        if not least <= value < float("inf"):
            raise InputError(f"{name}: {value} is too few; give {least:g} or more")
