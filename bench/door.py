"""What the one door costs: SimCLR's step, decoding and start-up beside another build; recordings streamed."""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

import numpy as np
import soundfile
from PIL import Image

from bench.record import Log, keep
from mutua.types import Table

STEP = """
import time, torch
torch.set_num_threads(1)
from mutua import encoders, methods
method = methods.simclr(encoders.dim32(3, 32))
trained = torch.optim.SGD(method.parameters(), 0.01)
batch = torch.randint(0, 256, (256, 3, 32, 32), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
times = []
for k in range({steps}):
    begun = time.process_time()
    loss = method.step(batch, torch.Generator().manual_seed(k)).loss
    trained.zero_grad(); loss.backward(); trained.step()
    times.append(time.process_time() - begun)
print(sorted(times)[len(times) // 2], float(loss))
"""
DECODE = """
import time
from mutua.data import folder
begun = time.process_time()
found = folder({place!r}, "all", size=64)
print(time.process_time() - begun, int(found.pixels.astype("int64").sum()))
"""
STREAM = """
import resource
from mutua.data import load
from mutua.training import Plan, fit
from mutua import encoders, methods
found = load({place!r}, "all", length="0.1s")
method = methods.simclr(encoders.logmel(found.spec), width=16)
fit(method, found, Plan(epochs=1, batch=50, accelerator="cpu"))
print(len(found), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


def _run(source: Path, code: str) -> tuple[float, ...]:
    """The numbers that a program prints, with the package at `source`."""
    environment = os.environ | {"PYTHONPATH": str(source), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    return tuple(float(word) for word in done.stdout.split()[-2:])


def _help(source: Path) -> tuple[float, ...]:
    """CPU seconds of `mutua --help`."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    environment = os.environ | {"PYTHONPATH": str(source)}
    subprocess.run([sys.executable, "-m", "mutua", "--help"], env=environment, capture_output=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,)


def _pictures(folder: Path) -> None:
    rng = np.random.default_rng(0)
    for k in range(300):
        small = Image.fromarray(rng.integers(0, 256, (12, 16, 3), np.uint8))
        small.resize((256, 192), Image.Resampling.BICUBIC).save(folder / f"{k}.jpg", quality=85)


def _recordings(folder: Path, count: int) -> Path:
    folder.mkdir()
    noise = np.random.default_rng(0).normal(0, 0.1, (count, 800))
    for k, samples in enumerate(noise):
        soundfile.write(folder / f"{k}.wav", samples, 8000, "PCM_16")
    return folder


def main(args: list[str]) -> None:
    """Two tables: builds in turn, and memory against the number of recordings."""
    parser = argparse.ArgumentParser(prog="python -m bench door", description=__doc__)
    parser.add_argument("--old", type=Path, required=True, help="src folder of the build to compare with")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=9)
    parser.add_argument("--recordings", type=int, nargs="*", default=[100, 1000, 10_000])
    told = parser.parse_args(args)
    new, log = Path(__file__).parent.parent / "src", Log()
    with tempfile.TemporaryDirectory() as place:
        pictures = Path(place) / "pictures"
        pictures.mkdir()
        _pictures(pictures)
        work = {
            "a step of SimCLR, 256 images of 32 px": lambda source: _run(source, STEP.format(steps=told.steps)),
            "decoding 300 JPEGs of 256 x 192 to 64 px": lambda source: _run(
                source, DECODE.format(place=str(pictures))
            ),
            "mutua --help": _help,
        }
        rows = []
        for name, one in work.items():
            taken: dict[str, list[tuple[float, ...]]] = {"old": [], "new": []}
            for _ in range(told.rounds):
                for build, source in (("old", told.old), ("new", new)):
                    taken[build].append(one(source))
            same = {result[1:] for results in taken.values() for result in results}
            old, now = (median(result[0] for result in taken[build]) for build in ("old", "new"))
            ratio = median(b[0] / a[0] for a, b in zip(taken["old"], taken["new"], strict=True))
            rows.append([name, old, now, ratio, "yes" if len(same) == 1 else "no"])
            log(str(rows[-1]))
        streamed = []
        for count in told.recordings:
            found, peak = _run(new, STREAM.format(place=str(_recordings(Path(place) / str(count), count))))
            streamed.append([int(found), peak])
            log(str(streamed[-1]))
    note = (
        f"CPU s of one thread, medians of {told.rounds} runs of either build in turn, and the median ratio of "
        "pairs. Equal: loss after the steps, sum of all pixels. Old is release 0.1 before kinds of data (9591836)."
    )
    tables = [
        Table("One door beside the other build", ["work", "old", "new", "new / old", "equal results"], rows, note),
        Table(
            "Recordings streamed",
            ["recordings", "peak memory, MiB"],
            streamed,
            "A training of one epoch on WAV files of .1 s (`logmel`, batch 50); of the whole process.",
        ),
    ]
    keep("door", "What the one door costs", tables, log, [], {"rounds": told.rounds, "steps": told.steps})
