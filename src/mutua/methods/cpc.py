"""Contrastive predictive coding: what comes next, told from what comes elsewhere."""

from __future__ import annotations

from typing import Literal, get_args

from mutua.encoders import Grid, Ordered, Staged, Wrapped
from mutua.methods.arguments import at_least
from mutua.objectives import Ahead, Negatives, Over
from mutua.types import InputError, View, names
from mutua.views import ChannelDrop, ColourJitter, Compose, Greyscale, HorizontalFlip, SubCrop

__all__ = ["PatchName", "cpc", "patch_view"]

PatchName = Literal["none", "subcrop", "grey", "drop", "full"]

STEPS = {"sound": 12, "series": 12, "image": 5, "text": 3, "video": 3}
"""Horizons as published, by kind of data (of films, dense predictive coding's); 12 of series too."""


def cpc(
    encoder: Staged | Wrapped,
    *,
    steps: int = 0,
    first: int = 0,
    negatives: Negatives = "batch",
    candidates: int = 512,
    over: Over = "pieces",
    window: int = 0,
    patches: PatchName = "subcrop",
    directions: int = 1,
) -> Ahead:
    """The piece k steps ahead of a context, found among other pieces, for several k.

    Pieces are frames of a recording, rows of a series, cells of an image's grid, sentences of a document, or
    frames of a film; the context sums up those up to now.

    Args:
        encoder: The network to train: pieces and a causal context of them, which is what is kept.
        steps: How many horizons; 0 for as many as published (12, of images 5, of text and films 3) or as there is
            room for.
        first: The first horizon; 0 for the first whose piece shares no sample with the context.
        negatives: What the piece is told from: all pieces of the batch, those of others, of the same example, of
            the same group (a speaker, a document), or of the same group but other examples; those of others at the
            same moment, or of others of the same group.
        candidates: Pieces drawn in each step that the negatives are among, the same for all; 0 for the
            whole batch.
        over: What the softmax runs over: pieces given a context, contexts given a piece, or both.
        window: Pieces in order that a step sees of each example, at a random place; 0 for all. Not of images.
        patches: What is done to each patch of an image: none, subcrop (version 1), grey, drop (one channel of
            three), or full (version 2: sub-crop, mirror, jitter, one channel or grey).
        directions: Of an image, in which patches are told: 1, downwards, to 4, from all sides.

    Version 2 for images is patches full, four directions, a larger network (grid-wide), layer norm and a large
    batch. Of films with the encoder frames-dense it is dense predictive coding, with negatives of the batch.

    Paper: van den Oord, Li and Vinyals 2018, Representation Learning with Contrastive Predictive Coding,
    arXiv:1807.03748; Hénaff et al. 2020, Data-Efficient Image Recognition with Contrastive Predictive Coding,
    arXiv:1905.09272; of films Han, Xie and Zisserman 2019, arXiv:1909.04656.
    """
    if not isinstance(encoder, Ordered):
        raise InputError(
            f"encoder: cpc needs pieces in order and a context, and this {type(encoder).__name__.lower()} network "
            "has none; use wave-gru for sound, rows-gru for series, grid for images, "
            "sentences for text, frames-gru or frames-dense for video"
        )
    at_least(0, steps=steps, first=first, candidates=candidates, window=window)
    start = first or encoder.clean
    room = (min(window, encoder.count) if window else encoder.count) - start
    count = steps or max(min(STEPS[encoder.spec.kind], room), 1)
    view = patch_view(patches, encoder.spec.shape[0]) if isinstance(encoder, Grid) else None
    return Ahead(encoder, range(start, start + count), negatives, candidates, over, window, view, directions)


def patch_view(name: PatchName, channels: int) -> View | None:
    """What is done to each patch; what needs colours is left out where there are none."""
    if name not in get_args(PatchName):
        raise InputError(f"patches: {name!r} is none of {names(get_args(PatchName))}")
    colours = channels == 3
    views: dict[str, tuple[View, ...]] = {
        "none": (),
        "subcrop": (SubCrop(),),
        "grey": (SubCrop(), *[Greyscale(1.0)] * colours),
        "drop": (SubCrop(), ChannelDrop()),
        "full": (
            SubCrop(),
            HorizontalFlip(),
            ColourJitter(0.4, 0.4, 0.4 * colours, 0.1 * colours, p=0.8),
            ChannelDrop(0.5),
            *[Greyscale(0.25)] * colours,
        ),
    }
    return Compose(views[name]) if views[name] else None
