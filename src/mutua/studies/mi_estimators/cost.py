"""What a training step costs, by critic and by the pairs it is trained on."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence

import torch

from mutua.bounds import jsd
from mutua.information.estimators.catalogue import all_pairs, one_negative
from mutua.studies.mi_estimators.staircase import CRITICS
from mutua.types import Table

__all__ = ["cost_table", "seconds"]


def seconds(critic: str, evaluations: str, n: int, d: int, width: int, embedding: int, repeats: int = 9) -> float:
    """Median time of one forward and backward pass of `jsd`, on 2N or N^2 evaluations, the first left out."""
    torch.manual_seed(0)
    generator = torch.Generator().manual_seed(0)
    network = CRITICS[critic](width, embedding)(d, d)
    x, y = torch.randn(2, n, d, generator=generator)
    arrange = {"2N": one_negative, "N^2": all_pairs}[evaluations]
    taken = []
    for _ in range(repeats + 1):
        start = time.perf_counter()
        jsd(arrange(network, x, y, generator)).backward()  # type: ignore[no-untyped-call]
        taken.append(time.perf_counter() - start)
    return statistics.median(taken[1:])


def cost_table(critics: Sequence[str], d: int, width: int, embedding: int, sizes: Sequence[int]) -> Table:
    """Milliseconds a step, with 2N and with N^2 critic evaluations, side by side."""
    rows: list[list[object]] = []
    for n in sizes:
        for critic in critics:
            few, all_ = (1e3 * seconds(critic, one, n, d, width, embedding) for one in ("2N", "N^2"))
            # An inner product's networks see each x and y once, however many pairs are scored.
            passes = f"{n * n:,}" if critic == "concat" else f"{2 * n:,}"
            rows.append([n, critic, 2 * n, n * n, passes, few, all_, all_ / few])
    columns = ["N", "critic", "2N", "N^2", "network passes for N^2", "ms, 2N", "ms, N^2", "ratio"]
    note = (
        f"Critic evaluations, and milliseconds of one forward and backward pass of JSD: median of 9, "
        f"{torch.get_num_threads()} thread{'s' if torch.get_num_threads() > 1 else ''}, d = {d}, width "
        f"{width}."
    )
    return Table("Cost of a step", columns, rows, note)
