"""What a pretext task costs beside its encoder: `python -m bench pretext [METHOD ...]`.

Each method's step, forward and backward, beside the same encoder's forward and backward pass on the same number of
inputs, made ready: tiles, masks, targets and head are the difference. And relative position's pairs a second where
each tile is encoded once, beside each pair encoded by itself. One run, one thread, interleaved; ratios of medians.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from statistics import median
from typing import Any

import torch
from torch import Generator, Tensor

from bench.record import Log, keep
from mutua import runs
from mutua.data import KINDS
from mutua.objectives import Predictive, Puzzled, TilePuzzle
from mutua.types import Spec, Table


@dataclass(frozen=True)
class Case:
    """A method at a size, and what its encoder is given in a step.

    Args:
        size: height and width of the images, batch: how many.
        encoder: by name.
        settings: of the method that are not its defaults.
        inputs: (method, batch, generator) to the encoder's inputs, ready; those of the puzzle by default.
    """

    size: int
    batch: int
    encoder: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    inputs: Callable[[Any, Tensor, Generator], Any] | None = None


CASES: dict[str, list[Case]] = {
    "rotation": [Case(32, 32, "dim32"), Case(32, 16, "resnet18")],
    "relative_position": [
        Case(128, 32, "dim32"),
        Case(128, 4, "resnet18-groupnorm"),
        Case(128, 32, "dim32", {"hidden": 256}),
    ],
    "jigsaw": [
        Case(128, 32, "dim32"),
        Case(128, 4, "resnet18-groupnorm"),
        Case(128, 32, "dim32", {"hidden": 256}),
    ],
}
"""Method to its cases; a method whose encoder isn't given a puzzle's inputs says what it is given."""


def _of_puzzle(method: Any, batch: Tensor, generator: Generator) -> Any:
    assert isinstance(method, Predictive)
    return Puzzled(*method.puzzle(batch, generator)).inputs


def _timed(work: Mapping[str, Callable[[int], Any]], repeats: int) -> dict[str, float]:
    """Median CPU seconds of each, taken in turn."""
    found: dict[str, list[float]] = {name: [] for name in work}
    for one in work.values():  # what a first call sets up is no step's
        one(0)
    for number in range(repeats):
        for name, one in work.items():
            begun = time.process_time()
            one(number + 1)
            found[name].append(time.process_time() - begun)
    return {name: median(values) for name, values in found.items()}


def step_cost(name: str, case: Case, repeats: int) -> list[Any]:
    """A row: the step, its encodes alone, and how much dearer it is."""
    spec = Spec("image", (3, case.size, case.size), "uint8")
    method = runs.compose(runs.Recipe(name, case.encoder, spec, dict(case.settings))).train()
    images = KINDS["image"].sample(spec, case.batch, Generator().manual_seed(0))
    ready = (case.inputs or _of_puzzle)(method, images, Generator().manual_seed(0))
    encoder: Any = method.get_submodule("encoder")

    def step(number: int) -> None:
        method.zero_grad(set_to_none=True)
        method.step(images, Generator().manual_seed(number)).loss.backward()

    def encodes(_number: int) -> None:
        method.zero_grad(set_to_none=True)
        encoder(ready).square().mean().backward()

    taken = _timed({"step": step, "encodes": encodes}, repeats)
    dearer = 100 * (taken["step"] / taken["encodes"] - 1)
    said = " ".join(f"{key}={value}" for key, value in case.settings.items())
    return [name, case.encoder, f"{case.size} px", case.batch, said, taken["step"], taken["encodes"], dearer]


def pair_cost(encoder: str, batch: int, repeats: int) -> list[Any]:
    """A row: pairs a second of relative position with tiles encoded once, and with each pair encoded by itself."""
    spec = Spec("image", (3, 128, 128), "uint8")
    method = runs.compose(runs.Recipe("relative_position", encoder, spec, {"hidden": 256})).train()
    assert isinstance(method, Predictive)
    assert isinstance(method.puzzle, TilePuzzle)
    images = KINDS["image"].sample(spec, batch, Generator().manual_seed(0))
    puzzle = method.puzzle
    pairs = batch * len(puzzle.labels)  # type: ignore[attr-defined]

    class Apart:
        """The same puzzle, every pair's two tiles handed to the encoder."""

        entropy = puzzle.entropy

        def __call__(self, batch: Tensor, generator: Generator) -> Puzzled:
            tiles, labels, parts = puzzle(batch, generator)
            assert parts is not None
            both = tiles.flatten(0, 1)[parts]  # (pairs, 2, c, t, t)
            return Puzzled(both, labels, torch.arange(2 * len(both)).view(-1, 2))

    apart = Predictive(method.encoder, method.head, Apart())
    once, each = (
        one.step(images, Generator().manual_seed(3)).loss.item() for one in (method.eval(), apart.eval())
    )
    assert abs(once - each) < 1e-4, (once, each)
    method.train()

    def stepped(one: Predictive) -> Callable[[int], None]:
        def step(number: int) -> None:
            one.zero_grad(set_to_none=True)
            one.step(images, Generator().manual_seed(number)).loss.backward()

        return step

    taken = _timed({"once": stepped(method), "each": stepped(apart)}, repeats)
    rates = [pairs / taken[name] for name in ("once", "each")]
    return [encoder, batch, pairs, *rates, rates[0] / rates[1]]


def main(args: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench pretext", description=__doc__)
    parser.add_argument("methods", nargs="*", help=f"any of {', '.join(CASES)}; all by default")
    parser.add_argument("--repeats", type=int, default=7)
    told = parser.parse_args(args)
    names = told.methods or list(CASES)
    torch.set_num_threads(1)
    log, rows = Log(), []
    for name in names:
        for case in CASES[name]:
            rows.append(step_cost(name, case, told.repeats))
            log(f"{name}, {case.encoder}: {rows[-1][-1]:.1f} % dearer than its encodes")
    tables = [
        Table(
            "A step beside its encodes",
            ["method", "encoder", "images", "batch", "settings", "step, CPU s", "encodes, CPU s", "dearer by, %"],
            rows,
            f"Forward and backward, one thread, medians of {told.repeats} taken in turn. Encodes: the encoder "
            "on the inputs of a step, made ready.",
        )
    ]
    words = []
    if "relative_position" in names:
        pairs = [pair_cost("dim32", 4, max(3, told.repeats // 2))]
        log(f"pairs a second: {pairs[0][-1]:.2f} times those of each pair by itself")
        tables.append(
            Table(
                "Pairs a second of relative position",
                ["encoder", "images", "pairs", "encoded once", "each by itself", "times"],
                pairs,
                "Forward and backward, one thread; 40 pairs of nine tiles of an image of 128 px. The losses of "
                "both in eval mode are equal to 1e-4, checked first.",
            )
        )
        words.append(f"Encoding tiles once gives {pairs[0][-1]:.1f} times the pairs a second.")
    worst = max(rows, key=lambda row: row[-1])
    words.insert(0, f"The dearest step is {worst[-1]:.1f} % dearer than its encodes ({worst[0]}, {worst[1]}).")
    keep("pretext", "What pretext tasks cost beside their encoders", tables, log, words, vars(told))
