"""`mutua evaluate RUN`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tyro.conf import Positional

from mutua import runs
from mutua.cli.devices import check_device
from mutua.cli.output import say, show, status, tables_json
from mutua.cli.reading import examples_of
from mutua.data import Reading
from mutua.training import Plan
from mutua.types import InputError

__all__ = ["Evaluate"]


@dataclass(frozen=True)
class Evaluate:
    """Judge encoders: probes and few-label curves where there are labels, and what can be said without.

    Every table has the rows raw input and random encoder beside the runs. It is printed, and kept in each run's
    folder as evaluation.json.

    Args:
        runs: Folders of runs, side by side; several seeds of one method show how far they agree.
        data: Name of a data set, or a folder or file; what the first run was trained on by default.
        reading: How the data are read.
        probes: Any of linear, svm, knn, mlp, mlp2 (RotNet's, of two hidden layers).
        depths: Of the encoder, such as conv fc Y; its last by default.
        few: Numbers of labels a class for the few-label table; none with an empty list.
        draws: Of the labels, for each number of them.
        decodable: Read usable information and code lengths too, in bits: what probes can use of the features.
        families: Of probes for that: any of linear, knn, mlp.
        supervised: Train the same network on all labels too, as a row of the table.
        supervised_epochs: How long that.
        finetune: Numbers of labels a class to fine-tune with; 0 is all.
        pieces: Pieces of each example to judge by themselves, such as 4 frames of a recording; 0 for none.
        leave_out: Labels each of which is left out of the probe's training in turn, such as speaker.
        skip_bad: Leave out files that cannot be read, and count them.
        seed: Of everything random.
        device: cpu or cuda.
        json: Print JSON instead of tables.
    """

    runs: Positional[tuple[Path, ...]]
    data: str | None = None
    reading: Reading = Reading()  # noqa: RUF009 (frozen)
    probes: tuple[str, ...] = ("linear", "knn")
    depths: tuple[str, ...] = ()
    few: tuple[int, ...] = (1, 5, 10, 100)
    draws: int = 5
    decodable: bool = False
    families: tuple[str, ...] = ("linear", "knn")
    supervised: bool = False
    supervised_epochs: int = 30
    finetune: tuple[int, ...] = ()
    pieces: int = 0
    leave_out: str | None = None
    skip_bad: bool = False
    seed: int = 0
    device: str = "cpu"
    json: bool = False

    def __call__(self) -> None:
        if not self.runs:
            raise InputError("runs: none given; name the folder of a run, such as runs/simclr-digits")
        check_device(self.device)
        first = self.runs[0]
        train = examples_of(first, self.data, "train", self.reading, self.skip_bad)
        # Without labels nothing is learned from train, so that all can be judged.
        part = "all" if train.labels is None else "test"
        test = examples_of(first, self.data, part, self.reading, self.skip_bad)
        base = runs.SUPERVISED
        tables = runs.judge(
            self.runs,
            train,
            test,
            probes=self.probes,
            depths=self.depths or None,
            labels_per_class=self.few,
            draws=self.draws,
            decodable=self.families if self.decodable else (),
            with_supervision=self.supervised,
            with_finetuning=self.finetune,
            supervised_plan=Plan(**{**vars(base), "epochs": self.supervised_epochs, "seed": self.seed}),
            pieces=self.pieces,
            leave_out=self.leave_out,
            seed=self.seed,
            device=self.device,
            progress=status,
        )
        for run in self.runs:
            if run.is_dir():
                runs.write_tables(run, tables)
        if self.json:
            say(tables_json(tables), "", True)
        else:
            show(tables)
