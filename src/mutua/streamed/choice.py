"""Whether scores are streamed, and whether those that can't be have room."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import torch
from jaxtyping import Float
from torch import Tensor
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode

from mutua.types import Critic, InnerProduct, InputError

__all__ = ["available", "factorised", "room", "streams"]

# Scores in a matrix from which blocks are faster than the matrix, measured on a CPU: of rows with themselves,
# which take half the blocks, and of others.
SYMMETRIC, GENERAL = 1 << 20, 1 << 22

# Scores above which a matrix is never held, slower or not: 256 MiB in float32, and its gradient takes several.
LARGEST = 1 << 26

# What a pair takes of each critic, by what it is scored from: found once, not every step.
_KNOWN: WeakKeyDictionary[Critic, dict[tuple[Any, ...], float]] = WeakKeyDictionary()

# Pairs below which nobody runs out of memory.
_SMALL = 1 << 18


def factorised(critic: Critic, pairs: int) -> InnerProduct | None:
    """The critic where its factors are worth asking for: pairs are many, and scores nothing but the product."""
    if not isinstance(critic, InnerProduct) or pairs < SYMMETRIC:
        return None
    own = type(critic).forward is InnerProduct.forward and type(critic).matrix is InnerProduct.matrix
    return critic if own else None


def streams(left: Float[Tensor, "*b n k"], right: Float[Tensor, "*b m k"]) -> bool:
    """Whether the scores <left_i, right_j> are streamed: where the matrix is large, and larger than its factors.

    Where m is large and k too, as with the locations of maps, the matrix is small beside `right`, and making its
    blocks twice is what takes time. From `LARGEST` on they are streamed all the same.
    """
    n, m, k = left.shape[-2], right.shape[-2], left.shape[-1]
    pairs = left.shape[:-2].numel() * n * m
    least, times = (SYMMETRIC, 1) if left is right else (GENERAL, 4)
    return pairs >= LARGEST or (pairs >= least and n * m >= times * (n + m) * k)


def available(device: torch.device) -> int | None:
    """Bytes of memory that can be had; none where the system doesn't say."""
    if device.type == "cuda":
        # What torch holds and has freed is not free to the driver, and is to be had all the same.
        held = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return torch.cuda.mem_get_info(device)[0] + held
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable"))
    except (OSError, StopIteration):
        return None


def room(critic: Critic, x: Float[Tensor, "*b n dx"], y: Float[Tensor, "*b m dy"]) -> None:
    """Raise `InputError` where the critic's scores of all pairs, and their gradient, have no room.

    What a pair takes is found by scoring a few, forward and backward, with every module in eval mode meanwhile.
    """
    pairs = x.shape[:-1].numel() * y.shape[-2]
    if pairs < _SMALL or (free := available(x.device)) is None:
        return
    learns = any(p.requires_grad for p in critic.parameters())
    key = x.shape[-1], y.shape[-1], x.dtype, x.requires_grad, y.requires_grad, learns, torch.is_grad_enabled()
    known = _KNOWN.setdefault(critic, {})
    if key not in known:
        known[key] = _bytes_a_pair(critic, x, y)
    need = pairs * known[key]
    if need > free:
        raise InputError(
            f"critic: {type(critic).__name__} scores each of {x.shape[-2]:,} x {y.shape[-2]:,} pairs in memory, "
            f"which takes {need / 2**30:.1f} GiB, and {max(free, 0) / 2**30:.1f} GiB are available; use a critic "
            "that factorises (Cosine, Dot, Bilinear, Separable), or fewer examples"
        )


class _Held(TorchDispatchMode):
    """The most bytes that tensors made while it is on hold at once."""

    def __init__(self) -> None:
        super().__init__()
        self.most = 0
        self._alive: dict[int, tuple[StorageWeakRef, int]] = {}

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        made = func(*args, **(kwargs or {}))
        for x in made if isinstance(made, (tuple, list)) else (made,):
            if isinstance(x, Tensor):
                storage = x.untyped_storage()
                self._alive[storage._cdata] = StorageWeakRef(storage), storage.nbytes()
        self._alive = {key: kept for key, kept in self._alive.items() if not kept[0].expired()}
        self.most = max(self.most, sum(size for _, size in self._alive.values()))
        return made


def _bytes_a_pair(critic: Critic, x: Tensor, y: Tensor) -> float:
    """Of the most that scores and their gradient hold at once: by how much more 4 x 32 pairs take than 4 x 16."""
    modes = {module: module.training for module in critic.modules()}
    taken, pairs = [], []
    try:
        critic.eval()
        for columns in (16, 32):
            a = x.detach()[..., :4, :].requires_grad_(x.requires_grad)
            b = y.detach()[..., :1, :].expand(*y.shape[:-2], columns, -1).requires_grad_(y.requires_grad)
            with torch.random.fork_rng([]), _Held() as held:
                scores = critic.matrix(a, b)
                if scores.requires_grad:
                    wanted = [part for part in (a, b, *critic.parameters()) if part.requires_grad]
                    torch.autograd.grad(scores.sum(), wanted, allow_unused=True)
            taken.append(held.most)
            pairs.append(scores.numel())
            del scores
    finally:
        for module, mode in modes.items():
            module.training = mode
    return max(0, taken[1] - taken[0]) / (pairs[1] - pairs[0])
