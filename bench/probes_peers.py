"""MLP and SVM probes at conv beside scikit-learn's MLPClassifier and LinearSVC: CPU time, accuracy held out.

`python -m bench probes_peers [ROWS]`: features of CIFAR-10 at conv of Deep InfoMax's untrained encoder, batch
norms calibrated: 4,096 columns; 45,000 rows to learn from and 5,000 held out by default. Everyone is given the
same standardised float32 features and the same C."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier
from sklearn.svm import LinearSVC

from bench.record import Log, keep
from mutua.data import load
from mutua.encoders import dim32
from mutua.evaluation import features, hinge, mlp, random_twin, svm
from mutua.types import Table

C = 1e-4


def main(args: list[str]) -> None:
    rows = int(args[0]) if args else 50_000
    log = Log()
    torch.set_num_threads(1)
    train = load("cifar10", "train").subset(torch.arange(rows))
    encoder = random_twin(dim32, train)
    x = features(encoder, train, depths=("conv",))["conv"]
    x -= x.mean(0)
    x /= np.where(x.std(0) > 0, x.std(0), 1)
    y = train.labels
    assert y is not None
    held = np.random.RandomState(0).permutation(rows)
    learn, judge = held[: int(0.9 * rows)], held[int(0.9 * rows) :]
    four = x[learn], y[learn], x[judge], y[judge]
    del x

    def peer(model: Any) -> float:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            return 100 * float(model.fit(four[0], four[1]).score(four[2], four[3]))

    works: dict[str, Callable[[], float]] = {
        "mutua, MLP, 5 epochs": lambda: mlp(*four, 0, epochs=5, batch=256, rate=2e-3).accuracy,
        "mutua, hinge": lambda: hinge(*four, 0, C=C).accuracy,
        "mutua, squared hinge": lambda: svm(*four, 0, C=C).accuracy,
        "scikit-learn, MLPClassifier(200, early_stopping)": lambda: peer(
            MLPClassifier((200,), early_stopping=True, random_state=0)
        ),
        "scikit-learn, LinearSVC(hinge)": lambda: peer(LinearSVC(loss="hinge", C=C, random_state=0)),
        "scikit-learn, LinearSVC(squared hinge)": lambda: peer(LinearSVC(C=C, random_state=0)),
    }
    found = []
    for name, work in works.items():
        start = time.process_time()
        accuracy = work()
        found.append([name, time.process_time() - start, accuracy])
        log(f"{name}: {found[-1][1]:.1f} CPU s, {accuracy:.2f} %")
    seconds = {name: spent for name, spent, _ in found}
    words = [
        "CPU time, scikit-learn's over ours: "
        + ", ".join(
            f"{what} {seconds[theirs] / seconds[ours]:.1f}"
            for what, ours, theirs in (
                ("MLP", "mutua, MLP, 5 epochs", "scikit-learn, MLPClassifier(200, early_stopping)"),
                ("hinge", "mutua, hinge", "scikit-learn, LinearSVC(hinge)"),
                ("squared hinge", "mutua, squared hinge", "scikit-learn, LinearSVC(squared hinge)"),
            )
        )
        + "."
    ]
    note = f"{len(learn):,} rows of 4,096 columns, {len(judge):,} held out, one thread, C = {C:g}."
    table = Table("Probes at conv", ["probe", "CPU s", "percent right, held out"], found, note)
    keep("probes_peers", "Probes beside scikit-learn's", [table], log, words, {"rows": rows, "C": C})
