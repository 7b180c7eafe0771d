"""Several processes as one: what a rank needs to compute with the whole batch. One process is the special case.

The rule, which makes gradients right whatever a loss mixes across ranks: the value that training lowers is the
mean of the ranks' losses, every collective's backward is its true adjoint, and data parallel training averages
the gradients of the parameters. A loss computed from gathered features on every rank, and one computed from each
rank's own examples, then both give the gradient of one process with the whole batch.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

__all__ = ["gather", "highest", "mine", "rank", "total", "world"]


def world() -> int:
    """How many processes there are."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def rank() -> int:
    """The number of this one, from 0. Known from what launched it, before the processes have met."""
    if dist.is_available() and dist.is_initialized():
        return dist.get_rank()
    return int(os.environ.get("RANK", os.environ.get("LOCAL_RANK", "0")))


class _Gather(torch.autograd.Function):
    @staticmethod
    def forward(_ctx: Any, x: Tensor) -> Tensor:
        parts = [torch.empty_like(x) for _ in range(world())]
        dist.all_gather(parts, x.contiguous())
        return torch.cat(parts)

    @staticmethod
    def backward(_ctx: Any, *grads: Tensor) -> Tensor:
        # Every rank's loss depends on these rows: its gradients are summed, and each rank keeps its own part.
        grad = grads[0].clone(memory_format=torch.contiguous_format)  # others may read the one handed in
        dist.all_reduce(grad)
        return grad.chunk(world())[rank()]


class _Total(torch.autograd.Function):
    @staticmethod
    def forward(_ctx: Any, x: Tensor) -> Tensor:
        x = x.clone()
        dist.all_reduce(x)
        return x

    @staticmethod
    def backward(_ctx: Any, *grads: Tensor) -> Tensor:
        grad = grads[0].clone()
        dist.all_reduce(grad)
        return grad


def gather(x: Tensor) -> Tensor:
    """The rows of all ranks, rank by rank: (n, ...) -> (world n, ...). Differentiable."""
    return x if world() == 1 else _Gather.apply(x)


def total(x: Tensor) -> Tensor:
    """The sum of x over ranks. Differentiable."""
    return x if world() == 1 else _Total.apply(x)


def highest(x: Tensor) -> Tensor:
    """The largest of each entry over ranks. Not differentiable."""
    x = x.detach().clone()
    if world() > 1:
        dist.all_reduce(x, dist.ReduceOp.MAX)
    return x


def mine(drawn: Any) -> Any:
    """This rank's rows of what was drawn for the whole batch: of a tensor, or of each tensor in nested dicts.

    Every rank draws for all from the same generator and takes its share, so that the randomness an example
    meets doesn't depend on how many ranks there are.
    """
    if world() == 1:
        return drawn
    if isinstance(drawn, Mapping):
        return {name: mine(value) for name, value in drawn.items()}
    if isinstance(drawn, Tensor):
        if not drawn.ndim:
            return drawn  # of no example: the same for all
        return drawn.chunk(world())[rank()]
    if isinstance(drawn, (list, tuple)):
        return type(drawn)(mine(value) for value in drawn)
    return drawn
