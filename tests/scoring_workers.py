"""What the processes of tests/objectives/test_scoring.py run: scores of each one's own rows among those of all."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import torch
import torch.distributed as dist
from torch import Tensor

from mutua import ranks
from mutua import scores as arrangements
from mutua.bounds import BOUNDS, CONTRASTS
from mutua.critics import Concat, Cosine, Separable
from mutua.objectives import scored, scored_views
from mutua.scores import local, paired
from mutua.streamed import Streamed, choice
from mutua.types import Critic, Scores

READINGS: dict[str, Callable[[Scores], Tensor]] = {
    **{name: reading.bound for name, reading in BOUNDS.items()},
    **{name: training.contrast for name, training in CONTRASTS.items()},
}
CRITICS: dict[str, Callable[[], Critic]] = {
    "cosine": lambda: Cosine(0.4, learn=True),
    "separable": lambda: Separable(3, 3, 8, 1, 4),
    "concat": lambda: Concat(3, 3, (6,)),
}
INPUTS: dict[str, list[tuple[int, ...]]] = {
    "paired": [(12, 3), (12, 3)],
    "local": [(12, 3), (12, 5, 3)],
    "views": [(12, 3, 3)],
}


def measured(arrangement: str, critic: str, reading: str, streaming: bool) -> dict[str, Tensor]:
    """The mean of the ranks' values, and gradients as data parallel training has them."""
    torch.manual_seed(0)
    made = CRITICS[critic]().double()
    generator = torch.Generator().manual_seed(1)
    whole = [torch.randn(shape, generator=generator, dtype=torch.float64) for shape in INPUTS[arrangement]]
    inputs = [x.chunk(ranks.world())[ranks.rank()].clone().requires_grad_() for x in whole]
    choice.SYMMETRIC = 0
    arrangements.streams = lambda left, right: streaming
    arrangements.Streamed = lambda *given: Streamed(*given, size=5)
    try:
        if arrangement == "views":
            scores = scored_views(made, inputs[0].transpose(0, 1))
        else:
            scores = scored({"paired": paired, "local": local}[arrangement], made, *inputs)
        value = READINGS[reading](scores)
    finally:
        arrangements.streams, arrangements.Streamed, choice.SYMMETRIC = STREAMS, Streamed, LEAST
    value.backward()
    found = {"value": value.detach()} | {name: p.grad for name, p in made.named_parameters() if p.grad is not None}
    found = {name: ranks.total(each) / ranks.world() for name, each in found.items()}
    return found | {f"input {k}": ranks.gather(x.grad) / ranks.world() for k, x in enumerate(inputs)}


STREAMS, LEAST = arrangements.streams, choice.SYMMETRIC


def everything(streaming: bool) -> dict[str, dict[str, Tensor]]:
    return {
        f"{arrangement}, {critic}, {reading}": measured(arrangement, critic, reading, streaming)
        for arrangement in INPUTS
        for critic in CRITICS
        for reading in READINGS
    }


if __name__ == "__main__":
    number, world, folder = int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=number, world_size=world)
    for streaming in (False, True):
        result = everything(streaming)
        if number == 0:
            torch.save(result, folder / f"{streaming}.pt")
    dist.destroy_process_group()
