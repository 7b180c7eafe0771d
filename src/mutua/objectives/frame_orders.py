"""Orders that frames can be shown in, and which of them are one class."""

from __future__ import annotations

from itertools import permutations
from typing import Literal, get_args

import torch
from jaxtyping import Int
from torch import Tensor

from mutua.types import InputError, names

__all__ = ["Told", "orders_of"]

Told = Literal["reversal", "all", "between"]


def orders_of(frames: int, told: Told) -> tuple[Int[Tensor, "k frames"], Int[Tensor, " k"]]:
    """(Orders that frames are shown in, the class of each): places among the frames taken, entry i shown i-th.

    all: n! classes, each order its own. reversal: n!/2, as motion is often reversible: an order and what it is
    where time runs backwards are one. between: 2 classes of five frames a < b < c < d < e, whether the middle one
    was in between: b c d is, b a d and b e d are not, so that the first and last frame say nothing; both are as
    likely (in the paper the second is three times as likely).

    Raises `InputError` for another name, for fewer than 3 frames (2 of all), and for more than 5.

    >>> [len(orders_of(n, "reversal")[1].unique()) for n in (3, 4, 5)]
    [3, 12, 60]
    """
    if told not in get_args(Told):
        raise InputError(f"told: {told!r} is none of {names(get_args(Told))}")
    if told == "between":
        return torch.tensor([[1, 2, 3], [1, 0, 3], [1, 2, 3], [1, 4, 3]]), torch.tensor([0, 1, 0, 1])
    if not 2 <= frames <= 5 or (told == "reversal" and frames < 3):
        raise InputError(f"taken: {frames} frames have no orders to tell, or too many; give 3 to 5, or 2 of all")
    every = list(permutations(range(frames)))
    # Time run backwards makes t of n - 1 - t, wherever a frame is shown; a row of frames read backwards is another
    # thing, by which 0 2 1 and 1 2 0 would be one, of which a different frame lies between.
    backwards = [tuple(frames - 1 - t for t in one) for one in every]
    kept = [min(pair) if told == "reversal" else pair[0] for pair in zip(every, backwards, strict=True)]
    classes = {one: k for k, one in enumerate(dict.fromkeys(kept))}
    return torch.tensor(every), torch.tensor([classes[one] for one in kept])
