"""SimCLR on sound, series and a table: above the untrained encoder? Beside the raw input, over seeds."""

from __future__ import annotations

import argparse
import time
from statistics import mean, stdev

import numpy as np
import torch

from bench.record import Log, keep
from mutua import runs
from mutua.data import KINDS, Examples, as_examples, load, split_off
from mutua.evaluation import PROBES, features, random_twin, raw
from mutua.methods import METHODS
from mutua.training import Plan, fit
from mutua.types import Table

PLANS = {
    "spoken-digits": Plan(epochs=8, batch=128, warmup=1, weight_decay=1e-4),
    "tones": Plan(epochs=30, batch=64, warmup=2, weight_decay=1e-4),
    "wine": Plan(epochs=150, batch=64, warmup=5, weight_decay=1e-4),
}


def tones(seed: int = 1) -> tuple[Examples, Examples]:
    """Series (n, 128, 2): one to four waves of any phase, size and level in noise, and a random walk beside."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 4, 1000)
    t = np.linspace(0, 1, 128)
    waves = np.sin(2 * np.pi * (y[:, None] + 1) * (t + rng.random((len(y), 1)))) * rng.uniform(0.5, 2, (len(y), 1))
    first = waves + rng.normal(size=(len(y), 1)) + 0.5 * rng.normal(size=waves.shape)
    x = np.stack([first, rng.normal(size=waves.shape).cumsum(1)], 2).astype(np.float32)
    return split_off(as_examples((x, y)), 0.3, 0)


def wine() -> tuple[Examples, Examples]:
    """scikit-learn's wine: 178 rows of 13 columns, three growers."""
    from sklearn.datasets import load_wine

    found = load_wine()
    return split_off(as_examples((found.data, found.target)), 0.3, 0)


def measured(name: str, train: Examples, test: Examples, seeds: int, log: Log) -> list[list[object]]:
    """Rows of one data set: raw input, random weights, learned; percent right of the linear probe and k-NN."""
    kind = KINDS[train.spec.kind]
    assert train.labels is not None
    assert test.labels is not None

    def scores(x: np.ndarray, z: np.ndarray) -> dict[str, float]:
        return {probe: PROBES[probe](x, train.labels, z, test.labels, 0).accuracy for probe in ("linear", "knn")}

    found: dict[str, list[dict[str, float]]] = {kind.raw_name: [], "random weights": [], "simclr": []}
    found[kind.raw_name].append(scores(raw(train), raw(test, train=train)))
    seconds = []
    for seed in range(seeds):
        recipe = runs.Recipe("simclr", METHODS["simclr"].encoder[kind.name], train.spec, {}, seed)
        twin = random_twin(lambda recipe=recipe: runs.compose(recipe).encoder, train, seed=seed)
        found["random weights"].append(scores(*(features(twin, part)[twin.depths[-1]] for part in (train, test))))
        method, begun = runs.compose(recipe), time.process_time()
        fit(method, train, Plan(**{**vars(PLANS[name]), "seed": seed}))
        seconds.append(time.process_time() - begun)
        encoder = method.encoder.eval()
        found["simclr"].append(scores(*(features(encoder, part)[encoder.depths[-1]] for part in (train, test))))
        log(f"{name}, seed {seed}: {found['simclr'][-1]}, {seconds[-1]:.0f} CPU s; {found['random weights'][-1]}")
    rows: list[list[object]] = []
    for row, taken in found.items():
        cells = [
            (mean(values), stdev(values)) if len(values) > 1 else values[0]
            for values in ([one[probe] for one in taken] for probe in ("linear", "knn"))
        ]
        rows.append([name, f"{len(train)} / {len(test)}", row, *cells, mean(seconds) if row == "simclr" else None])
    return rows


def above(rows: list[list[object]], n: int) -> str:
    """In words: by how many standard errors k-NN of what was learned lies above the untrained encoder's."""
    learned, random = (next(row[4] for row in rows if row[2] == name)[0] for name in ("simclr", "random weights"))
    error = sum(p * (100 - p) / n for p in (learned, random)) ** 0.5
    gap = learned - random
    return (
        f"{rows[0][0]}: k-NN {gap:.1f} points above random weights, {gap / error:.1f} standard errors of {n} rows."
    )


def main(args: list[str]) -> None:
    """One table over the data sets."""
    parser = argparse.ArgumentParser(prog="python -m bench kinds", description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    seeds = parser.parse_args(args).seeds
    torch.set_num_threads(1)
    log = Log()
    spoken = load("spoken-digits", "train"), load("spoken-digits", "test")
    sets = {"spoken-digits": spoken, "tones": tones(), "wine": wine()}
    rows, words = [], []
    for name, (train, test) in sets.items():
        found = measured(name, train, test, seeds, log)
        rows += found
        words.append(above(found, len(test)))
    plans = "; ".join(f"{name}: {plan.epochs} epochs of {plan.batch}" for name, plan in PLANS.items())
    note = (
        f"Percent right on test, mean and deviation of {seeds} seeds of weights and training; last epoch, nothing "
        f"chosen on test; usual encoders and views. {plans}; AdamW at 1e-3. Tones are made: one to four "
        "waves in noise. CPU s: of a training, on one thread."
    )
    columns = ["data", "train / test", "row", "linear", "k-NN", "CPU s"]
    table = Table("Probes", columns, rows, note)
    keep("kinds", "SimCLR on other kinds of data", [table], log, words, {"seeds": seeds})
