"""Barlow Twins: the columns of two views' embeddings are correlated each with itself, and with no other."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.functional import batch_norm

from mutua.encoders import Staged, Wrapped
from mutua.methods.arguments import at_least, views_of
from mutua.objectives import Siamese, Views, head_mlp, off_diagonal
from mutua.types import Step

__all__ = ["BarlowTwins", "barlow_twins"]


class BarlowTwins(Siamese):
    """sum_j (1 - c_jj)^2 + l sum_{j != k} c_jk^2, c (d, d) the correlations of two views' embeddings (n, d),

    c = x^T y / n,  the columns of x and y of mean 0 and variance 1 (over n, with 1e-5 added) on all ranks.
    """

    def __init__(self, encoder: nn.Module, head: nn.Module, view: Views, redundancy: float) -> None:
        super().__init__(encoder, head, view)
        self.redundancy = redundancy

    def judge(self, z: Tensor) -> Step:
        views = self.everyone(z)  # (n of all ranks, d) each
        with self.exactly(z):
            x, y = (batch_norm(x, None, None, training=True) for x in views)
            correlations = x.T @ y / len(x)
            invariance = (1 - correlations.diagonal()).square().sum()
            redundancy = off_diagonal(correlations).square().sum()
            loss = invariance + self.redundancy * redundancy
        return Step(loss, {"invariance": invariance.detach(), "redundancy": redundancy.detach()})


def barlow_twins(
    encoder: Staged | Wrapped,
    *,
    width: int = 8192,
    redundancy: float = 0.0051,
    strength: float | None = None,
    smallest_crop: float | None = None,
    flip: float | None = None,
) -> BarlowTwins:
    """The correlations of two views' embeddings over the batch become the identity.

    Args:
        encoder: The network to train, which is what is kept.
        width: Units of each of the projector's three layers.
        redundancy: Weight of the correlations of different columns.
        strength, smallest_crop, flip: Of the views, as of simclr; as published for the kind of data by default.

    Paper: Zbontar, Jing, Misra, LeCun and Deny 2021, Barlow Twins: Self-Supervised Learning via Redundancy
    Reduction, arXiv:2103.03230.
    """
    at_least(2, width=width)
    at_least(0, redundancy=redundancy)
    view = views_of("barlow_twins", encoder, strength, smallest_crop, flip)
    return BarlowTwins(encoder, head_mlp(encoder.width, width, width, width, last_bias=False), view, redundancy)
