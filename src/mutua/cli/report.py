"""`mutua report RUN`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from tyro.conf import Positional

from mutua import runs
from mutua.cli.devices import check_device
from mutua.cli.output import say
from mutua.cli.reading import examples_of
from mutua.data import KINDS, Examples, Kind, Reading
from mutua.evaluation import features, raw
from mutua.methods import METHODS
from mutua.types import InputError

__all__ = ["Report", "make_report"]

_BATCH_NORM = (
    "The encoder has batch norm: while it learns, an example's code moves with those it shares a batch with.",
)


@dataclass(frozen=True)
class Report:
    """Make a page of a run: curves, tables, a map of the examples, neighbours, views. It needs no network.

    Args:
        run: Folder of the run.
        out: File to write; RUN/report.html by default.
        data: Name of a data set, or a folder or file; what the run was trained on by default.
        reading: How the data are read.
        split: Part of the data to show: train, test or all.
        depth: Of the encoder, for the map and the neighbours; its last by default.
        points: On the map at most.
        device: cpu or cuda.
        json: Print JSON instead of words.
    """

    run: Positional[Path]
    out: Path | None = None
    data: str | None = None
    reading: Reading = Reading()  # noqa: RUF009 (frozen)
    split: str = "test"
    depth: str | None = None
    points: int = 2000
    device: str = "cpu"
    json: bool = False

    def __call__(self) -> None:

        if not self.run.is_dir():
            raise InputError(f"{self.run}: no such run; `mutua train` makes one")
        if self.points < 1:
            raise InputError(f"points: {self.points}; show one at least")
        check_device(self.device)
        examples = examples_of(self.run, self.data, self.split, self.reading)
        out = make_report(self.run, examples, self.out, depth=self.depth, points=self.points, device=self.device)
        say({"report": str(out)}, f"{out}: open it in a browser", self.json)


def make_report(
    run: Path,
    examples: Examples,
    out: Path | None = None,
    *,
    depth: str | None = None,
    points: int = 2000,
    device: str = "cpu",
    summary: Sequence[str] = (),
) -> Path:
    """Write the page of a run, its map and neighbours of `examples`, and return where."""
    # Here, since they import matplotlib, scikit-learn and Lightning Fabric, which the help needs not.
    from mutua.report import papers, run_page, write
    from mutua.training.metrics import read

    config, recipe = runs.config(run), runs.recipe_of(run)
    if len(examples) > points:
        order = np.random.RandomState(0).permutation(len(examples))[:points]
        examples = examples.subset(np.sort(order))
    encoder: Any = runs.load(run)
    depths = None if depth is None else (depth,)
    ((shown_depth, values),) = features(encoder, examples, depths=depths, device=device).items()
    kind, spec = KINDS[recipe.spec.kind], examples.spec
    few = examples.take(torch.arange(min(6, len(examples))))
    method, learned = runs.compose(recipe), config["data"].get("examples", config["data"].get("images", 0))
    shown = {}
    if method.of_weights and (run / runs.CHECKPOINT).exists():  # what it shows it has learned to make
        method = runs.method_of(run, learned)
    if not method.of_weights or not method.training:
        shown = method.shown(few, torch.Generator().manual_seed(0))
    audible = kind.sounds is not None and (spec.kind != "video" or spec.sound is not None)
    columns = {name: kind.pictures(part, spec) for name, part in shown.items()}
    labels = None
    if examples.labels is not None:
        labels = [examples.classes[k] if examples.classes else int(k) for k in examples.labels]
    about = METHODS[recipe.method]
    normed = any(isinstance(module, nn.modules.batchnorm._BatchNorm) for module in encoder.modules())
    source = str(config["data"].get("source") or config["data"].get("name"))
    trained = f"{recipe.encoder}, {runs.plan_of(run).epochs} epochs of {learned:,} {kind.plural}"
    html = run_page(
        f"{recipe.method} on {source.partition(' (')[0]}",
        subtitle=f"{run}: {trained} of {source}",
        summary=[
            f"Learned without labels. {about.about} Features shown: {shown_depth}.",
            *_BATCH_NORM * normed,
            *summary,
        ],
        tables=runs.read_tables(run),
        metrics=read(run / "metrics.csv"),
        features=values,
        raw=raw(examples),
        raw_name=kind.raw_name,
        images=_pictures(examples, kind),
        sounds=(lambda rows: _sounds(examples, kind, rows)) if audible else None,
        labels=labels,
        names=kind.words(examples) or examples.names,
        views={name: found for name, found in columns.items() if found is not None} if len(shown) > 1 else None,
        shown_as=(method.heading, method.caption),
        heard={name: kind.sounds(part, spec) for name, part in shown.items()} if audible and kind.sounds else None,
        papers=papers(about.compose),
        settings=config,
        points=points,
    )
    out = out or run / runs.REPORT
    write(out, html)
    return out


def _pictures(examples: Examples, kind: Kind) -> np.ndarray | None:
    """A small picture of each example, a batch at a time; none where their kind has none."""
    found = []
    for rows in torch.arange(len(examples)).split(256):
        part = kind.pictures(examples.take(rows), examples.spec)
        if part is None:
            return None
        found.append(part)
    return np.concatenate(found)


def _sounds(examples: Examples, kind: Kind, rows: Sequence[int]) -> list[bytes]:
    assert kind.sounds is not None
    return kind.sounds(examples.take(torch.tensor(list(rows))), examples.spec)
