"""Donsker-Varadhan"s bound, the value that MINE reports."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from mutua.types import Scores

__all__ = ["dv"]


def dv(scores: Scores) -> Float[Tensor, "*b"]:
    """Donsker-Varadhan, the value that MINE reports: E_p T - log E_q exp T, in nats.

    E_p is the mean over `joint` (*b, n, p), E_q the mean over all draws from the product; the result is (*b,).
    Tight at T = log p(x, y)/p(x)p(y) + c for any constant c. A lower bound in population only: on samples the
    log of a mean is biased down (Jensen), so the estimate is biased up, the more the fewer the samples.

    Paper: Belghazi et al. 2018, Mutual Information Neural Estimation, arXiv:1801.04062; Donsker and
    Varadhan 1983.
    """
    return scores.joint.mean((-2, -1)) - scores.logmeanexp()
