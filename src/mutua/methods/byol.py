"""BYOL: each view predicts what a slow copy of the network makes of the other."""

from __future__ import annotations

import math

from torch import Tensor, nn, stack
from torch.nn.functional import cosine_similarity

from mutua.encoders import Staged, Wrapped
from mutua.methods.arguments import at_least, views_of
from mutua.objectives import Followed, Views, head_mlp, spread
from mutua.types import Step, wide

__all__ = ["BYOL", "byol"]


class BYOL(Followed):
    """mean_i [2 - 2 cos(h(x_i), y'_i) + 2 - 2 cos(h(y_i), x'_i)], x, y (n, k) two views' projections, h predictor.
    ' is of the target, whose momentum at step t = 0.. of T is 1 - (1 - momentum) (1 + cos(pi t / T)) / 2."""

    def __init__(self, encoder: nn.Module, head: nn.Module, view: Views, predictor: nn.Module, m: float) -> None:
        super().__init__(encoder, head, view, m)
        self.predictor = predictor

    def judge(self, z: Tensor) -> Step:
        views, (x, y) = self.both(z)
        predicted = self.through(self.predictor, views)
        with self.exactly(z):
            cosines = [cosine_similarity(wide(a), wide(b)) for a, b in zip(predicted, (y, x), strict=True)]
            return Step((2 - 2 * stack(cosines)).sum(0).mean(), {"spread": spread(x)})

    def momentum_at(self, step: int, steps: int) -> float:
        return 1 - (1 - self.momentum) * (1 + math.cos(math.pi * step / steps)) / 2


def byol(
    encoder: Staged | Wrapped,
    *,
    width: int = 256,
    hidden: int = 4096,
    target_momentum: float = 0.996,
    strength: float | None = None,
    smallest_crop: float | None = None,
    flip: float | None = None,
) -> BYOL:
    """Each of two views of an example predicts the projection that a slow copy of the network makes of the other.

    Args:
        encoder: The network to train, which is what is kept.
        width, hidden: Outputs, hidden units, of projector and predictor.
        target_momentum: Share of itself that the target keeps at the first step; it rises to 1 at the last.
        strength, smallest_crop, flip: Of the views, as of simclr; as published for the kind of data by default.

    Paper: Grill et al. 2020, Bootstrap Your Own Latent, arXiv:2006.07733.
    """
    at_least(1, width=width, hidden=hidden)
    view = views_of("byol", encoder, strength, smallest_crop, flip)
    head = head_mlp(encoder.width, hidden, width, last_bias=False)
    return BYOL(encoder, head, view, head_mlp(width, hidden, width, last_bias=False), target_momentum)
