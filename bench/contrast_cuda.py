"""InfoNCE on CUDA in bfloat16, beside the whole matrix in torch and Inf-CL's kernels: time and memory.

A peer that is not installed is left out, and so is one that computes something else or has no room.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import cache, partial
from statistics import median
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, normalize

from bench.record import Log, keep
from mutua.bounds import infonce_loss, nt_xent
from mutua.critics import Cosine
from mutua.scores import multiview, paired
from mutua.types import Table

WIDTH, TEMPERATURE = 256, 0.1
Loss = Callable[[Tensor, Tensor], Tensor]
BF16 = torch.bfloat16


@cache
def _cosine() -> Cosine:
    return Cosine(TEMPERATURE).to("cuda")


def _infonce(a: Tensor, b: Tensor) -> Tensor:
    return -infonce_loss(paired(_cosine(), a, b))


def _blocks(a: Tensor, b: Tensor) -> Tensor:
    """Widened to float32, so that torch's products of blocks are taken."""
    return -infonce_loss(paired(_cosine(), a.float(), b.float()))


def _logits(a: Tensor, b: Tensor) -> Tensor:
    return normalize(a, dim=1) / TEMPERATURE @ normalize(b, dim=1).T


def _dense(a: Tensor, b: Tensor, dtype: torch.dtype) -> Tensor:
    return cross_entropy(_logits(a, b).to(dtype), torch.arange(len(a), device=a.device))


def _inf_cl() -> Loss:
    from inf_cl import cal_flash_loss

    return lambda a, b: cal_flash_loss(
        normalize(a, dim=1), normalize(b, dim=1), scale=1 / TEMPERATURE, head_dim=a.shape[1]
    ).mean()


def _nt_xent(a: Tensor, b: Tensor) -> Tensor:
    return -nt_xent(multiview(_cosine(), torch.stack([a, b])))


def _nt_xent_dense(a: Tensor, b: Tensor, dtype: torch.dtype) -> Tensor:
    z = torch.cat([a, b])
    logits = _logits(z, z).to(dtype)
    logits.fill_diagonal_(-torch.inf)
    n = len(a)
    return cross_entropy(logits, torch.arange(2 * n, device=a.device).roll(n))


GROUPS: dict[str, dict[str, Callable[[], Loss]]] = {
    "InfoNCE": {
        "mutua": lambda: _infonce,
        "mutua, blocks by torch in float32": lambda: _blocks,
        "torch, matrix": lambda: partial(_dense, dtype=BF16),
        "torch, matrix, softmax in float32": lambda: partial(_dense, dtype=torch.float32),
        "inf-cl": _inf_cl,
    },
    "NT-Xent": {
        "mutua": lambda: _nt_xent,
        "torch, matrix": lambda: partial(_nt_xent_dense, dtype=BF16),
        "torch, matrix, softmax in float32": lambda: partial(_nt_xent_dense, dtype=torch.float32),
    },
}


# Of the pairs: two views of n examples make a matrix of 2 n by 2 n scores.
SHARE = {"InfoNCE": 1, "NT-Xent": 2}


def _inputs(n: int, seed: int, dtype: torch.dtype = BF16) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    a = torch.randn(n, WIDTH, generator=generator)
    b = a + torch.randn(n, WIDTH, generator=generator)
    a, b = a.to(BF16), b.to(BF16)  # what every dtype starts from
    return a.to("cuda", dtype).requires_grad_(), b.to("cuda", dtype).requires_grad_()


def _result(loss: Loss, a: Tensor, b: Tensor) -> list[Tensor]:
    a.grad = b.grad = None
    value = loss(a, b)
    value.backward()
    assert a.grad is not None
    assert b.grad is not None
    return [value.detach().double(), a.grad.double(), b.grad.double()]


def _apart(found: list[Tensor], want: list[Tensor]) -> float:
    """The largest |found - want| / |want| of value and gradients."""
    return max(float((x - y).norm() / y.norm()) for x, y in zip(found, want, strict=True))


def _time(loss: Loss, a: Tensor, b: Tensor) -> float:
    start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    a.grad = b.grad = None
    start.record()
    loss(a, b).backward()
    end.record()
    torch.cuda.synchronize()
    return start.elapsed_time(end)


