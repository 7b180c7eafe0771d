"""Bounds from a learned conditional q(y|x): CLUB and leave-one-out above, and the critic that both read.

The critic is T(x, y) = log q(y|x), trained by `likelihood` alone. Readings are valid only as far as q is
accurate, and on rows that q was not trained on.
"""

from __future__ import annotations

import math

from jaxtyping import Float
from torch import Tensor

from mutua.critics.mlp import mlp
from mutua.scores import paired
from mutua.types import Critic, Scores

__all__ = ["GaussianConditional", "club", "leave_one_out", "likelihood", "paired_by_y"]


class GaussianConditional(Critic):
    """T(x, y) = log N(y; m(x), diag exp v(x)) in nats, m and v MLPs of x.

    A matrix takes N passes of each network. y's columns are independent given x in this family: where they are
    not, q is wrong, and `club` and `leave_one_out` are no bounds.

    Paper: Cheng et al. 2020, arXiv:2006.12013 (whose public code squeezes v through tanh, so that no variance
    falls below 1/e; here it is free).
    """

    def __init__(self, dx: int, dy: int, width: int = 64, depth: int = 1) -> None:
        super().__init__()
        self.mean = mlp([dx, *[width] * depth, dy])
        self.log_variance = mlp([dx, *[width] * depth, dy])

    def forward(self, x: Float[Tensor, "*#n dx"], y: Float[Tensor, "*#n dy"]) -> Float[Tensor, "*#n"]:
        log_variance = self.log_variance(x)  # (*n, dy)
        squared = (y - self.mean(x)).square() * (-log_variance).exp()
        return -0.5 * (squared + log_variance + math.log(2 * math.pi)).sum(-1)


def likelihood(scores: Scores) -> Float[Tensor, "*b"]:
    """E_p T: with T = log q(y|x), the mean log likelihood, at most -H(Y|X). What trains q."""
    return scores.joint.mean((-2, -1))


def club(scores: Scores) -> Float[Tensor, "*b"]:
    """CLUB, the contrastive log-ratio upper bound: E_p log q(y|x) - E_q log q(y|x), in nats.

    E_q is the mean over pairs of different rows, so it is unbiased on samples. An upper bound where
    q(y|x) = p(y|x), or KL(p(x, y) | q(y|x)p(x)) <= KL(p(x)p(y) | q(y|x)p(x)); with any other q it may fall below
    the truth, and below zero. Loose: with the exact conditional of a Gaussian it is the sum of
    rho^2/(1 - rho^2), against the truth's -log(1 - rho^2)/2. Variance grows with the inverse variance of q.

    Paper: Cheng et al. 2020, CLUB: A Contrastive Log-ratio Upper Bound of Mutual Information, arXiv:2006.12013.
    """
    return scores.joint.mean((-2, -1)) - scores.mean(lambda t: t)


def leave_one_out(scores: Scores) -> Float[Tensor, "*b"]:
    """L1Out: E[log q(y_i|x_i) - log mean over j != i of q(y_i|x_j)], in nats.

    The anchors are y: read scores of `paired_by_y`. The marginal of y is the mixture of the other rows'
    conditionals. An upper bound where q(y|x) = p(y|x) (Jensen), tighter with the batch: to I as K grows. With any
    other q it may fall on either side. Far outliers make the mixture nearly zero, hence the reading huge.

    Paper: Poole et al. 2019, On Variational Bounds of Mutual Information, arXiv:1905.06922, section 2.1.
    """
    return scores.joint.mean((-2, -1)) - scores.row_logmeanexp().mean(-1)


def paired_by_y(critic: Critic, x: Float[Tensor, "*b n dx"], y: Float[Tensor, "*b n dy"]) -> Scores:
    """`paired` with y as the anchors: row i holds T(x_j, y_i). N^2 critic evaluations."""
    return paired(critic, x, y).turned()
