"""Copies from the host to a device that the host does not wait for."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["like", "to_device"]


def to_device(x: Tensor, device: torch.device) -> Tensor:
    """x on the device; the host doesn't wait for CUDA to take what lies on the CPU, which needs pinned memory."""
    if x.numel() and x.device.type == "cpu" and device.type == "cuda" and not torch.compiler.is_compiling():
        x = x.pin_memory()
    return x.to(device, non_blocking=device.type == "cuda")


def like(value: Tensor | float, other: Tensor) -> Tensor:
    """The value in the other's dtype, on its device, which fills in a number by itself."""
    if isinstance(value, Tensor):
        return to_device(value, other.device).to(other.dtype)
    return other.new_full((), float(value))
