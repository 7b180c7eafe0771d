"""What the one door costs: SimCLR's step, decoding and start-up beside another build; recordings streamed."""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import soundfile
from PIL import Image

from bench.record import Log, keep
from mutua.types import Table

STEP = """
import sys, time, torch
torch.set_num_threads(1); torch.manual_seed(0)
from mutua import encoders, methods
method = methods.simclr(encoders.dim32(3, 32))
trained = torch.optim.SGD(method.parameters(), 0.01)
batch = torch.randint(0, 256, (256, 3, 32, 32), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
for k, _ in enumerate(sys.stdin):
    begun = time.process_time()
    loss = method.step(batch, torch.Generator().manual_seed(k)).loss
    trained.zero_grad(); loss.backward(); trained.step()
    print(time.process_time() - begun, loss.item(), flush=True)
"""
VIEWS = """
import sys, time, torch
torch.set_num_threads(1); torch.manual_seed(0)
try:
    from mutua.views.image.published import simclr
except ImportError:  # the old build
    from mutua.views.published import simclr
view = simclr(3, 32)
batch = torch.randint(0, 256, (256, 3, 32, 32), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
for k, _ in enumerate(sys.stdin):
    begun = time.process_time()
    seen = view(batch, torch.Generator().manual_seed(k))
    print(time.process_time() - begun, float(seen.double().sum()), flush=True)
"""
DECODE = """
import sys, time
from mutua.data import folder
for _ in sys.stdin:
    begun = time.process_time()
    found = folder({place!r}, "all", size=64)
    print(time.process_time() - begun, int(found.pixels.astype("int64").sum()), flush=True)
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


class _Worker:
    """A program of one build that does a piece of work each time it is asked, so that builds take turns.

    Whole programs in turn differ by more than the two hundredths that are asked about: clocks drift in a minute.
    """

    def __init__(self, source: Path, code: str) -> None:
        environment = os.environ | {"PYTHONPATH": str(source), "OMP_NUM_THREADS": "1"}
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(
            [sys.executable, "-c", code], env=environment, stdin=pipe, stdout=pipe, text=True
        )

    def __call__(self) -> tuple[float, float]:
        """CPU seconds, and a number that the two builds must agree on."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        seconds, result = self.process.stdout.readline().split()
        return float(seconds), float(result)

    def close(self) -> None:
        self.process.communicate()


def _beside(pairs: np.ndarray) -> tuple[float, float, float]:
    """Both medians, and the median of the ratios of neighbours in time."""
    old, new = np.median(pairs, 0)
    return float(old), float(new), float(np.median(pairs[:, 1] / pairs[:, 0]))


def _help(source: Path) -> float:
    """CPU seconds of `mutua --help`."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    environment = os.environ | {"PYTHONPATH": str(source)}
    subprocess.run([sys.executable, "-m", "mutua", "--help"], env=environment, capture_output=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


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
    parser.add_argument("--rounds", type=int, default=5, help="of starting the command")
    parser.add_argument("--pieces", type=int, default=41, help="of a step, of views, of decoding, by either build")
    parser.add_argument("--recordings", type=int, nargs="*", default=[100, 1000, 10_000])
    told = parser.parse_args(args)
    new, log = Path(__file__).parent.parent / "src", Log()
    with tempfile.TemporaryDirectory() as place:
        pictures = Path(place) / "pictures"
        pictures.mkdir()
        _pictures(pictures)
        work = {
            "a step of SimCLR, 256 images of 32 px": STEP,
            "SimCLR's views of 256 images of 32 px": VIEWS,
            "decoding 300 JPEGs of 256 x 192 to 64 px": DECODE.format(place=str(pictures)),
        }
        rows = []
        for name, code in work.items():
            workers = _Worker(told.old, code), _Worker(new, code)
            # The first piece compiles and fills caches; its result counts, since later ones gather rounding.
            first = [worker() for worker in workers]
            pairs = np.array([[worker()[0] for worker in workers] for _ in range(told.pieces)])
            for worker in workers:
                worker.close()
            rows.append(
                [name, *_beside(pairs), "yes" if np.isclose(first[0][1], first[1][1], rtol=1e-6) else "no"]
            )
            log(str(rows[-1]))
        pairs = np.array([[_help(told.old), _help(new)] for _ in range(told.rounds)])
        rows.append(["mutua --help", *_beside(pairs), ""])
        log(str(rows[-1]))
        streamed = []
        for count in told.recordings:
            found, peak = _run(new, STREAM.format(place=str(_recordings(Path(place) / str(count), count))))
            streamed.append([int(found), peak])
            log(str(streamed[-1]))
    note = (
        f"CPU s of one thread: medians of {told.pieces} pieces ({told.rounds} starts of the command), the builds "
        "in turn piece by piece, and the median ratio of neighbours. Equal: the first loss, the sums of all "
        "pixels. Old is release 0.1 before kinds of data (9591836)."
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
    keep("door", "What the one door costs", tables, log, [], {"rounds": told.rounds, "pieces": told.pieces})
