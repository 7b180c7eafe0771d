"""The convolutional network of the studies of disentanglement."""

from __future__ import annotations

from torch import nn

from mutua.encoders.inputs import image_spec, side
from mutua.encoders.staged import Staged
from mutua.types import Spec

__all__ = ["locatello"]


def locatello(spec: Spec) -> Staged:
    """Four convolutions of stride 2 without batch norm, then 256 units. Depths: conv, fc.

    Channels 32, 32, 64, 64; kernels 4 x 4, 4 x 4, 2 x 2, 2 x 2 (most ports have 4 x 4 throughout); ReLU. With
    `latent=10` a VAE's mean and log deviation are linear maps of fc.

    Args:
        spec: of square images; published at 64 x 64.

    Paper: Higgins et al. 2017, beta-VAE; kernels as in the code of Locatello et al. 2019, arXiv:1811.12359.
    """
    size = side(spec)
    sizes = ((spec.shape[0], 32, 4), (32, 32, 4), (32, 64, 2), (64, 64, 2))
    layers: list[nn.Module] = []
    for before, after, kernel in sizes:
        # "Same" padding: half of the size, rounded up, and what is odd of the border at the end.
        half = -(-size // 2)
        border = max(2 * (half - 1) + kernel - size, 0)
        low, high = border // 2, border - border // 2
        layers += [nn.ZeroPad2d((low, high, low, high)), nn.Conv2d(before, after, kernel, 2), nn.ReLU()]
        size = half
    conv = nn.Sequential(*layers)
    fc = nn.Sequential(nn.Flatten(), nn.Linear(64 * size * size, 256), nn.ReLU())
    return Staged({"conv": conv, "fc": fc}, image_spec(spec.shape[0], spec.shape[1]))
