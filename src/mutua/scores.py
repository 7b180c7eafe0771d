"""Arrangements: which of a critic's scores are of the joint, and which of the product.

Each function takes a critic and what it scores, and returns `Scores`. Held as plain dense tensors; because
bounds read only reductions, a streamed implementation can take the place of `Dense` without touching a bound.
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Bool, Float
from torch import Generator, Tensor

from mutua.types import Critic, Elementwise, InputError

__all__ = ["Dense", "drawn", "local", "multiview", "paired", "shuffled"]


class Dense:
    """Scores held in memory.

    Args:
        joint: (*b, n, p), the scores of each anchor with its p partners.
        product: (*b, n, m), scores of each anchor with m candidates.
        keep: (n, m), True where the candidate counts as a draw from the product; all of them by default.
            Every row keeps the same number, so that a mean of row means is the mean over all.
    """

    def __init__(
        self,
        joint: Float[Tensor, "*b n p"],
        product: Float[Tensor, "*b n m"],
        keep: Bool[Tensor, "n m"] | None = None,
    ) -> None:
        self.joint = joint
        self.product = product
        self.keep = keep
        self.others = product.shape[-1] if keep is None else int(keep[0].sum()) if len(keep) else 0
        if self.others < 1:
            raise InputError(
                f"scores: {joint.shape[-2]} examples leave no draw from the product to contrast with; "
                "use a batch of at least two"
            )

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


def _different(n: int, device: torch.device) -> Bool[Tensor, "n n"]:
    return ~torch.eye(n, dtype=torch.bool, device=device)


def paired(critic: Critic, x: Float[Tensor, "*b n dx"], y: Float[Tensor, "*b n dy"]) -> Dense:
    """(x_i, y_i) are joint; (x_i, y_j), j != i, are from the product. N^2 critic evaluations."""
    matrix = critic.matrix(x, y)  # (*b, n, n)
    return Dense(matrix.diagonal(dim1=-2, dim2=-1)[..., None], matrix, _different(x.shape[-2], x.device))


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


def multiview(critic: Critic, views: Float[Tensor, "v n d"]) -> Dense:
    """v views of n examples, each an anchor: its v - 1 partners are joint, views of other examples are not.

    Rows run view by view: row k n + i is view k of example i.
    """
    v, n, _ = views.shape
    if v < 2:
        raise InputError(f"scores: {v} view of each example leaves no pair; draw at least two")
    flat = views.flatten(0, 1)  # (v n, d)
    matrix = critic.matrix(flat, flat)  # (v n, v n)
    example = torch.arange(n, device=views.device).repeat(v)  # (v n,)
    same = example[:, None] == example  # (v n, v n)
    partner = same & _different(v * n, views.device)
    return Dense(matrix[partner].view(v * n, v - 1), matrix, ~same)


def local(critic: Critic, x: Float[Tensor, "n dx"], y: Float[Tensor, "n l dy"]) -> Dense:
    """x_i with each of its own l locations y_il is joint; with all locations of other examples, product.

    The arrangement of Deep InfoMax's local objective (Hjelm et al. 2019, arXiv:1808.06670).
    """
    n, locations, _ = y.shape
    matrix = critic.matrix(x, y.flatten(0, 1))  # (n, n l)
    own = ~_different(n, x.device).repeat_interleave(locations, 1)  # (n, n l)
    return Dense(matrix[own].view(n, locations), matrix, ~own)
