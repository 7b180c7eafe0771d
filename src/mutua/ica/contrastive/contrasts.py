"""Training objectives of `GCL` and `PCL`, and their held-out value in nats."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from mutua.bounds import infonce, jsd, logistic
from mutua.estimators.validation import Constraint
from mutua.ica.contrastive.pairs import Pairs
from mutua.types import Bound, Contrast, InputError, names

__all__ = ["CONTRAST", "CONTRASTS", "contrast_of", "given_nats"]

CONTRASTS: dict[str, Contrast | Bound] = {"infonce": infonce, "logistic": logistic, "jsd": jsd}
"""What is raised, each under its name in `mutua.bounds`; any other is to be had for `mutua.objectives.Given`."""

# Rows that are contrasted with each other when the contrast is read: nats are at most their logarithm.
_READ = 1024


def _known(choice: Any) -> bool:
    several = _several(choice)
    if "nce" in several:
        raise InputError("contrast: 'nce' is called 'logistic' now, as in mutua.bounds; what was so is 'jsd'")
    return len(several) > 0 and all(isinstance(one, str) and one in CONTRASTS for one in several)


def _several(choice: str | Sequence[str]) -> list[str]:
    return [choice] if isinstance(choice, str) else list(choice)


CONTRAST = Constraint(
    lambda choice: isinstance(choice, Sequence) and _known(choice),
    f"one of {names(CONTRASTS)}, or several of them",
)


def contrast_of(choice: str | Sequence[str], start: int) -> Contrast | Bound:
    """What a start raises: the contrast of that name, or of several names each in turn."""
    if choice == "logistic":
        warnings.warn(
            "contrast: 'logistic' is bounds.logistic, own pair against each other, summed; what had this name in "
            "release 0.1, the two weighing the same, is 'jsd'",
            FutureWarning,
            stacklevel=2,
        )
    several = _several(choice)
    return CONTRASTS[several[start % len(several)]]


@torch.no_grad()
def given_nats(method: Any, pairs: Pairs) -> Float[Tensor, " n"]:
    """log of e^T(x_i, u_i) over the mean of e^T(x_i, u_j) for about 1,024 rows j, drawn always alike."""
    n = len(pairs)
    order = torch.randperm(n, generator=torch.Generator().manual_seed(0))
    nats = torch.empty(n, dtype=torch.float64)
    # Pieces of one size, or the last would have a lower ceiling.
    for rows in order.tensor_split(max(1, round(n / _READ))):
        at = rows.to(pairs.x.device)
        scores = method.critic.matrix(method.encoder(pairs.x[at]), method.other(pairs.u[at])).double()  # (m, m)
        # Differences first: of scores so large that they swallow log m, ties would read as certainty.
        told = np.log(len(rows)) - (scores - scores.diagonal()[:, None]).logsumexp(1)
        nats[rows] = told.cpu()
    return nats
