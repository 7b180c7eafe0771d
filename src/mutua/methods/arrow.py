"""The arrow of time: does the clip run forwards?"""

from __future__ import annotations

import math

import torch
from jaxtyping import Int
from torch import Generator, Tensor

from mutua.encoders import Staged, Wrapped
from mutua.methods.arguments import at_least, order_of_frames, shares
from mutua.objectives import Predictive, head_mlp
from mutua.objectives.clips import Clips, long_enough, of_clips
from mutua.types import Batch
from mutua.views import Compose, GaussianBlur, GaussianNoise, HorizontalFlip, PaddedCrop
from mutua.views.image.base import as_float

__all__ = ["Reversed", "arrow"]


class Reversed(Clips):
    """Each clip forwards (class 0) and backwards (class 1), changed alike, all its frames alike.

    Args:
        view: of images, on all frames of a clip.
        noise: deviation of noise on each frame, in [0, 1] of brightness; 0 for none.
    """

    entropy = math.log(2)

    def __init__(self, view: Compose, noise: float = 0.0) -> None:
        super().__init__()
        self.view, self.noise = view, noise

    def forward(self, batch: Batch, generator: Generator) -> tuple[Tensor, Int[Tensor, " m"]]:
        clips = of_clips(self.view, self.clips(batch), generator)
        if self.noise:
            clips = of_clips(GaussianNoise(self.noise), as_float(clips), generator).clamp(0, 1)
        both = torch.cat([clips, clips.flip(1)])
        return both, torch.arange(2, device=both.device).repeat_interleave(len(clips))


def arrow(
    encoder: Staged | Wrapped,
    *,
    flip: float = 0.5,
    padding: int = 0,
    blur: float = 0.0,
    noise: float = 0.0,
    hidden: int = 0,
) -> Predictive:
    """Whether a clip runs forwards or backwards: both of each clip stand in the batch.

    To tell, the encoder must know what happens one way alone: what falls bounces lower, smoke spreads. Where
    motion is reversible nothing can be told, and more than 50 % is a leak. Of films as files it is often the
    codec's: the noise of frames falls at each key frame and comes back. Read them small (--size 32), leave out
    windows with a key frame, blur, or drown it in noise; and believe no accuracy but on another film. Not of the
    paper: its optical flow, its two groups of 10 frames each.

    Args:
        encoder: The network to train, which is what is kept; one that sees the order of frames.
        flip: Probability of the mirror image of a whole clip.
        padding: Pixels by up to which a whole clip is shifted.
        blur: Probability that a whole clip is blurred, by .1 to 2 px.
        noise: Deviation of noise on each frame, of a brightness from 0 to 1.
        hidden: Units of the head's hidden layer; 0 for none.

    Paper: Wei, Lim, Zisserman and Freeman 2018, Learning and Using the Arrow of Time, CVPR; Pickup et al. 2014,
    Seeing the Arrow of Time, CVPR; time as a label also in Misra, Zitnick and Hebert 2016, arXiv:1603.08561.
    """
    shares(flip=flip, blur=blur)
    at_least(0, padding=padding, noise=noise, hidden=hidden)
    long_enough(encoder.spec, 2, "the arrow of time")
    order_of_frames(encoder)
    views = [PaddedCrop(padding)] * bool(padding) + [HorizontalFlip(flip)] * bool(flip)
    view = Compose((*views, *[GaussianBlur(p=blur)] * bool(blur)))
    head = head_mlp(encoder.width, *[hidden] * bool(hidden), 2, norm=False)
    return Predictive(encoder, head, Reversed(view, noise))
