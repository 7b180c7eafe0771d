"""The order of frames: which came between, and which came first?"""

from __future__ import annotations

import torch
from torch import Generator, Tensor

from mutua.encoders import Staged, Wrapped
from mutua.methods.arguments import at_least, shares, single_frames
from mutua.objectives import Predictive, Puzzled, head_mlp
from mutua.objectives.clips import Clips, long_enough, of_clips, of_frames
from mutua.objectives.frame_orders import Told, orders_of
from mutua.ranks import mine, world
from mutua.types import Batch
from mutua.views import ChannelDrop, HorizontalFlip, PaddedCrop

__all__ = ["Shuffled", "order"]


class Shuffled(Clips):
    """Frames of each clip at equal distances, each encoded once, and orders of them that are to be told.

    Args:
        orders, labels: see `orders_of`; all orders are as likely.
        taken: frames of a clip that orders are of.
        step: frames from one that is taken to the next; 0 for as many as the clip has room for.
        each: orders of each clip.
        flip: probability of a mirror image of a whole clip.
        padding: px by up to which each frame is shifted by itself.
        drop: probability that a frame is one of its channels, by itself.
    """

    def __init__(
        self,
        orders: Tensor,
        labels: Tensor,
        taken: int,
        step: int,
        each: int,
        flip: float,
        padding: int,
        drop: float,
    ) -> None:
        super().__init__()
        self.orders, self.labels, self.taken, self.gap, self.each = orders, labels, taken, step, each
        counts = torch.bincount(labels).double()
        self.classes, self.entropy = len(counts), float(torch.special.entr(counts / counts.sum()).sum())
        self.flip, self.padding, self.drop = flip, padding, drop

    def cut(self, batch: Batch, generator: Generator) -> Tensor:
        """(n, taken, c, h, w): frames in their own order, changed."""
        clips = self.clips(batch)
        n, t = clips.shape[:2]
        step = self.gap or (t - 1) // (self.taken - 1)
        room = t - step * (self.taken - 1)
        first = mine(torch.randint(room, (n * world(),), generator=generator))
        index = first[:, None] + step * torch.arange(self.taken)
        found = clips[torch.arange(n, device=clips.device)[:, None], index.to(clips.device)]
        found = of_clips(HorizontalFlip(self.flip), found, generator)
        found = of_frames(PaddedCrop(self.padding), found, generator)
        return of_frames(ChannelDrop(self.drop), found, generator) if found.shape[2] > 1 else found

    def forward(self, batch: Batch, generator: Generator) -> Puzzled:
        frames = self.cut(batch, generator)
        n, device = len(frames), frames.device
        chosen = mine(torch.randint(len(self.orders), (n * world(), self.each), generator=generator))
        parts = torch.arange(n)[:, None, None] * self.taken + self.orders[chosen]  # (n, each, k)
        rows = parts.transpose(0, 1).flatten(0, 1)  # label r is of example r mod n
        return Puzzled(frames.flatten(0, 1)[:, None], self.labels[chosen].T.flatten().to(device), rows.to(device))

    def shown(self, batch: Batch, generator: Generator) -> dict[str, Batch]:
        """The frames in order, and in the first order drawn."""
        frames = self.cut(batch, generator)
        chosen = torch.randint(len(self.orders), (len(frames), self.each), generator=generator)
        shuffled = frames[torch.arange(len(frames))[:, None], self.orders[chosen[:, 0]]]
        return {"frames": frames, "puzzle": shuffled}


def order(
    encoder: Staged | Wrapped,
    *,
    told: Told = "reversal",
    taken: int = 3,
    gap: int = 0,
    each: int = 4,
    flip: float = 0.5,
    padding: int = -1,
    drop: float = 1.0,
    hidden: int = 512,
) -> Predictive:
    """In which order frames of a clip are shown, told from their codes side by side. A frame is encoded once.

    Motion that is as likely backwards tells orders but for their reversal, n! / 2 classes; more is the arrow's.
    Not of the papers: their networks, and windows chosen for much motion by optical flow.

    Args:
        encoder: The network to train, which is what is kept; it is given single frames.
        told: What is told: reversal, orders that are no others read backwards, n! / 2 (OPN); all, n!; between,
            whether the middle frame of three was between the others (Shuffle and Learn).
        taken: Frames that are put in order; between takes five, of which it shows three.
        gap: Frames from one taken to the next, 1 for neighbours; 0 for as many as the clip has room for.
        each: Orders drawn of each clip; the papers draw 1.
        flip: Probability of the mirror image of a whole clip.
        padding: Pixels by up to which each frame is shifted by itself; -1 for a sixteenth of its side (OPN).
        drop: Probability that a frame is one of its channels, each frame by itself (OPN).
        hidden: Units of the head's hidden layer.

    Paper: Misra, Zitnick and Hebert 2016, Shuffle and Learn, arXiv:1603.08561; Lee, Huang, Singh and Yang 2017,
    Unsupervised Representation Learning by Sorting Sequences, arXiv:1708.01246.
    """
    at_least(1, each=each, hidden=hidden)
    at_least(0, gap=gap)
    shares(flip=flip, drop=drop)
    orders, labels = orders_of(taken, told)
    count = int(orders.max()) + 1
    long_enough(encoder.spec, (count - 1) * max(gap, 1) + 1, "the order of frames")
    single_frames(encoder)
    shift = min(encoder.spec.shape[2:]) // 16 if padding == -1 else padding
    head = head_mlp(orders.shape[1] * encoder.width, hidden, int(labels.max()) + 1, norm=False)
    return Predictive(encoder, head, Shuffled(orders, labels, count, gap, each, flip, shift, drop))
