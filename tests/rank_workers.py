"""What the two processes of the tests of ranks run; importable by name in a process that is spawned."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from torch import Generator, Tensor, nn
from torch.nn.functional import cross_entropy

from methods.small import PAIRS, composed, precise, sample, spec_of
from mutua import ranks
from mutua.objectives.batches import part
from mutua.training import Plan, fit
from mutua.training import checkpoint as checkpoints
from mutua.training.norm import synchronised
from mutua.types import InputError, Method, Step


def build(name: str, kind: str) -> nn.Module:
    """A small method in double precision, its weights the same in every process."""
    return composed(name, kind, seed=5).double()


def examples(name: str, kind: str) -> Any:
    """The whole batch."""
    return precise(sample(spec_of(name, kind), 8, torch.Generator().manual_seed(1)))


def measured(method: Any, batch: Tensor) -> dict[str, Tensor]:
    """Loss and gradients of one step, means over ranks, and what the method holds after it was taken."""
    method.train()
    step = method.step(batch, torch.Generator().manual_seed(2))
    step.loss.backward()
    found = {"loss": step.loss.detach()}
    for name, p in method.named_parameters():
        if p.requires_grad:
            found[f"gradient of {name}"] = torch.zeros_like(p) if p.grad is None else p.grad
    if ranks.world() > 1:
        found = {name: ranks.total(value.detach()) / ranks.world() for name, value in found.items()}
    with torch.no_grad():
        for name, p in method.named_parameters():
            if p.requires_grad:
                p.sub_(0.1 * found[f"gradient of {name}"])
        method.stepped(1, 4)
    return found | {name: value.clone() for name, value in method.state_dict().items()}


def step_of_two(rank: int, folder: str, name: str, kind: str) -> None:
    """One step on this rank's half of the batch."""
    method = synchronised(build(name, kind))
    found = measured(method, part(examples(name, kind), slice(4 * rank, 4 * rank + 4)))
    if rank == 0:
        torch.save(found, Path(folder) / f"{name}-{kind}.pt")


def norms(rank: int, folder: str) -> None:
    """Batch norms of every kind on this rank's half: outputs, gradients of the inputs, statistics."""
    found = {}
    for name in NORMS:
        out, grad, buffers = normed(synchronised(norm(name)), [x.chunk(2)[rank] for x in NORMS[name][1]])
        found[name] = {"out": ranks.gather(out), "grad": ranks.gather(grad), **buffers}
    if rank == 0:
        torch.save(found, Path(folder) / "norms.pt")


def _inputs(*shape: int) -> list[Tensor]:
    generator = torch.Generator().manual_seed(8)
    return [3 + 2 * torch.randn(shape, dtype=torch.float64, generator=generator) for _ in range(2)]


NORMS: dict[str, tuple[nn.Module, list[Tensor]]] = {
    "vectors": (nn.BatchNorm1d(3), _inputs(6, 3)),
    "sequences": (nn.BatchNorm1d(3, momentum=None), _inputs(6, 3, 4)),
    "images": (nn.BatchNorm2d(3, affine=False, momentum=0.3), _inputs(6, 3, 2, 2)),
    "untracked": (nn.BatchNorm2d(3, track_running_stats=False, eps=0.1), _inputs(6, 3, 2, 2)),
}


def norm(name: str) -> nn.Module:
    """A batch norm in double precision, in a module twice."""
    layer = NORMS[name][0].double()
    if layer.affine:
        layer.weight.data = torch.tensor([1.0, -2.0, 0.5], dtype=torch.float64)
    return nn.Sequential(layer, nn.Tanh(), layer)


def normed(module: nn.Module, inputs: list[Tensor]) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
    """The output of the second of two passes, the gradient of its cube's sum, and the buffers."""
    module(inputs[0])
    x = inputs[1].clone().requires_grad_()
    out = module(x)
    (grad,) = torch.autograd.grad(out.pow(3).sum(), x)
    return out.detach(), grad, {name: value.clone() for name, value in module.named_buffers()}


