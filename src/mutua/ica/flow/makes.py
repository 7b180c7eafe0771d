"""The makes of a flow, by name."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch

from mutua.ica.flow.base import Make
from mutua.ica.flow.coupling import Coupled
from mutua.ica.flow.layers import Layered, torch_layers
from mutua.ica.flow.torched import Torched

__all__ = ["MAKES", "coupling", "layers"]


def layers(d: int, count: int | None, knees: int, device: torch.device) -> Make:
    """`count` monotone maps (5) between linear layers: the compiled kernel on CPU, torch elsewhere."""
    made = Layered(d, 5 if count is None else count, knees)
    if device.type == "cpu":
        return made
    return Torched(d, made.size, made.linear, made.start, partial(torch_layers, made), made.inverse, str(device))


def coupling(d: int, count: int | None, knees: int, device: torch.device) -> Make:
    """`count` affine couplings (8); `knees` means nothing here."""
    made = Coupled(d, 8 if count is None else count)
    return Torched(d, made.size, made.linear, made.start, made.forward, made.inverse, str(device))


MAKES: dict[str, Callable[[int, int | None, int, torch.device], Make]] = {"layers": layers, "coupling": coupling}
