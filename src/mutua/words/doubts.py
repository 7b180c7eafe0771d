"""What a fit says of itself where its numbers could mislead."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from jaxtyping import Float32

__all__ = ["doubts", "mean_cosine"]

# Words are then all but one direction: after one epoch too few they are at .99, after enough at .1 to .3.
_PARALLEL = 0.95
_MOST = 1000
# Of the least loss; of short texts, what sampling alone moves it by counts for nothing either.
_RISE = 0.005


def doubts(model: Any) -> list[str]:
    """Sentences on a fitted `Word2Vec`: that it tells no words apart yet, and that its loss rose late."""
    said, name = [], type(model).__name__
    cosine = mean_cosine(model.vectors_.units[:_MOST])
    if cosine > _PARALLEL:
        helps = ["learning_rate=0.1"] * (model.learning_rate < 0.1) + ["epochs=50"] * (model.epochs < 50)
        said.append(
            f"{name}: the words' vectors are all but parallel (their mean cosine is {cosine:.3f}): it has not "
            f"learned to tell words apart from {model.total_:,} words; give {', '.join(['more text', *helps])}"
        )
    low = int(np.argmin(model.loss_))
    least, last = model.loss_[low], model.loss_[-1]
    if last - least > least * max(_RISE, 4 / math.sqrt(model.total_)) and model.final_rate < model.learning_rate:
        said.append(
            f"{name}: the loss rose from {least:.3f} in epoch {low + 1} to {last:.3f} in the last; it is taken "
            "while the text is read, and as the learning rate falls the vectors follow the passage at hand less: "
            "with shuffled lines it should not rise"
        )
    return said


def mean_cosine(units: Float32[np.ndarray, "v d"]) -> float:
    """The mean cosine of two different rows; 0 where there are fewer than three."""
    n = len(units)
    if n < 3:
        return 0.0
    total = units.sum(0, dtype=np.float64)
    return float((total @ total - n) / (n * (n - 1)))
