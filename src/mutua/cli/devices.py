"""Where things run, refused in a line before any work is done."""

from __future__ import annotations

import torch

from mutua.types import InputError, names

__all__ = ["check_accelerator", "check_device"]

ACCELERATORS = ("auto", "cpu", "cuda", "mps")


def check_device(name: str) -> None:
    """Raise `InputError` where torch cannot put a tensor on the device."""
    try:
        torch.empty(1, device=name).sum().item()
    except Exception as error:  # torch's assertions, runtime errors, and missing kernels
        reason = " ".join(str(error).split())[:100]
        raise InputError(f"device: {name!r} cannot be used here ({reason}); use cpu") from error


def check_accelerator(name: str) -> None:
    """Raise `InputError` where training cannot run on it."""
    if name not in ACCELERATORS:
        raise InputError(f"accelerator: {name!r} is none of {names(ACCELERATORS)}")
    if (name == "cuda" and not torch.cuda.is_available()) or (
        name == "mps" and not torch.backends.mps.is_available()
    ):
        raise InputError(f"accelerator: there is no {name} here; use cpu or auto")
