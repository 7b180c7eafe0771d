"""What negatives keep of a film and what they drop: the digit, where it is, how fast it flies."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float

from mutua.data import Images
from mutua.data.worlds import Box, Moved, as_films
from mutua.encoders import Ordered, frames_ahead
from mutua.evaluation import linear
from mutua.methods import cpc
from mutua.objectives import Negatives
from mutua.studies.future.worlds import learned
from mutua.types import Method

__all__ = ["CHOICES", "Kept", "choices"]

CHOICES: dict[str, tuple[Negatives, bool]] = {
    "other clips": ("others", False),
    "the same clip": ("same", False),
    "all of the batch": ("batch", False),
    "others at the same moment, one path": ("moment", True),
}
"""Name to the negatives, and whether all clips of a batch fly along one path."""

SHARE = 32


@dataclass(frozen=True)
class Kept:
    """Linear probes of one frame's code or context: percent of digits, R^2 of place and velocity."""

    digit: float
    place: float
    velocity: float


def choices(
    names: tuple[str, ...], shown: tuple[Images, Images], clips: int, held: int, steps: int, rate: float, seed: int
) -> tuple[dict[str, tuple[Kept, Kept]], dict[str, float]]:
    """({choice: (code, context)} with the untrained network first, {choice: percent told right one frame
    ahead})."""
    box = Box("elastic box", frames=12, share=SHARE)
    apart = Box("elastic box", frames=12)
    shared = box.sample(clips, 2 * seed, shown[0])
    films = as_films(box, [shared])
    probes = apart.sample(held, 2 * seed + 1, shown[0]), apart.sample(held, 2 * seed + 2, shown[1])

    def fresh() -> Ordered:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return frames_ahead(films.spec)

    found, right = {"untrained": _probed(fresh(), *probes)}, {}
    for name in names:
        negatives, one_path = CHOICES[name]
        encoder = fresh()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            method: Method = cpc(encoder, steps=3, negatives=negatives, candidates=0)
        rows = _of_one_path(shared.path, seed) if one_path else None
        learned(method, films, steps, SHARE, rate, seed, rows)
        last = next(_of_one_path(shared.path, seed)) if one_path else torch.arange(0, SHARE**2, SHARE) % len(films)
        with torch.no_grad():
            right[name] = float(method.step(films.take(last), torch.Generator().manual_seed(0)).logs["top1_1"])
        found[name] = _probed(encoder, *probes)
    return found, right


def _of_one_path(path: np.ndarray, seed: int) -> Iterator[torch.Tensor]:
    """Batches of all clips of a path, path after path."""
    draw = np.random.default_rng(seed)
    while True:
        for one in draw.permutation(path.max() + 1):
            yield torch.from_numpy(np.flatnonzero(path == one))


def _probed(encoder: Ordered, train: Moved, test: Moved) -> tuple[Kept, Kept]:
    """Of the code and the context at the eighth frame."""
    at = 7
    parts = [_read(encoder, one, at) for one in (train, test)]
    kept = []
    for depth in range(2):
        a, b = (part[depth] for part in parts)
        digit = linear(a, train.digit[:, 0], b, test.digit[:, 0], 0).accuracy
        place, velocity = (_explained(a, x[:, at, 0], b, y[:, at, 0]) for x, y in (
            (train.place, test.place), (train.velocity, test.velocity)
        ))  # fmt: skip
        kept.append(Kept(digit, place, velocity))
    return kept[0], kept[1]


def _read(encoder: Ordered, clips: Moved, at: int) -> tuple[np.ndarray, np.ndarray]:
    found = []
    encoder.eval()
    with torch.no_grad():
        for part in torch.from_numpy(clips.frames).split(256):
            pieces = encoder.ahead(part)
            found.append((pieces.z[:, 0, at].numpy(), pieces.c[:, 0, at].numpy()))
    return np.concatenate([z for z, _ in found]), np.concatenate([c for _, c in found])


def _explained(x: np.ndarray, y: np.ndarray, z: np.ndarray, w: np.ndarray, penalty: float = 1e-3) -> float:
    """R^2 of both columns, held out, by ridge regression on standardised features."""
    mean, scale = x.mean(0), x.std(0) + 1e-6

    def columns(values: np.ndarray) -> Float[np.ndarray, "n d"]:
        return np.concatenate([(values - mean) / scale, np.ones((len(values), 1))], 1)

    a, b = columns(x), columns(z)
    weights = np.linalg.solve(a.T @ a + penalty * len(a) * np.eye(a.shape[1]), a.T @ y)
    return float(1 - ((w - b @ weights) ** 2).sum() / ((w - y.mean(0)) ** 2).sum())
