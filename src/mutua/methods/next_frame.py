"""Next frames: what will be seen, made from what was."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from jaxtyping import Float
from torch import Generator, Tensor, nn

from mutua.encoders import Staged, Wrapped, decoder
from mutua.encoders.inputs import prepared
from mutua.methods.arguments import at_least, deepest
from mutua.objectives import Reconstructive, square_error
from mutua.objectives.clips import Clips, long_enough
from mutua.objectives.motion import carried_on
from mutua.types import Batch, Step, parted
from mutua.views import Transform

__all__ = ["NextFrame", "next_frame"]


@dataclass(frozen=True)
class Stopped(Transform):
    """The last frames of each clip replaced by copies of the one before them: the film stops there."""

    ahead: int = 1

    def draw(self, n: int, shape: tuple[int, ...], generator: Generator) -> dict[str, Any]:
        return {}

    def apply(self, batch: Batch, parameters: Mapping[str, Any]) -> Tensor:
        seen = parted(batch)[0][:, : -self.ahead]
        return torch.cat([seen, seen[:, -1:].expand(-1, self.ahead, -1, -1, -1)], 1)


class NextFrame(Reconstructive):
    """Mean squared error of a clip's last frames, made from those before them.

        loss = mean (x_{t-a+1..t} - decode(encode(x_1, ..., x_{t-a}, x_{t-a}, ...)))^2

    The encoder sees clips of their full length, the last a frames replaced by copies of the last one before, so
    that any network of clips serves. Logged, in percent of the error of copying that frame: `explained`, 1 - error
    / error of copying; `constant_velocity`, the same of moving it on by as much as it moved before (`carried_on`).

    Args:
        encoder: of films; what is kept.
        decoder: its features at `depth`, all places in time side by side, to a (c) channels of a picture.
        depth: of the encoder, which is decoded.
        ahead: a, how many frames are told.
    """

    names: ClassVar[tuple[str, str]] = ("last frame copied", "told")
    caption = "Each row is one clip: as it is, as the encoder was shown it, and what it then was taken for."

    def __init__(self, encoder: Staged | Wrapped, decoder: nn.Module, depth: str, ahead: int) -> None:
        super().__init__(encoder, decoder, Stopped(ahead), depth=depth, only_hidden=False)
        self.ahead = ahead
        self.still = Clips()

    def target(self, batch: Batch) -> Float[Tensor, "n a c h w"]:
        return prepared(Clips.clips(batch)[:, -self.ahead :], self.encoder.spec)

    def restored(self, target: Float[Tensor, "n a c h w"], batch: Batch) -> Tensor:
        clips = Clips.clips(batch)
        return torch.cat([clips[:, : -self.ahead], super().restored(target, clips)], 1)

    def spoil(self, batch: Batch, drawn: Mapping[str, Any]) -> Batch:
        return self.corruption.apply(batch, drawn)

    def weight(self, batch: Batch, drawn: Mapping[str, Any]) -> Float[Tensor, "n a c h w"]:
        return torch.ones_like(self.target(batch))

    def made(self, batch: Batch, seen: Batch, drawn: Mapping[str, Any]) -> Float[Tensor, "n a c h w"]:
        read = self.encoder.read(seen, (self.depth,))[self.depth]
        return self.decoder(_side_by_side(read)).unflatten(1, (self.ahead, -1))

    def judge(self, made: Tensor, batch: Batch, seen: Batch, weight: Tensor) -> Step:
        found = super().judge(made, batch, seen, weight)
        target = self.target(batch)
        known = prepared(Clips.clips(batch)[:, : -self.ahead], self.encoder.spec)
        errors = (
            square_error(one, target, weight).mean() for one in (self.target(seen), carried_on(known, self.ahead))
        )
        copy, steady = errors
        return Step(found.loss, {**found.logs, "constant_velocity": 100 * (1 - steady / copy.clamp(min=1e-12))})


def _side_by_side(x: Tensor) -> Tensor:
    """Places in time as channels: (n, d, t) to (n, d t), (n, d, t, h, w) to (n, d t, h, w); others as they are."""
    return x.flatten(1, 2) if x.ndim in (3, 5) else x


def next_frame(encoder: Staged | Wrapped, *, ahead: int = 1, width: int = 64) -> NextFrame:
    """The last frames of a clip, pixel by pixel, from those before them: squared error, which has the mean of what
    may come, and blurs where more than one thing may.

    Copying the last frame is right wherever nothing moves, so what counts is how much of its error is explained,
    and whether more than by motion that goes on as it was.

    Args:
        encoder: The network to train, which is what is kept.
        ahead: Frames that are told at once.
        width: Channels of the decoder at half the picture's size.

    Paper: Srivastava, Mansimov and Salakhutdinov 2015, Unsupervised Learning of Video Representations using LSTMs,
    arXiv:1502.04681; Mathieu, Couprie and LeCun 2016, arXiv:1511.05440, for what squared error does.
    """
    at_least(1, ahead=ahead, width=width)
    long_enough(encoder.spec, ahead + 2, f"telling {ahead} ahead" if ahead > 1 else "telling the next frame")
    depth = deepest(encoder)
    c, h, w = encoder.spec.shape[1:]
    features = _side_by_side(torch.zeros(1, *encoder.shapes[depth])).shape[1:]
    return NextFrame(encoder, decoder(features, (ahead * c, h, w), width=width), depth, ahead)
