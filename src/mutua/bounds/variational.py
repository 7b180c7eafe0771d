"""Bounds with one critic and a free normaliser: Donsker-Varadhan, TUBA, Nguyen-Wainwright-Jordan."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from mutua.kernels.copies import alike
from mutua.types import Scores

__all__ = ["dv", "nwj", "tuba"]


def dv(scores: Scores) -> Float[Tensor, "*b"]:
    """Donsker-Varadhan, the value that MINE reports: E_p T - log E_q exp T, in nats.

    E_p is the mean over `joint` (*b, n, p), E_q the mean over all draws from the product; the result is (*b,).
    Tight at T = log p(x, y)/p(x)p(y) + c for any constant c. A lower bound in population only: on samples the
    log of a mean is biased down (Jensen), so the estimate is biased up, the more the fewer the samples.

    Paper: Belghazi et al. 2018, Mutual Information Neural Estimation, arXiv:1801.04062; Donsker and
    Varadhan 1983.
    """
    return scores.joint.mean((-2, -1)) - scores.logmeanexp()


def tuba(scores: Scores, log_baseline: Float[Tensor, "*b n"] | float = 0.0) -> Float[Tensor, "*b"]:
    """The tractable unnormalised bound: 1 + E_p log(e^T / a) - E_q[e^T / a], in nats.

    `log_baseline` is log a of each anchor, (*b, n), or one number; any a > 0 gives a lower bound, unbiased on
    samples. With a = 1 the bound is tight at T = log p(x, y)/p(x)p(y), which is what reads a critic trained
    by `jsd` or `logistic`. Its variance grows with exp of the information.

    Paper: Poole et al. 2019, On Variational Bounds of Mutual Information, arXiv:1905.06922, section 2.2.
    """
    joint = scores.joint  # (*b, n, p)
    log_a = alike(log_baseline, joint)
    product = (scores.row_logmeanexp() - log_a).exp().mean(-1)  # (*b,)
    return 1 + joint.mean((-2, -1)) - log_a.mean(-1 if log_a.ndim else None) - product


def nwj(scores: Scores) -> Float[Tensor, "*b"]:
    """Nguyen-Wainwright-Jordan, MINE-f, f-GAN's KL: E_p T - e^-1 E_q exp T, in nats.

    `tuba` with the constant baseline a = e, so tight at T = 1 + log p(x, y)/p(x)p(y). A lower bound, unbiased
    on samples; at the optimum its variance is at least (exp I - 1)/n, for Gaussians far more.

    Paper: Nguyen, Wainwright and Jordan 2010, arXiv:0809.0853; Belghazi et al. 2018, arXiv:1801.04062.
    """
    return tuba(scores, 1.0)
