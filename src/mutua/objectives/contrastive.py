"""Learning by contrast: views of one example belong together, views of two do not."""

from __future__ import annotations

from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from mutua.bounds import infonce
from mutua.objectives.scoring import scored_views
from mutua.objectives.siamese import Siamese, Views
from mutua.types import Bound, Contrast, Critic, Step

__all__ = ["Contrastive"]


class Contrastive(Siamese):
    """Views of an example are encoded, projected, and scored against the views of all others.

        loss = -contrast(scores),  scores = critic(head(encode(view_k(x_i))), head(encode(view_l(x_j))))

    Args:
        encoder, head, view: see `Siamese`.
        critic: scores pairs of projections.
        contrast: of the scores, raised by training: any member of `CONTRASTS` or `BOUNDS`.
        views: how many of each example, two at least.
    """

    together: ClassVar[bool] = True

    def __init__(
        self,
        encoder: nn.Module,
        head: nn.Module,
        view: Views,
        critic: Critic,
        contrast: Contrast | Bound,
        views: int = 2,
    ) -> None:
        super().__init__(encoder, head, view, views)
        self.critic = critic
        self.contrast = contrast

    def judge(self, z: Float[Tensor, "n v d"]) -> Step:
        scores = scored_views(self.critic, torch.stack(self.projected(z)))
        value = self.contrast(scores)
        with torch.no_grad():
            nats = infonce(scores)  # what the projection tells of the other view, at most log K
        return Step(-value, {"infonce_nats": nats})
