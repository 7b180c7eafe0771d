"""A world: the factors of variation and the rule that makes an image of them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Int64, UInt8

from mutua.data.image.images import Images
from mutua.types import InputError

__all__ = ["World"]

Factors = Int64[np.ndarray, "n k"]
Pixels = UInt8[np.ndarray, "n c h w"]
_BLOCK = 256


@dataclass(frozen=True)
class World:
    """Images of every combination of factors, each factor a whole number from 0 below its level.

    Args:
        name: what it is, for printing beside numbers.
        factors: their names.
        levels: how many values each has.
        make: (factors (n, k), generator) to pixels; the generator is for what no factor says, such as colours.
    """

    name: str
    factors: tuple[str, ...]
    levels: tuple[int, ...]
    make: Callable[[Factors, np.random.Generator], Pixels]

    def __len__(self) -> int:
        """How many combinations there are."""
        return math.prod(self.levels)

    def combination(self, index: Any) -> Factors:
        """The factors of combinations by number, the last factor running fastest."""
        return np.stack(np.unravel_index(np.asarray(index), self.levels), 1).astype(np.int64)

    def render(self, factors: Any, seed: int = 0) -> Pixels:
        """Images of given factors (n, k), uint8 (n, c, h, w).

        Raises `InputError` for factors of another number, or outside their levels.
        """
        given = np.asarray(factors)
        if given.ndim != 2 or given.shape[1] != len(self.levels) or not np.issubdtype(given.dtype, np.integer):
            raise InputError(
                f"factors: {given.dtype} of shape {given.shape}; give whole numbers (n, {len(self.levels)}): "
                f"{', '.join(self.factors)}"
            )
        for j, (name, level) in enumerate(zip(self.factors, self.levels, strict=True)):
            if len(given) and not (given[:, j].min() >= 0 and given[:, j].max() < level):
                raise InputError(
                    f"factors: {name} from {given[:, j].min()} to {given[:, j].max()}; it has 0 to {level - 1}"
                )
        draw = np.random.default_rng(seed)
        blocks = [self.make(given[i : i + _BLOCK].astype(np.int64), draw) for i in range(0, len(given), _BLOCK)]
        if not blocks:
            raise InputError("factors: no rows; give one or more")
        return np.concatenate(blocks)

    def sample(self, n: int, seed: int = 0) -> tuple[Pixels, Factors]:
        """n images of factors drawn independently and evenly, with those factors."""
        draw = np.random.default_rng(seed)
        factors = np.stack([draw.integers(level, size=n) for level in self.levels], 1)
        return self.render(factors, seed + 1), factors

    def images(self, n: int, seed: int = 0, label: str | None = None) -> Images:
        """The same as `Images`, which methods train on; labelled by one factor where it is named."""
        pixels, factors = self.sample(n, seed)
        if label is not None and label not in self.factors:
            raise InputError(f"label: {label!r} is none of {', '.join(self.factors)}")
        labels = None if label is None else factors[:, self.factors.index(label)]
        return Images(pixels, labels, source=self.name)
