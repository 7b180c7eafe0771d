"""Loss against the capacity of the probe: how small a network suffices to read y from z."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from jaxtyping import Float

from mutua.data.splits import split_rows
from mutua.evaluation.decodable.families import Family, linear, mlp, null
from mutua.evaluation.decodable.targets import representation, target
from mutua.types import InputError

__all__ = ["WIDTHS", "LossCapacity", "loss_capacity"]

WIDTHS = (0, 4, 16, 64, 256)


@dataclass(frozen=True)
class LossCapacity:
    """What `loss_capacity` returns: held-out losses in nats by the probe's width, and by its number of weights.

    `null` is the loss without z. `losses` (s,) are as read; `least` their minimum so far: a larger network can do
    all that a smaller one can, and where it reads worse it was trained worse.
    """

    widths: tuple[int, ...]
    weights: tuple[int, ...]
    losses: Float[np.ndarray, " s"]
    null: float

    @property
    def least(self) -> Float[np.ndarray, " s"]:
        return np.minimum.accumulate(self.losses)

    def explicitness(self, lowest: float = 0.0) -> float:
        """1 where the smallest probe reads all that the largest does, less the more capacity that takes:

            E = 1 - 2 (area between `least` and its last value) / ((c_s - c_1) (null - lowest)),   c = log weights

        the areas by trapezoids. The published baseline is `null`, and `lowest` a loss of 0. It says nothing of how
        much is read: a z that tells nothing has E = 1.

        Paper: Eastwood, Nicolicioiu, von Kuegelgen et al. 2023, DCI-ES, arXiv:2210.00364.
        """
        capacity, least = np.log(self.weights), self.least
        area = float(np.trapezoid(least - least[-1], capacity))
        return 1 - 2 * area / ((capacity[-1] - capacity[0]) * (self.null - lowest))


def loss_capacity(
    z: Any,
    y: Any,
    *,
    widths: Sequence[int] = WIDTHS,
    discrete: bool | None = None,
    seed: int = 0,
) -> LossCapacity:
    """The held-out loss of perceptrons of two hidden layers by their width; 0 is the linear family.

    A quarter of the rows are held out, a fifth of the others validate (`usable_information`).

    Raises `InputError` for what `usable_information` refuses, and for widths that do not ascend.
    """
    if len(widths) < 2 or list(widths) != sorted(set(widths)) or widths[0] < 0:
        raise InputError(f"widths: {tuple(widths)}; give two or more ascending numbers, 0 for the linear family")
    x = representation(z)
    of = target(y, len(x), discrete)
    learned, tested = split_rows(len(x), of.codes, 0.25, seed)
    fit, held = split_rows(len(learned), None if of.codes is None else of.codes[learned], 0.2, seed + 1)
    fit, held = learned[fit], learned[held]
    d, k = x.shape[1], of.k
    losses = []
    for width in widths:
        family: Family = partial(mlp, hidden=width) if width else linear
        probe = family(x[fit], of.rows(fit), x[held], of.rows(held), seed)
        losses.append(-float(probe.log_prob(x[tested], of.rows(tested)).mean()))
    weights = tuple(d * w + w * w + w * k + 2 * w + k if w else d * k + k for w in widths)
    if list(weights) != sorted(weights):
        raise InputError(
            f"widths: {tuple(widths)} on {d} columns: {weights} weights do not ascend; give wider ones"
        )
    without = -float(null(of.rows(learned)).log_prob(x[tested], of.rows(tested)).mean())
    return LossCapacity(tuple(widths), weights, np.array(losses), without)
