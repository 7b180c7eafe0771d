"""Contrast without the matrix, beside the losses people use: time, and memory above what was there before.

Run it by an interpreter that has lightly, pytorch-metric-learning and info-nce-pytorch beside mutua; a peer that
is missing is left out.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median
from typing import Any

import torch
from torch import Tensor

from bench.record import Log, keep
from mutua.bounds import infonce_loss, jsd, nt_xent
from mutua.critics import Cosine
from mutua.scores import dense, multiview, paired
from mutua.types import Scores, Table

WIDTH, TEMPERATURE = 128, 0.5
PEERS = ("lightly", "pytorch-metric-learning", "info-nce-pytorch")
Loss = Callable[[Tensor, Tensor], Tensor]


def _views(a: Tensor, b: Tensor) -> Scores:
    return multiview(Cosine(TEMPERATURE), torch.stack([a, b]))


def _pairs(a: Tensor, b: Tensor) -> Scores:
    return paired(Cosine(TEMPERATURE), a, b)


def _lightly() -> Loss:
    from lightly.loss import NTXentLoss

    return NTXentLoss(TEMPERATURE)


def _metric_learning() -> Loss:
    from pytorch_metric_learning.losses import NTXentLoss, SelfSupervisedLoss

    return SelfSupervisedLoss(NTXentLoss(TEMPERATURE))


def _info_nce() -> Loss:
    from info_nce import InfoNCE

    return InfoNCE(TEMPERATURE)


# Group to name to what makes the loss of two views (n, k). All of a group are one function.
GROUPS: dict[str, dict[str, Callable[[], Loss]]] = {
    "NT-Xent": {
        "mutua": lambda: lambda a, b: -nt_xent(_views(a, b)),
        "mutua, matrix": lambda: lambda a, b: -nt_xent(dense(_views(a, b))),
        "lightly": _lightly,
        "pytorch-metric-learning": _metric_learning,
    },
    "InfoNCE": {
        "mutua": lambda: lambda a, b: -infonce_loss(_pairs(a, b)),
        "mutua, matrix": lambda: lambda a, b: -infonce_loss(dense(_pairs(a, b))),
        "info-nce-pytorch": _info_nce,
    },
    "JSD": {
        "mutua": lambda: lambda a, b: -jsd(_pairs(a, b)),
        "mutua, matrix": lambda: lambda a, b: -jsd(dense(_pairs(a, b))),
    },
}
# It makes a matrix of positives by negatives: 2.2 TB for 4,096 pairs.
LARGEST = {"pytorch-metric-learning": 256}


def _installed() -> dict[str, str]:
    found = {}
    for name in PEERS:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _inputs(n: int, seed: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    a = torch.randn(n, WIDTH, generator=generator)
    b = a + torch.randn(n, WIDTH, generator=generator)
    return a.requires_grad_(), b.requires_grad_()


def _once(loss: Loss, n: int, seed: int) -> tuple[float, float, list[Tensor]]:
    """CPU and clock seconds of forward and backward, and what came out: the value and both gradients."""
    a, b = _inputs(n, seed)
    clock, cpu = time.perf_counter(), time.process_time()
    value = loss(a, b)
    value.backward()
    cpu, clock = time.process_time() - cpu, time.perf_counter() - clock
    assert a.grad is not None
    assert b.grad is not None
    return cpu, clock, [value.detach(), a.grad, b.grad]


def _resident() -> int:
    """The most bytes of memory the process has held since `_forget`. A new program's own, not its parent's."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


def _forget() -> None:
    Path("/proc/self/clear_refs").write_text("5")


def memory(group: str, name: str, n: int) -> None:
    """In a process of its own: prints by how many bytes forward and backward raise the peak, and CPU seconds."""
    torch.set_num_threads(1)
    loss = GROUPS[group][name]()
    _once(loss, 16, 0)
    _inputs(n, 0)
    _forget()
    before = _resident()
    cpu, _, _ = _once(loss, n, 0)
    peak = _resident()
    print(peak - before, peak, cpu)


