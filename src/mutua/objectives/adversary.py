"""A second player: it learns to tell what is real from what is made, and the first learns to fool it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.functional import softplus

from mutua.ranks import total, world
from mutua.types import InputError, wide

__all__ = ["CHANCE", "Adversary", "Game", "Watch", "balanced", "energy_distance"]

CHANCE = 2 * 0.6931471805599453
"""The telling loss, in nats, of one that can't tell: 2 log 2."""

Sides = Tensor | Sequence[Tensor]
"""What a discriminator is shown of an example: one tensor, or several together."""


class Game(NamedTuple):
    """The losses of the two players, in nats."""

    fooling: Float[Tensor, ""]
    telling: Float[Tensor, ""]


def _tuple(sides: Sides) -> tuple[Tensor, ...]:
    return (sides,) if isinstance(sides, Tensor) else tuple(sides)


class Adversary(nn.Module):
    """Two players in one step, of a discriminator D and those who made what it is shown:

        telling:  min over D of       E softplus(-D(real)) + E softplus(D(made))
        fooling:  min over the others E softplus(D(real)) + E softplus(-D(made))

    The fooling loss has the labels swapped, and so a gradient where D is sure (Goodfellow's remedy for the
    saturating minimax form). A side that asks for no gradient is nobody's move and is left out of it: draws
    from a prior, data.

    Both losses come of one call. D's sees examples cut from those who made them, theirs sees D's weights as
    constants, so that one backward pass gives each player its own gradient: simultaneous gradient descent, and
    a loop of training that knows of no players.

    D must see each example by itself (no batch norm): real and made pass through it together.
    """

    def __init__(self, discriminator: nn.Module) -> None:
        super().__init__()
        self.discriminator = discriminator

    def play(self, real: Sides, made: Sides) -> Game:
        """The two losses of one batch."""
        real, made = _tuple(real), _tuple(made)
        n = len(real[0])
        both = tuple(torch.cat([a, b.to(a.dtype)]) for a, b in zip(real, made, strict=True))
        frozen = {name: value.detach() for name, value in self.discriminator.named_parameters()}
        wanted = both if any(side.requires_grad for side in real) else made
        judged = wide(functional_call(self.discriminator, frozen, wanted))
        fooling = softplus(-judged[-len(made[0]) :]).mean()
        if wanted is both:
            fooling = fooling + softplus(judged[:n]).mean()
        scores = wide(self.discriminator(*(side.detach() for side in both)))
        return Game(fooling, softplus(-scores[:n]).mean() + softplus(scores[n:]).mean())


class Watch(nn.Module):
    """A discriminator's running loss, and a sentence where it has won.

    The mean forgets by a hundredth a step of the optimizer. It is a buffer, so that a checkpoint holds it, and
    it is looked at every `every` steps: a device is waited for no more often.

    Args:
        least: nats under which nothing is to be learned from the discriminator any more.
    """

    average: Float[Tensor, ""]

    def __init__(self, least: float = 0.01, every: int = 100) -> None:
        super().__init__()
        self.least, self.every = least, every
        self.register_buffer("average", torch.tensor(CHANCE))
        self.waiting: list[Tensor] = []

    def note(self, telling: Tensor) -> None:
        """Hand in the loss of a batch. Nothing in eval mode."""
        if self.training:
            self.waiting.append(telling.detach())

    @torch.no_grad()
    def stepped(self, step: int) -> None:
        """Those that were handed in count. Raises `InputError` where the discriminator has won."""
        if self.waiting:
            now = total(torch.stack(self.waiting).mean()) / world()
            self.average.lerp_(now.to(self.average.dtype), 0.01)
            self.waiting = []
        if (step + 1) % self.every == 0 and float(self.average) < self.least:
            raise InputError(
                f"discriminator: has won by step {step}, its loss is {float(self.average):.4f} nats of "
                f"{CHANCE:.3f} at chance and tells the other player nothing; lower lr, or give more examples"
            )


class _Balanced(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, ratio: float) -> tuple[Tensor, Tensor]:
        ctx.ratio = ratio
        return x.clone(), x.clone()

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:
        first, second = grads
        a, b = total(torch.stack([wide(first).square().sum(), wide(second).square().sum()])).sqrt()
        return first + second * (ctx.ratio * a / b.clamp_min(1e-30)).to(second.dtype), None


def balanced(x: Float[Tensor, "n k"], ratio: float) -> tuple[Float[Tensor, "n k"], Float[Tensor, "n k"]]:
    """x twice, for two losses: on the way back the second's gradient is scaled to `ratio` times the first's norm.

    So what one loss weighs against the other is a number that says what it is, whatever either is summed or
    averaged over. Norms are of the whole batch, over all ranks."""
    return _Balanced.apply(x, ratio)


@torch.no_grad()
def energy_distance(x: Float[Tensor, "n k"], y: Float[Tensor, "m k"]) -> Float[Tensor, ""]:
    """How far two samples are from one distribution: (2 E|x - y| - E|x - x'| - E|y - y'|) / (2 E|x - y|), in 0
    to 1.

    Of pairs of different rows, so that its mean is 0 where the distributions are one; it may read a little below.

    Paper: Szekely and Rizzo 2013, Energy statistics, J. Statistical Planning and Inference 143.
    """
    x, y = wide(x), wide(y).to(wide(x).dtype)
    n, m = len(x), len(y)
    across = torch.cdist(x, y).mean()
    within = torch.cdist(x, x).sum() / max(n * (n - 1), 1) + torch.cdist(y, y).sum() / max(m * (m - 1), 1)
    return (2 * across - within) / (2 * across).clamp_min(1e-12)
