"""The tractable unnormalised bound: a critic and a baseline of each anchor."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from mutua.kernels.devices.copies import like
from mutua.types import Scores

__all__ = ["tuba"]


def tuba(scores: Scores, log_baseline: Float[Tensor, "*b n"] | float = 0.0) -> Float[Tensor, "*b"]:
    """The tractable unnormalised bound: 1 + E_p log(e^T / a) - E_q[e^T / a], in nats.

    `log_baseline` is log a of each anchor, (*b, n), or one number; any a > 0 gives a lower bound, unbiased on
    samples. With a = 1 the bound is tight at T = log p(x, y)/p(x)p(y), which is what reads a critic trained
    by `jsd` or `logistic`. Its variance grows with exp of the information.

    Paper: Poole et al. 2019, On Variational Bounds of Mutual Information, arXiv:1905.06922, section 2.2.
    """
    joint = scores.joint  # (*b, n, p)
    log_a = like(log_baseline, joint)
    product = (scores.row_logmeanexp() - log_a).exp().mean(-1)  # (*b,)
    return 1 + joint.mean((-2, -1)) - log_a.mean(-1 if log_a.ndim else None) - product
