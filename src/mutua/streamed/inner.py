"""Scores of critics that factorise, never held as a matrix: what `mutua.scores` arranges, block by block."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import product
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.utils.checkpoint import checkpoint

from mutua.kernels.contrast import cpu as kernels
from mutua.kernels.contrast.cpu import Run, remaining
from mutua.streamed.fused import fused_rows
from mutua.types import Elementwise, InputError, wide

__all__ = ["Streamed", "few"]


def few(anchors: int) -> InputError:
    """The error of an arrangement in which anchors have nothing to be told from."""
    return InputError(
        f"scores: {anchors} examples leave no draw from the product to contrast with; use a batch of at least two"
    )


class Streamed:
    """`Scores` that are inner products T_ij = <left_i, right_j>: made block by block, forward and backward.

    The numbers are those of `Dense` but for rounding, and so are the gradients, through left and right to whatever
    made them. Memory is that of left, right and their gradients: (n + m) k, and never n m. Blocks are made again
    for the backward pass. bfloat16 and float16 are widened to float32 first, but for the sums of rows on CUDA,
    whose kernels multiply bfloat16 as it is and add in float32 (`fused_rows`). Gradients of gradients are
    not given.

    Where `left is right`, scores are symmetric and a block above the diagonal serves for the one below.

    Args:
        left: (*b, n, k), of the anchors.
        right: (*b, m, k), of the candidates.
        joint: (*b, n, p), the scores of each anchor with its p partners.
        apart: the entries of the (n, m) matrix that are no draws from the product. Every row has the same number.
        size: rows and columns of a block; by default what suits the device.
    """

    def __init__(
        self,
        left: Float[Tensor, "*b n k"],
        right: Float[Tensor, "*b m k"],
        joint: Float[Tensor, "*b n p"],
        apart: Sequence[Run],
        size: int | None = None,
    ) -> None:
        same = left is right
        self._given = left, right
        self.left = wide(left)
        self.right = self.left if same else wide(right)
        self.joint = wide(joint)
        self.apart = tuple(apart)
        self.size = size
        self._rows: dict[bool, Tensor] = {}
        n, m = left.shape[-2], right.shape[-2]
        self.others = remaining(self.apart, n, m)
        if self.others < 1:
            raise few(n)

    @property
    def shape(self) -> tuple[int, int]:
        """(n, m) of the matrix that is not there."""
        return self.left.shape[-2], self.right.shape[-2]

    def turned(self) -> Streamed:
        """The same pairs with the candidates as anchors: T_ji. Where there is one partner each, as in `paired`."""
        if self.joint.shape[-1] != 1 or self.shape[0] != self.shape[1]:
            raise InputError("scores: only those of all pairs can be turned; use mutua.scores.paired")
        apart = [Run(run.column, run.row, run.length) for run in self.apart]
        left, right = self._given
        return Streamed(right, left, self.joint, apart, self.size)

    def row_logmeanexp(self) -> Float[Tensor, "*b n"]:
        # Bounds that are logged beside the one that trains ask again, without a gradient.
        grad = torch.is_grad_enabled()
        if True not in self._rows and grad not in self._rows:
            found = fused_rows(*self._given, self.apart)
            self._rows[grad] = (self._by_blocks() if found is None else found) - math.log(self.others)
        rows = self._rows[True] if True in self._rows else self._rows[grad]
        return rows if grad else rows.detach()

    def _by_blocks(self) -> Float[Tensor, "*b n"]:
        b = self.left.shape[:-2]
        left = self.left.flatten(0, -3) if b else self.left[None]  # (b, n, k)
        if self.left is self.right:
            rows = _Symmetric.apply(left, self.apart, self.size)
        else:
            right = self.right.flatten(0, -3) if b else self.right[None]  # (b, m, k)
            rows = _Rows.apply(left, right, self.apart, self.size)
        return rows.view(*b, -1)

    def logmeanexp(self, g: Elementwise | None = None) -> Float[Tensor, "*b"]:
        if g is None:  # rows have equally many draws each
            rows = self.row_logmeanexp()
            return rows.logsumexp(-1) - math.log(rows.shape[-1])

        def one(scores: Tensor, holes: Tensor | None, times: int) -> Tensor:
            values = g(scores)
            values = values if holes is None else values.masked_fill(holes, -math.inf)
            return values.flatten(-2).logsumexp(-1) + math.log(times)

        return self._each(g, one).logsumexp(0) - math.log(self.shape[0] * self.others)

    def mean(self, g: Elementwise) -> Float[Tensor, "*b"]:
        def one(scores: Tensor, holes: Tensor | None, times: int) -> Tensor:
            values = g(scores)
            return times * (values if holes is None else values.masked_fill(holes, 0.0)).sum((-2, -1))

        return self._each(g, one).sum(0) / (self.shape[0] * self.others)

    def _each(self, g: Elementwise, one: _One) -> Tensor:
        """(blocks, *b): `one` of each block, of what is left out there, and of how often the block counts."""
        b = self.left.shape[:-2]  # a block is of all entries of the batch axes
        size = self.size or max(64, int(kernels.block_size(self.left.device) / max(1, b.numel()) ** 0.5))
        with torch.autocast(self.left.device.type, enabled=False):
            if torch.is_grad_enabled() and g(self.left.new_zeros(*b, 1, 1)).requires_grad:
                return self._checkpointed(one, size)
            return _Blocks.apply(self.left, self.right, one, self.apart, size, self.left is self.right)

    def _checkpointed(self, one: _One, size: int) -> Tensor:
        """The same by torch's own means, which give gradients to what a function of scores has of its own."""
        # Parts are split once: the gradient of a split is one concatenation, that of slices a sum of n k each.
        lefts, rights = self.left.split(size, -2), self.right.split(size, -2)

        def block(left: Tensor, right: Tensor, holes: Tensor | None, times: int) -> Tensor:
            return one(left @ right.mT, holes, times)

        made = []
        for rows, columns, times in _counted(*self.shape, size, self.left is self.right):
            holes = kernels.holes(self.apart, rows, columns, self.left.device)
            parts = lefts[rows.start // size], rights[columns.start // size], holes, times
            made.append(checkpoint(block, *parts, use_reentrant=False, preserve_rng_state=False))
        return torch.stack(made)


_One = Callable[[Tensor, Tensor | None, int], Tensor]


def _counted(n: int, m: int, size: int, symmetric: bool) -> Iterator[tuple[range, range, int]]:
    """The blocks to be made, and how often each counts."""
    if not symmetric:
        for rows, columns in product(kernels.blocks(n, size), kernels.blocks(m, size)):
            yield rows, columns, 1
        return
    for rows, columns in kernels.triangle(n, size):
        yield rows, columns, 2 if columns.start > rows.start else 1


class _Blocks(torch.autograd.Function):
    """(*b, n, k), (*b, m, k) to (blocks, *b): a function of each block's scores, made anew for its gradient."""

    @staticmethod
    def forward(
        ctx: Any, left: Tensor, right: Tensor, one: _One, apart: Sequence[Run], size: int, symmetric: bool
    ) -> Tensor:
        ctx.save_for_backward(left, right)
        ctx.given = one, apart, size, symmetric
        values = []
        for rows, columns, times in _counted(left.shape[-2], right.shape[-2], size, symmetric):
            scores = _part(left, rows) @ _part(right, columns).mT  # (*b, p, q)
            values.append(one(scores, kernels.holes(apart, rows, columns, left.device), times))
        return torch.stack(values)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor, None, None, None, None]:
        left, right = ctx.saved_tensors
        one, apart, size, symmetric = ctx.given
        at_left, at_right = torch.zeros_like(left), torch.zeros_like(right)
        blocks = _counted(left.shape[-2], right.shape[-2], size, symmetric)
        for (rows, columns, times), grad in zip(blocks, grads[0], strict=True):
            a, b = _part(left, rows), _part(right, columns)
            scores = (a @ b.mT).requires_grad_()  # (*b, p, q)
            with torch.enable_grad():
                value = one(scores, kernels.holes(apart, rows, columns, left.device), times)
            if not value.requires_grad:  # a constant
                continue
            (weights,) = torch.autograd.grad(value, scores, grad)  # (*b, p, q)
            _part(at_left, rows).add_(weights @ b)
            _part(at_right, columns).add_(weights.mT @ a)
        return at_left, at_right, None, None, None, None


