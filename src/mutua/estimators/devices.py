"""Devices by name, as every estimator's `device` has it."""

from __future__ import annotations

import torch

from mutua.types import InputError

__all__ = ["device_here", "device_of"]


def device_of(name: str) -> torch.device:
    """ "auto" is CUDA where there is one; or a device's own name.

    Raises `InputError` where it isn't there.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.zeros(1, device=device)
    except (RuntimeError, TypeError, AssertionError) as error:
        reason = " ".join(str(error).split())[:80]
        raise InputError(f"device: {name!r} can't be used ({reason}); use 'auto' or 'cpu'") from None
    return device


def device_here(name: str) -> torch.device:
    """The device of that name, or the CPU where there is none: what one machine fitted another can use."""
    try:
        return device_of(name)
    except InputError:
        return torch.device("cpu")
