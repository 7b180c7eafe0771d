"""An image and the same transformed, and by which parameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Generator, Tensor

from mutua.kernels.devices.copies import to_device
from mutua.types import InputError
from mutua.views.image.base import as_float
from mutua.views.image.jitter import OPERATIONS, ColourJitter
from mutua.views.image.warp import Warp
from mutua.views.noise import seeds, white_noise

__all__ = ["CONTENTS", "Transformed"]

CONTENTS = ("images", "noise")


@dataclass(frozen=True)
class Transformed:
    """Pairs (x, t(x)) of images, and the parameters theta of t: the entries of the map's matrix, the logs of the
    changes of brightness, contrast and saturation, and that of the hue.

    Args:
        warp: the map, or none.
        colour: changes of colour, or none.
        content: "images", or as a control "noise": x and t(x) are then made of noise drawn for each by itself, so
            that whatever is told of t was read off the border or off traces of resampling.
    """

    warp: Warp | None
    colour: ColourJitter | None = None
    content: str = "images"

    def __post_init__(self) -> None:
        if self.content not in CONTENTS:
            raise InputError(f"content: {self.content!r} is none of {', '.join(CONTENTS)}")

    def draw(self, n: int, shape: tuple[int, ...], generator: Generator) -> dict[str, Any]:
        """What is done to n images, and the seeds of their noise."""
        drawn: dict[str, Any] = {"seed": seeds(2 * n, generator).view(n, 2)}
        if self.warp is not None:
            drawn["warp"] = self.warp.draw(n, shape, generator)
        if self.colour is not None:
            drawn["colour"] = self.colour.draw(n, shape, generator)
        return drawn

    def parameters(self, drawn: Mapping[str, Any]) -> Float[Tensor, "n k"]:
        """theta of what was drawn."""
        found = []
        if self.warp is not None:
            found.append(self.warp.entries(drawn["warp"]["matrix"]))
        for name in OPERATIONS:
            if self.colour is not None and getattr(self.colour, name):
                value = drawn["colour"][name][:, None]
                found.append(value if name == "hue" else value.log())
        return torch.cat(found, 1) if found else torch.zeros(len(drawn["seed"]), 0)

    def pair(self, images: Tensor, drawn: Mapping[str, Any]) -> tuple[Tensor, Tensor]:
        """(Images as they are, the same transformed), floats in [0, 1]."""
        before = after = as_float(images)
        if self.content == "noise":
            size = before.shape[2] * before.shape[3]
            seed = to_device(drawn["seed"], before.device)
            noise = [white_noise(seed[:, k], before.shape[1], size, before.dtype).view_as(before) for k in (0, 1)]
            before, after = ((0.5 + 0.25 * each).clamp(0, 1) for each in noise)
        with torch.autocast(before.device.type, enabled=False):
            if self.warp is not None:
                before = self.warp.still(before, drawn["warp"])
                after = self.warp.apply(after, drawn["warp"])
            return before, after if self.colour is None else self.colour.apply(after, drawn["colour"])
