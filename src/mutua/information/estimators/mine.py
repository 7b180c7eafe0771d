"""MINE's objective: Donsker-Varadhan's value with the gradient whose bias a running average corrects."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn

from mutua.bounds import dv
from mutua.types import InputError, Scores

__all__ = ["Mine"]


class Mine(nn.Module):
    """Value: `dv`. Gradient: E_p dT - E_q[e^T dT] / a, with a <- (1 - rate) a + rate E_q e^T (a starts there).

    The gradient of log E_q e^T on a batch divides by the batch's own mean, which is biased; a is the average
    over many batches, this one included. Its log is what is kept, so it doesn't overflow, and since the batch
    itself weighs `rate` in it, the ratio E_q e^T / a never exceeds 1/rate.

    Args:
        rate: the weight of a new batch in the average, in (0, 1]; 1 is the gradient of `dv` itself.

    Paper: Belghazi et al. 2018, Mutual Information Neural Estimation, arXiv:1801.04062, section 3.2.
    """

    log_average: Tensor | None

    def __init__(self, rate: float = 0.01) -> None:
        super().__init__()
        if not 0 < rate <= 1:
            raise InputError(f"rate: {rate} is not in (0, 1]; 0.01 averages about a hundred batches")
        self.rate = rate
        self.register_buffer("log_average", None)

    def forward(self, scores: Scores) -> Float[Tensor, "*b"]:
        now = scores.logmeanexp()  # (*b,)
        if self.log_average is None:
            self.log_average = now.detach()
        elif self.rate < 1:
            kept, new = self.log_average + math.log1p(-self.rate), now.detach() + math.log(self.rate)
            self.log_average = torch.logaddexp(kept, new)
        else:
            self.log_average = now.detach()
        surrogate = scores.joint.mean((-2, -1)) - (now - self.log_average).exp()  # (*b,), has the gradient
        return dv(scores).detach() + surrogate - surrogate.detach()

    def extra_repr(self) -> str:
        return f"rate={self.rate}"
