"""Documents as sentences in order, each a bag of transformed words."""

from __future__ import annotations

from jaxtyping import Bool, Int
from torch import Tensor, nn
from torch.nn import functional as F

from mutua.encoders.context import ContextName, context
from mutua.encoders.frames import Moments
from mutua.encoders.ordered import Ordered
from mutua.encoders.staged import Masking
from mutua.types import InputError, Spec

__all__ = ["sentences_ahead"]


class _Bag(Masking):
    """Words of sentences (n, s, tokens) to (n, d, s): mean over a sentence's words of ReLU(W word + b)."""

    def __init__(self, words: int, embedding: int, width: int) -> None:
        super().__init__()
        self.words = nn.Embedding(words, embedding, padding_idx=0)
        self.transform = nn.Linear(embedding, width)  # a convolution of kernel 1

    def forward(
        self, x: Int[Tensor, "n s tokens"], mask: Bool[Tensor, "n s"] | None
    ) -> tuple[Tensor, Bool[Tensor, "n s"] | None]:
        real = (x != 0)[..., None].to(self.words.weight.dtype)  # (n, s, tokens, 1)
        each = F.relu(self.transform(self.words(x))) * real
        z = each.sum(2) / real.sum(2).clamp(min=1)  # by its own words, not by the room there is
        return z.transpose(1, 2), mask


class _Mean(Moments):
    """Mean of the real sentences: (n, d, s) to (n, d)."""

    def forward(self, x: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor | None]:
        moments, mask = super().forward(x, mask)
        return moments[:, : x.shape[1]], mask


def sentences_ahead(
    spec: Spec, embedding: int = 128, width: int = 256, units: int = 256, over: ContextName = "gru"
) -> Ordered:
    """Sentences as means of transformed words, and a GRU over them.

    Depths: pieces (width maps, one a sentence), context (units maps), pool (width features, the mean over
    sentences). The convolution has kernel 1, as the paper's by its author's word: a sentence is an order-free bag.
    The paper has embedding 620, width and units 2,400.

    Raises `InputError` where the spec says no number of words, or is of texts that are not cut into sentences.

    Paper: van den Oord, Li and Vinyals 2018, arXiv:1807.03748, section 3.4.
    """
    if len(spec.shape) != 2 or spec.words is None:
        raise InputError("sentences: these texts are not cut into sentences; read them so, with --sentences 9")
    bag = _Bag(spec.words, embedding, width)
    return Ordered(bag, context(over, width, units), _Mean(), spec, 1, 1, pooled="pieces")
