"""How far the neighbours of a word depend on the seed."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from mutua.types import InputError, Table
from mutua.words.checks import checked_count
from mutua.words.vectors import Vectors

__all__ = ["stability"]


def stability(models: Sequence[Vectors], words: Sequence[str], k: int = 10) -> Table:
    """For each word, the share |A & B| / |A | B| of its k nearest words under two models, mean over all pairs.

    Only words that every model has count as neighbours. 1: the same neighbours under every seed.

    Raises InputError with fewer than two models; `UnknownWord` for a word that one lacks.

    Paper: Wendlandt, Kummerfeld and Mihalcea 2018, Factors Influencing the Surprising Instability of Word
    Embeddings, NAACL.
    """
    if len(models) < 2:
        raise InputError(f"stability: {len(models)} model; give the same fit under two seeds at least")
    shared = set(models[0].words).intersection(*(model.words for model in models[1:]))
    checked_count("k", k)
    if not shared:
        raise InputError("stability: the models share no word; give fits of the same text")
    found = [_neighbours(model, words, shared, k) for model in models]
    rows = []
    for i, word in enumerate(words):
        overlaps = [
            len(a[i] & b[i]) / max(len(a[i] | b[i]), 1) for a, b in itertools.combinations(found, 2)
        ]  # fmt: skip
        always = set.intersection(*(one[i] for one in found))
        rows.append([word, float(np.mean(overlaps)), ", ".join(sorted(always))])
    note = f"Of the {k} nearest words by cosine, over {len(models)} fits: mean Jaccard overlap of pairs of fits."
    return Table("Stability of neighbours", ["word", "overlap", "in every fit"], rows, note)


def _neighbours(model: Vectors, words: Sequence[str], shared: set[str], k: int) -> list[set[str]]:
    rows = np.array([i for i, word in enumerate(model.words) if word in shared])
    some = Vectors([model.words[i] for i in rows], model.matrix[rows])
    index, _ = some.nearest(np.stack([model[word] for word in words]), k + 1)
    near = [[some.words[i] for i in row] for row in index.tolist()]
    return [set([w for w in row if w != word][:k]) for word, row in zip(words, near, strict=True)]
