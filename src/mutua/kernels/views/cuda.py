"""Stages of views (`mutua.kernels.views.stages`) on CUDA, the counterpart of `mutua.kernels.views.cpu`.

A program of the kernel makes a block of pixels of one image: all three channels where there are three, or one of
any other number. Registers hold it from its place to the last change of colour. Contrast asks for the mean of the
whole image: where a block is the whole image it is at hand; else one launch ends before contrast and keeps a sum
for each block, and the next begins with it. So no sum depends on which program comes first, and an image depends
on its own row of the table alone.

Deviations from the plain definitions: those of the compiled loop, `mutua.views.image.fused`.
"""

from typing import no_type_check

import torch
import triton
import triton.language as tl
from jaxtyping import Float, Shaped
from torch import Tensor

from mutua.kernels.views import stages as names
from mutua.kernels.views.cuda_colour import changed, level, luma
from mutua.kernels.views.stages import Stage

__all__ = ["run"]

# Pixels of a program at most.
_BLOCK = 1024

# What of the slots a launch does: all (no contrast is among them), all of a whole image, those before contrast,
# those from contrast on.
_EVERY, _WHOLE, _BEFORE, _AFTER = (tl.constexpr(k) for k in range(4))

_STAY = tl.constexpr(names.STAY)
_CROPPED = tl.constexpr(names.CROPPED)
_MOVED = tl.constexpr(names.MOVED)
_BLURRED_ROWS = tl.constexpr(names.BLURRED_ROWS)


# --- places ------------------------------------------------------------------------------------------------


@triton.jit
@no_type_check
def _pixel(source, at, size, mask, RGB: tl.constexpr):
    """Pixels `at` of the planes of `size` pixels, 0 outside the mask. One channel is all three."""
    r = tl.load(source + at, mask=mask, other=0).to(tl.float32)
    g = r
    b = r
    if RGB:
        g = tl.load(source + size + at, mask=mask, other=0).to(tl.float32)
        b = tl.load(source + 2 * size + at, mask=mask, other=0).to(tl.float32)
    return r, g, b


@triton.jit
@no_type_check
def _under(place, step, length, taps):
    """(First pixel of the crop, centre, reach) of the triangle of output pixels `place`: see `resize_matrix`."""
    centre = (place.to(tl.float32) + 0.5) * step
    reach = tl.maximum(step, 1.0)
    start = tl.floor(centre - reach - 0.5).to(tl.int32) + 1
    return tl.minimum(tl.maximum(start, 0), length - taps), centre, reach


@triton.jit
@no_type_check
def _height(j, centre, reach):
    """The triangle over pixel j."""
    return tl.maximum(1.0 - tl.abs(j.to(tl.float32) + 0.5 - centre) / reach, 0.0)


@triton.jit
@no_type_check
def _crop(source, row, y, x, h, w, W, mask, BLOCK: tl.constexpr, RGB: tl.constexpr):
    """Sums of pixels under the two triangles, and of their weights."""
    top = tl.load(row).to(tl.int32)
    left = tl.load(row + 1).to(tl.int32)
    taps_down = tl.load(row + 6).to(tl.int32)
    taps_right = tl.load(row + 7).to(tl.int32)
    mirrored = tl.load(row + 8).to(tl.int32)
    x = x + mirrored * (W - 1 - 2 * x)
    first_y, centre_y, reach_y = _under(y, tl.load(row + 4), tl.load(row + 2).to(tl.int32), taps_down)
    first_x, centre_x, reach_x = _under(x, tl.load(row + 5), tl.load(row + 3).to(tl.int32), taps_right)
    r = tl.zeros([BLOCK], tl.float32)
    g = tl.zeros([BLOCK], tl.float32)
    b = tl.zeros([BLOCK], tl.float32)
    total = tl.zeros([BLOCK], tl.float32)
    for down in range(0, taps_down):
        line = (top + first_y + down) * w + left + first_x
        tall = _height(first_y + down, centre_y, reach_y)
        for right in range(0, taps_right):
            weight = tall * _height(first_x + right, centre_x, reach_x)
            pr, pg, pb = _pixel(source, line + right, h * w, mask, RGB)
            r += weight * pr
            g += weight * pg
            b += weight * pb
            total += weight
    return r, g, b, total


@triton.jit
@no_type_check
def _reflected(j, length):
    """Of pixels beyond an edge those as far on its other side; the edge itself is not repeated."""
    return (length - 1) - tl.abs(length - 1 - tl.abs(j))


@triton.jit
@no_type_check
def _blur(source, row, y, x, h, w, mask, ROWS: tl.constexpr, RGB: tl.constexpr):
    radius = tl.load(row).to(tl.int32)
    middle = tl.load(row + 1)
    r, g, b = _pixel(source, y * w + x, h * w, mask, RGB)
    r = middle * r
    g = middle * g
    b = middle * b
    for d in range(1, radius + 1):
        weight = tl.load(row + 1 + d)
        if ROWS:
            before = y * w + _reflected(x - d, w)
            after = y * w + _reflected(x + d, w)
        else:
            before = _reflected(y - d, h) * w + x
            after = _reflected(y + d, h) * w + x
        pr, pg, pb = _pixel(source, before, h * w, mask, RGB)
        qr, qg, qb = _pixel(source, after, h * w, mask, RGB)
        r += weight * (pr + qr)
        g += weight * (pg + qg)
        b += weight * (pb + qb)
    return r, g, b


