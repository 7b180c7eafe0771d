"""Arrangements: which of a critic's scores are of the joint, and which of the product.

Each function takes a critic and what it scores, and returns `Scores`: `Streamed` for a critic that factorises,
where that is faster or the matrix is large, else `Dense`. The numbers are the same, but for rounding.

The anchors of `paired`, `multiview` and `local` may be some of the examples that they are scored against, those
from number `first` on: a rank's own among those of all ranks. Their partners count from there.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float
from torch import Generator, Tensor

from mutua.kernels.contrast.cpu import Run, holes, remaining
from mutua.streamed import Streamed, factorised, few, room, streams
from mutua.types import Critic, Elementwise, InputError, inner_products, wide

__all__ = ["Dense", "Streamed", "dense", "drawn", "local", "multiview", "paired", "shuffled"]


class Dense:
    """Scores held in memory.

    Args:
        joint: (*b, n, p), the scores of each anchor with its p partners.
        product: (*b, n, m), scores of each anchor with m candidates.
        keep: (n, m), True where the candidate counts as a draw from the product; all of them by default.
            Every row keeps the same number, so that a mean of row means is the mean over all.
        others: that number, where it is known: counting `keep` waits for an accelerator.
    """

    def __init__(
        self,
        joint: Float[Tensor, "*b n p"],
        product: Float[Tensor, "*b n m"],
        keep: Bool[Tensor, "n m"] | None = None,
        others: int | None = None,
    ) -> None:
        self.joint = joint
        self.product = product
        self.keep = keep
        if others is None:
            others = product.shape[-1] if keep is None else int(keep[0].sum()) if len(keep) else 0
        self.others = others
        if self.others < 1:
            raise few(joint.shape[-2])

    def turned(self) -> Dense:
        """The same pairs with the candidates as anchors: T_ji. Where there is one partner each, as in `paired`."""
        if self.joint.shape[-1] != 1 or self.product.shape[-2] != self.product.shape[-1]:
            raise InputError("scores: only those of all pairs can be turned; use mutua.scores.paired")
        return Dense(self.joint, self.product.mT, None if self.keep is None else self.keep.mT, self.others)

    def _kept(self, values: Tensor, fill: float) -> Tensor:
        return values if self.keep is None else values.masked_fill(~self.keep, fill)

    def mean(self, g: Elementwise) -> Float[Tensor, "*b"]:
        # Masked after g, so that g never sees an infinity.
        values = self._kept(g(self.product), 0.0)  # (*b, n, m)
        return values.sum((-2, -1)) / (values.shape[-2] * self.others)

    def logmeanexp(self, g: Elementwise | None = None) -> Float[Tensor, "*b"]:
        values = self._kept(self.product if g is None else g(self.product), -math.inf)  # (*b, n, m)
        return torch.logsumexp(values.flatten(-2), -1) - math.log(values.shape[-2] * self.others)

    def row_logmeanexp(self) -> Float[Tensor, "*b n"]:
        return torch.logsumexp(self._kept(self.product, -math.inf), -1) - math.log(self.others)


def dense(scores: Dense | Streamed) -> Dense:
    """The same scores in memory, for what reads single ones."""
    if isinstance(scores, Dense):
        return scores
    matrix = scores.left @ scores.right.mT
    return _without(scores.joint, matrix, scores.apart)


def _without(joint: Float[Tensor, "*b n p"], matrix: Float[Tensor, "*b n m"], apart: Sequence[Run]) -> Dense:
    """All scores of the matrix but those of the runs count as draws from the product."""
    n, m = matrix.shape[-2:]
    gaps = holes(apart, range(n), range(m), matrix.device)
    return Dense(joint, matrix, None if gaps is None else ~gaps, remaining(apart, n, m))


def paired(
    critic: Critic, x: Float[Tensor, "*b n dx"], y: Float[Tensor, "*b m dy"], first: int = 0
) -> Dense | Streamed:
    """(x_i, y_i) are joint; (x_i, y_j), j != i, are from the product. N^2 critic evaluations.

    Args:
        critic: of x and y.
        x: the anchors.
        y: as many, or more.
        first: x_i's partner is y_(first + i).
    """
    n, m = x.shape[-2], y.shape[-2]
    _partners(n, m, first)
    apart = (Run(0, first, n),)
    if inner := factorised(critic, x.shape[:-1].numel() * m):
        left, right = inner.left(x), inner.right(y)  # (*b, n, k), (*b, m, k)
        if streams(left, right):
            joint = (wide(left) * wide(right[..., first : first + n, :])).sum(-1, keepdim=True)  # (*b, n, 1)
            return Streamed(left, right, joint, apart)
        matrix = inner_products(left, right)  # (*b, n, m)
    else:
        room(critic, x, y)
        matrix = critic.matrix(x, y)
    joint = matrix.diagonal(first, -2, -1)[..., None]  # (*b, n, 1)
    return _without(joint, matrix, apart)


def drawn(
    critic: Critic,
    x: Float[Tensor, "*b n dx"],
    y: Float[Tensor, "*b n dy"],
    noise: Float[Tensor, "*b n k dy"],
) -> Dense:
    """(x_i, y_i) are joint; (x_i, noise_ik) are the k draws given for anchor i. N (1 + k) evaluations."""
    joint = critic(x, y)[..., None]  # (*b, n, 1)
    return Dense(joint, critic(x.unsqueeze(-2).expand(*noise.shape[:-1], x.shape[-1]), noise))


def shuffled(critic: Critic, x: Float[Tensor, "n dx"], y: Float[Tensor, "n dy"], generator: Generator) -> Dense:
    """(x_i, y_i) are joint; (x_i, y_s(i)) is the one draw from the product. 2N critic evaluations.

    s is a random cycle, hence a derangement: a plain permutation leaves one true pair a batch on average,
    which caps an estimate near log N.
    """
    if len(y) < 2:
        raise InputError(f"scores: a batch of {len(y)} has no other example to pair with; use at least two")
    order = torch.randperm(len(y), generator=generator, device=generator.device).to(y.device)  # (n,)
    partner = torch.empty_like(order)
    partner[order] = order.roll(1)
    return drawn(critic, x, y, y[partner][:, None])


def multiview(
    critic: Critic,
    views: Float[Tensor, "v n d"],
    among: Float[Tensor, "v m d"] | None = None,
    first: int = 0,
) -> Dense | Streamed:
    """v views of n examples, each an anchor: its v - 1 partners are joint, views of other examples are not.

    Rows run view by view: row k n + i is view k of example i.

    Args:
        critic: of two views.
        views: of the anchors.
        among: the views of all examples, the anchors' own from number `first` on; by default `views`.
        first: where among those the anchors are.
    """
    v, n, _ = views.shape
    if v < 2:
        raise InputError(f"scores: {v} view of each example leaves no pair; draw at least two")
    everyone = views if among is None else among  # (v, m, d)
    m = everyone.shape[1]
    _partners(n, m, first)
    apart = tuple(Run(k * n, other * m + first, n) for k in range(v) for other in range(v))
    x, y = views.flatten(0, 1), everyone.flatten(0, 1)  # (v n, d), (v m, d)
    other = torch.arange(v - 1, device=x.device)
    other = other + (other >= torch.arange(v, device=x.device).repeat_interleave(n)[:, None])  # (v n, v - 1)
    if inner := factorised(critic, v * n * v * m):
        z = inner.both(x) if among is None else None
        left, right = (inner.left(x), inner.right(y)) if z is None else (z, z)  # (v n, k), (v m, k)
        if streams(left, right):
            own = wide(right).unflatten(0, (v, m))[:, first : first + n]  # (v, n, k)
            each = torch.einsum("ank,bnk->anb", wide(left).unflatten(0, (v, n)), own)  # (v, n, v)
            return Streamed(left, right, each.flatten(0, 1).gather(1, other), apart)
        matrix = inner_products(left, right)  # (v n, v m)
    else:
        room(critic, x, y)
        matrix = critic.matrix(x, y)
    example = first + torch.arange(n, device=x.device).repeat(v)[:, None]  # (v n, 1)
    joint = matrix.gather(1, other * m + example)  # (v n, v - 1)
    return _without(joint, matrix, apart)


def local(
    critic: Critic, x: Float[Tensor, "n dx"], y: Float[Tensor, "m l dy"], first: int = 0
) -> Dense | Streamed:
    """x_i with each of its own l locations y_il is joint; with all locations of other examples, product.

    `first` as in `paired`. The arrangement of Deep InfoMax's local objective (Hjelm et al. 2019,
    arXiv:1808.06670).
    """
    n, (m, places, _) = len(x), y.shape
    _partners(n, m, first)
    apart = tuple(Run(0, first * places + place, n, places) for place in range(places))
    flat = y.flatten(0, 1)  # (m l, dy)
    if inner := factorised(critic, n * m * places):
        left, right = inner.left(x), inner.right(flat)  # (n, k), (m l, k)
        if streams(left, right):
            own = wide(right).unflatten(0, (m, places))[first : first + n]  # (n, l, k)
            return Streamed(left, right, torch.einsum("nk,nlk->nl", wide(left), own), apart)
        matrix = inner_products(left, right)  # (n, m l)
    else:
        room(critic, x, flat)
        matrix = critic.matrix(x, flat)
    columns = torch.arange(first * places, (first + n) * places, device=x.device).view(n, places)
    return _without(matrix.gather(1, columns), matrix, apart)


def _partners(n: int, m: int, first: int) -> None:
    if not 0 <= first <= m - n:
        raise InputError(f"scores: anchors {first} to {first + n - 1} of {m} examples; each needs its partner")
