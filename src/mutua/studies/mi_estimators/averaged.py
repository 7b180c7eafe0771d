"""Our rows on the staircase: a critic whose weights are averaged over steps, read across a bridge.

The noise of a reading from one batch is of two kinds: that of the batch, and that of a critic shaken by the last
few batches it trained on. Averaging the weights removes most of the second. The bridge removes a part of the
first, and of the critic's error in scale: it reads E_p T - log Z with the Z for which joint and product agree.
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor

from mutua.bounds import infonce_loss, jsd
from mutua.information.estimators.catalogue import Estimator, plugin
from mutua.scores import Dense, Streamed, paired
from mutua.studies.mi_estimators.staircase import Climb
from mutua.types import Scores

__all__ = ["averaged", "both_ways", "bridge"]


def both_ways(scores: Scores) -> Float[Tensor, "*b"]:
    """JSD plus InfoNCE's mean with x and with y as the anchors, no log K: trains T to log r.

    JSD alone fixes the scale of T; InfoNCE adds the ranking of hard pairs, for which it has the gradient that
    JSD loses where T is far below zero. Both have their optimum at log r, so their sum has.
    """
    if not isinstance(scores, Dense | Streamed):
        raise TypeError("both_ways reads the scores of all pairs: use mutua.scores.paired")
    return jsd(scores) + 0.5 * (infonce_loss(scores) + infonce_loss(scores.turned()))


def bridge(scores: Scores, rounds: int = 10) -> Float[Tensor, "*b"]:
    """E_p T - log Z, in nats; Z such that E_p s(m - T + log Z) = e^m E_q s(T - log Z - m), s the sigmoid.

    For T = log r + c both sides are equal at log Z = c, whatever m: e^T p(x)p(y) s(m - T) is the same function
    seen from either side (Bennett's acceptance ratio). Unlike DV's mean of e^T nothing in it is unbounded, and
    it rises and falls with E_p T, so that its difference from it varies less than either. m = log(K - 1)/2,
    between equal shares of the two sides and their counts. Not a bound. One number for the whole batch.

    Paper: Bennett 1976, Efficient estimation of free energy differences from Monte Carlo data; Meng and Wong
    1996, Simulating ratios of normalizing constants via a simple identity.
    """
    m = 0.5 * math.log(scores.others)
    joint = scores.joint
    log_z = torch.zeros_like(joint.mean((-2, -1)))  # (*b,)
    for _ in range(rounds):
        at = log_z[..., None, None]
        left = torch.sigmoid(m - joint + at).mean((-2, -1))
        right = math.exp(m) * scores.mean(lambda t, at=at: torch.sigmoid(t - at - m))  # type: ignore[misc]
        log_z = log_z + (right / left).log()
    return joint.mean((-2, -1)) - log_z


_TRAINED = Estimator(
    name="averaged",
    objective=lambda: both_ways,
    read=bridge,
    side="neither",
    optimum="log r",
    evaluations="N^2",
    formula="trained by JSD + InfoNCE both ways, weights averaged, read E_p T - log Z across a bridge",
    bias="That of the critic, less its error in scale.",
    variance="Less than that of the oracle's log ratio where the information is low.",
    paper="here",
)


def averaged(decay: float) -> Climb:
    """The climb of our rows: weights averaged with that decay, read across a bridge and by the plug-in."""
    return Climb(_TRAINED, {"averaged, bridge": (bridge, paired), "averaged, plug-in": (plugin, paired)}, decay)
