"""SimSiam: each view predicts the other, which is taken as it is."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.functional import cosine_similarity

from mutua.encoders import Staged, Wrapped
from mutua.methods.arguments import at_least, views_of
from mutua.objectives import Siamese, Views, head_mlp, spread
from mutua.types import Step, wide

__all__ = ["SimSiam", "simsiam"]


class SimSiam(Siamese):
    """-mean_i [cos(h(x_i), stop y_i) + cos(h(y_i), stop x_i)] / 2, x and y (n, k) projections of two views, h the
    predictor, stop without gradient: without it all examples become one."""

    def __init__(self, encoder: nn.Module, head: nn.Module, view: Views, predictor: nn.Module) -> None:
        super().__init__(encoder, head, view)
        self.predictor = predictor

    def judge(self, z: Tensor) -> Step:
        views = self.projected(z)
        x, y = (wide(view.detach()) for view in views)
        ahead, back = (wide(predicted) for predicted in self.through(self.predictor, views))
        with self.exactly(z):
            agreement = (cosine_similarity(ahead, y) + cosine_similarity(back, x)).mean() / 2
        return Step(-agreement, {"spread": spread(x)})


def simsiam(
    encoder: Staged | Wrapped,
    *,
    width: int = 2048,
    bottleneck: int = 512,
    layers: int = 2,
    strength: float | None = None,
    smallest_crop: float | None = None,
    flip: float | None = None,
) -> SimSiam:
    """Each of two views of an example predicts the other's projection, through which no gradient flows.

    Args:
        encoder: The network to train, which is what is kept.
        width: Units of each of the projector's layers, the last of them normalised without scale and shift.
        bottleneck: Hidden units of the predictor, a quarter of `width` as published.
        layers: Layers of the projector: 2 on CIFAR-10, 3 on ImageNet.
        strength, smallest_crop, flip: Of the views, as of simclr; as published for the kind of data by default.

    Paper: Chen and He 2021, Exploring Simple Siamese Representation Learning, arXiv:2011.10566.
    """
    at_least(2, width=width)
    at_least(1, bottleneck=bottleneck, layers=layers)
    view = views_of("simsiam", encoder, strength, smallest_crop, flip)
    head = head_mlp(encoder.width, *[width] * layers, last_norm=True)
    return SimSiam(encoder, head, view, head_mlp(width, bottleneck, width))
