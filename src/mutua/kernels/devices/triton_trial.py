"""The smallest of kernels, to see whether any can be made."""

from typing import no_type_check

import torch
import triton
import triton.language as tl

__all__ = ["trial"]


@triton.jit
@no_type_check
def _ones(OUT):
    i = tl.arange(0, 16)
    tl.store(OUT + i, tl.full([16], 1.0, tl.float32))


def trial(device: torch.device) -> None:
    """Make a kernel and launch it; the host doesn't wait for what it does. Raises what Triton raises."""
    out = torch.empty(16, dtype=torch.float32, device=device)
    with torch.cuda.device_of(out):
        _ones[(1,)](out)
