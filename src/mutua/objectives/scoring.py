"""Scores among the examples of all ranks, each rank with its own as the anchors.

A rank's share of the work is its rows of the matrix, n of world n, against the gathered columns: n k numbers of
each rank travel, once forward and once, as gradients, back. Handing columns round in a ring moves as many; it
would keep fewer, but world n k numbers are little beside the work of n x world n scores.

What bounds make of rows has the whole batch's value as the mean of the ranks' values; a mean over the whole
product is taken over ranks here. Ranks hold equal shares.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from mutua.critics import Dot
from mutua.ranks import gather, highest, rank, total, world
from mutua.scores import Dense, Streamed, multiview
from mutua.streamed import wide
from mutua.types import Critic, Elementwise, InnerProduct, Scores

__all__ = ["Arrange", "Pooled", "scored", "scored_views"]

Arrange = Callable[[Critic, Tensor, Tensor, int], Dense | Streamed]
"""`paired` or `local`: of a critic, the anchors, what they are scored with, and the number of the first anchor."""


class Pooled:
    """Scores of this rank's anchors; means over the whole product are over those of all ranks.

    Every rank must ask the same in the same order: they wait for each other.
    """

    def __init__(self, own: Scores) -> None:
        self.own = own

    @property
    def joint(self) -> Float[Tensor, "*b n p"]:
        return self.own.joint

    @property
    def others(self) -> int:
        return self.own.others

    def mean(self, g: Elementwise) -> Float[Tensor, "*b"]:
        return total(self.own.mean(g)) / world()

    def logmeanexp(self, g: Elementwise | None = None) -> Float[Tensor, "*b"]:
        own = self.own.logmeanexp(g)
        top = highest(own)
        return (total((own - top).exp()) / world()).log() + top

    def row_logmeanexp(self) -> Float[Tensor, "*b n"]:
        return self.own.row_logmeanexp()


def scored(arrange: Arrange, critic: Critic, x: Tensor, y: Tensor) -> Scores:
    """Scores of x (n, ...) against y (n, ...) of all ranks.

    A critic that factorises is applied to this rank's rows, and its right side is gathered; any other sees the
    gathered rows. Scores are float32 at least: a softmax of bfloat16 scores would round what it compares.
    """
    if isinstance(critic, InnerProduct):
        x, y, critic = critic.left(x), critic.right(y), Dot()
    with torch.autocast(x.device.type, enabled=False):
        return _pooled(arrange(critic, wide(x), gather(wide(y)), rank() * len(x) if world() > 1 else 0))


def scored_views(critic: Critic, views: Float[Tensor, "v n d"]) -> Scores:
    """`multiview` of this rank's views among those of all ranks, in float32 at least."""
    with torch.autocast(views.device.type, enabled=False):
        views = wide(views)
        if world() == 1:
            return multiview(critic, views)
        x, y = views, views
        if isinstance(critic, InnerProduct):
            x, y, critic = critic.left(views), critic.right(views), Dot()
        everyone = gather(y.transpose(0, 1)).transpose(0, 1)  # (v, n of all ranks, d)
        return _pooled(multiview(critic, x, everyone, rank() * views.shape[1]))


def _pooled(scores: Dense | Streamed) -> Scores:
    return scores if world() == 1 else Pooled(scores)
