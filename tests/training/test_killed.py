"""A training killed at once, as by a power cut, and resumed from the command line."""

import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from mutua.training.metrics import read

OPTIONS = "--data digits --encoder dim32 --epochs 1 --batch 64 --accelerator cpu --save-every 0 --log-every 1"


def start(*arguments: str) -> subprocess.Popen:
    command = [sys.executable, "-m", "mutua", *arguments]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def end(process: subprocess.Popen) -> None:
    _, errors = process.communicate()
    assert process.returncode == 0, errors.decode()


def kill_between(process: subprocess.Popen, run: Path, rows: int, seconds: float) -> None:
    """Kill the process so many seconds after its run has so many rows of metrics and a checkpoint."""
    began = time.monotonic()
    while len(read(run / "metrics.csv")) < rows or not (run / "checkpoint.pt").exists():
        assert process.poll() is None, "it ended before it was killed"
        assert time.monotonic() - began < 300
        time.sleep(0.005)
    time.sleep(seconds)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL


@pytest.mark.slow
def test_killed_three_times_it_ends_with_the_same_weights(tmp_path):
    whole, run = tmp_path / "whole", tmp_path / "killed"
    end(start("train", "simclr", *OPTIONS.split(), "--out", str(whole)))
    steps = len(read(whole / "metrics.csv"))
    moments = random.Random(time.time_ns())
    targets = sorted(moments.sample(range(1, steps - 5), 3))
    process = start("train", "simclr", *OPTIONS.split(), "--out", str(run))
    for rows in targets:
        kill_between(process, run, rows, moments.uniform(0, 0.05))
        assert not (run / "encoder.safetensors").exists()
        process = start("resume", str(run))
    end(process)
    files = [load_file(folder / "encoder.safetensors") for folder in (whole, run)]
    assert files[0].keys() == files[1].keys()
    assert all(torch.equal(files[0][name], files[1][name]) for name in files[0]), f"killed after {targets}"
    # Times of steps differ; what was learned doesn't, and each step has one row.
    logs = [[(row["step"], row["loss"]) for row in read(folder / "metrics.csv")] for folder in (whole, run)]
    assert logs[0] == logs[1]
    configs = [json.loads((folder / "config.json").read_text()) for folder in (whole, run)]
    assert configs[0] == configs[1]