def _memory(group: str, name: str, n: int) -> tuple[float, float, float]:
    command = [sys.executable, "-W", "ignore", "-m", "bench.contrast", "--memory", group, name, str(n)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    above, peak, cpu = done.stdout.split()[-3:]
    return float(above), float(peak), float(cpu)


def _rows(group: str, n: int, runs: int, threads: int, log: Log, installed: dict[str, str]) -> list[list[Any]]:
    losses = {
        name: make()
        for name, make in GROUPS[group].items()
        if (name.startswith("mutua") or name in installed) and n <= LARGEST.get(name, n)
    }
    torch.set_num_threads(threads)
    want = _once(losses["mutua"], n, 0)[2]
    apart = {}
    for name, loss in losses.items():
        found = _once(loss, n, 0)[2]
        apart[name] = max(float((a - b).abs().max() / b.abs().max()) for a, b in zip(found, want, strict=True))
        if apart[name] > 1e-3:
            raise SystemExit(f"contrast: {name} computes something else: {apart[name]:.1e} apart")
    taken: dict[str, list[float]] = {name: [] for name in losses}
    for run in range(runs):
        for name, loss in losses.items():
            cpu, clock, _ = _once(loss, n, run)
            taken[name].append(cpu if threads == 1 else clock)
    torch.set_num_threads(1)
    ours = median(taken["mutua"])
    rows = []
    for name in losses:
        above = _memory(group, name, n)[0] / 1e6
        rows.append([name, 1e3 * median(taken[name]), median(taken[name]) / ours, above, apart[name]])
        log(f"{group}, {n} pairs, {threads} threads: {rows[-1]}")
    return rows


def main(args: list[str]) -> None:
    """Tables of NT-Xent, InfoNCE and JSD, and of how NT-Xent grows."""
    parser = argparse.ArgumentParser(prog="python -m bench contrast", description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--pairs", type=int, default=4096)
    parser.add_argument("--largest", type=int, default=65_536, help="pairs of the last table's last row")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--memory", nargs=3, metavar=("GROUP", "NAME", "PAIRS"), help=argparse.SUPPRESS)
    given = parser.parse_args(args)
    if given.memory:
        memory(given.memory[0], given.memory[1], int(given.memory[2]))
        return
    log, installed, tables = Log(), _installed(), []
    for threads in given.threads:
        seconds = "CPU ms" if threads == 1 else "ms by the clock"
        columns = ["loss", seconds, "to mutua's", "peak MB", "apart"]
        for group in GROUPS:
            rows = _rows(group, given.pairs, given.runs, threads, log, installed)
            tables.append(Table(f"{group}, {given.pairs:,} pairs, {threads} thread(s)", columns, rows))
    small = LARGEST["pytorch-metric-learning"]
    rows = _rows("NT-Xent", small, given.runs, 1, log, installed)
    columns = ["loss", "CPU ms", "to mutua's", "peak MB", "apart"]
    tables.append(Table(f"NT-Xent, {small:,} pairs, 1 thread(s)", columns, rows))
    sizes, n = [], given.largest
    while n >= 1024:
        sizes.append(n)
        n //= 4
    growth = []
    for n in sizes[::-1]:
        above, peak, cpu = _memory("NT-Xent", "mutua", n)
        growth.append([n, cpu, 1e9 * cpu / (2 * n) ** 2, above / 1e6, peak / 2**30])
        log(f"growth: {growth[-1]}")
    columns = ["pairs", "CPU s", "ns a score", "peak MB", "whole process GiB"]
    tables.append(Table("NT-Xent as the batch grows, 1 thread", columns, growth))
    words = [
        f"Forward and backward of a loss of two views of n examples, {WIDTH} columns, float32, cosine over "
        f"{TEMPERATURE}; each once on each of {given.runs} inputs, in turn, in one process; medians. Before, "
        "values and gradients on the first input are checked equal; 'apart' is the largest difference of entries, "
        "relative to the largest entry. Peak memory is by how much a fresh process's resident peak rises.",
        "info-nce-pytorch has InfoNCE one way, n queries against n keys, and no NT-Xent. pytorch-metric-learning "
        f"makes a matrix of positives by negatives, 2.2 TB for 4,096 pairs, and is measured at {small}.",
        "; ".join(f"{name} {number}" for name, number in installed.items()) + ".",
    ]
    settings = {"runs": given.runs, "pairs": given.pairs, "width": WIDTH, "temperature": TEMPERATURE}
    keep("contrast", "Contrast without the matrix", tables, log, words, settings)


if __name__ == "__main__":
    main(sys.argv[1:])