def adjoints(rank: int, folder: str) -> None:
    """<collective(x), y> = <x, adjoint(y)>, summed over ranks; and what gather and total give."""
    generator = torch.Generator().manual_seed(rank)
    found = {}
    for name, collective in (("gather", ranks.gather), ("total", ranks.total)):
        x = torch.randn(3, 2, dtype=torch.float64, generator=generator, requires_grad=True)
        out = collective(x)
        y = torch.randn(out.shape, dtype=torch.float64, generator=generator)
        (adjoint,) = torch.autograd.grad((out * y).sum(), x)
        sides = torch.stack([(out * y).sum(), (x * adjoint).sum()]).detach()
        found[name] = {"sides": ranks.total(sides), "out": out.detach(), "x": ranks.gather(x.detach())}
    # A sum hands one gradient to both its sides: a collective that works on it in place would spoil the other's.
    x, y = (torch.randn(3, 2, dtype=torch.float64, generator=generator, requires_grad=True) for _ in range(2))
    weights = torch.arange(12, dtype=torch.float64).reshape(6, 2) + rank
    torch.autograd.backward((ranks.gather(x) + ranks.gather(y)), weights)
    found["sum"] = {"x": x.grad, "y": y.grad}
    mine = ranks.mine({"a": torch.arange(6), "b": {"c": torch.arange(4)}, "d": 3, "e": torch.tensor(5)})
    found["mine"] = mine
    torch.save(found, Path(folder) / f"adjoints{rank}.pt")


def everything(rank: int, folder: str) -> None:
    """All that two processes are to be asked: starting them is what takes time."""
    _meet(rank, folder)
    for name, kind in PAIRS:
        step_of_two(rank, folder, name, kind)
    adjoints(rank, folder)
    norms(rank, folder)
    dist.destroy_process_group()


class Pairs(Method):
    """Tells noisy twins among those of all ranks, in double precision whatever the plan's."""

    def __init__(self, spoiled: int = -1) -> None:
        super().__init__()
        self.spoiled = spoiled
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            self.encoder = nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.Tanh(), nn.Linear(6, 3)).double()

    def step(self, batch: Tensor, generator: Generator) -> Step:
        noise = ranks.mine(torch.randn(len(batch) * ranks.world(), 4, generator=generator, dtype=torch.float64))
        x, y = (ranks.gather(self.encoder(part)) for part in (batch.double(), batch.double() + 0.1 * noise))
        loss = cross_entropy(x @ y.T, torch.arange(len(x)))
        return Step(loss * float("nan") if ranks.rank() == self.spoiled else loss)

    def encode(self, x: Tensor) -> Tensor:
        return self.encoder(x)


class Counted:
    """Rows of whole numbers, which no precision rounds."""

    def __len__(self) -> int:
        return 45

    def take(self, index: Tensor) -> Tensor:
        return torch.randint(-4, 5, (45, 4), generator=torch.Generator().manual_seed(3))[index]


def plan(devices: int) -> Plan:
    """With a bit of all that several devices could spoil."""
    return Plan(
        epochs=2, batch=8, optimizer="sgd", lr=0.1, clip=0.5, ema=0.5, accumulate=2, devices=devices,
        accelerator="cpu", log_every=3, save_every=0.0,
    )  # fmt: skip


def trained(devices: int, folder: str) -> None:
    """`fit` as a script calls it: it starts the other processes itself."""
    method = Pairs()
    rows = fit(method, Counted(), plan(devices), folder=Path(folder) / "run")
    if ranks.rank() == 0:
        torch.save({"rows": rows, "weights": method.state_dict()}, Path(folder) / "found.pt")


def spoiled(at: int, folder: str) -> None:
    """A loss that is not finite on one rank only: what each rank says, and that it ends."""
    try:
        fit(Pairs(spoiled=at), Counted(), plan(2), folder=Path(folder) / "run")
    except InputError as error:
        (Path(folder) / f"said{ranks.rank()}.txt").write_text(str(error))


def full(_rank: int, folder: str) -> None:
    """A disk without space where rank 0 writes the checkpoint."""

    def save(*_args: Any) -> None:
        raise InputError("checkpoint.pt: cannot be written")

    checkpoints.save = save
    try:
        fit(Pairs(), Counted(), plan(2), folder=Path(folder) / "run")
    except InputError as error:
        (Path(folder) / f"said{ranks.rank()}.txt").write_text(str(error))


def _meet(rank: int, folder: str) -> None:
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=2)


if __name__ == "__main__":
    worker, number, where = sys.argv[1:]
    {each.__name__: each for each in (everything, trained, spoiled, full)}[worker](int(number), where)
