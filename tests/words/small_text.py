"""Text in which words of one topic stand together, and never with those of another."""

from __future__ import annotations

import numpy as np

from mutua.words import CBOW, Subwords, Word2Vec

TOPICS = [[f"{name}{i}" for i in range(8)] for name in ("ant", "bee", "cow")]

SMALL = {"vector_size": 12, "sample": 0, "random_state": 0, "epochs": 20, "learning_rate": 0.1, "window": 4}
KINDS = {
    "skip-gram": lambda **more: Word2Vec(**{**SMALL, **more}),
    "CBOW": lambda **more: CBOW(**{**SMALL, **more}),
    "skip-gram, n-grams": lambda **more: Word2Vec(**{**SMALL, "subwords": Subwords(3, 4, 500), **more}),
    "CBOW, n-grams": lambda **more: CBOW(**{**SMALL, "subwords": Subwords(3, 4, 500), **more}),
}


def topical(sentences: int = 600, seed: int = 0) -> list[list[str]]:
    """Sentences of seven words of one topic, with one word that all topics share."""
    random = np.random.default_rng(seed)
    return [[*random.choice(TOPICS[i % 3], 7).tolist(), "the"] for i in range(sentences)]
