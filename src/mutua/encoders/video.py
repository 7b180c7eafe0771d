"""Encoders of films: each frame by itself, with a context over them, or all frames at once."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d

from mutua.encoders.context import ContextName, context
from mutua.encoders.frames import Moments
from mutua.encoders.ordered import Ordered
from mutua.encoders.staged import Masking, Staged
from mutua.types import Spec

__all__ = ["frames", "frames_ahead", "stacked"]

_CELLS = 4
"""Cells a side that a frame's map is averaged over, so that frames of any size have codes of one."""


def _strided(inputs: int, outputs: int, kernel: int) -> nn.Sequential:
    """Half the size; norm of all that one frame, or stack, has: nothing else in the batch moves it."""
    return nn.Sequential(nn.Conv2d(inputs, outputs, kernel, 2, 1, bias=False), nn.GroupNorm(1, outputs), nn.ReLU())


class FrameByFrame(Masking):
    """Three strided convolutions on each frame, averaged over 4 x 4 cells: (n, t, c, h, w) to (n, width, t) by a
    linear map of all cells, or to (n, width, t, 4, 4) by the same linear map of each cell.

    Args:
        channels: of a frame.
        width: of what comes out.
        dense: whether cells stay apart.
        narrow: channels of the first convolution.
    """

    def __init__(self, channels: int, width: int, dense: bool = False, narrow: int = 16) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            _strided(channels, narrow, 4), _strided(narrow, 2 * narrow, 3), _strided(2 * narrow, 4 * narrow, 3)
        )
        self.dense = dense
        self.last = nn.Conv2d(4 * narrow, width, 1 if dense else _CELLS)  # all cells at once, or each
        # By torch's own start codes of different frames differ little, and order is learned half as fast.
        nn.init.kaiming_normal_(self.last.weight, nonlinearity="relu")

    def forward(
        self, x: Float[Tensor, "n t c h w"], mask: Tensor | None
    ) -> tuple[Float[Tensor, "n d t *cells"], Tensor | None]:
        n, t = x.shape[:2]
        maps = adaptive_avg_pool2d(self.layers(x.flatten(0, 1)), _CELLS)
        codes = self.last(maps).unflatten(0, (n, t)).transpose(1, 2)  # (n, d, t, k, k)
        return codes if self.dense else codes.flatten(3).squeeze(3), mask


class MomentsOfCells(Masking):
    """Mean and deviation in time of each cell's channels: (n, c, t, *cells) to (n, 2 c cells)."""

    def __init__(self) -> None:
        super().__init__()
        self.moments = Moments()

    def forward(self, x: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor | None]:
        return self.moments(x.movedim(2, -1).flatten(1, -2), mask)


def frames(spec: Spec, width: int = 128) -> Staged:
    """Each frame by itself, then mean and deviation over them: of the order of frames it says nothing.

    Depths: frames (width columns, one a frame), pool (2 width features). Films of any length and size; layer norm
    over all of a frame, no batch norm.
    """
    return Staged({"frames": FrameByFrame(spec.shape[1], width), "pool": Moments()}, spec)


def frames_ahead(
    spec: Spec, width: int = 64, units: int = 64, over: ContextName = "gru", dense: bool = False
) -> Ordered:
    """Frames encoded one by one, and a causal context over them: contrastive predictive coding's encoder of films.

    Depths: pieces (width maps), context (units maps), pool (mean and deviation of the context). Densely, a frame
    is 4 x 4 cells, each with a context of its own by the same network, as dense predictive coding has them (there
    of blocks of 5 frames by a 3D ResNet, 1 x 1 convolutions in the recurrent unit); the pool keeps cells apart.

    Paper: van den Oord, Li and Vinyals 2018, arXiv:1807.03748; Han, Xie and Zisserman 2019, Video Representation
    Learning by Dense Predictive Coding, arXiv:1909.04656.
    """
    pieces = FrameByFrame(spec.shape[1], width, dense)
    # One piece a frame: pieces next to each other share no input.
    return Ordered(pieces, context(over, width, units), MomentsOfCells(), spec, field=1, hop=1)


class _Stack(Masking):
    """Frames as channels, (n, t, c, h, w) to (n, t c, h, w), and the first convolution."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.layer = _strided(channels, width, 4)

    def forward(self, x: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor | None]:
        return self.layer(x.flatten(1, 2)), mask


class _Cells(nn.Module):
    """A linear map of a map's 4 x 4 cells: (n, c, h, w) to (n, width)."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.last = nn.Conv2d(channels, width, _CELLS)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(adaptive_avg_pool2d(x, _CELLS)).flatten(1)


def stacked(spec: Spec, width: int = 32, features: int = 128) -> Staged:
    """All frames of a clip as channels of one picture ("early fusion"), three strided convolutions, a linear map.

    Depths: conv1, conv2, conv3 (width, 2 width, 4 width maps, each half as large), fc (128 features). Motion is
    seen from the first layer on; clips have the spec's number of frames. Layer norm over all of a clip, no batch
    norm.

    Paper: Karpathy et al. 2014, Large-scale Video Classification with Convolutional Neural Networks, CVPR.
    """
    count, channels = spec.shape[:2]
    return Staged(
        {
            "conv1": _Stack(count * channels, width),
            "conv2": _strided(width, 2 * width, 3),
            "conv3": _strided(2 * width, 4 * width, 3),
            "fc": _Cells(4 * width, features),
        },
        spec,
    )
