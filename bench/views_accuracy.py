"""Whether training on compiled views ends elsewhere than on plain ones: `bench.views`."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import mean, stdev
from typing import Any

import torch
from torch import Generator, Tensor

from bench.record import Log
from mutua.data import load
from mutua.encoders import dim32
from mutua.evaluation import features, knn
from mutua.methods import simclr
from mutua.training import Plan, fit
from mutua.types import Table
from mutua.views import Compose

__all__ = ["accuracy"]

SEEDS = (0, 1, 2)
IMAGES, EPOCHS, BATCH = 10_000, 6, 200
DEPTH = "conv"


class Plain:
    """A composition that never takes the compiled path."""

    def __init__(self, view: Compose) -> None:
        self.view = view

    def draw(self, n: int, shape: tuple[int, ...], generator: Generator) -> dict[str, Any]:
        return self.view.draw(n, shape, generator)

    def apply(self, images: Tensor, parameters: Mapping[str, Any]) -> Tensor:
        return self.view.plain(images, parameters)

    def __call__(self, images: Tensor, generator: Generator) -> Tensor:
        return self.apply(images, self.draw(len(images), tuple(images.shape[1:]), generator))


def accuracy(log: Log) -> tuple[list[Table], list[str]]:
    """20-NN on CIFAR-10 after a short SimCLR, the same seeds with either path."""
    train, test = load("cifar10", "train"), load("cifar10", "test")
    train, test = train.subset(torch.arange(IMAGES)), test.subset(torch.arange(IMAGES))
    assert train.labels is not None
    assert test.labels is not None
    found: dict[str, list[float]] = {"before training": [], "plain": [], "compiled": []}
    loss: dict[str, list[float]] = {"plain": [], "compiled": []}

    def read(encoder: Any) -> float:
        z, t = (features(encoder, images, depths=(DEPTH,))[DEPTH] for images in (train, test))
        return knn(z, train.labels, t, test.labels).accuracy

    for seed in SEEDS:
        for name in ("plain", "compiled"):
            torch.manual_seed(seed)
            method = simclr(dim32())
            assert isinstance(method.view, Compose)
            if name == "plain":
                found["before training"].append(read(method.encoder))
                method.view = Plain(method.view)
            plan = Plan(epochs=EPOCHS, batch=BATCH, seed=seed, accelerator="cpu", log_every=1000, lr=1e-3)
            rows = fit(method, train, plan)
            found[name].append(read(method.encoder))
            loss[name].append(rows[-1]["loss"])
            log(f"seed {seed}, {name}: 20-NN {found[name][-1]:.2f} %, last loss {loss[name][-1]:.4f}")
    apart = [a - b for a, b in zip(found["compiled"], found["plain"], strict=True)]
    rows = [[name, (mean(values), stdev(values))] for name, values in found.items()]
    rows.append(["compiled - plain, seed by seed", (mean(apart), stdev(apart))])
    note = (
        f"{IMAGES:,} images of each part of CIFAR-10 (JPEG q75), Deep InfoMax's encoder read at {DEPTH}, "
        f"batch {BATCH}, {EPOCHS} epochs, the last; mean and standard deviation over {len(SEEDS)} seeds, the "
        "same draws for both."
    )
    return [Table("20-NN accuracy by the path of the views, %", ["views", "accuracy"], rows, note)], []
