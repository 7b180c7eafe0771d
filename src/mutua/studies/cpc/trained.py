"""Training one form, and reading nats by horizon on examples it has not seen."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch

from mutua.objectives import Ahead
from mutua.training import Plan, fit
from mutua.training.order import seeded
from mutua.types import Rows

__all__ = ["by_horizon", "learned", "places"]


def places(n: int, most: int, seed: int) -> np.ndarray:
    """Up to `most` of n row numbers, in order."""
    return np.sort(np.random.RandomState(seed).permutation(n)[:most])


def learned(method: Ahead, examples: Rows, seen: int, batch: int, rate: float, seed: int) -> Ahead:
    """The method after `seen` examples or so, by Adam, the rate falling as a cosine; in eval mode."""
    batch = min(batch, len(examples))
    steps = max(seen // batch, 1)
    per_epoch = len(examples) // batch
    plan = Plan(
        epochs=max(round(steps / per_epoch), 1),
        batch=batch,
        optimizer="adam",
        lr=rate,
        weight_decay=0.0,
        seed=seed,
        log_every=1000,
        accelerator="cpu",
    )
    fit(method, examples, plan)
    return method


def by_horizon(method: Ahead, examples: Rows, batch: int, batches: int = 8) -> dict[int, Mapping[str, float]]:
    """Of each horizon k: nats, top1 (percent), and cap, the log of the number of candidates; means over
    batches, in eval mode."""
    method.eval()
    found: dict[int, dict[str, list[float]]] = {k: {"nats": [], "top1": [], "cap": []} for k in method.horizons}
    count = min(batches, max(len(examples) // batch, 1))
    with torch.no_grad():
        for number in range(count):
            rows = torch.arange(number * batch, min((number + 1) * batch, len(examples)))
            logs = method.step(examples.take(rows), seeded(0, "held out", number)).logs
            for name, value in logs.items():
                what, k, *_ = name.split("_")
                found[int(k)][what].append(float(value))
    return {k: {what: float(np.mean(values)) for what, values in one.items()} for k, one in found.items()}
