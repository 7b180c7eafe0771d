"""The Jensen-Shannon objective: telling joint from product by balanced classification. It trains only."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import softplus

from mutua.types import Scores

__all__ = ["jsd"]


def jsd(scores: Scores) -> Float[Tensor, "*b"]:
    """Jensen-Shannon: -E_p softplus(-T) - E_q softplus(T), in nats.

    The balanced logistic classification of joint against product under another name. Its optimum is
    T = log p(x, y)/p(x)p(y), where it is 2 JSD - log 4 <= 0: a divergence, no estimate of mutual information.
    Read the critic with `tuba` (baseline 1), `dv` or `smile`. Low variance, no bias from the batch.

    Paper: Hjelm et al. 2019, Learning deep representations by mutual information estimation and maximization,
    arXiv:1808.06670; Nowozin et al. 2016, arXiv:1606.00709.
    """
    return -softplus(-scores.joint).mean((-2, -1)) - scores.mean(softplus)
