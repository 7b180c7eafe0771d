"""Network in network, as RotNet's authors have it for CIFAR-10."""

from __future__ import annotations

from torch import nn

from mutua.encoders.staged import Staged

__all__ = ["nin"]


def _block(inputs: int, kernel: int, widths: tuple[int, int, int], *after: nn.Module) -> nn.Sequential:
    """A k x k convolution and two of 1 x 1, each without bias and with batch norm and ReLU."""
    layers: list[nn.Module] = []
    for width, size in zip(widths, (kernel, 1, 1), strict=True):
        layers += [nn.Conv2d(inputs, width, size, 1, size // 2, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
        inputs = width
    return nn.Sequential(*layers, *after)


def nin(channels: int = 3, size: int = 32) -> Staged:
    """Network in network of four blocks, 192 features: 251 M multiplications an image of 32 px.

    Depths: conv1 (96 x 16 x 16 of 32 px, after its pooling), conv2 (192 x 8 x 8), conv3, conv4, pool. What
    rotation teaches is read best at conv2, and in the paper 27 points worse at conv4, which has specialised.

    Paper: Lin, Chen and Yan 2014, Network In Network, arXiv:1312.4400; the four blocks of Gidaris et al. 2018,
    arXiv:1803.07728, and its code.
    """
    stages = {
        "conv1": _block(channels, 5, (192, 160, 96), nn.MaxPool2d(3, 2, 1)),
        "conv2": _block(96, 5, (192, 192, 192), nn.AvgPool2d(3, 2, 1)),
        "conv3": _block(192, 3, (192, 192, 192)),
        "conv4": _block(192, 3, (192, 192, 192)),
        "pool": nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten()),
    }
    for stage in stages.values():
        for module in stage.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
    return Staged(stages, channels, size)
