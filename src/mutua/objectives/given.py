"""Learning by contrast where the pairs are given: what was seen, and what it was seen with."""

from __future__ import annotations

from collections.abc import Callable

from torch import Generator, Tensor, nn

from mutua.bounds import infonce
from mutua.scores import paired
from mutua.types import Bound, Contrast, Critic, Method, Scores, Step

__all__ = ["Given"]


class Given(Method):
    """x with its own u, against x with the u of others.

        loss = -contrast(arrange(critic, encode(x), other(u)))

    A batch is (x, u), n rows each.

    Args:
        encoder: x (n, ...) to h (n, d); what is kept.
        critic: scores h and what `other` gives.
        other: u (n, ...) to vectors (n, du); the encoder itself where u is another x, as one before.
        arrange: which scores are of the joint and which of the product. All pairs of the batch by default.
        contrast: of the scores, raised by training: any member of `CONTRASTS` or `BOUNDS`. By default InfoNCE:
            which u of the batch is x's own. It doesn't flatten where pairs are easy to tell apart, as one pair
            against one other does.
    """

    def __init__(
        self,
        encoder: nn.Module,
        critic: Critic,
        other: nn.Module,
        arrange: Callable[[Critic, Tensor, Tensor], Scores] = paired,
        contrast: Contrast | Bound = infonce,
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.critic = critic
        self.other = other
        self.arrange = arrange
        self.contrast = contrast

    def step(self, batch: tuple[Tensor, Tensor], generator: Generator) -> Step:
        return Step(-self.contrast(self.scores(*batch)))

    def scores(self, x: Tensor, u: Tensor) -> Scores:
        return self.arrange(self.critic, self.encoder(x), self.other(u))

    def encode(self, x: Tensor) -> Tensor:
        return self.encoder(x)
