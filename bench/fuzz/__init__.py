"""Generated inputs over every verb and every public estimator, in process: is each answered, or refused in a line?

A finding is a traceback that isn't `InputError`, a hang, more than five warnings of one kind, or an answer that a
look at it contradicts (`bench.fuzz.looks`). Findings are one where exception and place are.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import io
import os
import random
import re
import resource
import signal
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from bench.fuzz.calls import calls
from bench.fuzz.verbs import seeds, verbs
from bench.record import Log, keep
from mutua.types import InputError, Table

SECONDS, BYTES, STORM = 20, 8 << 30, 5
_ALLOWED = "argument must be a string or a"
"""scikit-learn's conventions ask for TypeError where cells are objects that are no numbers."""


class Hang(BaseException):
    """An input took too long."""


class Wrong(AssertionError):
    """An answer that a look at it contradicts."""


@dataclass
class Findings:
    """What was found, by kind: how often, and the first input that showed it."""

    counts: collections.Counter[str] = field(default_factory=collections.Counter)
    first: dict[str, str] = field(default_factory=dict)
    answers: collections.Counter[str] = field(default_factory=collections.Counter)

    def add(self, kind: str, what: str) -> bool:
        """Count it; whether it is new."""
        self.counts[kind] += 1
        return self.first.setdefault(kind, what) is what


@contextlib.contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Raise `Hang` after some time."""

    def stop(*_: Any) -> None:
        raise Hang

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def place(error: BaseException) -> str:
    """Where in mutua it was raised, or the last line of ours that led there."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "/mutua/" in frame.filename]
    if not frames:
        return "bench"
    return f"{frames[-1].filename.rpartition('/mutua/')[2]}:{frames[-1].lineno}"


def tried(call: Callable[[], Any], what: str, found: Findings) -> None:
    """Run one input and sort what happens."""
    out = io.StringIO()
    with warnings.catch_warnings(record=True) as said, contextlib.redirect_stdout(out):
        warnings.simplefilter("always")
        try:
            with contextlib.redirect_stderr(out), limited(SECONDS):
                call()
            found.answers["answered"] += 1
        except InputError as error:
            found.answers["refused"] += 1
            if "\n" in str(error) or len(str(error)) > 1200:
                found.add(f"refusal of {len(str(error))} characters or several lines at {place(error)}", what)
        except SystemExit as error:
            found.answers["refused"] += 1
            if error.code not in (0, 1, 2):
                found.add(f"exit {error.code}", what)
        except Hang as error:
            found.add(f"hang at {place(error)}", what)
        except Exception as error:
            if isinstance(error, TypeError) and _ALLOWED in str(error):
                found.answers["refused"] += 1
            else:
                words = re.sub(r"\d+", "N", str(error).split("\n")[0][:80])
                if found.add(f"{type(error).__name__} at {place(error)}: {words}", what):
                    traceback.print_exc()
    if "Traceback" in out.getvalue():
        found.add("traceback printed", what)
    kinds = collections.Counter(
        re.sub(r"[\d.]+", "N", str(one.message))[:80]
        for one in said
        if not issubclass(one.category, (DeprecationWarning, PendingDeprecationWarning))
    )
    for words, count in kinds.items():
        if count > STORM:
            found.add(f"storm: {words}", f"{count} of them: {what}")


def main(arguments: list[str]) -> None:
    """`python -m bench fuzz [--inputs 10000] [--seed 0] [--only NAME]`."""
    parser = argparse.ArgumentParser(prog="python -m bench fuzz")
    parser.add_argument("--inputs", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="kinds of input whose name holds this")
    parser.add_argument("--seconds", type=float, default=1e9, help="stop after so long")
    chosen = parser.parse_args(arguments)
    resource.setrlimit(resource.RLIMIT_DATA, (BYTES, BYTES))
    torch.set_num_threads(1)
    log, found = Log(), Findings()
    tally: collections.Counter[str] = collections.Counter()
    spent: collections.Counter[str] = collections.Counter()
    answered: collections.Counter[str] = collections.Counter()
    here = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            kinds = {**calls(), **verbs(seeds(Path(folder) / "seeds"))}
            kinds = {name: make for name, make in kinds.items() if chosen.only in name}
            names = [name for name, (weight, _) in kinds.items() for _ in range(weight)]
            for number in range(chosen.inputs):
                random_ = random.Random(f"{chosen.seed}-{number}")
                name = random_.choice(names)
                what, call = kinds[name][1](random_, Path(folder) / "input")
                start = time.monotonic()
                before, told = len(found.counts), found.answers["answered"]
                tried(call, f"input {number}, {name}: {what}", found)
                tally[name] += 1
                answered[name] += found.answers["answered"] - told
                spent[name] += time.monotonic() - start
                for kind in list(found.counts)[before:]:
                    log(f"{kind} <- {found.first[kind][:300]}")
                if (number + 1) % 500 == 0:
                    log(f"{number + 1} inputs, {len(found.counts)} kinds of finding")
                if time.monotonic() - log.start > chosen.seconds:
                    break
        finally:
            os.chdir(here)
    rows = [[name, tally[name], answered[name], spent[name]] for name in sorted(tally)]
    note = (
        f"Seed {chosen.seed}: {dict(found.answers)}. A finding is a traceback, a hang, a storm or a wrong answer."
    )
    findings = [[kind, count, found.first[kind]] for kind, count in found.counts.most_common()]
    total = sum(tally.values())
    keep(
        "fuzz" if not chosen.only else f"fuzz_{chosen.only}",
        "Generated inputs over every verb and every public estimator",
        [
            Table("Inputs", ["to", "inputs", "answered", "seconds"], rows, note),
            Table("Findings", ["what", "times", "first"], findings, "None is what is wanted."),
        ],
        log,
        [f"{total:,} inputs, {len(found.counts)} kinds of finding."],
        {"inputs": total, "seed": chosen.seed},
        f"python -m bench fuzz --inputs {total} --seed {chosen.seed}",
    )
