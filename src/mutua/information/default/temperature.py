"""Whether a critic's scale holds on rows that training did not see, and what to read where it does not.

What a critic learned of groups of rows (speakers, classes, the clusters of embeddings) can be right in order and
far too large: E_p T is then anything, and a row's mean of exp T rests on so few pairs of its own group that the
scaling of `sinkhorn` is faded out. InfoNCE among the same rows does see it, since it can be raised by dividing T.
Where a factor s below 1, chosen on rows that only stopped the training, raises it by more than `WORTH`, s T is
read by InfoNCE itself, which no scale can make too large:

    log K + E_p [s T(x, y) - (logmean over rows + logmean over columns) / 2 of exp s T]  <=  I(X; Y).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from mutua.information.default.sinkhorn import Read

__all__ = ["contrast", "factors", "tempered"]

GRID = (1.0, 0.7, 0.5, 0.35, 0.25, 0.18, 0.12)
WORTH = 0.1


def contrast(matrix: Float[Tensor, "n n"]) -> Float[Tensor, " n"]:
    """InfoNCE of the scores T(x_i, y_j), term by term of the n joint pairs: mean of both ways, log n at most."""
    n, scores = len(matrix), matrix.double()
    return math.log(n) + scores.diagonal() - 0.5 * (scores.logsumexp(0) + scores.logsumexp(1))


@torch.no_grad()
def factors(stopped: Sequence[Float[Tensor, "n n"]]) -> list[float]:
    """Of each fold the factor of T that InfoNCE likes best on its scores of rows that stopped the training; 1 of
    all where that raises it by too little on average."""
    read = torch.tensor([[float(contrast(s * matrix).mean()) for s in GRID] for matrix in stopped])  # (f, s)
    best = read.argmax(1)
    gain = read.gather(1, best[:, None])[:, 0] - read[:, 0]
    return [GRID[k] for k in best.tolist()] if float(gain.mean()) > WORTH else [1.0] * len(stopped)


@torch.no_grad()
def tempered(matrix: Float[Tensor, "n n"], factor: float) -> Read:
    """Scores of joint pairs and their product, read by InfoNCE after they are multiplied by the factor."""
    return Read(contrast(factor * matrix), 1.0, math.inf)
