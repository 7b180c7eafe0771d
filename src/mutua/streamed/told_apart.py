"""InfoNCE of many anchors among many candidates, block by block: value and gradients in one pass.

Where every anchor weighs the same, the gradient of each score is known as soon as its row is: a block's softmax is
used and dropped, so that neither the matrix nor its softmax is held for the backward pass, and none is made twice.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.autograd.function import once_differentiable

from mutua.types import wide

__all__ = ["Keep", "told_apart"]

Keep = Callable[[slice], Bool[Tensor, "r m"]]
"""Some anchors to which of the candidates are negatives of each. An anchor's own partner never is."""

_SCORES = 1 << 18
"""Of a block: a megabyte, which stays in the cache."""


def told_apart(
    anchor: Float[Tensor, "a d"], partner: Float[Tensor, "a d"], candidates: Float[Tensor, "m d"], keep: Keep
) -> tuple[Float[Tensor, ""], Float[Tensor, ""], Float[Tensor, ""]]:
    """Sums over anchors: (loss, nats, how many find their partner).

        loss_i = log(e^<a_i, p_i> + sum_j e^<a_i, c_j>) - <a_i, p_i>,  j among the negatives of i
        nats_i = log(1 + negatives of i) - loss_i

    The gradient is that of the loss. An anchor without negatives has loss 0 and 0 nats, and counts as wrong.
    Scores are float32 at least. Besides what comes in, memory is a block of scores and the three gradients.
    """
    anchor, partner, candidates = wide(anchor), wide(partner), wide(candidates)
    with torch.autocast(anchor.device.type, enabled=False):
        return _ToldApart.apply(anchor, partner, candidates, keep)


class _ToldApart(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, anchor: Tensor, partner: Tensor, candidates: Tensor, keep: Keep
    ) -> tuple[Tensor, Tensor, Tensor]:
        wanted = any(ctx.needs_input_grad)
        d_anchor, d_partner = (torch.empty_like(x) if wanted else x for x in (anchor, partner))
        d_candidates = torch.zeros_like(candidates) if wanted else candidates
        loss, nats, right = (anchor.new_zeros(()) for _ in range(3))
        size = max(_SCORES // max(len(candidates), 1), 1)
        for start in range(0, len(anchor), size):
            rows = slice(start, start + size)
            a, p = anchor[rows], partner[rows]
            joint = (a * p).sum(-1)  # (r,)
            kept = keep(rows)
            scores = (a @ candidates.T).masked_fill_(~kept, -math.inf)  # (r, m)
            best = scores.amax(-1) if scores.shape[1] else torch.full_like(joint, -math.inf)
            top = torch.maximum(best, joint)
            scores.sub_(top[:, None]).exp_()
            own = (joint - top).exp()
            total = scores.sum(-1) + own
            each = total.log() + top - joint
            loss += each.sum()
            negatives = kept.sum(-1)
            nats += negatives.to(joint.dtype).log1p().sum() - each.sum()
            right += ((joint > best) & (negatives > 0)).sum()
            if wanted:
                scores.div_(total[:, None])
                less = (own / total - 1)[:, None]  # (r, 1)
                d_anchor[rows] = torch.addmm(less * p, scores, candidates)
                d_partner[rows] = less * a
                d_candidates.addmm_(scores.T, a)
        ctx.save_for_backward(d_anchor, d_partner, d_candidates)
        ctx.mark_non_differentiable(nats, right)
        return loss, nats, right

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        d_anchor, d_partner, d_candidates = ctx.saved_tensors
        g = grads[0]
        return g * d_anchor, g * d_partner, g * d_candidates, None
