"""Rows of other ranks by one gathering or handed round a ring: seconds, beside those of the scores themselves."""

from __future__ import annotations

import argparse
import os
import socket
import time
from collections.abc import Callable
from statistics import median
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, multiprocessing

from bench.record import Log, keep
from mutua.bounds import nt_xent
from mutua.critics import Cosine
from mutua.objectives import scored_views
from mutua.ranks import gather, rank, world
from mutua.types import Table

WIDTH = 128
Work = Callable[[], object]


def _gathered(x: Tensor) -> Work:
    """Rows of all to all, and their gradients back."""
    slope = torch.randn(world() * len(x), WIDTH)
    return lambda: gather(x).backward(slope)


def _ring(x: Tensor) -> Work:
    """Rows to the next rank, world - 1 times; their gradients travel with them, and once more to their own."""

    def work() -> None:
        to, of = (rank() + 1) % world(), (rank() - 1) % world()
        here, gradient = x.detach().clone(), torch.zeros(len(x), WIDTH)
        for turn in range(world()):
            for held in [here, gradient] if turn < world() - 1 else [gradient]:
                came = torch.empty_like(held)
                sent = dist.isend(held, to)
                dist.recv(came, of)
                assert sent is not None
                sent.wait()
                held.copy_(came)

    return work


def _loss(x: Tensor) -> Work:
    critic = Cosine(0.5)
    return lambda: nt_xent(scored_views(critic, x.unflatten(0, (2, -1)))).backward()


def _rank(number: int, ranks: int, port: int, sizes: list[int], rounds: int, out: Any) -> None:
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    torch.set_num_threads(1)
    dist.init_process_group("gloo", rank=number, world_size=ranks)
    rows = []
    for n in sizes:
        x = torch.randn(n, WIDTH, generator=torch.Generator().manual_seed(number)).requires_grad_()
        work = {"gather": _gathered(x), "ring": _ring(x), "loss": _loss(x)}
        taken: dict[str, list[float]] = {name: [] for name in work}
        for turn in range(rounds + 1):
            for name, one in work.items():
                x.grad = None
                dist.barrier()
                clock = time.perf_counter()
                one()
                dist.barrier()
                if turn:
                    taken[name].append(time.perf_counter() - clock)
        rows.append((n, {name: median(times) for name, times in taken.items()}))
    if number == 0:
        out.put(rows)
    dist.destroy_process_group()


def main(args: list[str]) -> None:
    """A table for two ranks."""
    parser = argparse.ArgumentParser(prog="python -m bench gathering", description=__doc__)
    parser.add_argument("--ranks", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--sizes", type=int, nargs="*", default=[1024, 4096, 16_384], help="vectors of each rank")
    told = parser.parse_args(args)
    log = Log()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    context = multiprocessing.get_context("spawn")
    out = context.SimpleQueue()
    started = [
        context.Process(target=_rank, args=(k, told.ranks, port, told.sizes, told.rounds, out))
        for k in range(told.ranks)
    ]
    for process in started:
        process.start()
    rows: list[list[Any]] = []
    for n, seconds in out.get():
        ms = [1000 * seconds[name] for name in ("gather", "ring", "loss")]
        rows.append([n, *ms, 100 * ms[0] / ms[2], ms[1] / ms[0]])
        log(str(rows[-1]))
    for process in started:
        process.join()
    columns = ["vectors of a rank", "gather, ms", "ring, ms", "loss, ms", "gather, % of loss", "ring to gather"]
    note = (
        f"{told.ranks} ranks (gloo, one thread each), vectors of {WIDTH}; forward and backward: rows travel, and "
        "their gradients back. loss: NT-Xent of two views among all ranks' vectors, its gathering included. By "
        f"the clock, medians of {told.rounds} rounds in turn."
    )
    table = Table("Rows of other ranks", columns, rows, note)
    keep("gathering", "Gathering or a ring", [table], log, [], vars(told))
