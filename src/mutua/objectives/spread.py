"""What embeddings of a batch are like: how far they spread, and what two columns of them share."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import normalize

__all__ = ["off_diagonal", "spread"]


def off_diagonal(matrix: Float[Tensor, "d d"]) -> Float[Tensor, " m"]:
    """The d (d - 1) entries beside the diagonal."""
    d = len(matrix)
    return matrix.flatten()[: d * d - 1].view(d - 1, d + 1)[:, 1:].flatten()


@torch.no_grad()
def spread(z: Float[Tensor, "n k"]) -> Float[Tensor, ""]:
    """sqrt(k) times the standard deviation of the columns of z / |z|: 0 where all examples have one direction
    (collapse), 1 where directions are uniform.

    Paper: Chen and He 2021, Exploring Simple Siamese Representation Learning, arXiv:2011.10566, section 4.1.
    """
    return normalize(z.float(), dim=1).std(0, correction=0).mean() * z.shape[1] ** 0.5
