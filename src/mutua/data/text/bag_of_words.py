"""The control that any text encoder has to beat: counts of words, without their order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mutua.data.text.texts import Texts
from mutua.types import InputError

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

__all__ = ["BAG_OF_WORDS", "bag_of_words"]

BAG_OF_WORDS = "tf-idf of one and two words"


def bag_of_words(train: Texts, *others: Texts, max_features: int | None = None) -> list[csr_matrix]:
    """Sparse float32 vectors (n, features) of `train` and of each of `others`, of unit length.

    (1 + log count)(1 + log((1 + n)/(1 + texts that have it))) of single words and of pairs side by side. Words,
    pairs and their weights are those of `train` alone: nothing of the others gets in. Texts count whole.

    Args:
        max_features: of the most frequent words and pairs at most.

    Paper: Spärck Jones 1972, A Statistical Interpretation of Term Specificity and its Application in Retrieval,
    Journal of Documentation; Wang and Manning 2012, Baselines and Bigrams, ACL.
    """
    from scipy.sparse import csr_matrix
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectorizer = TfidfVectorizer(
        tokenizer=train.vocabulary.tokenizer,
        token_pattern=None,
        lowercase=False,  # the tokenizer sees to it
        ngram_range=(1, 2),
        sublinear_tf=True,
        max_features=max_features,
        dtype=np.float32,
    )
    try:
        first = vectorizer.fit_transform(train.sentences)
    except ValueError:  # scikit-learn's: an empty vocabulary
        raise InputError(f"{train.source}: no words in its texts; give texts of words") from None
    return [csr_matrix(first), *(csr_matrix(vectorizer.transform(other.sentences)) for other in others)]
