"""Compositions of known views in one go: `mutua.kernels.views.cpu` on the CPU, `views_triton` on CUDA."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from mutua.kernels.devices.copies import to_device
from mutua.kernels.devices.triton_here import triton_here
from mutua.kernels.views import cpu as kernel
from mutua.kernels.views.stages import staged
from mutua.types import View
from mutua.views.image.blur import GaussianBlur, blur_radius
from mutua.views.image.crop import HorizontalFlip, RandomResizedCrop
from mutua.views.image.jitter import OPERATIONS, ColourJitter, Greyscale, Solarise
from mutua.views.image.shift import PaddedCrop

__all__ = ["fused"]

Shape = tuple[int, int, int]
Drawn = Mapping[str, Any]

# Numbers that a thread must at least have to work on: below it starting costs more than it saves.
_SHARE = 1 << 17


class _Step(NamedTuple):
    """One view in the kernel's words: its code, its settings, a column for each parameter, what comes out."""

    code: int
    fixed: tuple[float, ...]
    columns: Sequence[Tensor]
    shape: Shape


def _crop(view: RandomResizedCrop, drawn: Drawn, shape: Shape) -> _Step | None:
    c, height, width = shape
    top, left, h, w = (drawn[name] for name in ("top", "left", "height", "width"))
    inside = (top >= 0) & (left >= 0) & (h >= 1) & (w >= 1) & (top + h <= height) & (left + w <= width)
    if not bool(inside.all()):
        return None
    H, W = view.shape_after(shape)[-2:]
    return _Step(kernel.CROP, (H, W), (top, left, h, w), (c, H, W))


def _flip(_: HorizontalFlip, drawn: Drawn, shape: Shape) -> _Step | None:
    return _Step(kernel.FLIP, (), (drawn["applied"],), shape)


def _shift(view: PaddedCrop, drawn: Drawn, shape: Shape) -> _Step | None:
    moved = drawn["shift"] - view.padding  # (n, 2)
    if bool((moved.abs() > view.padding).any()):
        return None
    return _Step(kernel.SHIFT, (), (moved[:, 0], moved[:, 1]), shape)


def _jitter(view: ColourJitter, drawn: Drawn, shape: Shape) -> _Step | None:
    if shape[0] != 3 and (view.saturation or view.hue):
        return None
    order = drawn["order"]  # (n, 4)
    if order.shape[1] != len(OPERATIONS) or bool(((order < 0) | (order >= len(OPERATIONS))).any()):
        return None
    changed = tuple(float(getattr(view, name) != 0) for name in OPERATIONS)
    return _Step(kernel.JITTER, changed, (drawn["applied"], *order.T, *(drawn[k] for k in OPERATIONS)), shape)


def _grey(_: Greyscale, drawn: Drawn, shape: Shape) -> _Step | None:
    return _Step(kernel.GREY, (), (drawn["applied"],), shape) if shape[0] == 3 else None


def _blur(_: GaussianBlur, drawn: Drawn, shape: Shape) -> _Step | None:
    sigma = drawn["sigma"]
    if min(shape[1:]) < 2 or not bool(((sigma > 0) & (sigma < torch.inf)).all()):
        return None
    return _Step(kernel.BLUR, (blur_radius(*shape[1:]),), (drawn["applied"], sigma), shape)


def _solarise(view: Solarise, drawn: Drawn, shape: Shape) -> _Step | None:
    return _Step(kernel.SOLARISE, (view.threshold,), (drawn["applied"],), shape)


# By the very class: a subclass may apply something else.
KNOWN: dict[type, Callable[[Any, Drawn, Shape], _Step | None]] = {
    RandomResizedCrop: _crop,
    HorizontalFlip: _flip,
    PaddedCrop: _shift,
    ColourJitter: _jitter,
    Greyscale: _grey,
    GaussianBlur: _blur,
    Solarise: _solarise,
}


class _Program(NamedTuple):
    """What a kernel is given beside images: see `mutua.kernels.views.cpu`."""

    codes: np.ndarray  # (m,)
    fixed: np.ndarray  # (m, 4)
    first: np.ndarray  # (m,)
    drawn: np.ndarray  # (n, k)
    room: int
    shape: Shape


