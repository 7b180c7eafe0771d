"""NICE: additive couplings, which preserve volumes."""

from __future__ import annotations

from mutua.encoders.couplings import Flow, flow
from mutua.types import Spec

__all__ = ["nice"]


def nice(spec: Spec, layers: int = 8, hidden: int | None = None, start: float = 1e-4, seed: int = 0) -> Flow:
    """m -> m + t(h), layer by layer: a bijection with log|det| = 0, so that entropy too is what it was. Depth:
    code.

    Args:
        spec: of images; of any size, odd widths too, with two numbers or more.
        layers: couplings. Tschannen et al. take 30, of 512 hidden units.
        hidden: units of each of the two hidden layers of t; 256 by default, 32 for more than 4,096 numbers.
        start: deviation of the last layer's weights at the start: near 0 the map begins as the identity.
        seed: of the halves that are held.

    Paper: Dinh, Krueger and Bengio 2015, NICE: Non-linear Independent Components Estimation, arXiv:1410.8516; as
    the encoder of Tschannen et al. 2020, On Mutual Information Maximization for Representation Learning,
    arXiv:1907.13625.
    """
    return flow(spec, layers, hidden, False, start, seed)
