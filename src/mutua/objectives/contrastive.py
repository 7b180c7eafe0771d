"""Learning by contrast: views of one example belong together, views of two do not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from jaxtyping import Float
from torch import Generator, Tensor, nn

from mutua.bounds import infonce
from mutua.objectives.scoring import scored_views
from mutua.ranks import mine, world
from mutua.types import Batch, Bound, Contrast, Critic, Method, Step, View, parted

__all__ = ["Contrastive", "draw_views", "head_mlp"]


def draw_views(view: View, batch: Batch, generator: Generator) -> Batch:
    """One view of each example, its parameters drawn for the batch of all ranks so that ranks don't matter."""
    x, _ = parted(batch)
    drawn = mine(view.draw(len(x) * world(), tuple(x.shape[1:]), generator))
    with torch.autocast(x.device.type, enabled=False):  # it would round pixels to fewer levels than they have
        return view.apply(batch, drawn)


def head_mlp(inputs: int, hidden: int, outputs: int) -> nn.Sequential:
    """SimCLR's projection head: linear, batch norm, ReLU, linear. Only the loss sees what comes out of it."""
    return nn.Sequential(
        nn.Linear(inputs, hidden, bias=False),
        nn.BatchNorm1d(hidden),
        nn.ReLU(),
        nn.Linear(hidden, outputs),
    )


class Contrastive(Method):
    """Views of an image are encoded, projected, and scored against the views of all others.

        loss = -contrast(scores),  scores = critic(head(encode(view_k(x_i))), head(encode(view_l(x_j))))

    Args:
        encoder: images (n, c, h, w) to vectors (n, d); what is kept.
        head: (n, d) to (n, k), thrown away after training.
        view: the random transformation that the representation shall not see.
        critic: scores pairs of projections.
        contrast: of the scores, raised by training: any member of `CONTRASTS` or `BOUNDS`.
        views: how many of each image, two at least.
    """

    def __init__(
        self,
        encoder: nn.Module,
        head: nn.Module,
        view: View,
        critic: Critic,
        contrast: Contrast | Bound,
        views: int = 2,
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.head = head
        self.view = view
        self.critic = critic
        self.contrast = contrast
        self.views = views

    def step(self, batch: Tensor, generator: Generator) -> Step:
        return self.judge(self.embed(batch, self.draw(batch, generator)))

    def draw(self, batch: Tensor, generator: Generator) -> dict[str, Any]:
        """Parameters of each view for this rank's images, drawn for the batch of all ranks."""
        x, _ = parted(batch)
        n, shape = len(x) * world(), tuple(x.shape[1:])
        drawn = [self.view.draw(n, shape, generator) for _ in range(self.views)]
        return {f"view {k + 1}": mine(parameters) for k, parameters in enumerate(drawn)}

    def embed(self, batch: Tensor, drawn: Mapping[str, Any]) -> Float[Tensor, "n v *d"]:
        """The encoder's features of each view of images (n, c, h, w). All views are encoded as one batch."""
        shown = torch.cat([self.view.apply(batch, parameters) for parameters in drawn.values()])  # (v n, c, h, w)
        return self.encoder(shown).unflatten(0, (len(drawn), -1)).transpose(0, 1)  # (n, v, d)

    def judge(self, z: Float[Tensor, "n v *d"]) -> Step:
        # The head is on this side of the cut: its batch norm then sees the whole batch, and features are small.
        n, v = z.shape[:2]
        projected = self.head(z.flatten(0, 1)).unflatten(0, (n, v))  # (n, v, k)
        scores = scored_views(self.critic, projected.transpose(0, 1))
        value = self.contrast(scores)
        with torch.no_grad():
            nats = infonce(scores)  # what the projection tells of the other view, at most log K
        return Step(-value, {"infonce_nats": nats})

    def shown(self, images: Tensor, generator: Generator) -> dict[str, Tensor]:
        views = {f"view {k + 1}": draw_views(self.view, images, generator) for k in range(self.views)}
        return {"original": images, **views}

    def encode(self, x: Tensor) -> Tensor:
        return self.encoder(x).flatten(1)
