"""A step of SimCLR on Deep InfoMax's encoder beside lightly's loop: `bench.views`."""

from __future__ import annotations

import time
from collections.abc import Callable
from importlib.metadata import version
from statistics import median

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from bench.record import Log
from mutua.data import Images, load
from mutua.encoders import dim32
from mutua.methods import simclr
from mutua.objectives import draw_views
from mutua.objectives.contrastive import Contrastive
from mutua.training import Plan, fit
from mutua.training.trainer import bfloat16_is_slow
from mutua.types import Table

__all__ = ["step"]

BATCH = 512


def _clock(work: Callable[[], object]) -> tuple[float, float]:
    """(CPU seconds with those of workers that have ended, seconds by the clock)."""
    cpu, wall = time.process_time(), time.perf_counter()
    work()
    return time.process_time() - cpu, time.perf_counter() - wall


def _ours(images: Images, steps: int, precision: str) -> Callable[[], object]:
    torch.manual_seed(0)
    method = simclr(dim32())
    data = images.subset(torch.arange(steps * BATCH))
    plan = Plan(epochs=1, batch=BATCH, accelerator="cpu", precision=precision, log_every=1000, lr=1e-3)  # type: ignore[arg-type]
    return lambda: fit(method, data, plan)


def _lightly(images: Images, steps: int, workers: int) -> Callable[[], object]:
    from lightly.loss import NTXentLoss
    from lightly.models.modules import SimCLRProjectionHead
    from lightly.transforms import SimCLRTransform
    from PIL import Image
    from torch.utils.data import DataLoader, Dataset

    transform = SimCLRTransform(input_size=32, cj_strength=0.5, gaussian_blur=0.0)

    class Pictures(Dataset[list[Tensor]]):
        def __len__(self) -> int:
            return steps * BATCH

        def __getitem__(self, i: int) -> list[Tensor]:
            return transform(Image.fromarray(images.pixels[i].transpose(1, 2, 0)))  # as CIFAR10 of torchvision

    torch.manual_seed(0)
    encoder = dim32()
    model = torch.nn.Sequential(encoder, SimCLRProjectionHead(encoder.width, encoder.width, 128))
    criterion = NTXentLoss(temperature=0.5)
    optimizer = torch.optim.AdamW(model.parameters(), 1e-3)
    loader = DataLoader(Pictures(), batch_size=BATCH, shuffle=True, drop_last=True, num_workers=workers)

    def loop() -> None:
        for x0, x1 in loader:
            loss = criterion(model(x0), model(x1))
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()

    return loop


def _parts(images: Images) -> dict[str, Callable[[], object]]:
    """A step in pieces: rows read, two views of each, the encoder forward and backward, all of it."""
    torch.manual_seed(0)
    method = simclr(dim32())
    for p in method.parameters():
        if p.ndim == 4:
            p.data = p.data.contiguous(memory_format=torch.channels_last)
    generator = torch.Generator().manual_seed(0)
    index = torch.randperm(len(images), generator=generator)[:BATCH]
    batch = images.take(index)
    shown = torch.cat([draw_views(method.view, batch, generator) for _ in range(2)])
    slope = torch.randn(len(shown), 64)

    def encoder() -> None:
        method.zero_grad()
        method.encoder(shown).backward(slope)

    def whole() -> None:
        method.zero_grad()
        method.step(images.take(index), generator).loss.backward()

    projected = torch.randn(len(shown), 64, requires_grad=True)

    def head() -> None:
        projected.grad = None
        Rest.of(method, projected, batch).backward()

    return {
        "rows read": lambda: images.take(index),
        "two views of each": lambda: [draw_views(method.view, batch, generator) for _ in range(2)],
        "head and loss, both ways": head,
        "encoder, both ways": encoder,
        "step": whole,
    }


