"""Films with known physics: digits that fly about in a box, so that what can be told of time is known."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int64, UInt8
from torch.nn.functional import interpolate

from mutua.data.image.embedded import digits, find_digits
from mutua.data.image.images import Images
from mutua.data.reading import Reading
from mutua.data.video.arrays import films
from mutua.data.windows import Windowed
from mutua.data.worlds.flight import Flight, bouncing, gliding
from mutua.types import InputError

__all__ = ["BOXES", "COUNTS", "Box", "Moved", "as_films", "box_films"]

_BLOCK = 2048
"""Frames that are drawn at a time."""


@dataclass(frozen=True)
class Moved:
    """n clips of t frames with o objects each, and all that is true of them.

    Args:
        frames: (n, t, 1, h, w).
        digit: class of each object.
        place: (down, right) of each object's upper left corner, in px.
        velocity: (down, right) at each frame, in px a frame.
        bounces: at walls, of all its objects, between the first frame and the last.
        path: a number that clips of one path share.
        sprite: which picture each object is.
    """

    frames: UInt8[np.ndarray, "n t 1 h w"]
    digit: Int64[np.ndarray, "n o"]
    place: Float[np.ndarray, "n t o 2"]
    velocity: Float[np.ndarray, "n t o 2"]
    bounces: Int64[np.ndarray, " n"]
    path: Int64[np.ndarray, " n"]
    sprite: Int64[np.ndarray, "n o"]


@dataclass(frozen=True)
class Box:
    """Pictures of `side` px that fly through a box of `size` px and pass through each other.

        elastic     p' = v, walls turn v around: a clip run backwards is as likely as it is forwards
        gravity     v' = g downwards, walls leave a share `restitution` of v: a bounce tells the arrow of time
        friction    v' = -friction v: whatever slows down runs forwards

    Places are drawn uniformly and directions isotropically, at the middle of a clip where there is gravity: a
    flight without a bounce is then as likely as the same backwards. The motion is exact, without steps of time,
    and pictures are moved by fractions of a pixel (bilinear).

    Args:
        name: what it is, for printing beside numbers.
        gravity: px a frame, each frame.
        restitution: share of the speed across a wall that a bounce leaves.
        friction: share of the speed that is lost in a frame, as a rate.
        speed: least and most, px a frame.
        frames: of a clip.
        size: of the box.
        side: of a picture.
        objects: how many there are.
        share: clips, of other pictures, that fly along the same path.
    """

    name: str
    gravity: float = 0.0
    restitution: float = 1.0
    friction: float = 0.0
    speed: tuple[float, float] = (1.0, 3.0)
    frames: int = 12
    size: int = 32
    side: int = 14
    objects: int = 1
    share: int = 1

    def __post_init__(self) -> None:
        if self.friction and (self.gravity or self.restitution != 1):
            raise InputError("friction: goes with elastic walls and no gravity; leave those out, or the friction")
        if not (0 <= self.restitution <= 1 and self.gravity >= 0 and self.friction >= 0):
            raise InputError(
                f"{self.name}: gravity {self.gravity}, restitution {self.restitution}, friction {self.friction}; "
                "give 0 or more each, and restitution 1 at most"
            )
        if self.side >= self.size or min(self.frames, self.objects, self.share, self.side) < 1:
            raise InputError(
                f"{self.name}: pictures of {self.side} px in {self.size} px; give smaller ones, 1 or more"
            )

    def sample(self, n: int, seed: int = 0, pictures: Images | None = None) -> Moved:
        """n clips of pictures drawn from `pictures`, scikit-learn's digits where none are given, made `side` px.

        Raises `InputError` for pictures in colour or without labels.
        """
        draw = np.random.default_rng(seed)
        pictures = _digits("train") if pictures is None else pictures
        if pictures.labels is None or pictures.spec.shape[0] != 1:
            seen = "without labels" if pictures.labels is None else f"of {pictures.spec}"
            raise InputError(f"pictures: {seen}; give grey ones with labels")
        if n < 1:
            raise InputError(f"n: {n} clips; ask for 1 or more")
        paths = -(-n // self.share)
        made = self._flown(paths * self.objects, draw)
        path = np.repeat(np.arange(paths), self.share)[:n]

        def of_clips(values: np.ndarray) -> np.ndarray:
            """(paths objects, t, ...) to (n, t, objects, ...)."""
            return np.moveaxis(values.reshape(paths, self.objects, *values.shape[1:]), 1, 2)[path]

        place, velocity = of_clips(made.place), of_clips(made.velocity)
        sprite = draw.integers(len(pictures), size=(n, self.objects))
        scaled = interpolate(torch.from_numpy(pictures.take(torch.arange(len(pictures))).numpy()).float(),
                             (self.side, self.side), mode="bilinear", antialias=True)[:, 0].numpy()  # fmt: skip
        frames = np.concatenate(
            [
                self._drawn(place[i : i + _BLOCK // self.frames], scaled[sprite[i : i + _BLOCK // self.frames]])
                for i in range(0, n, _BLOCK // self.frames)
            ]
        )
        bounces = made.bounces.reshape(paths, self.objects).sum(1)[path]
        return Moved(frames, pictures.labels[sprite], place, velocity, bounces, path, sprite)

    def arrow_ceiling(self, bounces: Int64[np.ndarray, " n"]) -> float:
        """The most percent of clips, shown forwards or backwards, of which it can be told: half of those in which
        nothing irreversible happens, and all others.

        Of gravity a bound: clips with a bounce are all counted as told.
        """
        if self.friction:
            return 100.0
        return 50.0 if self.restitution == 1 else 50 + 50 * float((bounces > 0).mean())

    def _flown(self, n: int, draw: np.random.Generator) -> Flight:
        room = float(self.size - self.side)
        if not self.gravity and self.restitution == 1:
            place, velocity = draw.uniform(0, room, (n, 2)), self._velocity(n, draw)
            return gliding(place, velocity, self.frames, room, self.friction)
        half = (self.frames - 1) / 2
        fall = np.array([self.gravity, 0.0])
        kept: list[tuple[np.ndarray, np.ndarray]] = []
        while sum(len(place) for place, _ in kept) < n:  # where the flight from the middle back leaves the box
            place, velocity = draw.uniform(0, room, (2 * n, 2)), self._velocity(2 * n, draw)
            begin = place - velocity * half + fall * half**2 / 2
            inside = ((begin >= 0) & (begin <= room)).all(1)
            kept.append((begin[inside], (velocity - fall * half)[inside]))
        place, velocity = (np.concatenate(parts)[:n] for parts in zip(*kept, strict=True))
        return bouncing(place, velocity, self.frames, room, self.gravity, self.restitution)

    def _velocity(self, n: int, draw: np.random.Generator) -> Float[np.ndarray, "n 2"]:
        angle = draw.uniform(0, 2 * math.pi, n)
        return draw.uniform(*self.speed, (n, 1)) * np.stack([np.sin(angle), np.cos(angle)], 1)

    def _drawn(
        self, place: Float[np.ndarray, "n t o 2"], pictures: Float[np.ndarray, "n o s s"]
    ) -> UInt8[np.ndarray, "n t 1 h w"]:
        n, t, o = place.shape[:3]
        whole = np.minimum(np.floor(place).astype(np.int64), self.size - self.side)
        part = (place - whole).astype(np.float32)
        wide = np.zeros((n, o, self.side + 2, self.side + 2), np.float32)
        wide[:, :, 1:-1, 1:-1] = pictures
        canvas = np.zeros((n, t, self.size + 1, self.size + 1), np.float32)
        at = np.arange(self.side + 1)
        clip, time = np.arange(n)[:, None, None, None], np.arange(t)[None, :, None, None]
        for k in range(o):
            down, right = part[:, :, k, 0, None, None], part[:, :, k, 1, None, None]
            one = wide[:, None, k]  # (n, 1, s + 2, s + 2)
            rows = (1 - down) * one[..., 1:, :] + down * one[..., :-1, :]
            moved = (1 - right) * rows[..., 1:] + right * rows[..., :-1]  # (n, t, s + 1, s + 1)
            below = (whole[:, :, k, 0, None] + at)[..., :, None]
            beside = (whole[:, :, k, 1, None] + at)[..., None, :]
            canvas[clip, time, below, beside] += moved
        return np.rint(canvas[:, :, None, : self.size, : self.size].clip(0, 255)).astype(np.uint8)


def _digits(split: str) -> Images:
    place = find_digits(Path())
    assert place is not None
    return digits(place, split, Path())


BOXES: dict[str, Box] = {
    "elastic-box": Box("elastic box"),
    "gravity-box": Box("box with gravity", gravity=0.6, restitution=0.6),
    "friction-box": Box("box with friction", friction=0.12, speed=(2.0, 4.0)),
    "shared-paths": Box("elastic box, 16 digits a path", share=16),
}
"""Name to a world of films, as data sets have them; others are made with `Box`."""

COUNTS = {"train": 4000, "test": 1000}
"""Clips of each part of a data set of `BOXES`; those of test show other digits, along other paths."""


def box_films(name: str, split: str, reading: Reading) -> Windowed:
    """The part "train", "test" or "all" of a world known by name, scikit-learn's digits flying about.

    Targets: digit; place, which of 3 x 3 cells its middle is in at half time; heading, in which of eight
        directions
    it then flies; path.
    """
    parts = ("train", "test") if split == "all" else (split,)
    made = [
        BOXES[name].sample(COUNTS[part], seed, _digits(part)) for seed, part in enumerate(COUNTS) if part in parts
    ]
    return as_films(BOXES[name], made, reading)


def as_films(box: Box, made: list[Moved], reading: Reading | None = None) -> Windowed:
    """Clips of a box as examples, those of its first object as targets; see `box_films`."""
    half = box.frames // 2
    place = np.concatenate([m.place for m in made])[:, half, 0]
    velocity = np.concatenate([m.velocity for m in made])[:, half, 0]
    cell = (3 * (place + box.side / 2) / box.size).astype(np.int64).clip(0, 2)
    eighth = np.rint(np.arctan2(-velocity[:, 0], velocity[:, 1]) / (math.pi / 4)).astype(np.int64) % 8
    first = np.cumsum([0, *(int(m.path.max()) + 1 for m in made)])
    targets: dict[str, Any] = {
        "digit": np.concatenate([m.digit[:, 0] for m in made]),
        "place": np.array(_CELLS)[3 * cell[:, 0] + cell[:, 1]],
        "heading": np.array(_HEADINGS)[eighth],
        "path": np.concatenate([m.path + begin for m, begin in zip(made, first, strict=False)]),
    }
    frames = np.concatenate([m.frames for m in made])
    return films(frames, targets=targets, reading=reading, source=box.name)


_CELLS = [f"{down} {right}" for down in ("top", "middle", "bottom") for right in ("left", "centre", "right")]
_HEADINGS = ["east", "north-east", "north", "north-west", "west", "south-west", "south", "south-east"]