def _part(x: Tensor, rows: range) -> Tensor:
    return x[..., rows.start : rows.stop, :]


class _Rows(torch.autograd.Function):
    """(b, n, k), (b, m, k) to (b, n): the log of each row's sum of exponentials."""

    @staticmethod
    def forward(ctx: Any, left: Tensor, right: Tensor, apart: Sequence[Run], size: int | None) -> Tensor:
        lse = torch.stack(
            [kernels.row_logsumexp(a, b, apart, size) for a, b in zip(left, right, strict=True)]
        )  # (b, n)
        ctx.save_for_backward(left, right, lse)
        ctx.apart, ctx.size = apart, size
        return lse

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor, None, None]:
        found = [
            kernels.row_gradients(a, b, ctx.apart, lse, g, ctx.size)
            for a, b, lse, g in zip(*ctx.saved_tensors, grads[0], strict=True)
        ]
        return torch.stack([a for a, _ in found]), torch.stack([b for _, b in found]), None, None


class _Symmetric(torch.autograd.Function):
    """(b, n, k) to (b, n): the same where left is right."""

    @staticmethod
    def forward(ctx: Any, z: Tensor, apart: Sequence[Run], size: int | None) -> Tensor:
        lse = torch.stack([kernels.symmetric_logsumexp(each, apart, size) for each in z])  # (b, n)
        ctx.save_for_backward(z, lse)
        ctx.apart, ctx.size = apart, size
        return lse

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None, None]:
        z, lse = ctx.saved_tensors
        found = [
            kernels.symmetric_gradient(each, ctx.apart, a, g, ctx.size)
            for each, a, g in zip(z, lse, grads[0], strict=True)
        ]
        return torch.stack(found), None, None
