"""The encoders of Deep InfoMax (Hjelm et al. 2019, arXiv:1808.06670, appendix A; settings from its code)."""

from __future__ import annotations

from torch import nn

from mutua.encoders.staged import Staged
from mutua.types import InputError

__all__ = ["dim32", "dim64"]


def _convolution(
    inputs: int, outputs: int, kernel: int, stride: int, pad: int, *after: nn.Module
) -> nn.Sequential:
    convolution = nn.Conv2d(inputs, outputs, kernel, stride, pad, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(outputs), nn.ReLU(), *after)


def _dense(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(inputs, outputs, bias=False), nn.BatchNorm1d(outputs), nn.ReLU())


def _at_least(least: int, size: int, name: str) -> None:
    if size < least:
        raise InputError(f"size: {name} takes images of {least} px or more, got {size}; enlarge them")


def dim32(channels: int = 3, size: int = 32, width: int = 64) -> Staged:
    """The CIFAR encoder: conv 64-128-256 (4x4, stride 2), fc 1024, Y.

    Depths: conv1, local (the 128 x 8 x 8 map of the local objective), conv (4096 features), fc (1024), Y (64).
    Batch norm and ReLU everywhere but on Y. For images other than 32 px the maps scale with the size, from
    8 px; `InputError` below.
    """
    _at_least(8, size, "dim32")
    last = size // 2 // 2 // 2  # each 4x4 convolution, stride 2, pad 1, halves
    return Staged(
        {
            "conv1": _convolution(channels, 64, 4, 2, 1),
            "local": _convolution(64, 128, 4, 2, 1),
            "conv": _convolution(128, 256, 4, 2, 1),
            "fc": nn.Sequential(nn.Flatten(), _dense(256 * last * last, 1024)),
            "Y": nn.Linear(1024, width),
        },
        channels,
        size,
    )


def dim64(channels: int = 3, size: int = 64, width: int = 64) -> Staged:
    """The encoder for 64 px and more, after AlexNet: conv 96-192-384-384-192, two fc of 4096, Y.

    Depths: conv1, conv2, conv3, local (384 maps), conv, fc1, fc, Y. From 15 px; `InputError` below.
    """
    _at_least(15, size, "dim64")
    pool = (size - 1) // 2  # max pool 3x3, stride 2, without padding
    pool = (pool - 1) // 2
    pool = (pool - 1) // 2
    return Staged(
        {
            "conv1": _convolution(channels, 96, 3, 1, 1, nn.MaxPool2d(3, 2)),
            "conv2": _convolution(96, 192, 3, 1, 1, nn.MaxPool2d(3, 2)),
            "conv3": _convolution(192, 384, 3, 1, 1),
            "local": _convolution(384, 384, 3, 1, 1),
            "conv": _convolution(384, 192, 3, 1, 1, nn.MaxPool2d(3, 2)),
            "fc1": nn.Sequential(nn.Flatten(), _dense(192 * pool * pool, 4096)),
            "fc": _dense(4096, 4096),
            "Y": nn.Linear(4096, width),
        },
        channels,
        size,
    )
