"""Encoders of sound: on raw samples, and on a log-mel spectrogram."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from mutua.encoders.frames import ChannelNorm, Frames, Moments, TemporalBlock, seen
from mutua.encoders.staged import Masking, Staged
from mutua.types import InputError, Spec

__all__ = ["Blocks", "LogMel", "halvings", "logmel", "wave"]


class Blocks(Masking):
    """Stages in a row that take masks."""

    def __init__(self, *blocks: Masking) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(blocks)

    def forward(self, x: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor | None]:
        for block in self.blocks:
            x, mask = block(x, mask)
        return x, mask


def _rate(spec: Spec) -> float:
    if spec.rate is None:
        raise InputError("rate: these recordings have none, and frames are counted in seconds; give --rate")
    return spec.rate


def halvings(spec: Spec) -> int:
    """Layers of stride 2 that, after strides of 5 and 4, make a frame of every 10 ms."""
    return max(round(math.log2(0.01 * _rate(spec) / 20)), 0)


def wave(spec: Spec, width: int = 128) -> Staged:
    """Strided convolutions on raw samples, one frame every 10 ms, two dilated blocks, mean and deviation in time.

    Depths: frames (width maps), context (width maps that see .2 s), pool (2 width features). The convolutions are
    those of contrastive predictive coding, strides 5, 4, 2, 2, 2 at 16 kHz, one fewer at 8 kHz; layer norm over
    channels, no batch norm.

    Paper: van den Oord et al. 2018, arXiv:1807.03748, section 3.1.
    """
    count = halvings(spec)
    frames = Frames(spec.shape[0], width, (10, 8, *[4] * count), (5, 4, *[2] * count))
    if spec.shape[1] < frames.field:
        raise InputError(
            f"length: {spec.shape[1]} samples, and this encoder sees {frames.field} at once; give longer"
        )
    return Staged(
        {
            "frames": frames,
            "context": Blocks(TemporalBlock(width, width, 1), TemporalBlock(width, width, 3)),
            "pool": Moments(),
        },
        spec,
    )


class LogMel(Masking):
    """log(power in mel bands + 1e-5) of frames of 32 ms, one every 10 ms: (n, c, t) to (n, c, bands, frames).

    Each recording's mean over all real frames and bands is taken away, so that its loudness says nothing.
    """

    window: Tensor
    bands: Tensor

    def __init__(self, rate: float, bands: int = 40) -> None:
        super().__init__()
        import librosa

        self.width, self.hop = 1 << max(round(math.log2(0.032 * rate)), 4), max(round(0.01 * rate), 1)
        matrix = librosa.filters.mel(sr=rate, n_fft=self.width, n_mels=bands)
        self.register_buffer("window", torch.hann_window(self.width), persistent=False)
        self.register_buffer("bands", torch.from_numpy(matrix).float(), persistent=False)  # (bands, width / 2 + 1)

    def forward(self, x: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor | None]:
        c = x.shape[1]
        with torch.autocast(x.device.type, enabled=False):
            frames = x.float().unfold(-1, self.width, self.hop)  # (n, c, frames, width)
            spectrum = torch.fft.rfft(frames * self.window).abs().square()
            levels = (spectrum @ self.bands.T + 1e-5).log().transpose(-1, -2).to(x.dtype)  # (n, c, bands, frames)
        if mask is None:
            return levels - levels.mean((1, 2, 3), keepdim=True), None
        kept = seen(mask, self.width, self.hop, levels.shape[-1])
        weight = kept[:, None, None].to(levels.dtype)
        mean = (levels * weight).sum((1, 2, 3), keepdim=True) / (
            weight.sum((1, 2, 3), keepdim=True) * c * levels.shape[2]
        )
        return (levels - mean) * weight, kept


class _Pictured(Masking):
    """A convolution 3x3 with `ChannelNorm` and ReLU on (n, c, bands, frames), which halves both."""

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        self.layer = nn.Sequential(nn.Conv2d(inputs, width, 3, 2, 1, bias=False), ChannelNorm(width), nn.ReLU())

    def forward(self, x: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor | None]:
        x = self.layer(x)
        if mask is None:
            return x, None
        mask = mask[:, ::2]
        return x * mask[:, None, None], mask


class _Lines(Masking):
    """(n, c, bands, frames) to (n, c bands, frames)."""

    def forward(self, x: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor | None]:
        return x.flatten(1, 2), mask


def logmel(spec: Spec, width: int = 32) -> Staged:
    """Convolutions on a log-mel spectrogram, mean and deviation in time.

    Depths: mel (40 bands), conv1, conv2, conv3 (maps, each half as long and high), pool.
    """
    mel = LogMel(_rate(spec))
    if spec.shape[1] < mel.width:
        raise InputError(f"length: {spec.shape[1]} samples, and a frame has {mel.width}; give longer recordings")
    return Staged(
        {
            "mel": mel,
            "conv1": _Pictured(spec.shape[0], width),
            "conv2": _Pictured(width, 2 * width),
            "conv3": Blocks(_Pictured(2 * width, 4 * width), _Lines()),
            "pool": Moments(),
        },
        spec,
    )
