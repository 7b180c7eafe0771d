"""Rows' log-sum-exp by kernels that hold a block of scores in registers: on CUDA, of bfloat16 factors."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd.function import once_differentiable

from mutua.kernels.contrast.cpu import Run
from mutua.kernels.devices.triton_here import triton_here

__all__ = ["fused_rows"]


def fused_rows(left: Tensor, right: Tensor, apart: Sequence[Run]) -> Float[Tensor, "*b n"] | None:
    """log sum_j exp <left_i, right_j> over the j that `apart` leaves, float32; None where this can't.

    It can for bfloat16 on CUDA with at most 256 columns and pairs left out as `mutua.scores` leaves them out,
    where Triton is there. Scores and their sums are float32; the weights of the gradient are rounded to bfloat16.
    """
    suited = left.device.type == "cuda" and left.dtype == right.dtype == torch.bfloat16
    if not suited or max(left.numel(), right.numel()) >= 1 << 31:
        return None
    # Devices before 8.0 do not multiply bfloat16.
    if torch.cuda.get_device_capability(left.device) < (8, 0) or not triton_here(left.device):
        return None
    from mutua.kernels.contrast import cuda as kernels

    (*b, n, k), m = left.shape, right.shape[-2]
    gaps = kernels.gaps_of(apart, n, m)
    if gaps is None or k > kernels.WIDEST or not n or not m:
        return None
    with torch.autocast("cuda", enabled=False):
        if left is right:
            return torch.stack([_Symmetric.apply(z, gaps) for z in left.reshape(-1, n, k)]).view(*b, n)
        both = zip(left.reshape(-1, n, k), right.reshape(-1, m, k), strict=True)
        return torch.stack([_Rows.apply(x, y, gaps, torch.is_grad_enabled()) for x, y in both]).view(*b, n)


class _Rows(torch.autograd.Function):
    """(n, k), (m, k) to (n,)."""

    @staticmethod
    def forward(ctx: Any, left: Tensor, right: Tensor, gaps: Any, grad: bool) -> Tensor:
        from mutua.kernels.contrast import cuda as kernels

        left, right = left.contiguous(), right.contiguous()
        logs, means = kernels.row_sums(left, right, gaps, means=grad and ctx.needs_input_grad[0])
        ctx.save_for_backward(left, right, logs, means)
        ctx.gaps = gaps
        return logs * math.log(2)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, Tensor | None, None, None]:
        from mutua.kernels.contrast import cuda as kernels

        left, right, logs, means = ctx.saved_tensors
        g = grads[0].contiguous()
        at_left = (g[:, None] * means).to(left.dtype) if ctx.needs_input_grad[0] else None
        at_right = None
        if ctx.needs_input_grad[1]:
            at_right = kernels.weighted_sums(right, left, ctx.gaps.turned, None, (logs, g))
        return at_left, at_right, None, None


class _Symmetric(torch.autograd.Function):
    """(n, k) to (n,), where left is right."""

    @staticmethod
    def forward(ctx: Any, z: Tensor, gaps: Any) -> Tensor:
        from mutua.kernels.contrast import cuda as kernels

        z = z.contiguous()
        logs, _ = kernels.row_sums(z, z, gaps, means=False)
        ctx.save_for_backward(z, logs)
        ctx.gaps = gaps
        return logs * math.log(2)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:
        from mutua.kernels.contrast import cuda as kernels

        z, logs = ctx.saved_tensors
        own = logs, grads[0].contiguous()
        return kernels.weighted_sums(z, z, ctx.gaps, own, own), None
