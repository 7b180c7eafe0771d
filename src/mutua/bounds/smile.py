"""SMILE: Donsker-Varadhan's partition function, clipped."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from mutua.types import InputError, Scores

__all__ = ["smile"]


def smile(scores: Scores, tau: float = 5.0) -> Float[Tensor, "*b"]:
    """SMILE: E_p T - log E_q exp(clip(T, -tau, tau)), in nats.

    Reads a critic whose optimum is T = log p(x, y)/p(x)p(y), trained by `jsd`. Not a bound: clipping lowers
    the partition function, so even the true log ratio reads high where the information is large (by 2 nats at
    tau 5 and 10 nats); what it buys is a partition function whose mean over n draws has a variance of at most
    (e^tau - e^-tau)^2/4n (Popoviciu's bound for a variable between e^-tau and e^tau). The gradient of the second
    term is zero wherever a score is clipped, so it is for reading, not for training alone.

    Paper: Song and Ermon 2020, Understanding the Limitations of Variational Mutual Information Estimators,
    arXiv:1910.06222.
    """
    if not tau > 0:
        raise InputError(f"tau: {tau} clips everything; use a positive number, 5 as a start")
    return scores.joint.mean((-2, -1)) - scores.logmeanexp(lambda t: t.clamp(-tau, tau))
