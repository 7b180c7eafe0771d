"""SIGKILL at random moments over the verbs that write, and a disk that is full: is anything half written taken for
whole, and does what is run again come out as it would have?

A file is whole where it is byte for byte one that a run left alone writes, or the one that was there before.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import soundfile

from bench.record import Log, keep
from mutua.types import Table

_TRAIN = ("train", "simclr", "--data", "digits", "--encoder", "dim32", "--epochs", "2", "--batch", "256")
_SAVES = ("--log-every", "1", "--save-every", "0")
_VOLATILE = {"index.html", "report.html", "metrics.csv", "config.json", "events"}
"""Files with times or paths in them, and those that grow line by line."""
_FULL = (0, 100, 5_000, 100_000)
"""Bytes that a file may have, where the disk is full."""


def inputs(folder: Path) -> dict[str, tuple[str, ...]]:
    """The command of each verb; it writes to {out}, in the folder it runs in."""
    rng = np.random.default_rng(0)
    loud = np.repeat(np.exp(rng.normal(size=(400, 2))), 400, 0)
    soundfile.write(
        folder / "mics.wav", 0.02 * (rng.laplace(size=(160_000, 2)) * loud) @ [[1, 0.4], [0.5, 1]], 8000
    )
    vocabulary = np.array([f"w{i}" for i in range(300)])
    text = "\n".join(" ".join(vocabulary[np.minimum(rng.zipf(1.3, 12), 300) - 1]) for _ in range(20_000))
    (folder / "text.txt").write_text(text)
    np.savetxt(folder / "t.csv", rng.normal(size=(300, 2)), delimiter=",", header="a,b", comments="")
    return {
        "words fit": ("words", "fit", "text.txt", "--size", "32", "--epochs", "2", "--threads", "1", "--out",
        "{out}/v.bin"), "unmix": ("unmix", "mics.wav", "-o", "{out}"),
        "mi": ("mi", "t.csv", "--x", "a", "--y", "b", "--effort", "quick", "--plot", "{out}/plot.svg"),
        "study": ("study", "run", "gaussian-sources", "--out", "{out}"),
        "embed": ("embed", "run", "--data", "digits", "--out", "{out}/e.npz"),
        "train": (*_TRAIN, *_SAVES, "--out", "{out}/run"),
    }  # fmt: skip


def started(command: Sequence[str], folder: Path, out: str, most: int | None = None) -> subprocess.Popen[bytes]:
    """A verb on its way; `most` is how many bytes a file may have."""

    def limit() -> None:
        if most is not None:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # then writing fails as on a full disk
            resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))

    line = [sys.executable, "-m", "mutua", *(part.replace("{out}", out) for part in command)]
    return subprocess.Popen(
        line,
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        preexec_fn=limit,  # noqa: PLW1509 (no threads here)
        env=os.environ | _ENV,
    )


_ENV = {"OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}


def digests(folder: Path) -> dict[str, str]:
    """What files there are, those aside (their names begin with a dot) and volatile ones left out."""
    files = [path for path in folder.rglob("*") if path.is_file() and not path.name.startswith(".")]
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
        if not any(word in str(path) for word in _VOLATILE)
    }


def main(arguments: list[str]) -> None:
    """`python -m bench kills [--kills 100] [--only VERB]`."""
    parser = argparse.ArgumentParser(prog="python -m bench kills")
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--only", default="")
    parser.add_argument("--seconds", type=float, default=1e9, help="begin no more after so long")
    chosen = parser.parse_args(arguments)
    log, draw, rows, found = Log(), random.Random(0), [], []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        verbs = {verb: line for verb, line in inputs(folder).items() if chosen.only in verb}
        if "embed" in verbs and started((*_TRAIN, "--out", "run"), folder, "").wait():
            raise RuntimeError("no run to begin with")
        share = -(-chosen.kills // len(verbs))
        for verb, command in verbs.items():
            start = time.monotonic()
            if started(command, folder, "whole").wait():
                raise RuntimeError(f"{verb}: can't be run")
            whole, seconds = digests(folder / "whole"), time.monotonic() - start
            killed = parts = full = 0
            for _ in range(share):
                if time.monotonic() - log.start > chosen.seconds:
                    break
                process = started(command, folder, "out")
                time.sleep(draw.uniform(0.3, 1.05) * seconds)
                process.send_signal(signal.SIGKILL)
                killed += process.wait() == -signal.SIGKILL
                left = digests(folder / "out")
                wrong = [file for file in left if verb != "train" and left[file] != whole.get(file)]
                parts += bool(left) and left.keys() != whole.keys()
                again = command
                if verb == "train" and (folder / "out/run/checkpoint.pt").exists():
                    again = (
                        ("resume", "{out}/run") if not (folder / "out/run/encoder.safetensors").exists() else ()
                    )
                elif verb == "train":
                    shutil.rmtree(folder / "out", ignore_errors=True)
                if again and started(again, folder, "out").wait():
                    wrong.append("could not be run again")
                now = digests(folder / "out")
                wrong += [file for file in whole if "checkpoint" not in file and now.get(file) != whole[file]]
                found += [[verb, "SIGKILL", file] for file in sorted(set(wrong))]
                shutil.rmtree(folder / "out", ignore_errors=True)
            for most in _FULL:
                process = started(command, folder, "out", most)
                told = process.communicate()[1].decode(errors="replace")
                full += 1
                if "Traceback" in told:
                    found.append([verb, f"{most} bytes a file", told.strip().splitlines()[-1][:160]])
                left = digests(folder / "out")
                found += [[verb, f"{most} bytes a file", f"{file} is half written"] for file in left
                          if whole.get(file) != left[file] and verb != "train"]  # fmt: skip
                shutil.rmtree(folder / "out", ignore_errors=True)
            shutil.rmtree(folder / "whole", ignore_errors=True)
            rows.append([verb, killed, parts, full, seconds])
            log(f"{verb}: {killed} kills, {full} full disks, {len(found)} findings so far")
    kills = sum(row[1] for row in rows)
    keep(
        "kills",
        "Killed at random moments, and on a full disk",
        [
            Table("Verbs", ["verb", "killed", "part was there", "full disks", "seconds"], rows,
                  "Part was there: some files of several were written, each of them whole."),
            Table("Findings", ["verb", "what was done", "what was found"], found, "None is what is wanted."),
        ],
        log,
        [f"{kills} kills, {len(found)} findings."],
        {"kills": kills},
        f"python -m bench kills --kills {chosen.kills}",
    )  # fmt: skip
