"""VICReg: views agree, every column varies, and no two columns say the same."""

from __future__ import annotations

from torch import Tensor, nn, stack
from torch.nn.functional import mse_loss

from mutua.encoders import Staged, Wrapped
from mutua.methods.arguments import at_least, views_of
from mutua.objectives import Siamese, Views, head_mlp, off_diagonal
from mutua.types import Step

__all__ = ["VICReg", "vicreg"]


class VICReg(Siamese):
    """l mean (x - y)^2 + m (v(x) + v(y)) / 2 + c (r(x) + r(y)), x and y (n, d) two views' embeddings on all ranks,
    v(x) = mean_j max(0, 1 - sqrt(Var x_j + 1e-4)), r(x) = sum_{j != k} Cov(x_j, x_k)^2 / d, both over n - 1.
    Mean of squares and half as in the authors' code: equation 5 sums over d, equation 6 has no half."""

    def __init__(self, encoder: nn.Module, head: nn.Module, view: Views, weights: tuple[float, ...]) -> None:
        super().__init__(encoder, head, view)
        self.weights = weights

    def judge(self, z: Tensor) -> Step:
        x, y = views = self.everyone(z)  # (n of all ranks, d) each
        with self.exactly(z):
            variance = stack([(1 - (v.var(0) + 1e-4).sqrt()).relu().mean() for v in views]).mean()
            covariance = stack([off_diagonal(v.T.cov()).square().sum() / v.shape[1] for v in views]).sum()
        terms = {"invariance": mse_loss(x, y), "variance": variance, "covariance": covariance}
        loss = stack([w * term for w, term in zip(self.weights, terms.values(), strict=True)]).sum()
        return Step(loss, {name: term.detach() for name, term in terms.items()})


def vicreg(
    encoder: Staged | Wrapped,
    *,
    width: int = 8192,
    invariance: float = 25.0,
    variance: float = 25.0,
    covariance: float = 1.0,
    strength: float | None = None,
    smallest_crop: float | None = None,
    flip: float | None = None,
) -> VICReg:
    """Two views agree, while every column of a batch's embeddings varies and no two columns are correlated.

    Args:
        encoder: The network to train, which is what is kept.
        width: Units of each of the expander's three layers.
        invariance, variance, covariance: Weight of that term.
        strength, smallest_crop, flip: Of the views, as of simclr; as published for the kind of data by default.

    Paper: Bardes, Ponce and LeCun 2022, VICReg: Variance-Invariance-Covariance Regularization, arXiv:2105.04906.
    """
    at_least(2, width=width)
    at_least(0, invariance=invariance, variance=variance, covariance=covariance)
    view = views_of("vicreg", encoder, strength, smallest_crop, flip)
    head = head_mlp(encoder.width, width, width, width, last_bias=False)
    return VICReg(encoder, head, view, (invariance, variance, covariance))
