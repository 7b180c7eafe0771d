"""What a pretext task costs beside its encoder: `python -m bench pretext [METHOD ...]`.

Each method's step, forward and backward, beside the same encoder's forward and backward pass on what the step gave
it, made ready: tiles, masks, targets and head (the decoder, where a method restores an image) are the
difference. And relative position's pairs a second where each tile is encoded once, beside each pair encoded by
itself. One run, one thread, interleaved; ratios of medians.
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
    """A method at a size."""

    size: int
    batch: int
    encoder: str
    settings: Mapping[str, Any] = field(default_factory=dict)


_TILED = [
    Case(128, 32, "dim32"),
    Case(128, 16, "resnet18-groupnorm"),
    Case(128, 32, "dim32", {"hidden": 256}),
]
GOAL = 15
"""Percent that a step is to be dearer than its encodes, at most."""
CASES: dict[str, list[Case]] = {
    "rotation": [Case(32, 32, "dim32"), Case(32, 16, "resnet18")],
    "relative_position": _TILED,
    "jigsaw": _TILED,
    "undo": [Case(32, 64, "dim32"), Case(32, 16, "resnet18")],
    "colorization": [Case(32, 64, "dim32-lightness"), Case(32, 16, "resnet18-lightness")],
    "inpainting": [
        Case(32, 64, "dim32"),
        Case(32, 16, "resnet18"),
        Case(32, 16, "resnet18", {"adversarial": 0.0}),
    ],
    "masked": [Case(32, 64, "vit"), Case(32, 16, "resnet18")],
    "denoising": [Case(32, 64, "dim32"), Case(32, 16, "resnet18")],
}


def _given(method: Any, images: Tensor) -> list[Callable[[], Any]]:
    """The calls of its encoder that a step makes, with what they were given, ready to be made again."""
    encoder, calls, within = method.get_submodule("encoder"), [], [False]

    def recorded(call: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*given: Any) -> Any:
            if within[0]:
                return call(*given)
            calls.append(lambda: call(*given))
            within[0] = True
            try:
                return call(*given)
            finally:
                within[0] = False

        return wrapped

    names = [name for name in ("forward", "read", "of_visible") if hasattr(encoder, name)]
    for name in names:
        setattr(encoder, name, recorded(getattr(encoder, name)))
    with torch.no_grad():
        method.step(images, Generator().manual_seed(0))
    for name in names:
        delattr(encoder, name)
    return calls


def _sum(found: Any) -> Tensor:
    """Of squares, of whatever an encoder gives."""
    parts = [found] if isinstance(found, Tensor) else found.values() if isinstance(found, dict) else found
    return sum((part.square().mean() for part in parts if part.is_floating_point()), torch.zeros(()))


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
    calls = _given(method, images)
    assert calls, name

    def step(number: int) -> None:
        method.zero_grad(set_to_none=True)
        method.step(images, Generator().manual_seed(number)).loss.backward()

    def encodes(_number: int) -> None:
        method.zero_grad(set_to_none=True)
        sum((_sum(call()) for call in calls), torch.zeros(())).backward()

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
            "on what a step gave it, made ready.",
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
    over = [f"{row[0]} {row[1]} {row[4]}".strip() for row in rows if row[-1] > GOAL]
    words.insert(
        0, f"{len(rows) - len(over)} of {len(rows)} steps are at most {GOAL} % dearer than their encodes."
    )
    if over:
        words.insert(1, f"Dearer than that: {', '.join(over)}.")
    keep("pretext", "What pretext tasks cost beside their encoders", tables, log, words, vars(told))
