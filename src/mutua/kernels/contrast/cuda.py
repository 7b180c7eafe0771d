"""`mutua.kernels.contrast.cpu` on CUDA in bfloat16: a block of scores lives in registers, and nowhere else.

S = L R^T in float32 from bfloat16 factors, e = exp S, 0 at the pairs that are left out. One kernel makes of every
row the log of its sum and, where a gradient will be asked for, the mean of R under its softmax, which is that
log's gradient at L_i; another makes sums under weights that are made anew from the logs:

    r_i = sum_j e_ij,    M_i = sum_j e_ij R_j / r_i,    dL_i = g_i M_i,    dR_j = sum_i g_i e_ij / r_i L_i,
    and where L = R = Z and e is symmetric:  dZ_i = sum_j (g_i e_ij / r_i + g_j e_ij / r_j) Z_j.

So S is made twice, and 4 n m k multiplications are done in all (3 where it is symmetric), against 3 with S in
memory. Weights are rounded to bfloat16 before they multiply.

Paper: Dao 2023, FlashAttention-2, arXiv:2307.08691, for the order of the loops.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple, no_type_check

import torch
import triton
import triton.language as tl
from jaxtyping import Float
from torch import Tensor

from mutua.kernels.contrast.cpu import Run

__all__ = ["WIDEST", "Gaps", "Shape", "block_shape", "gaps_of", "row_sums", "weighted_sums"]

WIDEST = 256
"""Columns of the factors at most: more don't fit beside what is summed."""


class Gaps(NamedTuple):
    """Pairs (i, j) are left out where (i // rows.each) % rows.period + rows.first is the same of j and columns."""

    rows: Keys
    columns: Keys

    @property
    def turned(self) -> Gaps:
        return Gaps(self.columns, self.rows)


class Keys(NamedTuple):
    """What is compared: i to (i // each) % period + first."""

    each: int
    period: int
    first: int


