"""SimCLR: two augmentations of an image against those of all others."""

from __future__ import annotations

from mutua.bounds import nt_xent
from mutua.critics import Cosine
from mutua.encoders import Staged, Wrapped
from mutua.objectives import Contrastive, head_mlp
from mutua.types import InputError
from mutua.views import simclr as augmentation

__all__ = ["simclr"]


def simclr(
    encoder: Staged | Wrapped,
    *,
    temperature: float = 0.5,
    width: int = 128,
    hidden: int = 0,
    views: int = 2,
    strength: float = 0.5,
    smallest_crop: float = 0.08,
    flip: float = 0.5,
) -> Contrastive:
    """Agreement of two random views of an image, among the views of a batch.

    Args:
        encoder: the network to train; what is kept.
        temperature: of the cosine similarity; 0.5 on CIFAR-10, 0.1 on ImageNet.
        width: outputs of the projection head.
        hidden: units of the projection head; 0 for as many as the encoder has outputs.
        views: of each image; with more than two, the mean over all pairs.
        strength: of the colour distortion; 0.5 on CIFAR-10, 1 on ImageNet.
        smallest_crop: the least share of the image that a crop shows; at most the whole.
        flip: probability of a mirror image; 0 where left and right have a meaning.

    Paper: Chen, Kornblith, Norouzi and Hinton 2020, A Simple Framework for Contrastive Learning of Visual
    Representations, arXiv:2002.05709.
    """
    for name, value, least in (("width", width, 1), ("hidden", hidden, 0), ("views", views, 2)):
        if value < least:
            raise InputError(f"{name}: {value} is too few; give {least} or more")
    view = augmentation(encoder.channels, encoder.size, strength=strength, flip=flip, scale=(smallest_crop, 1.0))
    head = head_mlp(encoder.width, hidden or encoder.width, width)
    return Contrastive(encoder, head, view, Cosine(temperature), nt_xent, views)
