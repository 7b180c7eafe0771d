"""Worlds with known factors: images made from factors of variation by a rule, any number of them, from any
factors.

>>> world = WORLDS["dsprites-rerendered"]()
>>> images, factors = world.sample(3, seed=0)
>>> images.shape, factors.shape
((3, 1, 64, 64), (3, 5))

Films with known physics are `BOXES`, and data sets by those names.

>>> clips = BOXES["gravity-box"].sample(2, seed=0)
>>> clips.frames.shape, clips.velocity.shape
((2, 12, 1, 32, 32), (2, 12, 1, 2))
"""

from __future__ import annotations

from collections.abc import Callable

from mutua.data.worlds.base import World
from mutua.data.worlds.dsprites import coloured_dsprites, dsprites, modulo_symmetry, orientation_vector
from mutua.data.worlds.moving import BOXES, Box, Moved, as_films
from mutua.data.worlds.sounding import Sounding, best_accuracy, best_infonce, sounding
from mutua.data.worlds.squares import one_square, xy_squares
from mutua.data.worlds.talking import Talking, talking

__all__ = [
    "BOXES",
    "WORLDS",
    "Box",
    "Moved",
    "Sounding",
    "Talking",
    "World",
    "as_films",
    "best_accuracy",
    "best_infonce",
    "coloured_dsprites",
    "dsprites",
    "modulo_symmetry",
    "one_square",
    "orientation_vector",
    "sounding",
    "talking",
    "xy_squares",
]

WORLDS: dict[str, Callable[[], World]] = {
    "dsprites-rerendered": dsprites,
    "coloured-dsprites-rerendered": coloured_dsprites,
    "xy-squares": xy_squares,
    "one-square": one_square,
}
