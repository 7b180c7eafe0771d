"""Training objectives: telling joint from product by classification. Values, not estimates, of information."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import softplus

from mutua.types import Scores

__all__ = ["jsd", "logistic", "nt_xent"]


def jsd(scores: Scores) -> Float[Tensor, "*b"]:
    """Jensen-Shannon: -E_p softplus(-T) - E_q softplus(T), in nats.

    The balanced logistic classification of joint against product under another name. Its optimum is
    T = log p(x, y)/p(x)p(y), where it is 2 JSD - log 4 <= 0: a divergence, no estimate of mutual information.
    Read the critic with `tuba` (baseline 1), `dv` or `smile`. Low variance, no bias from the batch.

    Paper: Hjelm et al. 2019, Learning deep representations by mutual information estimation and maximization,
    arXiv:1808.06670; Nowozin et al. 2016, arXiv:1606.00709.
    """
    return -softplus(-scores.joint).mean((-2, -1)) - scores.mean(softplus)


def logistic(scores: Scores) -> Float[Tensor, "*b"]:
    """Negative sampling: E_p log s(T) + k E_q log s(-T), s the sigmoid, the k negatives of an anchor summed.

    k = `scores.others`. The optimum is T = log p(x, y)/p(x)q(y) - log k, with q the distribution the noise is
    drawn from: the log ratio, up to that shift. With one negative it equals `jsd`.

    Paper: Mikolov et al. 2013, Distributed Representations of Words and Phrases, arXiv:1310.4546; Levy and
    Goldberg 2014 for the optimum.
    """
    return -softplus(-scores.joint).mean((-2, -1)) - scores.others * scores.mean(softplus)


def nt_xent(scores: Scores) -> Float[Tensor, "*b"]:
    """NT-Xent, negated: the mean over pairs (i, j) of log e^T_ij / sum_{k != i} e^T_ik.

    The sum runs over everything but the anchor itself: all its partners and all other examples' views. With
    two views this is SimCLR's loss to the letter; with more, the mean over partners of the log. The critic
    (`Cosine`) divides by the temperature. At most 0.

    Paper: Chen et al. 2020, A Simple Framework for Contrastive Learning of Visual Representations,
    arXiv:2002.05709, equation 1.
    """
    joint = scores.joint  # (*b, n, p)
    rest = scores.row_logmeanexp() + math.log(scores.others)  # (*b, n)
    everything = torch.logaddexp(joint.logsumexp(-1), rest)  # (*b, n)
    return (joint - everything[..., None]).mean((-2, -1))