def _program(views: Sequence[tuple[View, Drawn]], n: int, shape: Shape) -> _Program | None:
    codes, first, room = [], [], int(np.prod(shape))
    fixed = np.zeros((len(views), 4))
    columns: list[Tensor] = []
    for k, (view, drawn) in enumerate(views):
        compiled = KNOWN.get(type(view))
        if compiled is None:
            return None
        step = compiled(view, {name: value.cpu() for name, value in drawn.items()}, shape)
        if step is None or any(len(column) != n for column in step.columns):
            return None
        codes.append(step.code)
        fixed[k, : len(step.fixed)] = step.fixed
        first.append(len(columns))
        columns += step.columns
        c, height, _ = shape
        shape = step.shape
        # Rows are resized before columns, four at a time.
        room = max(room, (c * height + 3) * shape[2], int(np.prod(shape)))
    table = torch.stack([column.double() for column in columns], 1) if columns else torch.zeros(n, 0).double()
    return _Program(np.array(codes, np.int64), fixed, np.array(first, np.int64), table.numpy(), room, shape)


def _threads(n: int, room: int) -> int:
    return max(1, min(torch.get_num_threads(), n, n * room // _SHARE))


@lru_cache(1)
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, thread_name_prefix="views")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pool.cache_clear)  # a child has the pool, but none of its threads


def _slices(n: int, parts: int) -> Iterator[slice]:
    for k in range(parts):
        yield slice(k * n // parts, (k + 1) * n // parts)


def _by_loop(program: _Program, images: Tensor, dtype: torch.dtype, threads: int | None) -> Tensor:
    n, c, height, width = images.shape
    out = torch.empty((n, *program.shape), dtype=dtype)
    source = images.contiguous().numpy().reshape(n, c * height * width)
    target = out.numpy().reshape(n, int(np.prod(program.shape)))
    white, levels = np.float32(255 if images.dtype == torch.uint8 else 1), dtype == torch.uint8

    def work(part: slice) -> None:
        codes, fixed, first, drawn, room, _ = program
        kernel.run(
            source[part], white, c, height, width, target[part], levels, codes, fixed, first, drawn[part], room
        )

    count = threads or _threads(n, program.room)
    if count == 1:
        work(slice(None))
    else:
        for done in [_pool(count).submit(work, part) for part in _slices(n, count)]:
            done.result()
    return out


def _by_triton(program: _Program, images: Tensor, dtype: torch.dtype) -> Tensor:
    from mutua.kernels.views.cuda import run  # needs Triton

    c, height, width = images.shape[1:]
    stages, table = staged(program.codes, program.fixed, program.first, program.drawn, (c, height, width))
    return run(images, stages, to_device(table, images.device), dtype)


def fused(
    views: Sequence[tuple[View, Drawn]], images: Tensor, dtype: torch.dtype, threads: int | None = None
) -> Tensor | None:
    """The images (n, c, h, w) through the views, each with what was drawn, as `dtype`; None where this can't.

    It can where every view is one of `KNOWN`, the images are uint8 or float32 and want no gradient, `dtype` is
    one of these two, the parameters are such as `draw` makes, and the images lie on the CPU (a compiled loop), or
    on CUDA with Triton at hand (a launch or two, and two more for each blur; the host never waits for the device,
    where the parameters lie on the CPU). The caller then takes the plain path, which works or says what is wrong.
    torch.compile is given the plain path too, which it can look into.

    Each image depends on its own row of parameters alone, so neither `threads` of the CPU (torch's number where
    None) nor the rest of the batch changes a bit.

    Deviations from the plain definitions on float: sums are taken in another order, weights of a resize are made
    in float64 on the CPU, and weights of a blur below 1e-5 of its middle one are left out; in all below 1e-4 of
    the range of [0, 1], where contrast and saturation do not enlarge it. Solarise jumps: a pixel that rounding
    puts on the other side of its threshold t moves by 1 - 2 t. On uint8 a level where the float was near a half.
    """
    kinds = (torch.uint8, torch.float32)
    if images.dtype not in kinds or dtype not in kinds or images.requires_grad or torch.compiler.is_compiling():
        return None
    device = images.device.type
    if device != "cpu" and not (device == "cuda" and triton_here(images.device)):
        return None
    n, c, height, width = images.shape
    program = _program(views, n, (c, height, width))
    if program is None:
        return None
    if device == "cpu":
        return _by_loop(program, images, dtype, threads)
    return _by_triton(program, images, dtype)
