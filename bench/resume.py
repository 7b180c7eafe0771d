"""A training killed with SIGKILL at random moments and resumed, against one left alone: the same weights?"""

from __future__ import annotations

import argparse
import hashlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.record import Log, keep
from mutua.types import Table

KILLS = 10
ARGUMENTS = ("--data", "digits", "--encoder", "dim32", "--batch", "64", "--log-every", "1", "--save-every", "0")
METHODS = {
    # Many small steps, a checkpoint after each: most kills hit a step, some hit the writing of a checkpoint.
    "simclr": (*ARGUMENTS, "--epochs", "20", "--ema", "0.99"),
    "deep_infomax": (*ARGUMENTS, "--epochs", "6", "--units", "256"),
    "rotation": (*ARGUMENTS, "--epochs", "12"),
}


def _mutua(*arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "mutua", *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


def _steps(run: Path) -> int:
    path = run / "metrics.csv"
    return max(len(path.read_text().splitlines()) - 1, 0) if path.exists() else 0


def _killed(method: str, folder: Path, whole: int, log: Log) -> tuple[Path, int]:
    """A run killed `KILLS` times at random numbers of steps, then let run to its end."""
    run = folder / f"{method}-killed"
    draw = random.Random(0)
    moments = sorted(draw.uniform(0.02, 0.95) * whole for _ in range(KILLS))
    kills = 0
    for moment in moments:
        verb = ("resume", str(run)) if (run / "checkpoint.pt").exists() else None
        if verb is None:
            shutil.rmtree(run, ignore_errors=True)
            verb = ("train", method, *METHODS[method], "--out", str(run))
        process = _mutua(*verb)
        while _steps(run) < moment and process.poll() is None:
            time.sleep(0.005)
        time.sleep(draw.uniform(0, 0.05))
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
            process.wait()
            kills += 1
            log(f"{method}: killed after about {_steps(run)} of {whole} steps")
    if _mutua("resume", str(run)).wait():
        raise RuntimeError(f"{run}: could not be resumed")
    return run, kills


def main(args: list[str]) -> None:
    """Run each method (or those named) both ways and compare the files of weights."""
    parser = argparse.ArgumentParser(prog="python -m bench resume", description=__doc__)
    parser.add_argument("methods", nargs="*", choices=[*METHODS, []], default=list(METHODS), help="default: all")
    told = parser.parse_args(args)
    log = Log()
    rows: list[list[object]] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for method in told.methods:
            alone = folder / method
            if _mutua("train", method, *METHODS[method], "--out", str(alone)).wait():
                raise RuntimeError(f"{method}: the training failed")
            steps = _steps(alone)
            log(f"{method}: {steps} steps uninterrupted")
            run, kills = _killed(method, folder, steps, log)
            digests = [hashlib.sha256((r / "encoder.safetensors").read_bytes()).hexdigest() for r in (alone, run)]
            same = "identical" if digests[0] == digests[1] else "DIFFERENT"
            log(f"{method}: {kills} kills, weights {same}")
            rows.append([method, steps, kills, same, digests[0][:16]])
            _record(rows, log)


def _record(rows: list[list[object]], log: Log) -> None:
    table = Table("Weights after kills", ["method", "steps", "kills", "weights", "SHA-256 begins"], rows)
    keep(
        "resume",
        "Killed and resumed",
        [table],
        log,
        ["Each training runs once uninterrupted and once killed with SIGKILL at random moments and resumed."],
        {method: list(arguments) for method, arguments in METHODS.items()},
    )
