"""SimCLR's views beside torchvision, albumentations and kornia; a whole step beside lightly's loop; accuracy."""

from __future__ import annotations

import argparse
import datetime
import json
import sys
import time
from collections.abc import Callable, Mapping
from functools import partial
from statistics import median

import torch
from torch import Tensor

from bench import views_accuracy, views_peers, views_step
from bench.record import FOLDER, Log, keep, machine, one_line
from mutua.data import load
from mutua.types import Table
from mutua.views import Compose, simclr

# Side of the views, side of the images they are taken of, images.
CASES = ((32, 32, 512), (96, 128, 128), (224, 256, 32))
PARTS = ("speed", "step", "accuracy")


def pictures(side: int, n: int) -> Tensor:
    """CIFAR-10 for 32 px; Imagenette of 128 px, enlarged where more is wanted, for the others."""
    if side == 32:
        return load("cifar10", "test").take(torch.arange(n))
    images = load("imagenette", "test")
    images = images.take(torch.linspace(0, len(images) - 1, n).long())  # every class: files are in their order
    if side == 128:
        return images
    large = torch.nn.functional.interpolate(images.float(), (side, side), mode="bicubic", antialias=True)
    return large.round().clamp(0, 255).to(torch.uint8)


def ours(view: Compose) -> tuple[Callable[[Tensor], Tensor], Callable[[Tensor], Tensor]]:
    """(The compiled loop, the plain batched definition), draws included."""
    generator = torch.Generator().manual_seed(0)

    def plain(x: Tensor) -> Tensor:
        return view.plain(x, view.draw(len(x), tuple(x.shape[1:]), generator))

    return lambda x: view(x, generator), plain


def timed(work: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """CPU seconds of each, one after another in every round, after one call of each that is not counted."""
    for one in work.values():
        one()
    seconds: dict[str, list[float]] = {name: [] for name in work}
    for _ in range(rounds):
        for name, one in work.items():
            start = time.process_time()
            one()
            seconds[name].append(time.process_time() - start)
    return seconds


def speed(log: Log, rounds: int) -> tuple[list[Table], list[str]]:
    """A table for each size: images a second of one core, and what comes out compared."""
    tables = []
    begin, wall = time.process_time(), time.perf_counter()
    fast, _ = ours(simclr(3, 32, blur=0.5))
    fast(pictures(32, 8))
    first = time.process_time() - begin
    log(f"first call: {first:.2f} s of CPU, {time.perf_counter() - wall:.2f} s")
    words = [
        f"The first call in this process took {first:.2f} s of CPU, the images read; the compiled code was "
        f"{'on disk' if first < 4 else 'made then'}. Compiling takes about 10 s of CPU, once an installation."
    ]
    for size, side, n in CASES:
        x = pictures(side, n)
        strength = 0.5 if size == 32 else 1.0
        view = simclr(3, size, strength=strength, blur=0.5)
        words += views_peers.same(x, view, log)
        fast, plain = ours(view)
        work = {"mutua": fast, "mutua, plain torch": plain} | views_peers.batches(size, strength, side)
        levels = {name: one(x) for name, one in work.items()}
        seconds = timed({name: partial(one, x) for name, one in work.items()}, rounds)
        rows = []
        for name in work:
            ratio = median(a / b for a, b in zip(seconds[name], seconds["mutua"], strict=True))
            found = levels[name].float()
            rows.append([name, n / median(seconds[name]), ratio, float(found.mean()), float(found.std())])
            log(f"{size} px: {rows[-1]}")
        columns = ["views", "images a second", "mutua is faster by", "mean level", "deviation"]
        note = f"{n} images of {side} px, strength {strength:g}, blur of half of them; medians of {rounds} rounds."
        tables.append(Table(f"SimCLR's views of {size} px, one core", columns, rows, note))
    return tables, [*words, views_peers.SETTINGS]


def _kept_as(part: str) -> str:
    """A step's times depend on the processor's instructions more than on all else: each kind keeps its own."""
    return f"step, {torch.backends.cpu.get_cpu_capability()}" if part == "step" else part


def main(args: list[str]) -> None:
    """Run the parts asked for and write the record; the others' tables stay as they were."""
    parser = argparse.ArgumentParser(prog="python -m bench views", description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], default=list(PARTS), help="default: all")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--steps", type=int, default=3, help="training steps a round of the step's part")
    given = parser.parse_args(args)
    torch.set_num_threads(1)
    log = Log()
    runs: dict[str, Callable[[], tuple[list[Table], list[str]]]] = {
        "speed": lambda: speed(log, given.rounds),
        "step": lambda: views_step.step(log, given.rounds, given.steps),
        "accuracy": lambda: views_accuracy.accuracy(log),
    }
    made = {}
    for part in given.parts:
        tables, words = runs[part]()
        measured = f"{part.capitalize()} measured on {datetime.date.today().isoformat()}: {one_line(machine())}."
        made[_kept_as(part)] = {"tables": [vars(table) for table in tables], "words": [measured, *words]}
    try:
        kept = json.loads((FOLDER / "views.json").read_text())["settings"]["parts"] | made
    except (OSError, KeyError):
        kept = made
    found = [Table(**table) for part in sorted(kept) for table in kept[part]["tables"]]
    said = [words for part in sorted(kept) for words in kept[part]["words"]]
    keep("views", "Views", found, log, said, {"rounds": given.rounds, "parts": kept})


if __name__ == "__main__":
    main(sys.argv[1:])
