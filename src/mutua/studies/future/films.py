"""Real films: which way time runs, in windows learned from, in later ones, in another film; and by noise alone."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, UInt8

from mutua.data import as_examples
from mutua.data.video.clips import SUFFIXES, survey
from mutua.data.video.films import Films
from mutua.data.video.looks import look_at
from mutua.evaluation import linear, nats_learned
from mutua.methods import arrow
from mutua.objectives import Telling
from mutua.studies.future.worlds import learned, seeded_method

__all__ = ["Film", "films_below", "judged"]

WINDOW, SIDE, LATER = 8, 32, 0.7
"""Frames of a window, px of a side, and the share of a film that is learned from."""


@dataclass(frozen=True)
class Film:
    """A film, small and grey, and the noise of each frame at its full size.

    Args:
        noise: log of the mean square of each frame's Laplacian.
        kept: whether a window may begin at a frame: without cut, key frame, or the same frame twice.
    """

    name: str
    frames: UInt8[np.ndarray, "t 1 s s"]
    noise: Float[np.ndarray, " t"]
    kept: np.ndarray

    def windows(self, later: bool) -> np.ndarray:
        """First frames of the windows that lie in the part learned from, or in the rest."""
        first = np.flatnonzero(self.kept)
        edge = int(LATER * len(self.frames))
        return first[first >= edge] if later else first[first + WINDOW <= edge]


def films_below(folder: Path, least: int = 100) -> list[Film]:
    """Films in a folder of at least so many frames."""
    found = []
    for path in sorted(path for path in folder.iterdir() if path.suffix in SUFFIXES):
        clip = survey(path)
        count = clip.frames(clip.rate)
        if count < least:
            continue
        source = Films((clip,), clip.rate, (1, clip.height, clip.width))
        small, noise = [], []
        for start in range(0, count, 64):
            part = torch.from_numpy(source.read(0, start, min(64, count - start))).float()
            around = part[:, :, :-2, 1:-1] + part[:, :, 2:, 1:-1] + part[:, :, 1:-1, :-2] + part[:, :, 1:-1, 2:]
            noise.append((around - 4 * part[:, :, 1:-1, 1:-1]).square().mean((1, 2, 3)))
            small.append(torch.nn.functional.adaptive_avg_pool2d(part, SIDE).round().to(torch.uint8))
        look = look_at(clip)
        ticks = [clip.time(k, clip.rate) - clip.first for k in range(count)]
        kept = np.zeros(count, bool)
        for k in range(count - WINDOW + 1):
            times = np.array(ticks[k : k + WINDOW])
            kept[k] = not any(look.holds(what, times) for what in ("cuts", "keys", "frozen"))
        energy = (torch.cat(noise) + 1e-3).log().numpy()
        found.append(Film(path.name, torch.cat(small).numpy(), energy, kept))
    return found


def _clips(
    films: list[tuple[Film, np.ndarray]],
) -> tuple[UInt8[np.ndarray, "n t 1 s s"], Float[np.ndarray, "n t"]]:
    at = np.arange(WINDOW)
    frames = [film.frames[first[:, None] + at] for film, first in films if len(first)]
    noise = [film.noise[first[:, None] + at] for film, first in films if len(first)]
    return np.concatenate(frames), np.concatenate(noise)


def judged(films: list[Film], steps: int, rate: float, seed: int) -> list[list[object]]:
    """A row for each film left out: percent of directions told right by the pictures, and by each frame's noise
    alone, in windows learned from, in later ones of the same films, and in the film left out."""
    rows: list[list[object]] = []
    for out in films:
        others = [film for film in films if film is not out]
        parts = {
            "learned": _clips([(film, film.windows(False)) for film in others]),
            "later": _clips([(film, film.windows(True)) for film in others]),
            "left out": _clips([(out, np.flatnonzero(out.kept))]),
        }
        examples = {name: as_examples(frames) for name, (frames, _) in parts.items()}
        method = seeded_method(arrow, "stacked", examples["learned"].spec, seed)
        learned(method, examples["learned"], steps, 64, rate, seed)
        assert isinstance(method, Telling)
        for what, told in (
            ("pictures", [nats_learned(method, one).accuracy for one in examples.values()]),
            ("noise energy of each frame", _by_noise([noise for _, noise in parts.values()], seed)),
        ):
            rows.append([out.name, what, *told, *(len(frames) for frames, _ in parts.values())])
    return rows


def _by_noise(parts: list[np.ndarray], seed: int) -> list[float]:
    def both(noise: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        change = np.diff(np.concatenate([noise, noise[:, ::-1]]), axis=1)  # in time, not how much there is
        x = np.concatenate([change, change * np.abs(change)], 1).astype(np.float32)  # many small, or one large
        return x, np.repeat(np.arange(2), len(noise))

    x, y = both(parts[0])
    return [linear(x, y, *both(noise), seed).accuracy for noise in parts]
