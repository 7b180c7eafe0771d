"""What reads scores: estimates of mutual information in nats, and objectives that only train.

Every member is a function of `Scores` that training raises. `side` says on which side of the truth an
estimate stands in expectation; `optimum` what the critic becomes (r = p(x, y)/p(x)p(y)).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from mutua.bounds.dv import dv
from mutua.bounds.infonce import infonce, infonce_loss
from mutua.bounds.interpolated import interpolated
from mutua.bounds.jsd import jsd
from mutua.bounds.logistic import logistic
from mutua.bounds.nt_xent import nt_xent
from mutua.bounds.nwj import nwj
from mutua.bounds.smile import smile
from mutua.bounds.tuba import tuba
from mutua.types import Bound, Contrast

__all__ = [
    "BOUNDS",
    "CONTRASTS",
    "Reading",
    "Training",
    "dv",
    "infonce",
    "infonce_loss",
    "interpolated",
    "jsd",
    "logistic",
    "nt_xent",
    "nwj",
    "smile",
    "tuba",
]


@dataclass(frozen=True)
class Reading:
    """An estimate of mutual information from scores, in nats."""

    bound: Bound
    side: Literal["lower", "upper", "neither"]
    optimum: str


@dataclass(frozen=True)
class Training:
    """An objective that trains a critic and estimates nothing."""

    contrast: Contrast
    optimum: str


BOUNDS: dict[str, Reading] = {
    "dv": Reading(dv, "lower", "log r + c"),
    "tuba": Reading(tuba, "lower", "log r"),
    "nwj": Reading(nwj, "lower", "1 + log r"),
    "infonce": Reading(infonce, "lower", "log r + c(x)"),
    "interpolated": Reading(interpolated, "lower", "1 + log r as K grows"),
    "smile": Reading(smile, "neither", "log r"),
}

CONTRASTS: dict[str, Training] = {
    "jsd": Training(jsd, "log r"),
    "logistic": Training(logistic, "log r - log k"),
    "infonce_loss": Training(infonce_loss, "log r + c(x)"),
    "nt_xent": Training(nt_xent, "log r + c(x)"),
}