def _peak(loss: Loss, a: Tensor, b: Tensor) -> float:
    """MB above the inputs and what was there before."""
    a.grad = b.grad = None
    torch.cuda.synchronize()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    loss(a, b).backward()
    torch.cuda.synchronize()
    return (torch.cuda.max_memory_allocated() - before) / 1e6


def _group(group: str, n: int, runs: int, log: Log) -> Table:
    inputs = [_inputs(n, seed) for seed in range(3)]
    exact = partial(_nt_xent_dense if group == "NT-Xent" else _dense, dtype=torch.float64)
    # The truth by float64 on fewer rows: the matrix of all would fill the device.
    few = min(n, 4096)
    want = _result(exact, *_inputs(few, 9, torch.float64))
    losses: dict[str, Loss] = {}
    apart: dict[str, float] = {}
    for name, make in GROUPS[group].items():
        try:
            losses[name] = make()
        except ImportError:
            log(f"{name}: not installed")
            continue
        apart[name] = _apart(_result(losses[name], *_inputs(few, 9)), want)
        why = None if apart[name] < 0.05 else f"computes something else: {apart[name]:.1e} apart"
        try:
            _time(losses[name], *inputs[0])
        except torch.OutOfMemoryError:
            why = "has no room"
        if why:
            if name == "mutua":
                raise SystemExit(f"contrast_cuda: mutua {why}")
            log(f"{name} {why}")
            del losses[name]
    taken: dict[str, list[float]] = {name: [] for name in losses}
    for run in range(runs):
        for name, loss in losses.items():
            taken[name].append(_time(loss, *inputs[run % len(inputs)]))
    rows: list[list[Any]] = []
    for name, loss in losses.items():
        ms = median(taken[name])
        rows.append([name, ms, ms / median(taken["mutua"]), _peak(loss, *inputs[0]), apart[name]])
        log(f"{group}, {n} pairs: {rows[-1]}")
    return Table(f"{group}, {n:,} pairs", ["loss", "ms", "to mutua's", "peak MB", "apart"], rows)


def _growth(largest: int, log: Log) -> Table:
    rows: list[list[Any]] = []
    n = 4096
    while n <= largest:
        a, b = _inputs(n, 0)
        _time(_infonce, a, b)
        ms = median(_time(_infonce, a, b) for _ in range(5))
        rows.append([n, ms, 1e9 * ms / n**2, _peak(_infonce, a, b), _peak(_infonce, a, b) * 1e6 / n])
        log(f"growth: {rows[-1]}")
        n *= 4
    return Table("InfoNCE as the batch grows", ["pairs", "ms", "ps a score", "peak MB", "bytes a pair"], rows)


def main(args: list[str]) -> None:
    """Tables of InfoNCE and NT-Xent, and of how InfoNCE grows."""
    parser = argparse.ArgumentParser(prog="python -m bench contrast_cuda", description=__doc__)
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--pairs", type=int, default=32_768)
    parser.add_argument("--largest", type=int, default=262_144, help="pairs of the last table's last row")
    given = parser.parse_args(args)
    if not torch.cuda.is_available():
        raise SystemExit("contrast_cuda: there is no CUDA device here")
    log = Log()
    tables = [_group(group, given.pairs // SHARE[group], given.runs, log) for group in GROUPS]
    tables.append(_growth(given.largest, log))
    words = [
        f"Forward and backward of a loss of two views of n examples, {WIDTH} columns of bfloat16, cosine over "
        f"{TEMPERATURE}, normalising included; medians of {given.runs} runs in turn, timed by events on the "
        "device. 'apart' is the largest relative error (of norms) of value and both gradients against float64, on "
        "4,096 pairs of the same bfloat16 numbers. Peak memory is above the inputs. inf-cl widens to float32 and "
        "multiplies in TF32.",
    ]
    settings = {"runs": given.runs, "pairs": given.pairs, "width": WIDTH, "temperature": TEMPERATURE}
    keep("contrast_cuda", "Contrast on CUDA", tables, log, words, settings)
