"""NT-Xent, SimCLR"s objective. It trains only."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor

from mutua.types import Scores

__all__ = ["nt_xent"]


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
