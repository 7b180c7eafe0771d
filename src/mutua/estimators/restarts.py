"""Fits from several starts, and which of them is kept."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

__all__ = ["Ranked", "best_of"]

Run = TypeVar("Run")


@dataclass(frozen=True)
class Ranked(Generic[Run]):
    """Runs in the order they were made, and what each scored: -inf where that is not finite."""

    runs: list[Run]
    scores: list[float]

    def finalists(self, count: int) -> list[Run]:
        """The best `count`; of equals the earlier."""
        order = sorted(range(len(self.runs)), key=lambda i: -self.scores[i])
        return [self.runs[i] for i in order[:count]]

    @property
    def best(self) -> Run:
        return self.finalists(1)[0]


def best_of(starts: Iterable[Run], score: Callable[[Run], float]) -> Ranked[Run]:
    """Score each run of `starts`, which may train them as they are asked for. The higher the better."""
    runs = list(starts)
    scores = [float(score(run)) for run in runs]
    return Ranked(runs, [each if math.isfinite(each) else -math.inf for each in scores])
