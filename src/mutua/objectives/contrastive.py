"""Learning by contrast: views of one example belong together, views of two do not."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Generator, Tensor, nn

from mutua.bounds import infonce
from mutua.critics import Dot
from mutua.ranks import gather, mine, world
from mutua.scores import Dense, multiview
from mutua.types import Bound, Contrast, Critic, InnerProduct, Method, Step, View

__all__ = ["Contrastive", "draw_views", "head_mlp", "scored"]


def draw_views(view: View, images: Tensor, generator: Generator) -> Tensor:
    """One view of each image, its parameters drawn for the batch of all ranks so that ranks don't matter."""
    n, _, height, width = images.shape
    return view.apply(images, mine(view.draw(n * world(), height, width, generator)))


def head_mlp(inputs: int, hidden: int, outputs: int) -> nn.Sequential:
    """SimCLR's projection head: linear, batch norm, ReLU, linear. Only the loss sees what comes out of it."""
    return nn.Sequential(
        nn.Linear(inputs, hidden, bias=False),
        nn.BatchNorm1d(hidden),
        nn.ReLU(),
        nn.Linear(hidden, outputs),
    )


def scored(arrange: Callable[[Critic, Tensor, Tensor], Dense], critic: Critic, x: Tensor, y: Tensor) -> Dense:
    """Scores of x (n, ...) and y (n, ...) against those of all ranks.

    A critic that factorises is applied to this rank's rows and its two sides are gathered; any other sees the
    gathered rows. Scores are float32 at least: a softmax of bfloat16 scores would round what it compares.
    """
    if isinstance(critic, InnerProduct):
        x, y, critic = critic.left(x), critic.right(y), Dot()
    x, y = gather(x), gather(y)
    with torch.autocast(x.device.type, enabled=False):
        return arrange(critic, _wide(x), _wide(y))


def _wide(x: Tensor) -> Tensor:
    return x.float() if x.dtype in (torch.float16, torch.bfloat16) else x


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
        images = batch  # (n, c, h, w)
        shown = torch.cat([draw_views(self.view, images, generator) for _ in range(self.views)])  # (v n, c, h, w)
        z = self.head(self.encoder(shown)).unflatten(0, (self.views, -1))  # (v, n, k)
        everyone = gather(z.transpose(0, 1)).transpose(0, 1)  # (v, n of all ranks, k)
        with torch.autocast(images.device.type, enabled=False):
            scores = multiview(self.critic, _wide(everyone))
            value = self.contrast(scores)
            with torch.no_grad():
                nats = infonce(scores)  # what the projection tells of the other view, at most log K
        return Step(-value, {"infonce_nats": nats})

    def shown(self, images: Tensor, generator: Generator) -> dict[str, Tensor]:
        views = {f"view {k + 1}": draw_views(self.view, images, generator) for k in range(self.views)}
        return {"image": images, **views}

    def encode(self, x: Tensor) -> Tensor:
        return self.encoder(x).flatten(1)
