"""I_alpha: between InfoNCE and NWJ."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor

from mutua.kernels.devices.copies import like
from mutua.types import InputError, Scores

__all__ = ["interpolated"]


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
    log_q = like(log_baseline, joint)
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
