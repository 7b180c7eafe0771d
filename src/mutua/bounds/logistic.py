"""Negative sampling"s objective: one partner against k noise draws, summed. It trains only."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import softplus

from mutua.types import Scores

__all__ = ["logistic"]


def logistic(scores: Scores) -> Float[Tensor, "*b"]:
    """Negative sampling: E_p log s(T) + k E_q log s(-T), s the sigmoid, the k negatives of an anchor summed.

    k = `scores.others`. The optimum is T = log p(x, y)/p(x)q(y) - log k, with q the distribution the noise is
    drawn from: the log ratio, up to that shift. With one negative it equals `jsd`.

    Paper: Mikolov et al. 2013, Distributed Representations of Words and Phrases, arXiv:1310.4546; Levy and
    Goldberg 2014 for the optimum.
    """
    return -softplus(-scores.joint).mean((-2, -1)) - scores.others * scores.mean(softplus)
