"""What a person sees of a training: a bar with the rate and the time left, or a line now and then in a log."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol, runtime_checkable

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

__all__ = ["Display", "display"]

_EVERY = 15.0  # seconds between the lines of a log


@runtime_checkable
class Display(Protocol):
    """Told of each step."""

    def __call__(self, step: int, loss: float | None, rate: float) -> None: ...


@contextmanager
def display(shown: bool, name: str, start: int, steps: int) -> Iterator[Display]:
    """Shows steps `start` to `steps`; on a terminal a bar, elsewhere lines; nothing where not `shown`."""
    console = Console(stderr=True)
    if not shown:
        yield lambda step, loss, rate: None
    elif console.is_terminal:
        with _bar(console) as bar:
            task = bar.add_task(name, total=steps, completed=start, loss="", rate="")

            def advance(step: int, loss: float | None, rate: float) -> None:
                if loss is not None:
                    bar.update(task, loss=f"loss {loss:.4f}", rate=f"{rate:,.0f} examples/s")
                bar.update(task, completed=step)

            yield advance
    else:
        yield _lines(name, steps)


def _bar(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[loss]}"),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
        console=console,
    )


def _lines(name: str, steps: int) -> Display:
    last = time.monotonic() - _EVERY
    latest = ""

    def say(step: int, loss: float | None, rate: float) -> None:
        nonlocal last, latest
        if loss is not None:
            latest = f"loss {loss:.4f}, {rate:,.0f} examples/s"
        now = time.monotonic()
        if latest and (now - last > _EVERY or step == steps):
            last = now
            print(f"{name}: step {step:,} of {steps:,}, {latest}", file=sys.stderr, flush=True)

    return say
