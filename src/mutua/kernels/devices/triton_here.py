"""Whether kernels in Triton can be had: it comes with torch for CUDA, and not with torch for a CPU."""

from __future__ import annotations

import warnings
from functools import cache
from importlib.util import find_spec

import torch

__all__ = ["triton_here"]


@cache
def triton_here(device: torch.device) -> bool:
    """Whether Triton can be imported and makes a kernel for the device; where it fails, a warning says why, once.

    It asks for a C compiler when it runs, which many an image for containers lacks, and refuses old devices.
    """
    if find_spec("triton") is None:
        return False
    try:
        from mutua.kernels.devices.triton_trial import trial

        trial(device)
    except Exception as error:  # of its compiler, its driver, the linker, the C compiler
        why = (str(error).strip() or type(error).__name__).splitlines()[0]
        warnings.warn(
            f"Triton makes no kernels for {device} ({why}): the plain way is taken, which is slower; "
            "it needs a C compiler (such as gcc) and a GPU of compute capability 8.0 or higher",
            stacklevel=2,
        )
        return False
    return True
