"""Vectors of earlier batches, to be told apart from those of this one."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import normalize

from mutua.ranks import gather
from mutua.scores import Dense
from mutua.types import InnerProduct, InputError, wide

__all__ = ["Queue"]


class Queue(nn.Module):
    """The last `length` vectors that were handed in, the oldest first; random ones of norm 1 to begin with.

    What is handed in waits for `turn`, which belongs in `Method.stepped`: a batch is never told apart from its own
    vectors, batches accumulated into one step meet the same queue, and a step that is computed but not taken
    leaves it as it was. The vectors are a buffer, so that a checkpoint holds them.

    Paper: He, Fan, Wu, Xie and Girshick 2020, Momentum Contrast for Unsupervised Visual Representation Learning,
    arXiv:1911.05722, algorithm 1.
    """

    vectors: Float[Tensor, "m k"]

    def __init__(self, length: int, width: int) -> None:
        super().__init__()
        if length < 1:
            raise InputError(f"queue: {length} is too few; give 1 or more")
        self.register_buffer("vectors", normalize(torch.randn(length, width), dim=1))
        self.waiting: list[Tensor] = []

    def scored(self, critic: InnerProduct, query: Float[Tensor, "n k"], key: Float[Tensor, "n k"]) -> Dense:
        """Scores of each query with its key, and with the queue as draws from the product; keys are handed in."""
        query, key = wide(query), wide(key)
        with torch.autocast(query.device.type, enabled=False):
            scores = Dense(critic(query, key)[:, None], critic.matrix(query, self.vectors))
            self.add(critic.right(key))
        return scores

    def add(self, vectors: Float[Tensor, "n k"]) -> None:
        """Hand in this rank's vectors, and those of the others, at the next `turn`. Nothing in eval mode."""
        if self.training:
            self.waiting = [*self.waiting, gather(vectors.detach())][-len(self.vectors) :]

    @torch.no_grad()
    def turn(self) -> None:
        """Those who wait come in, the oldest go."""
        self.vectors.copy_(torch.cat([self.vectors, *self.waiting])[-len(self.vectors) :])
        self.waiting = []
