"""RotNet: by how much was the image turned?"""

from __future__ import annotations

import torch
from jaxtyping import Int
from torch import Generator, Tensor, nn

from mutua.encoders import Staged, Wrapped
from mutua.objectives import Predictive, draw_views
from mutua.types import InputError, View
from mutua.views import Compose, HorizontalFlip, PaddedCrop, rotations

__all__ = ["Turned", "rotation"]


class Turned:
    """All four rotations of each image, and how many quarter turns each was given."""

    def __init__(self, view: View) -> None:
        self.view = view

    def __call__(self, images: Tensor, generator: Generator) -> tuple[Tensor, Int[Tensor, " m"]]:
        turned = rotations(draw_views(self.view, images, generator))  # (4 n, c, h, w), turn by turn
        return turned, torch.arange(4, device=images.device).repeat_interleave(len(images))


def rotation(encoder: Staged | Wrapped, *, padding: int = -1, flip: float = 0.5) -> Predictive:
    """Which of four rotations an image was given: all four of each image stand in the batch.

    To tell, the encoder must know what is in the image and how it usually stands.

    Args:
        encoder: The network to train, which is what is kept.
        padding: Pixels by up to which the image is first shifted; -1 for an eighth of its side.
        flip: Probability of a mirror image.

    Paper: Gidaris, Singh and Komodakis 2018, Unsupervised Representation Learning by Predicting Image Rotations,
    arXiv:1803.07728; shift and mirror image are of the authors' code.
    """
    shift = encoder.size // 8 if padding == -1 else padding
    if not 0 <= shift < encoder.size:
        raise InputError(
            f"padding: {padding} at {encoder.size} px; give 0 to {encoder.size - 1}, or -1 for an eighth"
        )
    view = Compose((PaddedCrop(shift), HorizontalFlip(flip)))
    return Predictive(encoder, nn.Linear(encoder.width, 4), Turned(view))
