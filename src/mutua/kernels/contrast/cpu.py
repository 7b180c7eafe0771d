"""Sums of exponentials of inner products, and their gradients, one block at a time.

S = L R^T is (n, m), a block of it lives for a few instructions, and what is kept is (n,) and (n, k). With
e = exp S, e = 0 at the pairs that are left out, r_i = sum_j e_ij and the gradient g_i of log r_i:

    dL_i = g_i/r_i sum_j e_ij R_j,    dR_j = sum_i g_i/r_i e_ij L_i;    where L = R = Z, e is symmetric and
    dZ_i = sum_j e_ij (g_i/r_i + g_j/r_j) Z_j, so that a block above the diagonal serves for the one below.

Each backward pass makes its blocks anew: for general S 4 n m k multiplications in all, for a symmetric one 2,
where a matrix held in memory takes 3. Plain torch, hence on any device; blocks are sized for the caches of a CPU,
larger elsewhere. `contrast_triton` does rows of bfloat16 on CUDA. Neither has been run on a device yet.

Paper: Rabe and Staats 2021, Self-attention Does Not Need O(n^2) Memory, arXiv:2112.05682, for such blocks.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

__all__ = [
    "Run",
    "block_size",
    "blocks",
    "fill",
    "holes",
    "remaining",
    "row_gradients",
    "row_logsumexp",
    "symmetric_gradient",
    "symmetric_logsumexp",
    "triangle",
]

# Scores this far from zero at most: exp of them, and quotients of their sums, are normal numbers.
_SAFE = {torch.float32: 40.0, torch.float64: 300.0}


@dataclass(frozen=True)
class Run:
    """The entries (row + t, column + t step), t = 0 .. length - 1, of a matrix: part of a diagonal, or a stair."""

    row: int
    column: int
    length: int
    step: int = 1

    def within(self, rows: range, columns: range) -> range:
        """The t whose entries are in the block."""
        first = max(0, rows.start - self.row, -(-(columns.start - self.column) // self.step))
        last = min(self.length, rows.stop - self.row, -(-(columns.stop - self.column) // self.step))
        return range(first, max(first, last))


def remaining(runs: Sequence[Run], n: int, m: int) -> int:
    """How many entries of a row the runs leave, where they take as many of each of n rows."""
    return m - sum(run.length for run in runs) // n if n else 0


def fill(block: Tensor, runs: Sequence[Run], rows: range, columns: range, value: float | bool) -> Tensor:
    """Set the entries of the runs that lie in a block (*b, p, q) of a matrix, in place; returns it."""
    down, along = block.stride()[-2:]
    for run in runs:
        if t := run.within(rows, columns):
            row, column = run.row + t.start - rows.start, run.column + t.start * run.step - columns.start
            block.as_strided(
                (*block.shape[:-2], len(t)),
                (*block.stride()[:-2], down + run.step * along),
                block.storage_offset() + row * down + column * along,
            ).fill_(value)
    return block


def holes(runs: Sequence[Run], rows: range, columns: range, device: torch.device) -> Bool[Tensor, "p q"] | None:
    """True at the entries of the runs in a block; none where the block has none of them."""
    if not any(run.within(rows, columns) for run in runs):
        return None
    empty = torch.zeros(len(rows), len(columns), dtype=torch.bool, device=device)
    return fill(empty, runs, rows, columns, True)


def block_size(device: torch.device) -> int:
    """Rows and columns of a block: a megabyte of float32 on a CPU, so that it stays in a core's cache."""
    return 512 if device.type == "cpu" else 4096


def blocks(n: int, size: int) -> Iterator[range]:
    """0 .. n - 1 in pieces of `size`, the last one shorter."""
    for start in range(0, n, size):
        yield range(start, min(start + size, n))


def triangle(n: int, size: int) -> Iterator[tuple[range, range]]:
    """Square blocks on the diagonal and above."""
    for rows in blocks(n, size):
        for columns in blocks(n, size):
            if columns.start >= rows.start:
                yield rows, columns


def _part(x: Tensor, rows: range) -> Tensor:
    return x[rows.start : rows.stop]


class _Products:
    """Blocks of exp(L R^T), one after another in the same memory."""

    def __init__(self, left: Tensor, right: Tensor, runs: Sequence[Run], size: int) -> None:
        self.left, self.right, self.runs = left, right, runs
        self.room = left.new_empty(min(size, len(left)) * min(size, len(right)))

    def scores(self, rows: range, columns: range) -> Float[Tensor, "p q"]:
        out = self.room[: len(rows) * len(columns)].view(len(rows), len(columns))
        return torch.mm(_part(self.left, rows), _part(self.right, columns).T, out=out)

    def exp(self, rows: range, columns: range) -> Float[Tensor, "p q"]:
        return fill(self.scores(rows, columns).exp_(), self.runs, rows, columns, 0.0)


