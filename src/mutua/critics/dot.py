"""word2vec's critic: the inner product itself."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from mutua.types import InnerProduct

__all__ = ["Dot"]


class Dot(InnerProduct):
    """T(x, y) = <x, y>: word2vec's critic. Nothing to learn; the encoders do all the work.

    Paper: Mikolov et al. 2013, arXiv:1310.4546.
    """

    def left(self, x: Float[Tensor, "*n d"]) -> Float[Tensor, "*n d"]:
        return x

    def right(self, y: Float[Tensor, "*m d"]) -> Float[Tensor, "*m d"]:
        return y

    def both(self, x: Float[Tensor, "*n d"]) -> Float[Tensor, "*n d"]:
        return x
