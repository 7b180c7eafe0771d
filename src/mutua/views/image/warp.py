"""Images seen through a map of the plane: affine, or projective."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torch
from jaxtyping import Float
from torch import Generator, Tensor
from torch.nn.functional import grid_sample

from mutua.kernels.devices.copies import to_device
from mutua.types import InputError
from mutua.views.base import check_range, uniform
from mutua.views.image.base import ImageTransform, as_dtype, as_float, check_images

__all__ = ["Affine", "Projective", "Warp", "warped"]

BORDERS = ("inside", "grey")


def warped(
    images: Float[Tensor, "n c h w"], matrix: Float[Tensor, "n 3 3"], window: float = 1.0
) -> Float[Tensor, "n c h w"]:
    """What stands at M u of each image, at every place u of the output; linear between pixels, grey (1/2) outside.

    Places are (x, y, 1) from the image's centre, in halves of its shorter side times `window`, so that a window of
    1/2 shows the middle of the image enlarged twice where M is the identity. Autocast or not.
    """
    _, _, height, width = images.shape
    least = min(height, width)
    with torch.autocast(images.device.type, enabled=False):
        y = (torch.arange(height, device=images.device, dtype=images.dtype) * 2 + 1 - height) / least
        x = (torch.arange(width, device=images.device, dtype=images.dtype) * 2 + 1 - width) / least
        at = torch.stack(
            [x.expand(height, width), y[:, None].expand(height, width), torch.ones_like(x + y[:, None])]
        )
        found = (matrix.to(images.dtype) @ at.flatten(1)).unflatten(2, (height, width))  # (n, 3, h, w)
        place = window * found[:, :2] / found[:, 2:]
        side = torch.tensor([least / width, least / height], dtype=images.dtype, device=images.device)
        grid = place.movedim(1, -1) * side  # (n, h, w, 2), -1 and 1 are the outer edges of the image
        return grid_sample(images - 0.5, grid, mode="bilinear", padding_mode="zeros", align_corners=False) + 0.5


class Warp(ImageTransform):
    """Maps M drawn for each image; what comes out shows at u what stood at M u (see `warped`).

    With the border "inside", the window is so small that the family's maps don't reach the image's edge: what is
    outside, whose outline would tell the map, is never seen. With "grey" it is the whole image, as in the authors'
    code, and what is outside is grey.

    Parameters drawn: matrix, (n, 3, 3); shift, (n, 2), by which the other image of a pair is moved, up to half a
    pixel each way, so that it is resampled too.
    """

    border: str

    def maps(self, n: int, generator: Generator) -> Float[Tensor, "n 3 3"]:
        """Maps drawn, of bottom right entry 1."""
        raise NotImplementedError(f"{type(self).__name__} must define maps(n, generator)")

    def entries(self, matrix: Float[Tensor, "n 3 3"]) -> Float[Tensor, "n k"]:
        """The entries that vary."""
        raise NotImplementedError(f"{type(self).__name__} must define entries(matrix)")

    def window(self, height: int, width: int) -> float:
        """Of images of a size: the share of their sides that is shown."""
        return 1.0 if self.border == "grey" else _window(self, height, width)

    def check_shape(self, shape: tuple[int, ...]) -> None:
        """Raise `InputError` where the window is under 4 px of the shorter side."""
        if (seen := self.window(*shape[-2:]) * min(shape[-2:])) < 4:
            raise InputError(
                f"border: inside {shape[-2]} x {shape[-1]} px these maps leave a window of {seen:.1f} px; narrow "
                "their ranges, give larger images, or border='grey'"
            )

    def draw(self, n: int, shape: tuple[int, ...], generator: Generator) -> dict[str, Any]:
        return {
            "matrix": self.maps(n, generator),
            "shift": uniform((n, 2), -1.0, 1.0, generator) / min(shape[-2:]),
        }

    def apply(self, images: Tensor, parameters: Mapping[str, Any]) -> Tensor:
        check_images(images, parameters)
        matrix = to_device(parameters["matrix"], images.device)
        return as_dtype(warped(as_float(images), matrix, self.window(*images.shape[2:])), images.dtype)

    def still(self, images: Tensor, parameters: Mapping[str, Any]) -> Tensor:
        """The images through the same window, but for the shift as they are."""
        check_images(images, parameters)
        window = self.window(*images.shape[2:])
        matrix = torch.eye(3).repeat(len(images), 1, 1)
        matrix[:, :2, 2] = parameters["shift"] / window
        return as_dtype(warped(as_float(images), to_device(matrix, images.device), window), images.dtype)


@lru_cache(maxsize=64)
def _window(warp: Warp, height: int, width: int) -> float:
    """1 / the farthest that a map takes a corner, of 20,000 drawn, less a twentieth; one pixel within the edge."""
    least = min(height, width)
    side = torch.tensor([width / least, height / least, 1.0])
    corners = torch.tensor([[1.0, 1, 1], [1, -1, 1], [-1, 1, 1], [-1, -1, 1]]) * side  # (4, 3)
    found = warp.maps(20_000, Generator().manual_seed(0)) @ corners.T  # (n, 3, 4)
    reach = float((found[:, :2] / found[:, 2:] / side[:2, None]).abs().max())
    return min(0.95 / reach, 1 - 2 / least)


@dataclass(frozen=True)
class Affine(Warp):
    """M u = scale R(angle) [1, tan(shear); 0, 1] u + move: turned, sheared, moved, enlarged by scales below 1.

    Args:
        rotation: degrees up to which it turns, either way.
        translation: of the shorter side, up to which it moves along each axis.
        scale: smallest and largest.
        shear: degrees, either way.
        border: "inside" or "grey", see `Warp`.

    Paper: Zhang, Qi, Wang and Luo 2019, AET vs. AED, arXiv:1901.04596, section 4.1.
    """

    rotation: float = 180.0
    translation: float = 0.2
    scale: tuple[float, float] = (0.7, 1.3)
    shear: float = 30.0
    border: str = "inside"

    def __post_init__(self) -> None:
        check_range(self.scale, "scale", 0)
        for name, most in (("rotation", 180), ("translation", 1), ("shear", 60)):
            if not 0 <= getattr(self, name) <= most:
                raise InputError(f"{name}: {getattr(self, name)}; give 0 to {most}")
        _check_border(self.border)

    def maps(self, n: int, generator: Generator) -> Float[Tensor, "n 3 3"]:
        angle = uniform((n,), -self.rotation, self.rotation, generator) * (math.pi / 180)
        shear = (uniform((n,), -self.shear, self.shear, generator) * (math.pi / 180)).tan()
        scale = uniform((n,), *self.scale, generator)
        move = uniform((n, 2), -2 * self.translation, 2 * self.translation, generator)
        cos, sin = scale * angle.cos(), scale * angle.sin()
        matrix = torch.eye(3).repeat(n, 1, 1)
        matrix[:, 0, 0], matrix[:, 0, 1] = cos, cos * shear - sin
        matrix[:, 1, 0], matrix[:, 1, 1] = sin, sin * shear + cos
        matrix[:, :2, 2] = move
        return matrix

    def entries(self, matrix: Float[Tensor, "n 3 3"]) -> Float[Tensor, "n 6"]:
        return matrix[:, :2].flatten(1)


@dataclass(frozen=True)
class Projective(Warp):
    """The map that takes the corners of a square to corners each moved by itself, scaled and turned by quarters.

    Args:
        corners: of the side, up to which each corner moves along each axis.
        scale: smallest and largest.
        turns: whether it is turned by 0, 90, 180 or 270 degrees, too.
        border: "inside" or "grey", see `Warp`.

    Paper: Zhang et al. 2019, AET vs. AED, arXiv:1901.04596, section 4.1.
    """

    corners: float = 0.125
    scale: tuple[float, float] = (0.8, 1.2)
    turns: bool = True
    border: str = "inside"

    def __post_init__(self) -> None:
        check_range(self.scale, "scale", 0)
        if not 0 <= self.corners <= 0.25:
            raise InputError(f"corners: {self.corners}; give 0 to 0.25 of the side, beyond which squares may fold")
        _check_border(self.border)

    def maps(self, n: int, generator: Generator) -> Float[Tensor, "n 3 3"]:
        square = torch.tensor([[1.0, 1], [1, -1], [-1, 1], [-1, -1]])
        moved = square + uniform((n, 4, 2), -2 * self.corners, 2 * self.corners, generator)
        turn = torch.randint(0, 4 if self.turns else 1, (n,), generator=generator) * (math.pi / 2)
        turned = torch.stack([turn.cos(), -turn.sin(), turn.sin(), turn.cos()], 1).view(n, 2, 2)
        to = uniform((n, 1, 1), *self.scale, generator) * moved @ turned.mT  # (n, 4, 2)
        # h1 x + h2 y + h3 - x' (h7 x + h8 y) = x', and alike for y': eight equations for eight entries.
        at = torch.cat([square, torch.ones(4, 1)], 1)  # (4, 3)
        left = torch.zeros(n, 8, 8)
        left[:, :4, :3] = left[:, 4:, 3:6] = at
        left[:, :4, 6:] = -to[..., :1] * square
        left[:, 4:, 6:] = -to[..., 1:] * square
        found = torch.linalg.solve(left, to.mT.flatten(1))
        return torch.cat([found, torch.ones(n, 1)], 1).view(n, 3, 3)

    def entries(self, matrix: Float[Tensor, "n 3 3"]) -> Float[Tensor, "n 8"]:
        return (matrix / matrix[:, 2:, 2:]).flatten(1)[:, :8]


def _check_border(border: str) -> None:
    if border not in BORDERS:
        raise InputError(f"border: {border!r} is none of {', '.join(BORDERS)}")
