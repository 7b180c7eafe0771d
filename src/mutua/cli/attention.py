"""`mutua attention RUN`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import torch
from tyro.conf import Positional

from mutua import runs
from mutua.cli.devices import check_device
from mutua.cli.output import say, show, status, tables_json
from mutua.cli.reading import examples_of
from mutua.data import Reading
from mutua.evaluation import RANDOM
from mutua.types import InputError

__all__ = ["Attention"]


@dataclass(frozen=True)
class Attention:
    """Show where the networks of runs look, beside the same network supervised and untrained.

    The page has each network's maps side by side, and three numbers: mass of the map on a pasted object, agreement
    with the supervised network's map, and whether the map of a turned image is the turned map.

    Args:
        runs: Folders of runs of one network.
        out: File to write; attention.html in the first run's folder by default.
        data: Name of a data set, or a folder or file; what the first run was trained on by default.
        reading: How the data are read.
        depths: Maps of the network, such as conv1 conv2; its first three by default.
        supervised_epochs: How long the supervised network is trained.
        images: That are shown.
        rows: Images that the numbers are of, at most.
        seed: Of everything random.
        device: cpu or cuda.
        json: Print JSON instead of a table.
    """

    runs: Positional[tuple[Path, ...]]
    out: Path | None = None
    data: str | None = None
    reading: Reading = Reading()  # noqa: RUF009 (frozen)
    depths: tuple[str, ...] = ()
    supervised_epochs: int = 10
    images: int = 8
    rows: int = 500
    seed: int = 0
    device: str = "cpu"
    json: bool = False

    def __call__(self) -> None:
        from mutua.report import attention_page, write  # draws, as the help need not

        if not self.runs:
            raise InputError("runs: none given; name the folder of a run, such as runs/rotation-photos")
        if min(self.images, self.rows, self.supervised_epochs) < 1:
            raise InputError("images, rows, supervised_epochs: give 1 or more of each")
        check_device(self.device)
        first = self.runs[0]
        train, test = (examples_of(first, self.data, split, self.reading) for split in ("train", "test"))
        plan = replace(runs.SUPERVISED, epochs=self.supervised_epochs, seed=self.seed)
        encoders = runs.beside_controls(
            self.runs, train, test, plan, seed=self.seed, device=self.device, progress=status
        )
        status("maps")
        table, html = attention_page(
            encoders,
            test,
            supervised=runs.FULL,
            untrained=RANDOM,
            depths=self.depths,
            shown=torch.arange(min(self.images, len(test))),
            rows=self.rows,
            seed=self.seed,
            device=self.device,
        )
        out = self.out or (first if first.is_dir() else first.parent) / "attention.html"
        write(out, html)
        if self.json:
            say({"page": str(out), "tables": tables_json([table])}, "", True)
        else:
            show([table])
            say(None, f"{out}: open it in a browser", False)
