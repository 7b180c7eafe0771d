"""What encoders of sound and series are made of: convolutions in time, norms of a moment, pooling in time."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from mutua.encoders.staged import Masking
from mutua.kernels.encoders.strided import fitting, plain, strided
from mutua.types import Rows, parted

__all__ = ["ChannelNorm", "Frames", "Moments", "Standardise", "TemporalBlock"]


class ChannelNorm(nn.Module):
    """Layer norm over the channels of each moment or place, (n, c, ...): nothing else in the batch moves it."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(channels)

    def forward(self, x: Float[Tensor, "n c *place"]) -> Float[Tensor, "n c *place"]:
        return self.norm(x.movedim(1, -1)).movedim(-1, 1)


class Frames(Masking):
    """Strided convolutions in time, each with `ChannelNorm` and ReLU: (n, c, t) to frames (n, width, t').

    A frame counts as real where all that it sees is; the first always does.

    Args:
        channels: of what comes in.
        width: of each convolution.
        kernels, strides: of the convolutions, in order. They are not padded: no frame sees what is not there.
    """

    def __init__(self, channels: int, width: int, kernels: Sequence[int], strides: Sequence[int]) -> None:
        super().__init__()
        self.layers = nn.Sequential()
        self.field, self.hop = 1, 1
        for kernel, stride in zip(kernels, strides, strict=True):
            convolution = nn.Conv1d(channels, width, kernel, stride, bias=False)
            self.layers.append(nn.Sequential(convolution, ChannelNorm(width), nn.ReLU()))
            self.field += (kernel - 1) * self.hop
            self.hop *= stride
            channels = width

    def forward(self, x: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor | None]:
        x = x.transpose(1, 2)  # channels last: what layer norm and matrix products read lies side by side
        for layer in self.layers:
            assert isinstance(layer, nn.Sequential)
            convolution, channels = layer[0], layer[1]
            assert isinstance(convolution, nn.Conv1d)
            assert isinstance(channels, ChannelNorm)
            norm, stride = channels.norm, convolution.stride[0]
            fused = self.training and fitting(x, convolution.kernel_size[0], stride)
            x = (strided if fused else plain)(x, convolution.weight, stride, norm.weight, norm.bias, norm.eps)
        frames = x.transpose(1, 2)
        return frames, None if mask is None else seen(mask, self.field, self.hop, frames.shape[-1])


def seen(mask: Tensor, field: int, hop: int, count: int) -> Tensor:
    """(n, count): which frames of `field` samples, one every `hop`, see real samples alone; the first counts."""
    ends = torch.arange(count, device=mask.device) * hop + field - 1
    kept = mask[:, ends.clamp(max=mask.shape[1] - 1)].clone()
    kept[:, 0] = True
    return kept


class TemporalBlock(Masking):
    """x + convolution(ReLU(norm(convolution(x)))), dilated, over frames (n, c, t); what is padding is kept at 0.

    Paper: Bai, Kolter and Koltun 2018, arXiv:1803.01271, without causality; Yue et al. 2022, arXiv:2106.10466.
    """

    def __init__(self, inputs: int, width: int, dilation: int = 1, stride: int = 1) -> None:
        super().__init__()
        self.first = nn.Conv1d(inputs, width, 3, stride, dilation, dilation, bias=False)
        self.norm = ChannelNorm(width)
        self.second = nn.Conv1d(width, width, 3, 1, dilation, dilation)
        same = inputs == width and stride == 1
        self.shortcut = nn.Identity() if same else nn.Conv1d(inputs, width, 1, stride)
        self.stride = stride

    def forward(self, x: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor | None]:
        if mask is not None:
            x = x * mask[:, None]
            mask = mask[:, :: self.stride]
        inner = F.relu(self.norm(self.first(x)))
        if mask is not None:
            inner = inner * mask[:, None]
        return F.relu(self.shortcut(x) + self.second(inner)), mask


class Moments(Masking):
    """Mean and deviation of the real frames: (n, c, t) to (n, 2 c)."""

    def forward(self, x: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor | None]:
        if mask is None:
            mean = x.mean(-1)
            square = (x - mean[..., None]).square().mean(-1)
        else:
            weight = mask[:, None].to(x.dtype)
            count = weight.sum(-1)  # (n, 1)
            mean = (x * weight).sum(-1) / count
            square = ((x - mean[..., None]).square() * weight).sum(-1) / count
        return torch.cat([mean, (square + 1e-5).sqrt()], 1), None


class Standardise(nn.Module):
    """(x - mean) / deviation of each column, (n, c, ...), both read off training examples by `calibrate`.

    Until then the columns pass as they are. A missing value, NaN, becomes 0, the mean. The numbers are buffers, so
    they are kept with the weights, and no batch moves them.
    """

    mean: Tensor
    scale: Tensor
    settled: Tensor

    def __init__(self, columns: int, axis: int) -> None:
        super().__init__()
        self.axis = axis
        self.register_buffer("mean", torch.zeros(columns))
        self.register_buffer("scale", torch.ones(columns))
        self.register_buffer("settled", torch.zeros((), dtype=torch.bool))

    def calibrate(self, rows: Rows, most: int = 4096) -> None:
        """Set mean and deviation, once, by up to `most` examples spread over all, without NaN and padding."""
        if self.settled:
            return  # what was learned since stands on the numbers there are
        index = torch.linspace(0, len(rows) - 1, min(len(rows), most)).long()
        taken = rows.take(index)
        x, mask = parted(taken[0] if isinstance(taken, (tuple, list)) else taken)  # before the labels, if any
        x = x.double()
        if mask is not None:
            x = x.masked_fill(~mask[..., None], torch.nan)
        flat = x.movedim(self.axis, -1).flatten(0, -2)  # (all, columns)
        mean = flat.nanmean(0)
        spread = (flat - mean).square().nanmean(0).sqrt()
        self.mean.copy_(mean.nan_to_num(0.0))
        self.scale.copy_(torch.where(spread > 0, spread, 1.0).nan_to_num(1.0))
        self.settled.fill_(True)

    def forward(self, x: Tensor) -> Tensor:
        shape = (-1, *[1] * (x.ndim - 2))
        scaled = (x - self.mean.view(shape)) / self.scale.view(shape)
        return torch.where(scaled.isnan(), torch.zeros((), dtype=x.dtype, device=x.device), scaled)
