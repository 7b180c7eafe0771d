"""Text in which words of one topic stand together, and never with those of another."""

from __future__ import annotations

import numpy as np

TOPICS = [[f"{name}{i}" for i in range(8)] for name in ("ant", "bee", "cow")]


def topical(sentences: int = 600, seed: int = 0) -> list[list[str]]:
    """Sentences of seven words of one topic, with one word that all topics share."""
    random = np.random.default_rng(seed)
    return [[*random.choice(TOPICS[i % 3], 7).tolist(), "the"] for i in range(sentences)]
