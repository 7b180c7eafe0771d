"""What the two processes of the tests of ranks run; importable by name in a process that is spawned."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from mutua import ranks, runs
from mutua.training.norm import synchronised

SETTINGS: dict[str, dict[str, Any]] = {
    "simclr": {"temperature": 0.3, "views": 3, "width": 8},
    "deep_infomax": {"alpha": 0.5, "gamma": 0.2, "units": 16, "locations": 2},
    "rotation": {},
}


def build(name: str) -> nn.Module:
    """A small method in double precision, its weights the same in every process."""
    torch.manual_seed(0)
    method = runs.compose(runs.Recipe(name, "dim32", 3, 16, SETTINGS.get(name, {}), seed=5))
    return method.double()


def images() -> Tensor:
    """The whole batch."""
    return torch.rand(8, 3, 16, 16, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


def measured(method: Any, batch: Tensor) -> dict[str, Tensor]:
    """Loss, gradients and buffers after one step, means over ranks."""
    method.train()
    step = method.step(batch, torch.Generator().manual_seed(2))
    step.loss.backward()
    found = {"loss": step.loss.detach()}
    for name, p in method.named_parameters():
        found[f"gradient of {name}"] = torch.zeros_like(p) if p.grad is None else p.grad
    if ranks.world() > 1:
        found = {name: ranks.total(value.detach()) / ranks.world() for name, value in found.items()}
    return found | {name: value.clone() for name, value in method.named_buffers()}


def step_of_two(rank: int, folder: str, name: str) -> None:
    """One step on this rank's half of the batch."""
    _meet(rank, folder)
    method = synchronised(build(name))
    found = measured(method, images().chunk(2)[rank])
    if rank == 0:
        torch.save(found, Path(folder) / "found.pt")
    dist.destroy_process_group()


def adjoints(rank: int, folder: str) -> None:
    """<collective(x), y> = <x, adjoint(y)>, summed over ranks; and what gather and total give."""
    _meet(rank, folder)
    generator = torch.Generator().manual_seed(rank)
    found = {}
    for name, collective in (("gather", ranks.gather), ("total", ranks.total)):
        x = torch.randn(3, 2, dtype=torch.float64, generator=generator, requires_grad=True)
        out = collective(x)
        y = torch.randn(out.shape, dtype=torch.float64, generator=generator)
        (adjoint,) = torch.autograd.grad((out * y).sum(), x)
        sides = torch.stack([(out * y).sum(), (x * adjoint).sum()]).detach()
        found[name] = {"sides": ranks.total(sides), "out": out.detach(), "x": ranks.gather(x.detach())}
    mine = ranks.mine({"a": torch.arange(6), "b": {"c": torch.arange(4)}, "d": 3})
    found["mine"] = mine
    torch.save(found, Path(folder) / f"found{rank}.pt")
    dist.destroy_process_group()


def _meet(rank: int, folder: str) -> None:
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=2)


if __name__ == "__main__":
    worker, rank, folder, *rest = sys.argv[1:]
    {"step_of_two": step_of_two, "adjoints": adjoints}[worker](int(rank), folder, *rest)
