"""Nguyen-Wainwright-Jordan, MINE-f, f-GAN"s KL."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from mutua.bounds.tuba import tuba
from mutua.types import Scores

__all__ = ["nwj"]


def nwj(scores: Scores) -> Float[Tensor, "*b"]:
    """Nguyen-Wainwright-Jordan, MINE-f, f-GAN's KL: E_p T - e^-1 E_q exp T, in nats.

    `tuba` with the constant baseline a = e, so tight at T = 1 + log p(x, y)/p(x)p(y). A lower bound, unbiased
    on samples; at the optimum its variance is at least (exp I - 1)/n, for Gaussians far more.

    Paper: Nguyen, Wainwright and Jordan 2010, arXiv:0809.0853; Belghazi et al. 2018, arXiv:1801.04062.
    """
    return tuba(scores, 1.0)
