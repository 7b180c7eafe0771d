"""A program of views (`mutua.kernels.views.cpu`) as stages for `mutua.kernels.views.cuda`: one launch or two each.

A stage takes every pixel from a place, or some, of what went before, and then changes its colour:

    place       numbers of each image in the table
    STAY        none
    CROP        top, left, height, width, steps down and right, taps down and right, 1 where mirrored
    MOVE        down, right, 1 where mirrored
    BLUR_ROWS   radius, weights of the middle and of those beside it; BLUR_COLUMNS: the same

After these come the slots of the changes of colour: the number of those before contrast, which needs the image's
mean after them (that of all slots where there is none); the kind of each; the factor of each. Each image has its
own order, so kinds are numbers of the table too; NONE is the kind where nothing is to be done. A stage has one
contrast at most.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from mutua.kernels.views.cpu import BLUR, CROP, FLIP, GREY, JITTER, SHIFT
from mutua.kernels.views.space import FAINT

__all__ = ["Stage", "staged"]

STAY, CROPPED, MOVED, BLURRED_ROWS, BLURRED_COLUMNS = range(5)

# The first four as `order` of a jitter counts them.
BRIGHTNESS, CONTRAST, SATURATION, HUE, GREYED, SOLARISED, NONE = range(7)

Shape = tuple[int, int, int]
Rows = Float[Tensor, " n"]


class Stage(NamedTuple):
    """What one stage is; its numbers begin at columns `first` and `colours` of the table."""

    place: int
    first: int
    colours: int
    slots: int
    contrast: bool
    shape: Shape  # (c, H, W) of what comes out


@dataclass
class _Draft:
    """A stage that is still added to: columns of numbers, and of kinds and factors of its slots."""

    place: int
    shape: Shape
    numbers: list[Rows]
    kinds: list[Rows] = field(default_factory=list)
    factors: list[Rows] = field(default_factory=list)
    contrast: bool = False


def _cropped(fixed: np.ndarray, row: Tensor, shape: Shape) -> _Draft:
    out = torch.tensor([int(fixed[0]), int(fixed[1])])
    length = row[:, 2:4]  # (n, 2)
    step = length / out
    # Pixels under a triangle that reaches as far either way.
    taps = torch.minimum(length, (2 * step.clamp(min=1)).ceil())
    numbers = [*row[:, :4].T, *step.T, *taps.T, torch.zeros(len(row), dtype=row.dtype)]
    return _Draft(CROPPED, (shape[0], int(out[0]), int(out[1])), numbers)


def _blurred(radius: int, row: Tensor, shape: Shape) -> list[_Draft]:
    applied, sigma = row[:, :1] != 0, row[:, 1:2]
    weight = torch.exp(-0.5 * (torch.arange(radius + 1) / sigma) ** 2)  # (n, radius + 1)
    # Radius 0, weight 1 is a copy, bit for bit.
    kept = (weight >= FAINT) & (applied | (torch.arange(radius + 1) == 0))
    weight = weight * kept
    weight = weight / (2 * weight.sum(1, keepdim=True) - weight[:, :1])
    numbers = [kept.sum(1) - 1.0, *weight.T]
    return [_Draft(place, shape, list(numbers)) for place in (BLURRED_ROWS, BLURRED_COLUMNS)]


def _slots(code: int, fixed: np.ndarray, row: Tensor) -> tuple[list[Rows], list[Rows]]:
    """(Kinds, factors) of one change of colour, a column for each slot."""
    applied = row[:, :1] != 0
    if code != JITTER:
        kind = torch.tensor(float(GREYED if code == GREY else SOLARISED), dtype=row.dtype)
        return [torch.where(applied[:, 0], kind, float(NONE))], [torch.full_like(row[:, 0], float(fixed[0]))]
    order = row[:, 1:5].long()  # (n, 4)
    turn = row[:, 5 + HUE : 6 + HUE]
    # A turn is six sixths, and half of it either way is every hue.
    factors = torch.cat([row[:, 5 : 5 + HUE], 6 * (turn - turn.round())], 1).gather(1, order)
    changed = torch.from_numpy(fixed != 0)[order]
    kinds = torch.where(applied & changed, row[:, 1:5], float(NONE))
    return list(kinds.T), list(factors.T)


def _drafts(codes: np.ndarray, fixed: np.ndarray, first: np.ndarray, drawn: Tensor, shape: Shape) -> list[_Draft]:
    found: list[_Draft] = []
    for k, code in enumerate(codes.tolist()):
        row = drawn[:, int(first[k]) :]
        still = row.new_zeros(len(row))
        if code == FLIP and found and found[-1].place == CROPPED and not found[-1].kinds:
            numbers = found[-1].numbers
            numbers[-1] = (numbers[-1] != row[:, 0]).to(row.dtype)
        elif code == CROP:
            found.append(_cropped(fixed[k], row, shape))
        elif code == FLIP:
            found.append(_Draft(MOVED, shape, [still, still, row[:, 0]]))
        elif code == SHIFT:
            found.append(_Draft(MOVED, shape, [row[:, 0], row[:, 1], still]))
        elif code == BLUR:
            found += _blurred(int(fixed[k, 0]), row, shape)
        else:
            contrast = code == JITTER and bool(fixed[k, CONTRAST])
            if not found or (contrast and found[-1].contrast):
                found.append(_Draft(STAY, shape, []))
            kinds, factors = _slots(code, fixed[k], row)
            found[-1].kinds += kinds
            found[-1].factors += factors
            found[-1].contrast |= contrast
        shape = found[-1].shape
    return found or [_Draft(STAY, shape, [])]


def staged(
    codes: np.ndarray, fixed: np.ndarray, first: np.ndarray, drawn: np.ndarray, shape: Shape
) -> tuple[list[Stage], Float[Tensor, "n k"]]:
    """(Stages, table of their numbers) of the program for images (c, h, w); whole pixels are exact in float32."""
    stages: list[Stage] = []
    columns: list[Tensor] = []
    for draft in _drafts(codes, fixed, first, torch.from_numpy(drawn), shape):
        start, slots = len(columns), len(draft.kinds)
        columns += draft.numbers
        stages.append(Stage(draft.place, start, len(columns), slots, draft.contrast, draft.shape))
        if slots:
            last = torch.full((len(drawn), 1), True)
            found = torch.cat([torch.stack(draft.kinds, 1) == CONTRAST, last], 1)  # (n, slots + 1)
            columns += [found.int().argmax(1), *draft.kinds, *draft.factors]
    table = torch.stack([column.float() for column in columns], 1) if columns else torch.zeros(len(drawn), 0)
    return stages, table
