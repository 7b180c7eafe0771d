"""Which examples a step sees, and what is random in it: functions of the seed and the step's number."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import torch
from lightning_utilities.core.apply_func import apply_to_collection
from torch import Generator, Tensor

from mutua.ranks import mine
from mutua.types import Rows

__all__ = ["Numbered", "batches", "seeded"]


class Numbered:
    """Rows whose batches say which of them they hold, for a method that is `numbered`."""

    def __init__(self, data: Rows) -> None:
        self.data = data

    def __len__(self) -> int:
        return len(self.data)

    def take(self, index: Tensor) -> dict[str, Any]:
        batch = self.data.take(index)
        return {**(batch if isinstance(batch, Mapping) else {"x": batch}), "row": index}


def seeded(*parts: object) -> Generator:
    """A generator whose seed is a function of the parts."""
    digest = hashlib.blake2b(repr(parts).encode(), digest_size=8).digest()
    return Generator().manual_seed(int.from_bytes(digest, "little") >> 1)


def _pinned(x: Tensor) -> Tensor:
    return x.pin_memory() if x.device.type == "cpu" and x.layout == torch.strided else x


def batches(
    data: Rows, batch: int, seed: int, start: int, stop: int, pin: torch.device | None = None
) -> Iterator[Any]:
    """This rank's share of the batch of each step, the next one read in a thread while this one is used.

    Each epoch has an order of its own, and leaves out what fills no batch. Tensors to `pin` for a CUDA device lie
    in memory that it copies from without making the host wait.
    """
    n = len(data)
    cached: dict[int, Tensor] = {}

    def read(step: int) -> Any:
        epoch, place = divmod(step, n // batch)
        if epoch not in cached:
            cached.clear()
            cached[epoch] = torch.randperm(n, generator=seeded(seed, "order", epoch))
        taken = data.take(mine(cached[epoch][place * batch : (place + 1) * batch]))
        if pin is None:
            return taken
        with torch.cuda.device(pin):  # a thread begins on the first device, and would take memory of it
            return apply_to_collection(taken, Tensor, _pinned)

    with ThreadPoolExecutor(1, thread_name_prefix="batches") as pool:
        ahead = pool.submit(read, start) if start < stop else None
        for step in range(start, stop):
            assert ahead is not None
            ready = ahead
            ahead = pool.submit(read, step + 1) if step + 1 < stop else None
            yield ready.result()
