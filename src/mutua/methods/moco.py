"""MoCo v2: a view finds the other, as a slow copy of the network sees it, among those of earlier batches."""

from __future__ import annotations

from torch import Tensor, nn

from mutua.bounds import infonce, infonce_loss
from mutua.critics import Cosine
from mutua.encoders import Staged, Wrapped
from mutua.methods.arguments import views_of
from mutua.objectives import Followed, Queue, Views, head_mlp
from mutua.types import Step

__all__ = ["MoCo", "moco"]


class MoCo(Followed):
    """InfoNCE of views and their keys, the target's second views, against earlier keys; `Target` on batch norm."""

    asked, given = slice(0, 1), slice(1, 2)

    def __init__(self, encoder: nn.Module, head: nn.Module, view: Views, t: float, m: float, queue: Queue) -> None:
        super().__init__(encoder, head, view, m)
        self.critic, self.queue = Cosine(t), queue

    def judge(self, z: Tensor) -> Step:
        scores = self.queue.scored(self.critic, *(x for (x,) in self.both(z)))  # query and key
        return Step(-infonce_loss(scores), {"infonce_nats": infonce(scores).detach()})

    def stepped(self, step: int, steps: int) -> None:
        super().stepped(step, steps)
        self.queue.turn()


def moco(
    encoder: Staged | Wrapped,
    *,
    temperature: float = 0.1,
    width: int = 128,
    queue: int = 4096,
    key_momentum: float = 0.99,
    strength: float | None = None,
    smallest_crop: float | None = None,
    flip: float | None = None,
) -> MoCo:
    """A view of an example finds the other's key among the keys of earlier batches.

    Args:
        encoder: The network to train, which is what is kept.
        temperature: Temperature of the cosine similarity: 0.1 on CIFAR-10, 0.2 on ImageNet.
        width: Outputs of the projection head.
        queue: Keys of earlier batches to keep, fewer than examples: 4,096 on CIFAR-10, 65,536 on ImageNet.
        key_momentum: Share of itself that the slow copy keeps at each step: 0.99 on CIFAR-10, 0.999 on ImageNet.
        strength, smallest_crop, flip: Of the views, as of simclr; as published for the kind of data by default.

    Paper: Chen, Fan, Girshick, He 2020, Improved Baselines with Momentum Contrastive Learning, arXiv:2003.04297.
    """
    head = head_mlp(encoder.width, encoder.width, width, norm=False)
    view = views_of("moco", encoder, strength, smallest_crop, flip)
    return MoCo(encoder, head, view, temperature, key_momentum, Queue(queue, width))
