"""SimCLR: two augmentations of an example against those of all others."""

from __future__ import annotations

from mutua.bounds import nt_xent
from mutua.critics import Cosine
from mutua.encoders import Staged, Wrapped
from mutua.methods.arguments import at_least, views_of
from mutua.objectives import Contrastive, head_mlp

__all__ = ["simclr"]


def simclr(
    encoder: Staged | Wrapped,
    *,
    temperature: float = 0.5,
    width: int = 128,
    hidden: int = 0,
    views: int = 2,
    strength: float | None = None,
    smallest_crop: float | None = None,
    flip: float | None = None,
) -> Contrastive:
    """Agreement of two random views of an example, among the views of a batch.

    Args:
        encoder: The network to train, which is what is kept.
        temperature: Temperature of the cosine similarity: 0.5 on CIFAR-10, 0.1 on ImageNet.
        width: Outputs of the projection head.
        hidden: Units of the projection head; 0 for as many as the encoder has outputs.
        views: Views of each example; with more than two, the mean over all pairs.
        strength: Strength of the distortions: of colours 0.5 on CIFAR-10 and 1 on ImageNet, of gain and noise 1;
            as published for the kind of data by default.
        smallest_crop: Least share of an image, or of a recording's or series' time, that a crop shows; as
            published by default, 0.08 of images.
        flip: Probability of a mirror image (0 where left and right have a meaning), of turned polarity in sound,
            of turned sign in series; as published by default, 0.5 for images.

    Paper: Chen, Kornblith, Norouzi and Hinton 2020, A Simple Framework for Contrastive Learning of Visual
    Representations, arXiv:2002.05709.
    """
    at_least(1, width=width)
    at_least(0, hidden=hidden)
    at_least(2, views=views)
    view = views_of("simclr", encoder, strength, smallest_crop, flip)
    head = head_mlp(encoder.width, hidden or encoder.width, width)
    return Contrastive(encoder, head, view, Cosine(temperature), nt_xent, views)
