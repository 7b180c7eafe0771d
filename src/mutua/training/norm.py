"""Batch norm over the batches of all ranks, on any device: torch's own works on CUDA only."""

from __future__ import annotations

from contextvars import ContextVar

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from mutua.ranks import total, world

__all__ = ["ELSEWHERE", "SyncedBatchNorm", "synchronised"]

ELSEWHERE: ContextVar[bool] = ContextVar("ELSEWHERE", default=False)
"""Whether someone else answers for the statistics: calls of `torch.nn.functional.batch_norm` are intercepted."""


class SyncedBatchNorm(_BatchNorm):
    """Batch norm whose mean and variance are of the examples of all ranks, with the gradient through both.

    Same parameters, buffers and names as the batch norm it takes the place of, so weights move between them.

    Paper: Ioffe and Szegedy 2015, arXiv:1502.03167.
    """

    def _check_input_dim(self, input: Tensor) -> None:
        if input.ndim < 2:
            raise ValueError(f"batch norm needs (n, c, ...), got {tuple(input.shape)}")

    def forward(self, input: Tensor) -> Tensor:
        if not self.training or world() == 1 or ELSEWHERE.get():
            return super().forward(input)
        x = input.float() if input.dtype in (torch.float16, torch.bfloat16) else input
        axes = [0, *range(2, x.ndim)]
        shape = [1, -1, *[1] * (x.ndim - 2)]
        count = x.numel() // x.shape[1] * world()  # ranks hold equal shares
        mean = total(x.sum(axes)) / count  # (c,)
        centred = x - mean.view(shape)
        variance = total(centred.square().sum(axes)) / count  # (c,)
        self._track(mean.detach(), variance.detach() * count / max(count - 1, 1))
        out = centred * (variance + self.eps).rsqrt().view(shape)
        if self.affine:
            out = out * self.weight.view(shape) + self.bias.view(shape)
        return out.to(input.dtype)

    @torch.no_grad()
    def _track(self, mean: Tensor, variance: Tensor) -> None:
        if not self.track_running_stats or self.running_mean is None or self.running_var is None:
            return
        assert self.num_batches_tracked is not None
        self.num_batches_tracked.add_(1)
        weight = 1 / float(self.num_batches_tracked) if self.momentum is None else self.momentum
        self.running_mean.lerp_(mean, weight)
        self.running_var.lerp_(variance, weight)


def synchronised(module: nn.Module) -> nn.Module:
    """The module with each batch norm in it synchronised, parameters shared with the one it replaces."""
    for name, child in module._modules.items():  # named_children leaves out a module's second name
        if child is not None:
            module.add_module(name, synchronised(child))
    if isinstance(module, _BatchNorm) and not isinstance(module, (SyncedBatchNorm, nn.SyncBatchNorm)):
        synced = SyncedBatchNorm(
            module.num_features, module.eps, module.momentum, module.affine, module.track_running_stats
        )
        synced.weight, synced.bias = module.weight, module.bias
        synced.running_mean, synced.running_var = module.running_mean, module.running_var
        synced.num_batches_tracked = module.num_batches_tracked
        synced.training = module.training
        return synced
    return module
