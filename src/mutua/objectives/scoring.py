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
from mutua.streamed import factorised
from mutua.types import Critic, Elementwise, InnerProduct, Scores, wide

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
    gathered rows. Scores are float32 at least: a softmax of bfloat16 scores would round what it compares. So are
    the factors, but for many pairs on CUDA under autocast to bfloat16, whose products are its in any case.
    """
    kept: Callable[[Tensor], Tensor] = wide
    if isinstance(critic, InnerProduct):
        if _brief(x) and factorised(critic, len(x) * y.shape[:-1].numel() * world()):
            kept = Tensor.bfloat16
        x, y, critic = critic.left(x), critic.right(y), Dot()
    with torch.autocast(x.device.type, enabled=False):
        return _pooled(arrange(critic, kept(x), gather(kept(y)), rank() * len(x) if world() > 1 else 0))


def scored_views(critic: Critic, views: Float[Tensor, "v n d"]) -> Scores:
    """`multiview` of this rank's views among those of all ranks; scores and factors as in `scored`."""
    n = views.shape[:-1].numel()
    brief = _brief(views) and factorised(critic, n * n * world()) is not None
    kept = Tensor.bfloat16 if brief else wide
    with torch.autocast(views.device.type, enabled=False):
        views = wide(views)
        if world() == 1:
            if not brief:
                return multiview(critic, views)
            assert isinstance(critic, InnerProduct)
            if (z := critic.both(views)) is not None:
                return multiview(Dot(), kept(z))
        x, y = views, views
        if isinstance(critic, InnerProduct):
            x, y, critic = critic.left(views), critic.right(views), Dot()
        everyone = gather(kept(y).transpose(0, 1)).transpose(0, 1)  # (v, n of all ranks, d)
        return _pooled(multiview(critic, kept(x), everyone, rank() * views.shape[1]))


def _brief(x: Tensor) -> bool:
    """Whether x lies on CUDA and products of it are bfloat16's, by autocast or by its own dtype."""
    kind = torch.get_autocast_dtype("cuda") if torch.is_autocast_enabled("cuda") else x.dtype
    return x.is_cuda and kind == torch.bfloat16


def _pooled(scores: Dense | Streamed) -> Scores:
    return scores if world() == 1 else Pooled(scores)
