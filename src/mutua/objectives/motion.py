"""Motion that goes on as it was: the rival of whatever tells the next frame."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample

__all__ = ["carried_on", "displaced", "displacement"]


@torch.no_grad()
def carried_on(frames: Float[Tensor, "n t c h w"], ahead: int = 1) -> Float[Tensor, "n a c h w"]:
    """The last frame, moved on by 1 .. a times as much as it moved since the one before: constant velocity.

    One displacement for the whole frame: exact for one thing that moves over one colour, or a camera that pans.
    """
    move = displacement(frames[:, -2], frames[:, -1])
    return torch.stack([displaced(frames[:, -1], (k + 1) * move) for k in range(ahead)], 1)


def displacement(before: Float[Tensor, "n c h w"], after: Float[Tensor, "n c h w"]) -> Float[Tensor, "n 2"]:
    """(down, right) px by which one frame is best moved to give the other: where their correlation is highest, at
    most a quarter of the side away, between whole pixels by a parabola. 0 where nothing changed.
    """
    a, b = (x.float().mean(1) - x.float().mean((1, 2, 3))[:, None, None] for x in (before, after))
    n, h, w = a.shape
    size = (2 * h, 2 * w)  # padded, so that what leaves at one side does not come back at the other
    product = torch.fft.rfft2(b, size) * torch.fft.rfft2(a, size).conj()
    found = torch.fft.fftshift(torch.fft.irfft2(product, size), (1, 2))  # (n, 2 h, 2 w), no motion in the middle
    down, right = max(h // 4, 1), max(w // 4, 1)
    near = found[:, h - down - 1 : h + down + 2, w - right - 1 : w + right + 2]  # a row more on each side
    best = near[:, 1:-1, 1:-1].flatten(1).argmax(1)
    row, column = torch.div(best, 2 * right + 1, rounding_mode="floor") + 1, best % (2 * right + 1) + 1
    at = torch.arange(n, device=a.device)
    middle = near[at, row, column]
    between = [
        _peak(near[at, row - 1, column], middle, near[at, row + 1, column]),
        _peak(near[at, row, column - 1], middle, near[at, row, column + 1]),
    ]
    move = torch.stack([row - down - 1 + between[0], column - right - 1 + between[1]], 1)
    return torch.where((a == b).flatten(1).all(1)[:, None], 0.0, move)


def _peak(left: Tensor, middle: Tensor, right: Tensor) -> Tensor:
    """Where the parabola through three equally distant values is highest, from -1/2 to 1/2 of the distance."""
    curve = left - 2 * middle + right
    return torch.where(curve < 0, (left - right) / (2 * curve.clamp(max=-1e-12)), 0.0).clamp(-0.5, 0.5)


def displaced(frames: Float[Tensor, "n c h w"], move: Float[Tensor, "n 2"]) -> Float[Tensor, "n c h w"]:
    """Frames moved by (down, right) px, bilinear; what comes in at an edge is the edge's own pixels."""
    h, w = frames.shape[2:]
    theta = torch.zeros(len(frames), 2, 3, dtype=frames.dtype, device=frames.device)
    theta[:, 0, 0] = theta[:, 1, 1] = 1
    theta[:, 0, 2], theta[:, 1, 2] = -2 * move[:, 1] / w, -2 * move[:, 0] / h
    grid = affine_grid(theta, list(frames.shape), align_corners=False)
    return grid_sample(frames, grid, padding_mode="border", align_corners=False)
