"""Products of a few rows, as LLVM vectors: what a loop over float32 rows becomes when nothing stands in its way.

A row is an address; it is padded with zeros to a multiple of `LANES` floats. Numba's own vectoriser would check
at each call whether rows overlap, which for rows of a hundred floats costs as much as the work.
"""

from __future__ import annotations

from typing import no_type_check

import numpy as np
from jaxtyping import Float32
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

__all__ = ["LANES", "aligned", "all_finite", "axpy", "prefetch", "tile_add", "tile_scores"]

LANES = 16
_FLOAT, _WORD, _INT = ir.FloatType(), ir.IntType(64), ir.IntType(32)
_VECTOR = ir.VectorType(_FLOAT, LANES)
_FAST = ("fast",)


def aligned(n: int, d: int) -> Float32[np.ndarray, "n d_padded"]:
    """Zeros of n rows of d floats, each row padded to `LANES` and on a boundary of a cache line."""
    width = -(-d // LANES) * LANES
    memory = np.zeros(n * width * 4 + 64, np.uint8)
    start = -memory.ctypes.data % 64
    return memory[start : start + n * width * 4].view(np.float32).reshape(n, width)


def all_finite(rows: Float32[np.ndarray, "n d"]) -> bool:
    """Whether no number is NaN or infinite. Memory does not grow with the rows."""
    return all(bool(np.isfinite(rows[start : start + 4096]).all()) for start in range(0, len(rows), 4096))


@no_type_check
def _vector(builder, address, index):
    """Pointer to the LANES floats from `index` of the row at `address`."""
    return builder.inttoptr(builder.add(address, builder.shl(index, _WORD(2))), _VECTOR.as_pointer())


@no_type_check
def _load(builder, address, index):
    return builder.load(_vector(builder, address, index), align=4)


@no_type_check
def _multiply_add(builder, a, b, c):
    return builder.fadd(builder.fmul(a, b, flags=_FAST), c, flags=_FAST)


@no_type_check
def _everywhere(builder, scalar):
    """A vector of one value."""
    one = builder.insert_element(ir.Constant(_VECTOR, ir.Undefined), scalar, _INT(0))
    mask = ir.Constant(ir.VectorType(_INT, LANES), [0] * LANES)
    return builder.shuffle_vector(one, ir.Constant(_VECTOR, ir.Undefined), mask)


@no_type_check
def _halves(builder, a, b, size):
    """Sums of neighbouring halves: what is left of a in the first half of the lanes, of b in the second."""
    first = [i for i in range(2 * LANES) if i % (2 * size) < size]
    second = [i + size for i in first]
    kind = ir.VectorType(_INT, LANES)
    shuffled = [builder.shuffle_vector(a, b, ir.Constant(kind, indices)) for indices in (first, second)]
    return builder.fadd(*shuffled, flags=_FAST)


@intrinsic
@no_type_check
def tile_scores(_typing, x0, x1, o0, o1, n):
    """<x0, o0>, <x0, o1>, <x1, o0>, <x1, o1> of rows of n floats, given by their addresses."""
    four = types.UniTuple(types.float32, 4)

    def generate(context, builder, _signature, arguments):
        *rows, n = arguments
        sums = [cgutils.alloca_once_value(builder, ir.Constant(_VECTOR, [0.0] * LANES)) for _ in range(4)]
        for accumulator in sums:
            builder.store(ir.Constant(_VECTOR, [0.0] * LANES), accumulator)
        with cgutils.for_range_slice(builder, _WORD(0), n, _WORD(LANES)) as (d, _):
            a0, a1, b0, b1 = (_load(builder, row, d) for row in rows)
            for accumulator, (a, b) in zip(sums, ((a0, b0), (a0, b1), (a1, b0), (a1, b1)), strict=True):
                builder.store(_multiply_add(builder, a, b, builder.load(accumulator)), accumulator)
        # Four vectors are summed together: each step halves what is left of each and puts two in one vector.
        s00, s01, s10, s11 = (builder.load(accumulator) for accumulator in sums)
        joined = _halves(builder, _halves(builder, s00, s01, 8), _halves(builder, s10, s11, 8), 4)
        joined = _halves(builder, _halves(builder, joined, joined, 2), joined, 1)
        values = [builder.extract_element(joined, _INT(lane)) for lane in range(4)]
        return context.make_tuple(builder, four, values)

    return four(types.uintp, types.uintp, types.uintp, types.uintp, types.intp), generate


@intrinsic
@no_type_check
def tile_add(_typing, x0, x1, o0, o1, dx0, dx1, do0, do1, e00, e01, e10, e11, n):
    """dx_i += sum_j e_ij o_j and do_j += sum_i e_ij x_i, for rows of n floats."""
    signature = types.void(*[types.uintp] * 8, *[types.float32] * 4, types.intp)

    def generate(context, builder, _signature, arguments):
        x0, x1, o0, o1, dx0, dx1, do0, do1, *errors, n = arguments
        e00, e01, e10, e11 = (_everywhere(builder, e) for e in errors)
        with cgutils.for_range_slice(builder, _WORD(0), n, _WORD(LANES)) as (d, _):
            rows = [_load(builder, row, d) for row in (x0, x1, o0, o1, dx0, dx1, do0, do1)]
            vx0, vx1, vo0, vo1, vdx0, vdx1, vdo0, vdo1 = rows
            sums = (
                (dx0, _multiply_add(builder, e01, vo1, _multiply_add(builder, e00, vo0, vdx0))),
                (dx1, _multiply_add(builder, e11, vo1, _multiply_add(builder, e10, vo0, vdx1))),
                (do0, _multiply_add(builder, e10, vx1, _multiply_add(builder, e00, vx0, vdo0))),
                (do1, _multiply_add(builder, e11, vx1, _multiply_add(builder, e01, vx0, vdo1))),
            )
            for row, total in sums:
                builder.store(total, _vector(builder, row, d), align=4)
        return context.get_dummy_value()

    return signature, generate


@intrinsic
@no_type_check
def axpy(_typing, scale, x, y, n):
    """y += scale x, for rows of n floats."""

    def generate(context, builder, _signature, arguments):
        scale, x, y, n = arguments
        scale = _everywhere(builder, scale)
        with cgutils.for_range_slice(builder, _WORD(0), n, _WORD(LANES)) as (d, _):
            total = _multiply_add(builder, scale, _load(builder, x, d), _load(builder, y, d))
            builder.store(total, _vector(builder, y, d), align=4)
        return context.get_dummy_value()

    return types.void(types.float32, types.uintp, types.uintp, types.intp), generate


@intrinsic
@no_type_check
def prefetch(_typing, x, n):
    """Ask for a row of n floats to be brought into the cache, a line of LANES floats at a time."""

    def generate(context, builder, _signature, arguments):
        x, n = arguments
        byte = ir.IntType(8).as_pointer()
        kind = ir.FunctionType(ir.VoidType(), [byte, _INT, _INT, _INT])
        function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0i8")
        with cgutils.for_range_slice(builder, _WORD(0), n, _WORD(LANES)) as (d, _):
            address = builder.inttoptr(builder.add(x, builder.shl(d, _WORD(2))), byte)
            builder.call(function, [address, _INT(1), _INT(3), _INT(1)])
        return context.get_dummy_value()

    return types.void(types.uintp, types.intp), generate
