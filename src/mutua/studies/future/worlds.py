"""Rendered worlds: the arrow of time, the order of frames, the next frame, each beside what can be told at all."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Generator

from mutua.data import Examples, Images, load
from mutua.data.worlds import Box, as_films
from mutua.encoders import build
from mutua.evaluation import Learned, nats_learned
from mutua.objectives import Telling
from mutua.training import Plan, descend, shuffled_batches
from mutua.training.order import seeded
from mutua.types import InputError, Method, Spec

__all__ = ["WORLDS", "learned", "made", "next_frames", "pictures", "seeded_method", "told"]

WORLDS: dict[str, Box] = {
    "elastic": Box("elastic box", frames=8, speed=(2.0, 4.0)),
    "gravity": Box("box with gravity", gravity=0.8, restitution=0.6, frames=8, speed=(2.0, 4.0)),
    "friction": Box("box with friction", friction=0.15, frames=8, speed=(2.0, 4.0)),
    "slow": Box("elastic box, slow", frames=8, speed=(1.0, 2.0)),
}


def pictures(name: str) -> tuple[Images, Images]:
    """Pictures that fly in training, and others that fly in tests."""
    if name not in ("mnist", "digits"):
        raise InputError(f"pictures: {name!r}; one of mnist, digits")
    return load(name, "train"), load(name, "test")


def made(
    box: Box, clips: int, held: int, shown: tuple[Images, Images], seed: int
) -> tuple[Examples, Examples, np.ndarray]:
    """(Clips to learn from, held-out ones of other pictures on other paths, bounces of these)."""
    test = box.sample(held, 2 * seed + 1, shown[1])
    return as_films(box, [box.sample(clips, 2 * seed, shown[0])]), as_films(box, [test]), test.bounces


def seeded_method(compose: Callable[..., Method], encoder: str, spec: Spec, seed: int) -> Method:
    """A method with weights of a seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return compose(build(encoder, spec))


def learned(
    method: Method, examples: Examples, steps: int, batch: int, rate: float, seed: int,
    rows: Iterator[torch.Tensor] | None = None,
) -> Method:  # fmt: skip
    """The method after so many steps of Adam, the rate falling as a cosine; in eval mode."""
    batches = rows or shuffled_batches(len(examples), min(batch, len(examples)), Generator().manual_seed(seed))
    plan = Plan(epochs=steps, optimizer="adam", lr=rate, weight_decay=0.0, schedule="cosine")
    draws = Generator().manual_seed(seed)
    method.train()
    descend(lambda index: method.step(examples.take(index), draws).loss, method.parameters(), batches, plan)
    return method.eval()


def told(method: Method, test: Examples, bounces: np.ndarray) -> tuple[Learned, Learned | None]:
    """(What is told of held-out clips, and of those without a bounce)."""
    assert isinstance(method, Telling)
    free = np.flatnonzero(bounces == 0)
    every = nats_learned(method, test, rows=len(test))
    return every, nats_learned(method, test.subset(free), rows=len(free)) if len(free) else None


def next_frames(method: Method, test: Examples, batch: int = 500) -> dict[str, float]:
    """Percent of the error of copying the last frame that the method explains, and constant velocity."""
    found = []
    with torch.no_grad():
        for part in torch.arange(len(test)).split(min(batch, len(test))):
            logs = method.step(test.take(part), seeded(0)).logs
            found.append({name: float(value) for name, value in logs.items()})
    return {name: float(np.mean([one[name] for one in found])) for name in found[0]}
