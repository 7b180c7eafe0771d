"""A strided convolution in time, layer norm over channels and ReLU as one function, channels last.

The twin is `plain`. Where the kernel is twice the stride, as in contrastive predictive coding's encoder, a
frame is a function of two blocks of `stride` moments that follow each other: x lies in memory as those blocks,
so that two matrix products read it where it is, where torch's convolution copies it into another order and
back, and autograd fills and adds gradients of slices.
"""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

__all__ = ["fitting", "plain", "strided"]


def plain(
    x: Float[Tensor, "n t c"],
    weight: Float[Tensor, "w c k"],
    stride: int,
    scale: Tensor,
    shift: Tensor,
    eps: float,
) -> Float[Tensor, "n u w"]:
    """ReLU(layer norm(conv1d(x)))."""
    y = F.conv1d(x.transpose(1, 2), weight, stride=stride).transpose(1, 2)
    return F.relu(F.layer_norm(y, scale.shape, scale, shift, eps))


def fitting(x: Float[Tensor, "n t c"], kernel: int, stride: int) -> bool:
    """Whether `strided` is for this: on a CPU, in one precision, and a kernel twice the stride."""
    return x.device.type == "cpu" and not torch.is_autocast_enabled("cpu") and kernel == 2 * stride <= x.shape[1]


def strided(
    x: Float[Tensor, "n t c"],
    weight: Float[Tensor, "w c k"],
    stride: int,
    scale: Tensor,
    shift: Tensor,
    eps: float,
) -> Float[Tensor, "n u w"]:
    """What `plain` gives, k = 2 stride."""
    return _Strided.apply(x, weight, stride, scale, shift, eps)


def _blocks(x: Tensor, stride: int) -> Tensor:
    n, t, c = x.shape
    count = t // stride
    return x[:, : count * stride].reshape(n, count, stride * c)


class _Strided(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, stride: int, scale: Tensor, shift: Tensor, eps: float
    ) -> Tensor:
        n, (width, channels, _) = len(x), weight.shape
        blocks = _blocks(x, stride)
        # (w, c, 2 s) -> (2, s c, w): what the block before, and the block after, are multiplied by
        halves = weight.reshape(width, channels, 2, stride).permute(2, 3, 1, 0).reshape(2, -1, width)
        before, after = (half.expand(n, -1, -1) for half in halves)
        y = torch.bmm(blocks[:, :-1], before).baddbmm_(blocks[:, 1:], after)
        normed, mean, deviation = torch.native_layer_norm(y, scale.shape, scale, shift, eps)
        normed.relu_()
        ctx.save_for_backward(x, halves, scale, shift, y, mean, deviation, normed)
        ctx.stride, ctx.shape = stride, weight.shape
        return normed

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        x, halves, scale, shift, y, mean, deviation, normed = ctx.saved_tensors
        stride, (width, channels, _) = ctx.stride, ctx.shape
        g = torch.ops.aten.threshold_backward(grads[0], normed, 0)
        g, d_scale, d_shift = torch.ops.aten.native_layer_norm_backward(
            g, y, scale.shape, mean, deviation, scale, shift, [True, True, True]
        )
        n, blocks = len(x), _blocks(x, stride)
        d_halves = torch.stack(
            [torch.bmm(part.transpose(1, 2), g).sum(0) for part in (blocks[:, :-1], blocks[:, 1:])]
        )  # (2, s c, w)
        d_weight = d_halves.reshape(2, stride, channels, width).permute(3, 2, 0, 1).reshape(ctx.shape)
        d_x = None
        if ctx.needs_input_grad[0]:
            before, after = (half.T.expand(n, -1, -1) for half in halves)
            d_x = x.new_zeros(x.shape)
            d_blocks = d_x[:, : blocks.shape[1] * stride].view(blocks.shape)
            d_blocks[:, :-1].baddbmm_(g, before)
            d_blocks[:, 1:].baddbmm_(g, after)
        return d_x, d_weight, None, d_scale, d_shift, None
