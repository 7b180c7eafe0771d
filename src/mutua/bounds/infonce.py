"""InfoNCE: each anchor finds its partner among K."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor

from mutua.types import Scores

__all__ = ["infonce", "infonce_loss"]


def infonce(scores: Scores) -> Float[Tensor, "*b"]:
    """InfoNCE: log K + E_p log [e^T(x, y) / sum_{j=1..K} e^T(x, y_j)], in nats, the partner among the K.

    K - 1 = `scores.others` draws from the product stand beside the partner. A lower bound, unbiased on
    samples, of low variance, and never above log K: where I exceeds log K it is biased down by at least
    I - log K. Its optimum is T = log p(y|x) + c(x): what is constant in each row is not determined.

    Paper: van den Oord et al. 2018, Representation Learning with Contrastive Predictive Coding,
    arXiv:1807.03748; Poole et al. 2019, arXiv:1905.06922, section 2.3.
    """
    return infonce_loss(scores) + math.log(scores.others + 1)


def infonce_loss(scores: Scores) -> Float[Tensor, "*b"]:
    """InfoNCE without the log K term: minus the cross-entropy of finding the partner among K. At most 0.

    The same gradient as `infonce`; what papers print as the loss is its negative.

    Paper: van den Oord et al. 2018, arXiv:1807.03748.
    """
    return _log_softmax(scores).mean((-2, -1))


def _log_softmax(scores: Scores) -> Float[Tensor, "*b n p"]:
    """log e^T(a, b) / (e^T(a, b) + sum over the anchor's draws of e^T): each partner in a softmax of its own."""
    rest = scores.row_logmeanexp()[..., None] + math.log(scores.others)  # (*b, n, 1)
    return scores.joint - torch.logaddexp(scores.joint, rest)
