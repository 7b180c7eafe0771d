"""`mutua report RUN`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tyro.conf import Positional

from mutua import runs
from mutua.cli.devices import check_device
from mutua.cli.evaluate import images_of
from mutua.cli.output import say
from mutua.data import Images
from mutua.evaluation import features
from mutua.methods import METHODS
from mutua.report import papers, run_page, write
from mutua.training.metrics import read
from mutua.types import InputError

__all__ = ["Report", "make_report"]


@dataclass(frozen=True)
class Report:
    """Make a page of a run: curves, tables, a map of the images, neighbours, views. It loads nothing.

    Args:
        run: Folder of the run.
        out: File to write; RUN/report.html by default.
        data: Name of a data set, or a folder or file; what the run was trained on by default.
        split: Images to show: train, test or all.
        depth: Of the encoder, for the map and the neighbours; its last by default.
        points: On the map at most.
        device: cpu or cuda.
        json: Print JSON instead of words.
    """

    run: Positional[Path]
    out: Path | None = None
    data: str | None = None
    split: str = "test"
    depth: str | None = None
    points: int = 2000
    device: str = "cpu"
    json: bool = False

    def __call__(self) -> None:
        if not self.run.is_dir():
            raise InputError(f"{self.run}: no such run; `mutua train` makes one")
        if self.points < 1:
            raise InputError(f"points: {self.points}; show one image at least")
        check_device(self.device)
        images = images_of(self.run, self.data, self.split)
        out = make_report(self.run, images, self.out, depth=self.depth, points=self.points, device=self.device)
        say({"report": str(out)}, f"{out}: open it in a browser", self.json)


def make_report(
    run: Path,
    images: Images,
    out: Path | None = None,
    *,
    depth: str | None = None,
    points: int = 2000,
    device: str = "cpu",
    summary: Sequence[str] = (),
) -> Path:
    """Write the page of a run, its map and neighbours of `images`, and return where."""
    config, recipe = runs.config(run), runs.recipe_of(run)
    if len(images) > points:
        order = np.random.RandomState(0).permutation(len(images))[:points]
        images = images.subset(np.sort(order))
    encoder: Any = runs.load(run)
    depths = None if depth is None else (depth,)
    ((shown_depth, values),) = features(encoder, images, depths=depths, device=device).items()
    shown = runs.compose(recipe).shown(
        images.take(torch.arange(min(6, len(images)))), torch.Generator().manual_seed(0)
    )
    labels = None
    if images.labels is not None:
        labels = [images.classes[k] if images.classes else int(k) for k in images.labels]
    about = METHODS[recipe.method]
    learned, epochs = f"{config['data'].get('images', 0):,} images", runs.plan_of(run).epochs
    html = run_page(
        f"{recipe.method} on {config['data'].get('source') or config['data'].get('name')}",
        subtitle=f"{run}: {recipe.encoder}, {epochs} epochs of {learned}",
        summary=[f"Learned without labels. {about.about} Features shown: {shown_depth}.", *summary],
        tables=runs.read_tables(run),
        metrics=read(run / "metrics.csv"),
        features=values,
        images=np.asarray(images.pixels),
        labels=labels,
        names=images.names,
        views={name: value.numpy() for name, value in shown.items()} if len(shown) > 1 else None,
        papers=papers(about.compose),
        settings=config,
        points=points,
    )
    out = out or run / runs.REPORT
    write(out, html)
    return out
