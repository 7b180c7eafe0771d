"""Time and peak memory of a step: scores held or streamed, encoders whole or in chunks."""

from __future__ import annotations

import ctypes
import gc
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Generator, Tensor

from mutua.bounds import infonce_loss
from mutua.critics import Dot
from mutua.encoders import group_norm, resnet18
from mutua.methods import simclr
from mutua.objectives import Contrastive
from mutua.scores import Dense
from mutua.training import cached_step
from mutua.types import Critic, Scores

__all__ = ["encoder_step", "held", "measured", "score_step"]


def measured(call: Callable[[], Any]) -> tuple[float, float | None]:
    """CPU seconds of the process, and MiB by which its memory rose at most; none where Linux doesn't tell."""
    gc.collect()  # what goes meanwhile would hide what comes
    before = _resident(reset=True)
    start = time.process_time()
    call()
    seconds = time.process_time() - start
    after = _resident()
    return seconds, None if before is None or after is None else max(after - before, 0) / 1024


def _resident(reset: bool = False) -> float | None:
    """The largest resident memory so far, in KiB; since now, where it is reset."""
    try:
        if reset:
            ctypes.CDLL(None).malloc_trim(0)  # what is free already goes back, or it would be used unseen
            Path("/proc/self/clear_refs").write_text("5")
        lines = Path("/proc/self/status").read_text().splitlines()
        return float(next(line for line in lines if line.startswith("VmHWM")).split()[1])
    except (AttributeError, OSError, StopIteration, TypeError, ValueError):
        return None


def held(critic: Critic, x: Tensor, y: Tensor) -> Dense:
    """`paired` with the whole matrix in memory: what streaming is measured against."""
    matrix = critic.matrix(x, y)  # (n, n)
    keep = ~torch.eye(len(x), dtype=torch.bool, device=x.device)
    return Dense(matrix.diagonal()[:, None], matrix, keep)


def score_step(arrange: Callable[[Critic, Tensor, Tensor], Scores], n: int, d: int) -> tuple[float, float | None]:
    """Forward and backward of InfoNCE on n pairs of d numbers, scored by their inner products."""
    x, y = torch.randn(2, n, d, generator=Generator().manual_seed(0)).div(d**0.5)
    x.requires_grad_()
    y.requires_grad_()
    return measured(lambda: infonce_loss(arrange(Dot(), x, y)).backward())  # type: ignore[no-untyped-call]


def encoder_step(batch: int, micro_batch: int, size: int) -> tuple[float, float | None]:
    """Forward and backward of SimCLR with a ResNet-18 of group norms; `micro_batch` 0 for the whole at once."""
    torch.manual_seed(0)
    method: Contrastive = simclr(resnet18(3, size, norm=group_norm)).train()
    images = torch.randint(0, 256, (batch, 3, size, size), dtype=torch.uint8)
    cached_step(method, images[:2], Generator(), 2)  # gradients and kernels are there before it is measured

    def step() -> None:
        if micro_batch:
            cached_step(method, images, Generator(), micro_batch)
        else:
            method.step(images, Generator()).loss.backward()  # type: ignore[no-untyped-call]

    return measured(step)
