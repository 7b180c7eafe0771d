"""How often terms of several words stand in a text, joined or not."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mutua.data.text.tokens import Words
from mutua.words.corpus import Corpus

__all__ = ["occurrences"]


def occurrences(corpus: Corpus, terms: Sequence[str]) -> dict[str, int]:
    """How often each of `terms`, words joined by _, stands in the text as these words one after another.

    `corpus` is of single words. Occurrences may overlap. Words are what the default tokeniser makes of them.
    """
    index = {word: i for i, word in enumerate(corpus.words)}
    numbers = {
        term: [index.get(word, -2) for word in Words()(term.replace("_", " "))] for term in dict.fromkeys(terms)
    }
    wanted = np.zeros(len(corpus.words) + 1, bool)
    # The rarest word of each term: where it stands, its neighbours are looked at.
    rarest = {term: max(range(len(n)), key=n.__getitem__) for term, n in numbers.items() if n and min(n) >= 0}
    for term, at in rarest.items():
        wanted[numbers[term][at]] = True
    place = np.flatnonzero(wanted[corpus.tokens])  # BREAK, -1, is the last and not wanted
    place = place[np.argsort(corpus.tokens[place], kind="stable")]
    token = corpus.tokens[place]
    found = dict.fromkeys(numbers, 0)
    for term, at in rarest.items():
        n = numbers[term]
        start, stop = np.searchsorted(token, [n[at], n[at] + 1])
        begins = place[start:stop] - at
        begins = begins[(begins >= 0) & (begins + len(n) <= len(corpus.tokens))]
        for i, number in enumerate(n):
            begins = begins[corpus.tokens[begins + i] == number]
        found[term] = len(begins)
    return found
