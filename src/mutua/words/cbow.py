"""Word embeddings that predict a word from the mean of its neighbours."""

from __future__ import annotations

from functools import partial

from mutua.kernels.words.cbow import bag_of_words
from mutua.words.model import Word2Vec
from mutua.words.passes import Kernel

__all__ = ["CBOW"]


class CBOW(Word2Vec):
    """Continuous bag of words: the mean h of a window's context vectors predicts the word at its centre.

        loss = -log s(<h, y_w>) - sum_k log s(-<h, y_k>)

    With `subwords`, h is the mean over the context words' own vectors and all their n-grams. Settings and
    attributes are those of `Word2Vec`; gensim's learning rate for it is 0.025, fastText's 0.05.

    Paper: Mikolov et al. 2013, Efficient Estimation of Word Representations in Vector Space, arXiv:1301.3781.
    """

    def _kernel(self) -> Kernel:
        return partial(bag_of_words, groups=self._groups())
