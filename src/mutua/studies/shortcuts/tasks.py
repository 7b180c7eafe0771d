"""Small networks that learn from tiles for some steps, and what came of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Generator, Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d

from mutua.encoders import Staged, Tiled, group_norm, image_spec
from mutua.encoders.tiled import standardised
from mutua.evaluation import Learned, Score, features, linear, nats_learned
from mutua.methods import jigsaw, relative_position
from mutua.objectives import Predictive, TilePuzzle, entropy
from mutua.training import Plan, descend, shuffled_batches
from mutua.training.order import seeded
from mutua.views import Tiles

__all__ = [
    "METHODS",
    "Anywhere",
    "Images",
    "OwnPlace",
    "Trained",
    "composed",
    "learn",
    "own_place",
    "probe",
    "trunk",
]

METHODS: dict[str, Callable[..., Predictive]] = {"jigsaw": jigsaw, "relative_position": relative_position}


def trunk(tile: int, width: int, norm: str = "group", channels: int = 3) -> Staged:
    """conv 3x3 of `width`, 4x4 stride 2 of twice and of four times that, a fully connected layer; a norm each."""

    def block(inputs: int, outputs: int, kernel: int, stride: int) -> nn.Sequential:
        after = group_norm(outputs) if norm == "group" else nn.BatchNorm2d(outputs)
        return nn.Sequential(nn.Conv2d(inputs, outputs, kernel, stride, 1, bias=False), after, nn.ReLU())

    last = tile // 2 // 2
    stages = {
        "conv1": block(channels, width, 3, 1),
        "conv2": block(width, 2 * width, 4, 2),
        "conv3": block(2 * width, 4 * width, 4, 2),
        "fc": nn.Sequential(nn.Flatten(), nn.Linear(4 * width * last * last, 4 * width), nn.ReLU()),
    }
    return Staged(stages, channels, tile)


@dataclass(frozen=True)
class Images:
    """Rows of images."""

    pixels: UInt8[Tensor, "n c h w"]

    def __len__(self) -> int:
        return len(self.pixels)

    def take(self, index: Tensor) -> Tensor:
        return self.pixels[index]


@dataclass(frozen=True)
class Trained:
    """A method after its steps: what it tells of held-out images, and what that took."""

    method: Predictive
    learned: Learned
    seconds: float


def composed(task: str, size: int, settings: Mapping[str, Any], width: int, seed: int) -> Predictive:
    """A method around a fresh trunk. Settings may have `norm` beside those of the method."""
    said = {"geometry": "v3", "hidden": 256, "smallest_crop": 1.0, **settings}
    norm = said.pop("norm", "group")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = trunk(said["tile"], width, norm)
        encoder = Tiled(net, image_spec(3, size), standardise=said.get("standardise", True))
        return METHODS[task](encoder, **said)


def learn(
    method: Predictive, train: Images, test: Images, steps: int, batch: int, rate: float, seed: int
) -> Trained:
    """So many steps of Adam, the rate falling to 0 as a cosine; then what it tells of `test`."""
    begun = time.process_time()
    method.train()
    count = iter(range(steps))
    plan = Plan(epochs=steps, optimizer="adam", lr=rate, weight_decay=0.0, schedule="cosine")
    descend(
        lambda rows: method.step(train.take(rows), seeded(seed, "step", next(count))).loss,
        method.parameters(),
        shuffled_batches(len(train), batch, Generator().manual_seed(seed)),
        plan,
    )
    seconds = time.process_time() - begun
    method.eval()
    return Trained(method, nats_learned(method, test, seed=seed, rows=2000), seconds)


class _Pooled:
    """conv3 of whole images, pooled to 3 x 3: tiles' convolutions wherever an image has one."""

    def __init__(self, encoder: Tiled) -> None:
        self.encoder = encoder.eval()

    def __call__(self, images: Tensor) -> Float[Tensor, "n d"]:
        return adaptive_avg_pool2d(_whole(self.encoder, images), 3).flatten(1)


def _whole(encoder: Tiled, images: Tensor) -> Tensor:
    """The map of whole images, standardised as tiles are."""
    seen = standardised(images) if encoder.standardise else images
    return encoder.encoder.read(seen, ("conv3",))["conv3"]


def probe(
    encoder: Tiled,
    train: tuple[Images, np.ndarray],
    test: tuple[Images, np.ndarray],
    seed: int,
    C: float | None = None,
) -> Score:
    """The linear probe on conv3 of whole images, pooled to 3 x 3; C is chosen within train where none is given."""
    with torch.no_grad():
        x, z = (next(iter(features(_Pooled(encoder), part[0]).values())) for part in (train, test))
    return linear(x, train[1], z, test[1], seed, C=C)


class OwnPlace(TilePuzzle):
    """Each tile alone, and the cell that it was cut from: the sharpest test of a shortcut."""

    def __init__(self, tiles: Tiles) -> None:
        super().__init__(tiles)
        self.classes = tiles.side**2
        self.entropy = float(entropy(torch.ones(self.classes)))

    def arranged(self, n: int, generator: Generator) -> tuple[Tensor, Tensor]:
        places = torch.arange(self.classes)
        return places.expand(n, -1), places[:, None].expand(n, -1, 1)


class Anywhere(Tiles):
    """Each tile from anywhere in the image, but with the phase of its cell in blocks of 8 px: no content is of the
    place, and what is still told is told by the phase."""

    def draw(self, n: int, shape: tuple[int, ...], generator: Generator) -> dict[str, Any]:
        drawn = super().draw(n, shape, generator)
        phase = drawn["place"] % 8
        room = (min(shape[1:]) - self.tile - phase).div(8, rounding_mode="floor")
        whole = (torch.rand(phase.shape, generator=generator) * (room + 1)).long()
        return {**drawn, "place": phase + 8 * whole}


def own_place(method: Predictive, width: int, anywhere: bool, seed: int) -> Predictive:
    """The one-tile task on the tiles of a method, around its (fresh) encoder."""
    puzzle = method.puzzle
    assert isinstance(puzzle, TilePuzzle)
    tiles = Anywhere(**vars(puzzle.tiles)) if anywhere else puzzle.tiles
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        head = nn.Sequential(nn.Linear(4 * width, 256), nn.ReLU(), nn.Linear(256, tiles.side**2))
    return Predictive(method.encoder, head, OwnPlace(tiles))
