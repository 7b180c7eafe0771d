"""A target: networks' slow copies, for the networks to agree with."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from mutua.objectives.siamese import Siamese, Views
from mutua.types import Batch, InputError

__all__ = ["Followed", "Target"]


class Target(nn.Module):
    """Copies of an encoder and its head that follow them and take no gradient: w' <- m w' + (1 - m) w.

    To be moved in `Method.stepped`, once a step of the optimizer. They are frozen parameters, so that a checkpoint
    holds them. In training their batch norms read the batch of all ranks, as those of the networks do: MoCo's
    authors, whose devices normalise each its own few examples, shuffle those so that they tell a query nothing of
    its key; SimCLR's (section 2.2) normalise over all devices instead, and so is it here.

    Args:
        encoder, head: what is copied as it is.

    Paper: Tarvainen and Valpola 2017, Mean teachers are better role models, arXiv:1703.01780.
    """

    def __init__(self, encoder: nn.Module, head: nn.Module) -> None:
        super().__init__()
        self.encoder, self.head = copy.deepcopy(encoder), copy.deepcopy(head)
        self.requires_grad_(False)

    @torch.no_grad()
    def follow(self, encoder: nn.Module, head: nn.Module, momentum: float) -> None:
        """Move towards the networks; `momentum` is m."""
        for slow, fast in ((self.encoder, encoder), (self.head, head)):
            for weight, theirs in zip(slow.parameters(), fast.parameters(), strict=True):
                weight.lerp_(theirs, 1 - momentum)


class Followed(Siamese):
    """Some views pass through the network, some through a target that follows it; `judge` compares the two.

    Args:
        encoder, head, view: see `Siamese`; there are two views.
        momentum: the share m of itself that the target keeps at a step, 0 to 1.
    """

    asked: ClassVar[slice] = slice(None)
    """The views that the network is given."""
    given: ClassVar[slice] = slice(None)
    """The views that the target is given."""

    def __init__(self, encoder: nn.Module, head: nn.Module, view: Views, momentum: float) -> None:
        super().__init__(encoder, head, view)
        if not 0 <= momentum <= 1:
            raise InputError(f"momentum of the target or keys: {momentum} is no share; give a number from 0 to 1")
        self.momentum = momentum
        self.target = Target(encoder, head)

    def embed(self, batch: Batch, drawn: Mapping[str, Any]) -> Float[Tensor, "n v d"]:
        """The features of the views that are asked, then the target's of those that are given."""
        views = self.viewed(batch, drawn)
        found = self.through(self.encoder, views[self.asked])
        with torch.no_grad():
            slow = self.through(self.target.encoder, views[self.given])
        return torch.stack([*found, *slow], 1)

    def both(self, z: Float[Tensor, "n v d"]) -> tuple[list[Float[Tensor, "n k"]], list[Float[Tensor, "n k"]]]:
        """(Projections of the views that were asked, the target's of those that were given)."""
        asked = len(self.of_each[self.asked])
        with torch.no_grad():
            slow = self.through(
                self.target.head, z.detach()[:, asked:].unbind(1)
            )  # a head may return what it takes
        return self.through(self.head, z[:, :asked].unbind(1)), slow

    def momentum_at(self, step: int, steps: int) -> float:
        """The target's momentum after step number `step`, from 0, of `steps`: the same throughout."""
        return self.momentum

    def stepped(self, step: int, steps: int) -> None:
        self.target.follow(self.encoder, self.head, self.momentum_at(step, steps))
