"""What `GCL` and `PCL` raise, and how it is read on rows held out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from mutua.bounds import infonce, jsd, logistic
from mutua.ica.contrastive.pairs import Pairs
from mutua.types import Bound, Contrast, InputError, names

__all__ = ["CONTRASTS", "contrast_of", "given_nats"]

CONTRASTS: dict[str, Contrast | Bound] = {"infonce": infonce, "nce": logistic, "logistic": jsd}
"""What is raised: see `mutua.bounds`, where any other is to be had for `mutua.objectives.Given`."""

# Rows that are contrasted with each other when the contrast is read: nats are at most their logarithm.
_READ = 1024


def contrast_of(choice: Any, restart: int) -> Contrast | Bound:
    """What a restart raises: the contrast of that name, or of several names each in turn.

    Raises `InputError` where one is none of `CONTRASTS`.
    """
    several = [choice] if isinstance(choice, str) or not isinstance(choice, Sequence) else list(choice)
    for name in several or [choice]:
        if not isinstance(name, str) or name not in CONTRASTS:
            raise InputError(f"contrast: no {name!r}; use {names(CONTRASTS)}, or several of them")
    return CONTRASTS[several[restart % len(several)]]


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
