"""Real NVP: affine couplings."""

from __future__ import annotations

from mutua.encoders.couplings import Flow, flow
from mutua.types import Spec

__all__ = ["real_nvp"]


def real_nvp(spec: Spec, layers: int = 8, hidden: int | None = None, start: float = 1e-2, seed: int = 0) -> Flow:
    """m -> m exp(2 tanh a(h)) + t(h): a bijection whose log|det| is the sum of 2 tanh a. Depth: code.

    Log-scales are held within 2 a layer: what is not bounded can be inverted on paper and not in float32. They
    begin near 0, where the map is the identity.

    Args:
        spec: of images; of any size, odd widths too, with two numbers or more.
        layers: couplings.
        hidden: units of each of the two hidden layers; 256 by default, 32 for more than 4,096 numbers.
        start: deviation of the last layer's weights at the start.
        seed: of the halves that are held.

    Paper: Dinh, Sohl-Dickstein and Bengio 2017, Density estimation using Real NVP, arXiv:1605.08803.
    """
    return flow(spec, layers, hidden, True, start, seed)