@triton.jit(do_not_specialize=["planes", "columns", "first", "colours", "slots", "blocks"])
@no_type_check
def _stage(
    source, out, sums, table, planes, h, w, H, W, columns, first, colours, slots, blocks,
    PLACE: tl.constexpr, PART: tl.constexpr, RGB: tl.constexpr, WHITE: tl.constexpr, LEVELS: tl.constexpr,
    BLOCK: tl.constexpr, BLOCKS: tl.constexpr,
):  # fmt: skip
    """One block (second index of the grid) of one image, or of one of its planes (first index)."""
    number = tl.program_id(0)
    row = table + (number // planes).to(tl.int64) * columns
    pixel = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    mask = pixel < H * W
    y = pixel // W
    x = pixel % W
    if RGB:
        source += number.to(tl.int64) * 3 * (h * w)
        out += number.to(tl.int64) * 3 * (H * W)
    else:
        source += number.to(tl.int64) * (h * w)
        out += number.to(tl.int64) * (H * W)

    total = tl.full([BLOCK], 1.0, tl.float32)
    if PLACE == _CROPPED:
        r, g, b, total = _crop(source, row + first, y, x, h, w, W, mask, BLOCK, RGB)
    elif PLACE == _MOVED:
        down = tl.load(row + first).to(tl.int32)
        right = tl.load(row + first + 1).to(tl.int32)
        mirrored = tl.load(row + first + 2).to(tl.int32)
        y = y + down
        x = x + mirrored * (W - 1 - 2 * x) + right
        r, g, b = _pixel(source, y * w + x, h * w, mask & (y >= 0) & (y < h) & (x >= 0) & (x < w), RGB)
    elif PLACE == _STAY:
        r, g, b = _pixel(source, pixel, h * w, mask, RGB)
    else:
        r, g, b = _blur(source, row + first, y, x, h, w, mask, PLACE == _BLURRED_ROWS, RGB)
    if (PLACE == _CROPPED) or (WHITE != 1.0):
        # Divided, and rounded as in torch: level 128 must equal 128/255.
        total = tl.where(mask, total * WHITE, 1.0)
        r = tl.div_rn(r, total)
        g = tl.div_rn(g, total)
        b = tl.div_rn(b, total)

    kinds = row + colours + 1
    if PART == _EVERY:
        r, g, b = changed(r, g, b, 0, slots, kinds, slots, 0.0, RGB)
    else:
        wait = tl.load(row + colours).to(tl.int32)
        if PART == _AFTER:
            block = tl.arange(0, BLOCKS)
            mean = tl.sum(tl.load(sums + number * blocks + block, mask=block < blocks, other=0.0), 0) / (H * W)
            r, g, b = changed(r, g, b, wait, slots, kinds, slots, mean, RGB)
        else:
            r, g, b = changed(r, g, b, 0, wait, kinds, slots, 0.0, RGB)
            if RGB:
                grey = luma(r, g, b)
            else:
                grey = r
            grey = tl.sum(tl.where(mask, grey, 0.0), 0)
            if PART == _BEFORE:
                tl.store(sums + number * blocks + tl.program_id(1), grey)
            else:
                r, g, b = changed(r, g, b, wait, slots, kinds, slots, grey / (H * W), RGB)

    if LEVELS:
        tl.store(out + pixel, level(r), mask=mask)
        if RGB:
            tl.store(out + H * W + pixel, level(g), mask=mask)
            tl.store(out + 2 * (H * W) + pixel, level(b), mask=mask)
    else:
        tl.store(out + pixel, r, mask=mask)
        if RGB:
            tl.store(out + H * W + pixel, g, mask=mask)
            tl.store(out + 2 * (H * W) + pixel, b, mask=mask)


# --- launches ----------------------------------------------------------------------------------------------


def run(
    images: Shaped[Tensor, "n c h w"], stages: list[Stage], table: Float[Tensor, "n k"], dtype: torch.dtype
) -> Shaped[Tensor, "n C H W"]:
    """The images through the stages, as `dtype`: each uint8 or float32. The host never waits for the device."""
    n, c = images.shape[:2]
    planes = 1 if c == 3 else c
    x = images.contiguous()

    def launch(x: Tensor, stage: Stage, place: int, part: tl.constexpr, sums: Tensor, last: bool) -> Tensor:
        h, w = x.shape[2:]
        _, H, W = stage.shape
        out = torch.empty((n, *stage.shape), dtype=dtype if last else torch.float32, device=x.device)
        block = min(_BLOCK, max(64, triton.next_power_of_2(H * W)))
        blocks = triton.cdiv(H * W, block)
        if n:
            _stage[(n * planes, blocks)](
                x, out, sums, table, planes, h, w, H, W,
                table.shape[1], stage.first, stage.colours, stage.slots, blocks,
                PLACE=place, PART=part.value, RGB=c == 3, WHITE=255.0 if x.dtype == torch.uint8 else 1.0,
                LEVELS=out.dtype == torch.uint8, BLOCK=block, BLOCKS=triton.next_power_of_2(blocks),
                num_warps=max(1, block // 128), num_stages=1,
            )  # fmt: skip
        return out

    # Triton launches on the current device, which need not be that of the images.
    with torch.cuda.device_of(images):
        for k, stage in enumerate(stages):
            size, last = stage.shape[1] * stage.shape[2], k == len(stages) - 1
            if not stage.contrast or size <= _BLOCK:
                part = _WHOLE if stage.contrast else _EVERY
                x = launch(x, stage, stage.place, part, table, last)
            else:
                sums = x.new_empty((n * planes, triton.cdiv(size, _BLOCK)), dtype=torch.float32)
                x = launch(x, stage, stage.place, _BEFORE, sums, False)
                x = launch(x, stage, names.STAY, _AFTER, sums, last)
    return x
