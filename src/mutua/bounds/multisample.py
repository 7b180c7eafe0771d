"""Bounds that normalise each anchor by its own draws: InfoNCE, and its interpolation with NWJ."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor

from mutua.kernels.copies import alike
from mutua.types import InputError, Scores

__all__ = ["infonce", "infonce_loss", "interpolated"]


def _log_softmax(scores: Scores) -> Float[Tensor, "*b n p"]:
    """log e^T(a, b) / (e^T(a, b) + sum over the anchor's draws of e^T): each partner in a softmax of its own."""
    rest = scores.row_logmeanexp()[..., None] + math.log(scores.others)  # (*b, n, 1)
    return scores.joint - torch.logaddexp(scores.joint, rest)


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


def interpolated(
    scores: Scores, alpha: float = 0.5, log_baseline: Float[Tensor, "*b n"] | float = 1.0
) -> Float[Tensor, "*b"]:
    """I_alpha: `tuba` with the baseline a = alpha m + (1 - alpha) q, in nats.

    m is the anchor's mean of e^T, over its K samples with the partner kept in the joint term, and over the
    K - 1 draws in the product term; q = exp(`log_baseline`), (*b, n) or one number (e by default, NWJ's).
    alpha = 1 is `infonce`, alpha = 0 is `tuba`. Between them it trades InfoNCE's bias for NWJ's variance;
    its ceiling is about log(K / alpha). The optimum is T = log q + log p(x, y)/p(x)p(y) as K grows; alpha = 1
    alone leaves each row's constant free. A lower bound up to O(1/K): the product term has K - 1 fresh draws
    where the formula asks for K, so at K of 2 or 3 and alpha near 1/2 a critic can read above the truth.

    Paper: Poole et al. 2019, arXiv:1905.06922, section 2.4.
    """
    if not 0 <= alpha <= 1:
        raise InputError(f"alpha: {alpha} is not in [0, 1]")
    joint = scores.joint  # (*b, n, p)
    log_q = alike(log_baseline, joint)
    rest = scores.row_logmeanexp()  # (*b, n)
    log_q = log_q.expand_as(rest)  # (*b, n)
    k = scores.others + 1
    kept = torch.logaddexp(joint, rest[..., None] + math.log(k - 1)) - math.log(k)  # (*b, n, p)
    joint_term = (joint - _mix(kept, log_q[..., None], alpha)).mean((-2, -1))
    product_term = (rest - _mix(rest, log_q, alpha)).exp().mean(-1)
    return 1 + joint_term - product_term


def _mix(log_m: Tensor, log_q: Tensor, alpha: float) -> Tensor:
    """log(alpha m + (1 - alpha) q). The ends apart: log 0 has no gradient."""
    if alpha == 1:
        return log_m
    if alpha == 0:
        return log_q.expand_as(log_m)
    return torch.logaddexp(log_m + math.log(alpha), log_q + math.log1p(-alpha))