class Rest:
    """A step without views and encoder."""

    @staticmethod
    def of(method: Contrastive, vectors: Tensor, batch: Tensor) -> Tensor:
        own = (method.encoder, method.view)
        try:
            method.encoder, method.view = torch.nn.Identity(), _Same()
            halves = vectors.unflatten(0, (2, -1))
            method.view.turn = iter(halves)
            return method.step(batch, torch.Generator()).loss
        finally:
            method.encoder, method.view = own


class _Same:
    """Gives what it was handed in place of views."""

    def draw(self, *_: object) -> dict[str, Tensor]:
        return {}

    def apply(self, *_: object) -> Tensor:
        return next(self.turn)


def step(log: Log, rounds: int, steps: int) -> tuple[list[Table], list[str]]:
    """Images a second of the whole loops, and where our step's time goes."""
    kind = torch.backends.cpu.get_cpu_capability()
    images = load("cifar10", "train")
    loops = {"mutua": _ours(images, steps, "32-true")}
    if not bfloat16_is_slow():  # else minutes a step
        loops["mutua, bf16-mixed"] = _ours(images, steps, "bf16-mixed")
    own = list(loops)
    try:
        for workers in (0, 1):
            name = f"lightly {version('lightly')}, num_workers={workers}"
            loops[name] = _lightly(images, steps, workers)
    except ImportError:
        log("no lightly here")
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in loops}
    for k in range(rounds + 1):
        for name, loop in loops.items():
            clock = _clock(loop)
            if k:  # the first warms up
                found[name].append(clock)
    rows = []
    for name, clocks in found.items():
        cpu, wall = (steps * BATCH / median(clock[j] for clock in clocks) for j in range(2))
        alone = "workers=1" not in name
        by = 0 if alone else 1  # another process's CPU time is not counted: by the clock there
        ratios = [
            median(theirs[by] / ours[by] for ours, theirs in zip(found[one], clocks, strict=True)) for one in own
        ]
        rows.append([name, cpu if alone else None, wall, *ratios])
        log(str(rows[-1]))
    note = (
        f"Steps a round: {steps}, of {BATCH} images of CIFAR-10 (JPEG q75); Deep InfoMax's encoder, one thread of "
        "torch; "
        f"data, views without blur, forward, loss, backward, AdamW; medians of {rounds} rounds in turn. A "
        "worker is a second process on a second core, whose CPU time is not counted: "
        "its ratio is by the clock, the others' by CPU time."
    )
    faster = ["mutua is faster by", "in bf16-mixed by"][: len(own)]
    columns = ["loop", "images a CPU second", "images a second", *faster]
    tables = [Table(f"SimCLR, a whole step, {kind}", columns, rows, note)]
    pieces = _parts(images)
    seconds: dict[str, list[float]] = {name: [] for name in pieces}
    for k in range(rounds + 1):
        for name, piece in pieces.items():
            cpu, _ = _clock(piece)
            if k:
                seconds[name].append(cpu)
    whole = median(seconds["step"])
    rows = [[name, 1000 * median(s), 100 * median(s) / whole] for name, s in seconds.items()]
    for row in rows:
        log(str(row))
    encoder = median(seconds["encoder, both ways"])
    note = _limit(pieces["encoder, both ways"], encoder, whole, rounds)
    log(note)
    tables.append(Table(f"Where the step's time goes, {kind}", ["piece", "CPU ms", "% of the step"], rows, note))
    return tables, []


def _limit(encode: Callable[[], object], encoder: float, whole: float, rounds: int) -> str:
    """How near the encoder is to what the core can do in float32."""
    with FlopCounterMode(display=False) as counter:
        encode()
    n = 2048
    a, b = torch.randn(2, n, n)
    best = median(_clock(lambda: a @ b)[0] for _ in range(rounds + 1))
    rate, most = counter.get_total_flops() / encoder / 1e9, 2 * n**3 / best / 1e9
    fastest = whole - encoder + encoder * rate / most
    return (
        f"The encoder multiplies and adds at {rate:.0f} GFLOP/s, a product of two matrices "
        f"of {n} x {n} at {most:.0f}: at that rate the step would be {whole / fastest:.2f} times as fast, which "
        "is what float32 has left to give."
    )
