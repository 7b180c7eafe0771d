"""Words spelled nearly like another."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

__all__ = ["near_spellings"]


def near_spellings(word: str, index: Mapping[str, int], k: int = 3) -> list[str]:
    """Up to k words of `index` in another case, with `_` for a space, or one edit away; the first in order first.

    An edit leaves out, puts in or changes a letter, or swaps two that are neighbours.

    >>> near_spellings("gemrany", {"the": 0, "germany": 1, "german": 2})
    ['germany']
    """
    word = word[:64]
    # The letters of the language: those of its most frequent words.
    letters = {*"abcdefghijklmnopqrstuvwxyz_-'", *word, *"".join(itertools.islice(index, 1000))}
    joined = word.replace(" ", "_")
    found = {w for w in (word.lower(), word.title(), word.upper(), joined, joined.lower()) if w in index}
    for base in {word, word.lower()}:
        found |= {w for w in _edits(base, letters) if w in index}
    found.discard(word)
    return sorted(found, key=index.__getitem__)[:k]


def _edits(word: str, letters: set[str]) -> set[str]:
    cuts = [(word[:i], word[i:]) for i in range(len(word) + 1)]
    found = {a + b[1:] for a, b in cuts if b}
    found |= {a + b[1] + b[0] + b[2:] for a, b in cuts if len(b) > 1}
    found |= {a + letter + b[1:] for a, b in cuts if b for letter in letters}
    return found | {a + letter + b for a, b in cuts for letter in letters}
