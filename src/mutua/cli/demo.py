"""`mutua demo`: the main job on handwritten digits that come with scikit-learn."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from mutua import runs
from mutua.cli.output import show, status
from mutua.cli.report import make_report
from mutua.data import load
from mutua.encoders import image_spec
from mutua.training import Plan
from mutua.types import InputError

__all__ = ["Demo"]

# No mirror images, digits have none. Crop and temperature were chosen on 30 % of the training images.
RECIPE = runs.Recipe(
    "simclr", "dim32", image_spec(1, 8), {"flip": 0.0, "strength": 0.0, "smallest_crop": 0.4, "temperature": 0.2}
)
PLAN = Plan(epochs=100, batch=128, lr=2e-3, weight_decay=1e-4, warmup=5)
DEPTH = "fc"


@dataclass(frozen=True)
class Demo:
    """Learn from 1,348 handwritten digits without their labels, judge with few labels, and make a page.

    Args:
        out: Folder of the run; a demo in it is replaced.
    """

    out: Path = Path("runs/demo")

    def __call__(self) -> None:
        if self.out.exists():
            if not (self.out / "config.json").exists() or runs.config(self.out)["data"].get("demo") is not True:
                raise InputError(f"{self.out}: holds something else than a demo; name another folder with --out")
            shutil.rmtree(self.out)
        train, test = load("digits", "train"), load("digits", "test")
        status("learning from digits without their labels")
        data = {"name": "digits", "split": "train", "demo": True}
        runs.train(RECIPE, train, PLAN, self.out, data=data, progress=True)
        tables = runs.judge(
            [self.out],
            train,
            test,
            depths=(DEPTH,),
            labels_per_class=(1, 5, 10, 100),
            few_label_probes=("1-nn",),
            draws=20,
            progress=status,
        )
        runs.write_tables(self.out, tables)
        show(tables[:2])
        summary = "With few labels, features learned without any beat pixels; with all of them, digits are easy."
        page = make_report(self.out, test, depth=DEPTH, summary=(summary,))
        print(f"{page}: open it in a browser")
