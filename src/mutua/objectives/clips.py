"""What tasks of films share: whether there is anything that moves, and changes that spare its motion."""

from __future__ import annotations

from typing import ClassVar

import torch
from jaxtyping import Shaped
from torch import Generator, Tensor, nn

from mutua.objectives.siamese import draw_views
from mutua.types import Batch, InputError, Rows, Spec, View, parted

__all__ = ["Clips", "long_enough", "of_clips", "of_frames"]


def of_clips(view: View, clips: Shaped[Tensor, "n t c h w"], generator: Generator) -> Shaped[Tensor, "n t c h w"]:
    """A view of images on clips, the same for all frames of one: what moves then moves as it did.

    The view sees frames as channels, so one that mixes colours is not for this.
    """
    return draw_views(view, clips.flatten(1, 2), generator).unflatten(1, clips.shape[1:3])


def of_frames(view: View, clips: Shaped[Tensor, "n t c h w"], generator: Generator) -> Shaped[Tensor, "n t c h w"]:
    """A view of images on each frame by itself: what drifts or fades with time then says nothing of it."""
    return draw_views(view, clips.flatten(0, 1), generator).unflatten(0, clips.shape[:2])


def long_enough(spec: Spec, least: int, what: str) -> None:
    """Raise `InputError` where examples are no films of at least so many frames."""
    if spec.kind != "video":
        raise InputError(f"encoder: takes {spec.kind}, and {what} is of films; give films, and an encoder of them")
    if spec.shape[0] < least:
        seen = "one frame alone" if spec.shape[0] == 1 else f"{spec.shape[0]} frames"
        raise InputError(
            f"frames: {seen} a clip, and {what} needs {least} or more; read longer ones (--frames {least})"
        )


class Clips(nn.Module):
    """Of a task of films: `calibrate` refuses data in which nothing moves, before training begins."""

    looked_at: ClassVar[int] = 64

    def calibrate(self, rows: Rows) -> None:
        """Raise `InputError` where each of 64 clips, spread over all, is one picture, shown again and again."""
        index = torch.linspace(0, len(rows) - 1, min(len(rows), self.looked_at)).long()
        for row in index:
            found = rows.take(row[None])
            clips = self.clips(found[0] if isinstance(found, (tuple, list)) else found)
            if (clips[:, 1:] != clips[:, :1]).any():
                return
        raise InputError(
            f"data: nothing moves in any of {len(index)} clips, whose frames are all alike; give films, not stills"
        )

    @staticmethod
    def clips(batch: Batch) -> Shaped[Tensor, "n t c h w"]:
        """The frames, without the sound beside them."""
        return parted(batch)[0]
