"""Questions of one section put to several models, the shares answered right, and their figure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Float32, Int64

from mutua import plots
from mutua.words import Section, Vectors, cos_add, cos_mul
from mutua.words.analogies import pair_interval, ranks

__all__ = ["Asked", "asked", "shares_figure", "together"]


@dataclass(frozen=True)
class Asked:
    """The known questions of one section, and whether each was answered right, as a mean over seeds.

    Attributes:
        asked: questions there are, unknown ones too.
        pairs: (n, 2), which pair of words stands on the left of each question, which on the right.
        correct, near, product, neighbour: by the first word, by one of the first k, by 3CosMul, by c alone.
        by_seed: share answered right under each seed.
    """

    asked: int
    pairs: Int64[np.ndarray, "n 2"]
    correct: Float[np.ndarray, " n"]
    near: Float[np.ndarray, " n"]
    product: Float[np.ndarray, " n"]
    neighbour: Float[np.ndarray, " n"]
    by_seed: tuple[float, ...]


def _neighbour_of_c(
    a: Float32[np.ndarray, "q v"], b: Float32[np.ndarray, "q v"], c: Float32[np.ndarray, "q v"]
) -> Float32[np.ndarray, "q v"]:
    """The control: what is nearest c, whatever a and b are."""
    return c.copy()


def asked(models: Sequence[Vectors], sections: Sequence[Section], k: int) -> list[Asked]:
    """The questions of each section that every one of `models`, which have the same words, knows the terms of."""
    index = {word.casefold() for word in models[0].words}
    known = [
        Section(one.name, [q for q in one.questions if all(word.casefold() in index for word in q)])
        for one in sections
    ]
    added, product, neighbour = (
        [ranks(model, known, objective=objective) for model in models]
        for objective in (cos_add, cos_mul, _neighbour_of_c)
    )
    found = []
    for i, section in enumerate(known):
        number: dict[tuple[str, str], int] = {}
        pairs = [
            [number.setdefault(pair, len(number)) for pair in ((a, b), (c, d))] for a, b, c, d in section.questions
        ]

        def share(one: list[Any], k: int = 1, i: int = i) -> Float[np.ndarray, " n"]:
            return np.mean([seed[i][1] < k for seed in one], 0)

        found.append(
            Asked(
                len(sections[i].questions),
                np.array(pairs, np.int64).reshape(-1, 2),
                share(added),
                share(added, k),
                share(product),
                share(neighbour),
                tuple(float((seed[i][1] < 1).mean()) if pairs else 0.0 for seed in added),
            )
        )
    return found


def together(parts: Sequence[Asked]) -> Asked:
    """Sections as one: a pair of one is none of another's."""
    starts = np.cumsum([0, *(one.pairs.max(initial=-1) + 1 for one in parts)])
    shares = np.array([len(one.correct) for one in parts]) / max(sum(len(one.correct) for one in parts), 1)
    return Asked(
        sum(one.asked for one in parts),
        np.concatenate([one.pairs + start for one, start in zip(parts, starts, strict=False)]),
        np.concatenate([one.correct for one in parts]),
        np.concatenate([one.near for one in parts]),
        np.concatenate([one.product for one in parts]),
        np.concatenate([one.neighbour for one in parts]),
        tuple((shares @ np.array([one.by_seed for one in parts])).tolist()),
    )


def shares_figure(shown: Sequence[tuple[str, Asked]]) -> str:
    """A line for each section that has questions known: shares, and the interval over pairs."""
    shown = [(name, one) for name, one in shown if len(one.correct)][::-1]
    with plots.figure(6.4, 0.27 * len(shown) + 0.9) as (fig, axes):
        for at, (_, one) in enumerate(shown):
            low, high = pair_interval(one.correct, one.pairs)
            axes.plot([100 * low, 100 * high], [at, at], color=plots.COLOURS[0], linewidth=1.5)
            axes.plot(100 * one.correct.mean(), at, "o", color=plots.COLOURS[0], markersize=5)
            axes.plot(100 * one.near.mean(), at, "o", mfc="none", color=plots.COLOURS[0], markersize=5)
            axes.plot(100 * one.neighbour.mean(), at, "x", color=plots.COLOURS[1], markersize=5)
        axes.set_yticks(range(len(shown)), [f"{name} ({len(one.correct):,})" for name, one in shown])
        axes.set(xlabel="% of those asked", xlim=(-1, None))
        axes.grid(axis="x", alpha=0.2)
        return plots.svg(fig)
