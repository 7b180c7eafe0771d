"""Whether scores are streamed, and whether those that can't be have room."""

from __future__ import annotations

from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd.graph import saved_tensors_hooks

from mutua.types import Critic, InnerProduct, InputError

__all__ = ["available", "factorised", "room", "streams"]

# Scores in a matrix from which blocks are faster than the matrix, measured on a CPU: of rows with themselves,
# which take half the blocks, and of others.
SYMMETRIC, GENERAL = 1 << 20, 1 << 22

# Pairs below which nobody runs out of memory.
_SMALL = 1 << 22


def factorised(critic: Critic, n: int, m: int) -> InnerProduct | None:
    """The critic where its factors are worth asking for: pairs are many, and scores nothing but the product."""
    if not isinstance(critic, InnerProduct) or n * m < SYMMETRIC:
        return None
    own = type(critic).forward is InnerProduct.forward and type(critic).matrix is InnerProduct.matrix
    return critic if own else None


def streams(left: Float[Tensor, "*b n k"], right: Float[Tensor, "*b m k"]) -> bool:
    """Whether the scores <left_i, right_j> are streamed: where the matrix is large, and larger than its factors.

    Where m is large and k too, as with the locations of maps, the matrix is small beside `right`, and making its
    blocks twice is what takes time.
    """
    n, m, k = left.shape[-2], right.shape[-2], left.shape[-1]
    if left is right:
        return n * m >= max(SYMMETRIC, (n + m) * k)
    return n * m >= max(GENERAL, 4 * (n + m) * k)


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
    """Raise `InputError` where the critic's scores of all pairs, with what its gradient keeps, have no room.

    What is kept for a pair is found by scoring a few, with every module in eval mode meanwhile.
    """
    pairs = x.shape[:-1].numel() * y.shape[-2]
    if pairs < _SMALL or (free := available(x.device)) is None:
        return
    need = pairs * _bytes_a_pair(critic, x, y)
    if need > free:
        raise InputError(
            f"critic: {type(critic).__name__} scores each of {x.shape[-2]:,} x {y.shape[-2]:,} pairs in memory, "
            f"which takes {need / 2**30:.1f} GiB, and {max(free, 0) / 2**30:.1f} GiB are available; use a critic "
            "that factorises (Cosine, Dot, Bilinear, Separable), or fewer examples"
        )


def _bytes_a_pair(critic: Critic, x: Tensor, y: Tensor) -> float:
    """Of the scores and of what autograd keeps for them: by how much more 4 x 8 pairs take than 4 x 4."""
    modes = {module: module.training for module in critic.modules()}
    taken = []
    try:
        critic.eval()
        for columns in (4, 8):
            sizes: dict[int, int] = {}

            def pack(kept: Tensor, sizes: dict[int, int] = sizes) -> Tensor:
                storage = kept.untyped_storage()
                sizes[storage.data_ptr()] = storage.nbytes()
                return kept

            with torch.enable_grad(), torch.random.fork_rng([]), saved_tensors_hooks(pack, lambda kept: kept):
                few = y.detach()[..., :1, :].expand(*y.shape[:-2], columns, -1)
                scores = critic.matrix(x.detach()[..., :4, :], few)
            taken.append(scores.numel() * scores.element_size() + sum(sizes.values()))
            pairs = scores.numel()
    finally:
        for module, mode in modes.items():
            module.training = mode
    return (taken[1] - taken[0]) / (pairs / 2)
