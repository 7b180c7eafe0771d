"""Residual networks (He et al. 2016, arXiv:1512.03385), with the stem for small images and the one for large."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from mutua.encoders.staged import Staged

__all__ = ["Basic", "Bottleneck", "group_norm", "resnet", "resnet18", "resnet34", "resnet50"]

Norm = Callable[[int], nn.Module]


def group_norm(width: int) -> nn.Module:
    """Group norm of 32 groups, as published: no statistics of the batch, so exact in chunks of it.

    Paper: Wu and He 2018, arXiv:1803.08494.
    """
    return nn.GroupNorm(math.gcd(32, width), width)


class Basic(nn.Module):
    """Two 3x3 convolutions and a shortcut."""

    expansion = 1

    def __init__(self, inputs: int, width: int, stride: int, norm: Norm) -> None:
        super().__init__()
        self.residual = nn.Sequential(
            nn.Conv2d(inputs, width, 3, stride, 1, bias=False),
            norm(width),
            nn.ReLU(inplace=True),
            nn.Conv2d(width, width, 3, 1, 1, bias=False),
            norm(width),
        )
        self.shortcut = _shortcut(inputs, width, stride, norm)

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.residual(x) + self.shortcut(x))


class Bottleneck(nn.Module):
    """1x1, 3x3, 1x1 and a shortcut; the stride in the 3x3 (the version called 1.5)."""

    expansion = 4

    def __init__(self, inputs: int, width: int, stride: int, norm: Norm) -> None:
        super().__init__()
        outputs = width * self.expansion
        self.residual = nn.Sequential(
            nn.Conv2d(inputs, width, 1, bias=False),
            norm(width),
            nn.ReLU(inplace=True),
            nn.Conv2d(width, width, 3, stride, 1, bias=False),
            norm(width),
            nn.ReLU(inplace=True),
            nn.Conv2d(width, outputs, 1, bias=False),
            norm(outputs),
        )
        self.shortcut = _shortcut(inputs, outputs, stride, norm)

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.residual(x) + self.shortcut(x))


def _shortcut(inputs: int, outputs: int, stride: int, norm: Norm) -> nn.Module:
    if stride == 1 and inputs == outputs:
        return nn.Identity()
    return nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), norm(outputs))


def small_stem(channels: int, norm: Norm) -> nn.Module:
    """3x3, stride 1, no pooling: for images of 64 px and less."""
    return nn.Sequential(nn.Conv2d(channels, 64, 3, 1, 1, bias=False), norm(64), nn.ReLU(inplace=True))


def large_stem(channels: int, norm: Norm) -> nn.Module:
    """7x7, stride 2, then max pooling, stride 2: ImageNet's."""
    return nn.Sequential(
        nn.Conv2d(channels, 64, 7, 2, 3, bias=False), norm(64), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2, 1)
    )


def resnet(
    block: type[Basic] | type[Bottleneck],
    blocks: Sequence[int],
    channels: int,
    size: int,
    stem: Callable[[int, Norm], nn.Module] | None = None,
    norm: Norm = nn.BatchNorm2d,
) -> Staged:
    """A residual network of four groups. Depths: stem, layer1 to layer4, pool (512 or 2048 features).

    `stem` is the small one up to 64 px and the large one beyond, where it is not given. The last norm of each
    residual starts at zero, so that every block starts as the identity (Goyal et al. 2017, arXiv:1706.02677).
    """
    stem = stem or (small_stem if size <= 64 else large_stem)
    stages: dict[str, nn.Module] = {"stem": stem(channels, norm)}
    inputs = 64
    for group, count in enumerate(blocks):
        width = 64 * 2**group
        layers = []
        for index in range(count):
            layers.append(block(inputs, width, 2 if group and not index else 1, norm))
            inputs = width * block.expansion
        stages[f"layer{group + 1}"] = nn.Sequential(*layers)
    stages["pool"] = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
    for stage in stages.values():
        for module in stage.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            if isinstance(module, Basic | Bottleneck):
                nn.init.zeros_(module.residual[-1].weight)  # type: ignore[arg-type]
    return Staged(stages, channels, size)


def resnet18(channels: int = 3, size: int = 32, norm: Norm = nn.BatchNorm2d) -> Staged:
    """ResNet-18: 11.2 M parameters, 512 features."""
    return resnet(Basic, (2, 2, 2, 2), channels, size, norm=norm)


def resnet34(channels: int = 3, size: int = 32, norm: Norm = nn.BatchNorm2d) -> Staged:
    """ResNet-34: 21.3 M parameters, 512 features."""
    return resnet(Basic, (3, 4, 6, 3), channels, size, norm=norm)


def resnet50(channels: int = 3, size: int = 32, norm: Norm = nn.BatchNorm2d) -> Staged:
    """ResNet-50: 23.5 M parameters, 2,048 features."""
    return resnet(Bottleneck, (3, 4, 6, 3), channels, size, norm=norm)
