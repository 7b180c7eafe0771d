"""Numbers that a network takes from the training examples before it learns, such as each column's mean."""

from __future__ import annotations

from torch import nn

from mutua.types import Rows

__all__ = ["calibrate"]


def calibrate(network: nn.Module, examples: Rows) -> None:
    """Call `calibrate(examples)` of every part of the network that has one; nothing where none has."""
    for module in network.modules():
        if module is not network and callable(found := getattr(module, "calibrate", None)):
            found(examples)
