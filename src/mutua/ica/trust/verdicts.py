"""Verdicts on components, from what was measured of them, and the words for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Float

from mutua.ica.trust.stability import Stability

__all__ = ["LEAST_AGREEMENT", "Measured", "told", "verdict"]

LEAST_AGREEMENT = 0.9
"""Refits whose counterparts correlate less than this on average are of no one component."""


@dataclass(frozen=True)
class Measured:
    """What verdicts are made of, per component of `samples` rows.

    gaussian: not told from a Gaussian. amplitude (k, k): correlation of |s_i| and |s_j|; dependent: where that is
    above chance; free: where, besides, rotating the two by 45 degrees costs no likelihood. chance: the index
    that Gaussian noise reaches. rounding: components, the faintest, that are no more than the recording's
    rounding. together (k, k): squared correlation within moments, where it is above chance.
    """

    samples: int
    gaussian: np.ndarray
    margin: Float[np.ndarray, " k"]
    margin_deviation: Float[np.ndarray, " k"]
    amplitude: Float[np.ndarray, "k k"]
    dependent: np.ndarray
    free: np.ndarray
    stability: Stability
    chance: float
    rounding: int = 0
    together: np.ndarray = field(default_factory=lambda: np.zeros((1, 1)))


def verdict(found: Measured, i: int) -> str:
    k = len(found.margin)
    if k == 1:
        return "the only one: nothing to tell it from"
    if i >= k - found.rounding:
        return "no source: the rounding of the recording's numbers"
    if found.together.any() and found.together[i].any():
        return f"in doubt: correlated with {int(found.together[i].argmax())} within moments"
    near = [int(j) for j in np.flatnonzero(found.gaussian)]
    stable = found.stability.inside[i] >= LEAST_AGREEMENT and found.stability.index[i] > found.chance
    if i in near and len(near) > 1:
        others = ", ".join(str(j) for j in near if j != i)
        return f"not identified: near-Gaussian, as is {others}"
    if i not in near and found.margin[i] < -2 * found.margin_deviation[i]:
        # Such a fit can be stable and wrong: under 1/cosh two uniform sources come back rotated by 45 degrees.
        return "not identified: its density does not fit"
    if found.free[i].any():
        return f"not identified: depends on {int(found.free[i].argmax())}"
    if stable:
        return "identified: near-Gaussian, the only one" if i in near else "identified"
    confusion = found.stability.confusion[i].copy()
    confusion[i] = 0
    j = int(confusion.argmax())
    if found.dependent[i, j]:
        return f"not identified: depends on {j}"
    return f"not identified: too few samples to tell it from {j}"


def told(ica: Any, n: int, found: Measured, verdicts: Sequence[str], unconverged: int) -> list[str]:
    """What the table says, in words: `n` samples the recording has, `unconverged` refits."""
    k = len(verdicts)
    good = [i for i, verdict in enumerate(verdicts) if verdict.startswith("identified")]
    words = [f"{len(good)} of {k} components are identified" + (f": {_list(good)}." if good else ".")]
    if k == 1:
        words = ["There is one component: nothing was unmixed."]
    near = [int(i) for i in np.flatnonzero(found.gaussian)]
    if k > 1 and found.stability.index.mean() <= found.chance and not good:
        words.append(
            f"Stability is at the level of chance (index {found.stability.index.mean():.2f} on average, and "
            f"Gaussian noise of this size reaches {found.chance:.2f}): another sample would give other "
            "components. Don't read anything into these."
        )
    if len(near) > 1:
        words.append(
            f"Components {_list(near)} can't be told from Gaussians. Any rotation of them among themselves is as "
            "likely, so what they span is all that is known of them: neither more restarts nor another density "
            "helps; more samples do if the sources are a little non-Gaussian."
        )
    elif len(near) == 1 and k > 1:
        words.append(
            f"Component {near[0]} can't be told from a Gaussian. One such component is allowed: the others fix it."
        )
    if found.together.any():
        mixed = np.flatnonzero(found.together.any(1)).tolist()
        words.append(
            f"Components {_list(mixed)} are correlated at the times at which both are heard (squared correlation "
            f"up to {found.together.max():.2g} beyond chance), which no mixture of as many sources as channels "
            "leaves behind: there are more sources than channels, or echoes. How much of the others is in each "
            "can't be told then."
        )
    if found.rounding:
        words.append(
            f"Components {_list(range(k - found.rounding, k))} are the rounding of the recording's numbers, made "
            f"large: its rank is {k - found.rounding}; use n_components={k - found.rounding}."
        )
    auto = isinstance(ica.density, str) and ica.density == "auto"
    for kind, mend in (
        (
            "does not fit",
            "their density is none of those that 'auto' tries; give a density of their shape"
            if auto
            else "their density is the wrong one (super- for sub-Gaussian?): use density='auto'",
        ),
        ("depends on", "their amplitudes go together: they may be one source of two dimensions"),
        ("too few samples", f"{found.samples:,} samples don't settle {k * (k - 1) // 2} angles: record more, or "
         "ask for fewer components"),
    ):  # fmt: skip
        bad = [i for i, verdict in enumerate(verdicts) if kind in verdict]
        if bad:
            words.append(f"Components {_list(bad)} are not identified; {mend}.")
    pairs = [(i, int(j)) for i in good for j in np.flatnonzero(found.dependent[i]) if j > i and int(j) in good]
    if pairs:
        told = ", ".join(f"{i} and {j} ({found.amplitude[i, j]:.2f})" for i, j in pairs[:5]).replace("-", "−")
        words.append(
            f"Amplitudes of identified components correlate: {told}. They come back, but the model's independence "
            "does not hold for them."
        )
    if not ica.converged_:
        words.append(
            f"The fit did not converge: its largest relative gradient is {ica.gradient_:.2g} after {ica.n_iter_} "
            "steps; raise max_iter."
        )
    if unconverged:
        words.append(
            f"{unconverged} of the refits did not converge, as happens where a component is not identified."
        )
    if found.samples < n:
        words.append(f"Judged on {found.samples:,} of {n:,} samples; the whole recording settles more.")
    return words


def _list(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, numbers))
