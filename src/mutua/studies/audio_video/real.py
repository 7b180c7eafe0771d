"""Correspondence on a few real films: learned by heart."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from mutua.data import Reading, films, load
from mutua.data.examples import Grouped
from mutua.encoders import towers
from mutua.evaluation import nats_learned
from mutua.methods import correspondence
from mutua.training import Plan, fit
from mutua.types import InputError

__all__ = ["by_heart"]


def by_heart(folder: Path, steps: int, maps: int, seed: int) -> list[list[object]]:
    """Rows (what, clips, windows, percent right): pairs of the clips learned from, and of clips left out.

    The two longest clips with sound are learned from, in windows of 8 frames at 12 a second; the others are left
    out.
    """
    whole = load(
        folder, "all", kind="video", frames=8, hop="0.25s", rate=12.0, size=32, sound=16_000.0, without=("silent",)
    )
    batch = whole.take(torch.arange(len(whole)))  # once: films are decoded slowly
    counts = np.bincount(whole.of)
    longest = np.argsort(-counts)[:2]
    known = np.isin(whole.of, longest)
    if len(np.unique(whole.of[~known])) < 2:
        raise InputError(
            f"{folder}: two clips with sound to learn from and two to leave out are needed; give more"
        )
    held = films(batch["x"], sound=batch["sound"], sound_rate=16_000.0, reading=Reading(rate=12.0, channels=None))
    clips = whole.groups["clip"]
    parts = [
        Grouped(held.subset(rows), clips.of(rows)) for rows in (np.flatnonzero(known), np.flatnonzero(~known))
    ]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        method = correspondence(towers(held.spec, 64, maps), head="metric", width=64)
    batch_size = min(64, len(parts[0]))
    epochs = max(round(steps / max(len(parts[0]) // batch_size, 1)), 1)
    fit(
        method,
        parts[0],
        Plan(epochs, batch_size, optimizer="adam", lr=2e-3, weight_decay=0.0, seed=seed, log_every=10**6),
    )
    names = [
        sorted({(whole.names or ())[k].partition("@")[0] for k in np.flatnonzero(rows)})
        for rows in (known, ~known)
    ]
    return [
        [what, ", ".join(called), len(part), nats_learned(method, part, seed=seed).accuracy]
        for what, called, part in zip(("learned from", "left out"), names, parts, strict=True)
    ]
