"""LinearICA beside FastICA and picard: CPU time, Amari distance, likelihood reached."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import soundfile
from sklearn.decomposition import FastICA
from threadpoolctl import threadpool_limits

from bench.record import Log, keep
from mutua.evaluation.sources.mcc import amari_distance
from mutua.ica import LinearICA, Sech
from mutua.ica.linear.density_selection import fit_scale
from mutua.types import Table

SAMPLES = 100_000
SIZES = (10, 30, 64)
TOL = 1e-7

# Run by an interpreter that has picard: reads arrays (n, d) whose paths come in by lines, writes W beside each.
PICARD = f"""
import sys, time
import numpy as np
from importlib.metadata import version
from picard import picard
print(version("python-picard"), flush=True)
for line in sys.stdin:
    path = line.strip()
    x = np.ascontiguousarray(np.load(path).T)
    start = time.process_time()
    whitening, w, _ = picard(x, ortho=False, tol={TOL}, max_iter=500, random_state=0)
    seconds = time.process_time() - start
    np.save(path + ".w.npy", w @ whitening)
    print(seconds, flush=True)
"""

Fit = Callable[[np.ndarray, int], tuple[float, np.ndarray]]


def _timed(make: Callable[[int], Any]) -> Fit:
    def fit(x: np.ndarray, seed: int) -> tuple[float, np.ndarray]:
        model = make(seed)
        start = time.process_time()
        model.fit(x)
        return time.process_time() - start, model.components_

    return fit


class Picard:
    """picard in another interpreter, kept running so that only its own CPU time counts."""

    def __init__(self, python: str, folder: Path) -> None:
        self.path = folder / "x.npy"
        self.process = subprocess.Popen(
            [python, "-W", "ignore", "-c", PICARD],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        )
        self.version = self._answer()

    def _answer(self) -> str:
        assert self.process.stdout is not None
        line = self.process.stdout.readline().strip()
        if not line:
            raise SystemExit("ica: the interpreter of --picard stopped; give one that can import picard")
        return line

    def __call__(self, x: np.ndarray, _seed: int) -> tuple[float, np.ndarray]:
        assert self.process.stdin is not None
        np.save(self.path, x)
        print(self.path, file=self.process.stdin, flush=True)
        return float(self._answer()), np.load(f"{self.path}.w.npy")


def _likelihood(w: np.ndarray, x: np.ndarray) -> float:
    """Mean log-likelihood under 1/cosh, each row at its best scale."""
    y = (x - x.mean(0)) @ w.T
    scale = fit_scale(y, Sech(), steps=20)
    return float(np.linalg.slogdet(w)[1] + np.log(scale).sum() + Sech().log_prob(y * scale).mean(0).sum())


def _rows(
    x: Callable[[int], tuple[np.ndarray, np.ndarray]], methods: dict[str, Fit], runs: int
) -> list[list[Any]]:
    """Every method on every run's data, in turn; medians, and ratios to LinearICA and picard run by run."""
    found: dict[str, list[tuple[float, float, float]]] = {name: [] for name in methods}
    for run in range(runs):
        data, mixing = x(run)
        for name, fit in methods.items():
            seconds, w = fit(data, run)
            deviation = ((data - data.mean(0)) @ w.T).std(0)
            w = w / deviation[:, None]
            found[name].append((seconds, amari_distance(w, mixing), _likelihood(w, data)))
    ours = median(seconds for seconds, _, _ in found["mutua, 1/cosh"])
    reference = found.get("picard ML")
    rows = []
    for name, results in found.items():
        seconds = median(result[0] for result in results)
        apart = [a[1] / b[1] - 1 for a, b in zip(results, reference or results, strict=True)]
        worst = max(apart, key=abs) if reference else None
        rows.append(
            [
                name,
                seconds,
                seconds / ours,
                median(result[1] for result in results),
                None if worst is None else 100 * worst,
                median(result[2] for result in results),
            ]
        )
    return rows