def gaps_of(runs: Sequence[Run], n: int, m: int) -> Gaps | None:
    """The runs as one comparison, in the arrangements of `mutua.scores`; none where they are something else.

    Pairs are left out where i + first = j (pairs), i % N + first = j % M (views) or i + first = j // places
    (locations).
    """
    if not runs:
        return Gaps(Keys(1, n, m), Keys(1, m, 0))  # keys of rows begin where those of columns end
    first, length, step = runs[0].column // runs[0].step, runs[0].length, runs[0].step
    if not length or n % length:
        return None
    if step > 1:
        found = Gaps(Keys(1, n, first), Keys(step, m, 0))
        meant = {Run(0, first * step + place, n, step) for place in range(step)}
    else:
        views = n // length
        if m % views:
            return None
        found = Gaps(Keys(1, length, first), Keys(1, m // views, 0))
        meant = {
            Run(k * length, other * (m // views) + first, length) for k in range(views) for other in range(views)
        }
    return found if set(runs) == meant else None


@triton.jit
@no_type_check
def _keys(i, each, period, first):
    return (i // each) % period + first


@triton.jit
@no_type_check
def _rows(
    L, R, LSE, MEAN, n, m,
    row_each, row_period, row_first, column_each, column_period, column_first,
    K: tl.constexpr, BK: tl.constexpr, BM: tl.constexpr, BN: tl.constexpr, MEANS: tl.constexpr,
):  # fmt: skip
    """BM rows: the log2 of their sums of exp2 of scores over ln 2, and the means of R."""
    i = tl.program_id(0) * BM + tl.arange(0, BM)
    d = tl.arange(0, BK)
    left = tl.load(
        L + i[:, None] * K + d[None, :], mask=(i[:, None] < n) & (d[None, :] < K), other=0.0
    )  # (BM, BK)
    mine = _keys(i, row_each, row_period, row_first)
    # Finite, for -inf less -inf is no number.
    top = tl.full([BM], -3.0e38, tl.float32)
    total = tl.zeros([BM], tl.float32)
    mean = tl.zeros([BM, BK], tl.float32)
    for start in range(0, m, BN):
        j = start + tl.arange(0, BN)
        right = tl.load(
            R + j[:, None] * K + d[None, :], mask=(j[:, None] < m) & (d[None, :] < K), other=0.0
        )  # (BN, BK)
        scores = tl.dot(left, tl.trans(right)) * 1.4426950408889634  # (BM, BN)
        theirs = _keys(j, column_each, column_period, column_first)
        keep = (j < m)[None, :] & (mine[:, None] != theirs[None, :])
        scores = tl.where(keep, scores, float("-inf"))
        higher = tl.maximum(top, tl.max(scores, 1))
        e = tl.exp2(scores - higher[:, None])
        shrink = tl.exp2(top - higher)
        total = total * shrink + tl.sum(e, 1)
        if MEANS:
            mean = tl.dot(e.to(right.dtype), right, mean * shrink[:, None])
        top = higher
    tl.store(LSE + i, top + tl.log2(total), mask=i < n)
    if MEANS:
        tl.store(
            MEAN + i[:, None] * K + d[None, :],
            (mean / total[:, None]).to(MEAN.dtype.element_ty),
            mask=(i[:, None] < n) & (d[None, :] < K),
        )


@triton.jit
@no_type_check
def _sums(
    A, B, OUT, LOG_A, G_A, LOG_B, G_B, n, m,
    row_each, row_period, row_first, column_each, column_period, column_first,
    K: tl.constexpr, BK: tl.constexpr, BM: tl.constexpr, BN: tl.constexpr,
    BY_ROW: tl.constexpr, BY_COLUMN: tl.constexpr,
):  # fmt: skip
    """BM rows of sum_j w_ij B_j, w_ij = G_A_i exp2(S_ij - LOG_A_i) + G_B_j exp2(S_ij - LOG_B_j)."""
    i = tl.program_id(0) * BM + tl.arange(0, BM)
    d = tl.arange(0, BK)
    inside = (i[:, None] < n) & (d[None, :] < K)
    a = tl.load(A + i[:, None] * K + d[None, :], mask=inside, other=0.0)  # (BM, BK)
    mine = _keys(i, row_each, row_period, row_first)
    log_a = tl.zeros([BM], tl.float32)
    g_a = tl.zeros([BM], tl.float32)
    if BY_ROW:
        log_a = tl.load(LOG_A + i, mask=i < n, other=0.0)
        g_a = tl.load(G_A + i, mask=i < n, other=0.0)
    out = tl.zeros([BM, BK], tl.float32)
    for start in range(0, m, BN):
        j = start + tl.arange(0, BN)
        b = tl.load(
            B + j[:, None] * K + d[None, :], mask=(j[:, None] < m) & (d[None, :] < K), other=0.0
        )  # (BN, BK)
        scores = tl.dot(a, tl.trans(b)) * 1.4426950408889634  # (BM, BN)
        theirs = _keys(j, column_each, column_period, column_first)
        keep = (j < m)[None, :] & (mine[:, None] != theirs[None, :])
        w = tl.zeros([BM, BN], tl.float32)
        if BY_ROW:
            w += g_a[:, None] * tl.exp2(scores - log_a[:, None])
        if BY_COLUMN:
            log_b = tl.load(LOG_B + j, mask=j < m, other=0.0)
            g_b = tl.load(G_B + j, mask=j < m, other=0.0)
            w += g_b[None, :] * tl.exp2(scores - log_b[None, :])
        w = tl.where(keep, w, 0.0)  # after the product, so that an infinity in what is left out stays out
        out = tl.dot(w.to(b.dtype), b, out)
    tl.store(OUT + i[:, None] * K + d[None, :], out.to(OUT.dtype.element_ty), mask=inside)


class Shape(NamedTuple):
    """Rows and columns of a block, and how a program works on it."""

    BM: int
    BN: int
    num_warps: int
    num_stages: int


def block_shape(k: int, sums: bool, room: int) -> Shape:
    """What suits k columns and `room` bytes of shared memory; `sums` need registers for as many numbers a row.

    Large blocks that spill few registers if any, by the compiler's own account of them for compute capability 8.0
    to 12.0; not yet chosen by timing them.
    """
    if room >= 200 << 10:  # 8.0 has 163 KiB, 8.6, 8.9 and 12.0 have 99, 9.0 and 10.0 have 227
        return Shape(128, 64 if sums else 128, 8, 2 if k > 128 else 3)
    if room >= 99 << 10:
        return Shape(64, 32 if sums else 64, 4, 2) if k > 128 else Shape(128, 64, 8, 2)
    return Shape(64, 32, 4, 2) if k > 128 else Shape(64, 64, 4, 2)


@cache
def _room(device: torch.device) -> int:
    if device.type != "cuda":  # interpreted
        return 227 << 10
    return int(triton.runtime.driver.active.utils.get_device_properties(device.index)["max_shared_mem"])


def _launch(kernel: Any, out: Tensor, shape: Shape | None, k: int, sums: bool, *args: Any, **flags: bool) -> None:
    """A program for every block of rows of `out`."""
    found = shape or block_shape(k, sums, _room(out.device))
    width = max(16, triton.next_power_of_2(k))
    # Triton launches on the current device, which need not be that of the factors.
    with torch.cuda.device_of(out):
        kernel[(triton.cdiv(len(out), found.BM),)](*args, K=k, BK=width, **found._asdict(), **flags)


def row_sums(
    left: Float[Tensor, "n k"], right: Float[Tensor, "m k"], gaps: Gaps, means: bool, shape: Shape | None = None
) -> tuple[Float[Tensor, " n"], Float[Tensor, "n k"] | None]:
    """log2 sum_j exp S_ij, float32, and with `means` the means of right under each row's softmax, as `left`."""
    n, k = left.shape
    logs = torch.empty(n, dtype=torch.float32, device=left.device)
    out = torch.empty_like(left) if means else logs
    rows, columns = gaps
    _launch(_rows, logs, shape, k, means, left, right, logs, out, n, len(right), *rows, *columns, MEANS=means)
    return logs, out if means else None


def weighted_sums(
    a: Float[Tensor, "n k"],
    b: Float[Tensor, "m k"],
    gaps: Gaps,
    by_row: tuple[Float[Tensor, " n"], Float[Tensor, " n"]] | None,
    by_column: tuple[Float[Tensor, " m"], Float[Tensor, " m"]] | None,
    shape: Shape | None = None,
) -> Float[Tensor, "n k"]:
    """sum_j (g_i exp(S_ij) / r_i + g_j exp(S_ij) / r_j) b_j, S = a b^T, given (log2 r, g) of rows and columns."""
    n, k = a.shape
    out = torch.empty_like(a)
    rows, columns = gaps
    given = [*(by_row or (out, out)), *(by_column or (out, out))]
    _launch(
        _sums, out, shape, k, True, a, b, out, *given, n, len(b), *rows, *columns,
        BY_ROW=by_row is not None, BY_COLUMN=by_column is not None,
    )  # fmt: skip
    return out