def _bounded(left: Tensor, right: Tensor) -> bool:
    """Whether no exponential can over- or underflow: |S| is at most max |L_i| max |R_j| (Cauchy and Schwarz).

    So the maximum of a row need not be looked for. Cosines at a temperature of 0.025 or more are bounded so. On
    other devices than a CPU the answer would make it wait, and is no.
    """
    if left.device.type != "cpu" or not left.numel() or not right.numel():
        return False
    top = torch.linalg.vector_norm(left, dim=1).max() * torch.linalg.vector_norm(right, dim=1).max()
    return bool(top <= _SAFE[left.dtype])  # not so where it is NaN


def symmetric_logsumexp(
    z: Float[Tensor, "n k"], runs: Sequence[Run], size: int | None = None
) -> Float[Tensor, " n"]:
    """log sum_j exp <z_i, z_j> over the j that `runs` leave; they must be symmetric too."""
    if not _bounded(z, z):
        return row_logsumexp(z, z, runs, size)
    size = size or block_size(z.device)
    products = _Products(z, z, runs, size)
    total = z.new_zeros(len(z))
    for rows, columns in triangle(len(z), size):
        e = products.exp(rows, columns)
        _part(total, rows).add_(e.sum(1))
        if columns.start > rows.start:
            _part(total, columns).add_(e.sum(0))
    return total.log_()


def symmetric_gradient(
    z: Float[Tensor, "n k"],
    runs: Sequence[Run],
    lse: Float[Tensor, " n"],
    g: Float[Tensor, " n"],
    size: int | None = None,
) -> Float[Tensor, "n k"]:
    """The gradient of sum_i g_i lse_i, lse of `symmetric_logsumexp`."""
    if not _bounded(z, z):
        left, right = row_gradients(z, z, runs, lse, g, size)
        return left.add_(right)
    size = size or block_size(z.device)
    products = _Products(z, z, runs, size)
    weights = torch.empty_like(products.room)
    share = g / lse.exp()  # (n,)
    grad = torch.zeros_like(z)
    for rows, columns in triangle(len(z), size):
        e = products.exp(rows, columns)
        both = weights[: e.numel()].view(e.shape)
        e.mul_(torch.add(_part(share, rows)[:, None], _part(share, columns), out=both))
        _part(grad, rows).addmm_(e, _part(z, columns))
        if columns.start > rows.start:
            _part(grad, columns).addmm_(e.T, _part(z, rows))
    return grad


def row_logsumexp(
    left: Float[Tensor, "n k"],
    right: Float[Tensor, "m k"],
    runs: Sequence[Run],
    size: int | None = None,
) -> Float[Tensor, " n"]:
    """log sum_j exp <left_i, right_j> over the j that `runs` leave, -inf where they leave none."""
    size = size or block_size(left.device)
    products = _Products(left, right, runs, size)
    total = left.new_zeros(len(left))
    if _bounded(left, right):
        for rows in blocks(len(left), size):
            for columns in blocks(len(right), size):
                _part(total, rows).add_(products.exp(rows, columns).sum(1))
        return total.log_()
    top = torch.full_like(total, torch.finfo(left.dtype).min)  # finite, for -inf less -inf is no number
    for rows in blocks(len(left), size):
        sums, tops = _part(total, rows), _part(top, rows)
        for columns in blocks(len(right), size):
            scores = fill(products.scores(rows, columns), runs, rows, columns, -torch.inf)
            higher = torch.maximum(tops, scores.amax(1))
            sums.mul_(tops.sub_(higher).exp_()).add_(scores.sub_(higher[:, None]).exp_().sum(1))
            tops.copy_(higher)
    return total.log_().add_(top)


def row_gradients(
    left: Float[Tensor, "n k"],
    right: Float[Tensor, "m k"],
    runs: Sequence[Run],
    lse: Float[Tensor, " n"],
    g: Float[Tensor, " n"],
    size: int | None = None,
) -> tuple[Float[Tensor, "n k"], Float[Tensor, "m k"]]:
    """The gradients of sum_i g_i lse_i, lse of `row_logsumexp`, at left and at right."""
    size = size or block_size(left.device)
    products = _Products(left, right, runs, size)
    at_left, at_right = torch.zeros_like(left), torch.zeros_like(right)
    bounded = _bounded(left, right)
    share = (g / lse.exp() if bounded else g)[:, None]  # (n, 1)
    for rows in blocks(len(left), size):
        weighed = _part(left, rows) * _part(share, rows)  # (p, k)
        for columns in blocks(len(right), size):
            if bounded:
                e = products.exp(rows, columns)
            else:
                e = products.scores(rows, columns).sub_(_part(lse, rows)[:, None]).exp_()
                fill(e, runs, rows, columns, 0.0)
            _part(at_left, rows).addmm_(e, _part(right, columns))
            _part(at_right, columns).addmm_(e.T, weighed)
    return at_left.mul_(share), at_right