def _laplace(d: int) -> Callable[[int], tuple[np.ndarray, np.ndarray]]:
    def draw(seed: int) -> tuple[np.ndarray, np.ndarray]:
        rng = np.random.default_rng([d, seed])
        mixing, sources = rng.normal(size=(d, d)), rng.laplace(size=(SAMPLES, d))
        return sources @ mixing.T, mixing * np.sqrt(2)

    return draw


def _recordings(folder: Path) -> tuple[np.ndarray, list[str]]:
    """Recordings of sound, cut to the shortest, one channel of each, at unit variance."""
    waves, names = [], []
    for path in sorted(folder.glob("*.ogg")):
        wave, _ = soundfile.read(path)
        waves.append(wave if wave.ndim == 1 else wave[:, 0])
        names.append(path.stem)
    n = min(map(len, waves))
    sources = np.stack([wave[:n] for wave in waves], 1)
    return sources / sources.std(0), names


def main(args: list[str]) -> None:
    """Tables for Laplace sources and, where MUTUA_DATA is set, for mixed recordings."""
    parser = argparse.ArgumentParser(prog="python -m bench ica", description=__doc__)
    parser.add_argument("--picard", help="a Python interpreter that has python-picard")
    parser.add_argument("--runs", type=int, default=5, help="data sets, each fitted once by each method")
    given = parser.parse_args(args)
    log = Log()
    columns = ["method", "CPU s", "to mutua's", "Amari distance", "% from picard's", "log-likelihood"]
    tables, words = [], []
    with tempfile.TemporaryDirectory() as folder, threadpool_limits(1):
        methods: dict[str, Fit] = {
            "mutua, 1/cosh": _timed(lambda seed: LinearICA(density="sech", tol=TOL, random_state=seed)),
            "mutua, auto": _timed(lambda seed: LinearICA(tol=TOL, random_state=seed)),
            "FastICA, eigh": _timed(lambda seed: FastICA(whiten_solver="eigh", random_state=seed)),
        }
        if given.picard:
            picard = Picard(given.picard, Path(folder))
            methods["picard ML"] = picard
            words.append(f"python-picard {picard.version}, ortho=False, tol={TOL}.")
        for fit in methods.values():  # compiles, and loads what is loaded on first use
            fit(_laplace(4)(0)[0], 0)
        for d in SIZES:
            rows = _rows(_laplace(d), methods, given.runs)
            for row in rows:
                log(f"d = {d}: {row}")
            tables.append(Table(f"Laplace sources, d = {d}, n = {SAMPLES:,}", columns, rows))
        data = os.environ.get("MUTUA_DATA")
        if data and (Path(data) / "audio").is_dir():
            sources, names = _recordings(Path(data) / "audio")

            def mixed(seed: int) -> tuple[np.ndarray, np.ndarray]:
                mixing = np.random.default_rng(seed).normal(size=(len(names), len(names)))
                return sources @ mixing.T, mixing

            rows = _rows(mixed, methods, given.runs)
            for row in rows:
                log(f"recordings: {row}")
            note = f"Cut to {len(sources):,} samples: {', '.join(names)}."
            tables.append(Table(f"{len(names)} recordings of sound, mixed at random", columns, rows, note))
    words += [
        f"Each method once on each of {given.runs} data sets (mixing Gaussian), in turn, one thread; medians. CPU "
        "time of the fit alone, from the recording in float64; numba's compilation done before. FastICA is of "
        f"scikit-learn {version('scikit-learn')}, at its defaults but the solver.",
        "Amari distance at unit variance of the estimates; beside it the relative difference from picard's on the "
        "same data, in percent, of the data set where it is largest (below 0: nearer to the truth). "
        "Log-likelihood: mean under 1/cosh, nats a sample, each row at its best scale.",
    ]
    keep(
        "ica",
        "Linear ICA",
        tables,
        log,
        words,
        {"samples": SAMPLES, "sizes": SIZES, "runs": given.runs, "tol": TOL},
    )


if __name__ == "__main__":
    main(sys.argv[1:])
