"""The rows of the table: which method, with which settings, and how each is trained and kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import Generator, Tensor, nn

from mutua import encoders, runs
from mutua.data import Images
from mutua.evaluation import random_twin, supervised
from mutua.methods import Autoencoder
from mutua.training import Plan
from mutua.training.metrics import read
from mutua.types import Method

__all__ = ["ROWS", "Row", "Trained", "trained"]


@dataclass(frozen=True)
class Row:
    """A row: its title, the method ("" for a control) and its settings, and the batch where it isn't the common
    one."""

    title: str
    method: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    batch: int = 0
    local: bool = False
    """Whether it scores locations of a map, of which a step may take some."""


ROWS: dict[str, Row] = {
    "pixels": Row("raw pixels"),
    "random": Row("random weights, BN calibrated"),
    "supervised": Row("fully supervised"),
    "vae": Row("VAE", "vae"),
    "ae": Row("AE", "ae"),
    "beta_vae": Row("beta-VAE, beta .5", "beta_vae", {"beta": 0.5}),
    "aae": Row("AAE", "aae"),
    "bigan": Row("BiGAN", "bigan"),
    "nat": Row("NAT", "nat", {"smallest_crop": 1.0, "flip": 0.0}, batch=256),
    "dim_global": Row("DIM(G)", "deep_infomax", {"measure": "jsd", "alpha": 1.0, "beta": 0.0, "gamma": 1.0}),
    "dim_dv": Row("DIM(L) DV", "deep_infomax", {"measure": "dv"}, local=True),
    "dim_jsd": Row("DIM(L) JSD", "deep_infomax", {"measure": "jsd"}, local=True),
    "dim_infonce": Row("DIM(L) InfoNCE", "deep_infomax", local=True),
    "dim_infonce_concat": Row("DIM(L) InfoNCE, concat critic", "deep_infomax", {"critic": "concat"}, local=True),
}
"""Row by name. beta .5 is what is remembered of the paper's; raw pixels and random weights are ours."""


@dataclass(frozen=True)
class Trained:
    """A row's encoder, the curve of its training, and pictures: name to uint8 (n, c, h, w)."""

    encoder: nn.Module | None
    curve: list[dict[str, float]]
    pictures: dict[str, Tensor]


def trained(
    row: Row,
    train: Images,
    test: Images,
    plan: Plan,
    encoder: str,
    locations: int,
    folder: Path,
    only: Callable[[Mapping[str, Any]], Mapping[str, Any]] = dict,
) -> Trained:
    """The row's encoder, trained in a folder: as it is where it is finished, gone on with where it was stopped."""

    def build() -> nn.Module:
        return encoders.build(encoder, train.spec)

    if row.title == ROWS["pixels"].title:
        return Trained(None, [], {})
    if row.title == ROWS["random"].title:
        return Trained(random_twin(build, train, seed=plan.seed), [], {})
    if not row.method:
        method, _ = supervised(build, train, test, plan=replace(plan, schedule="cosine", momentum=0.9))
        return Trained(method.encoder.eval(), [], {})
    settings = {**row.settings, **({"locations": locations} if row.local else {})}
    recipe = runs.Recipe(row.method, encoder, train.spec, only(settings), plan.seed)
    plan = replace(plan, batch=row.batch or plan.batch)
    done = (folder / runs.ENCODER).exists()
    if not done:
        runs.train(recipe, train, plan, folder, resume=(folder / runs.CHECKPOINT).exists(), data={"name": None})
    method_ = runs.method_of(folder, len(train))
    return Trained(runs.load(folder), _curve(folder), _pictures(method_, test))


def _curve(folder: Path) -> list[dict[str, float]]:
    kept = read(folder / "metrics.csv")
    return [{name: float(value) for name, value in one.items() if value} for one in kept]


def _pictures(method: Method, test: Images) -> dict[str, Tensor]:
    """What a method with a decoder makes of the first eight images of test."""
    if not isinstance(method, Autoencoder):
        return {}
    return dict(method.shown(test.take(torch.arange(min(8, len(test)))), Generator().manual_seed(0)))
