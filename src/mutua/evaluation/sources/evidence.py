"""Evidence that a nonlinear model found the sources, without the truth: and which indeterminacy is left.

Four things can be asked of a recording alone: does u modulate enough (`mutua.evaluation.sources.variability`),
do restarts agree, is the model better than a linear one on rows held out, and what does the theory leave open.
`evidence` puts them in one `Result`. Everything here takes plain arrays.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from jaxtyping import Float

from mutua.evaluation.sources.mcc import Correlation, mcc, pearson
from mutua.evaluation.sources.variability import Variability
from mutua.types import InputError, Result, Table

__all__ = [
    "Agreement",
    "Comparison",
    "agreement",
    "beats_linear",
    "evidence",
    "warn_unless_better",
]

LEAST_AGREEMENT = 0.9
"""Restarts that agree less than this on average found different components."""


@dataclass(frozen=True)
class Agreement:
    """MCC between restarts: mean and lowest over pairs, and `matrix` (r, r), 1 on the diagonal."""

    mean: float
    lowest: float
    matrix: Float[np.ndarray, "r r"]

    @classmethod
    def of_matrix(cls, matrix: Float[np.ndarray, "r r"]) -> Agreement:
        """Of the MCC of every pair of runs."""
        every = matrix[np.triu_indices(len(matrix), 1)]
        return cls(float(every.mean()), float(every.min()), matrix)

    def words(self) -> list[str]:
        told = f"restarts agree with MCC {self.mean:.3f} on average, {self.lowest:.3f} at worst"
        if self.mean >= LEAST_AGREEMENT:
            return [f"The {told}: they found the same components (which alone doesn't make them the sources)."]
        return [f"The {told}: they found different components, so that none of them can be trusted."]


@dataclass(frozen=True)
class Comparison:
    """A model's mean held-out score a row over the linear baseline's, with an interval.

    Args:
        gain: the mean difference, above 0 where the model is better.
        low, high: its bootstrap interval at `level`.
        model, linear: the two means.
        unit: of the scores, such as "nats".
    """

    gain: float
    low: float
    high: float
    model: float
    linear: float
    level: float
    unit: str

    @property
    def better(self) -> bool:
        return self.low > 0

    def words(self) -> list[str]:
        told = (
            f"{self.gain:+.3g} {self.unit} a row over linear ICA on rows held out ({100 * self.level:.0f}% "
            f"interval {self.low:.3g} to {self.high:.3g})"
        )
        if self.better:
            return [f"The nonlinear model is better: {told}."]
        if self.high < 0:
            return [f"The nonlinear model is worse than the linear one: {told}. Use LinearICA here."]
        return [f"The nonlinear model isn't seen to be better: {told}. Prefer LinearICA, which has less to fit."]


def agreement(runs: Sequence[np.ndarray], correlation: Correlation = pearson) -> Agreement:
    """How alike the components of several fits are on the same rows, each (n, d): MCC of every pair.

    No truth is needed. Use `spearman` where sources are known up to a monotone map.

    Raises `InputError` for fewer than two runs, or of different shapes.
    """
    if len(runs) < 2:
        raise InputError(f"runs: {len(runs)}; agreement is between at least two")
    if len({np.shape(run) for run in runs}) > 1:
        raise InputError(
            f"runs: shapes {', '.join(str(np.shape(run)) for run in runs)}; give the same rows of all"
        )
    matrix = np.eye(len(runs))
    for i, j in combinations(range(len(runs)), 2):
        matrix[i, j] = matrix[j, i] = mcc(runs[i], runs[j], correlation)
    return Agreement.of_matrix(matrix)


def beats_linear(
    model: Float[np.ndarray, " n"],
    linear: Float[np.ndarray, " m"],
    *,
    unit: str = "nats",
    level: float = 0.95,
    resamples: int = 1000,
    seed: int = 0,
) -> Comparison:
    """The scores of the same held-out rows under two models, compared in pairs: log p(x | u), or log p(u | x).

    The interval is a bootstrap of up to 200 runs of neighbouring rows, since rows of a recording hang together:
    give rows in their order.

    Raises `InputError`: different lengths, fewer than 10 rows, NaN or infinity.
    """
    model, linear = np.asarray(model, float), np.asarray(linear, float)
    if len(model) != len(linear) or len(model) < 10:
        raise InputError(f"scores: {len(model)} and {len(linear)} rows; give the same rows of both, at least 10")
    difference = model - linear
    if not np.isfinite(difference).all():
        row = int(np.argmin(np.isfinite(difference)))
        raise InputError(f"scores: NaN or infinity in row {row}; the model gives that row no density")
    runs = min(200, len(difference) // 5)
    edges = np.linspace(0, len(difference), runs + 1).astype(int)
    sums, sizes = np.add.reduceat(difference, edges[:-1]), np.diff(edges)
    times = np.random.default_rng(seed).multinomial(runs, np.full(runs, 1 / runs), size=resamples)
    low, high = np.quantile((times @ sums) / (times @ sizes), [(1 - level) / 2, (1 + level) / 2])
    return Comparison(
        float(difference.mean()), float(low), float(high), float(model.mean()), float(linear.mean()), level, unit
    )


def warn_unless_better(found: Comparison) -> None:
    """A UserWarning with the verdict where the nonlinear model doesn't beat the linear one."""
    if not found.better:
        warnings.warn(found.words()[0], UserWarning, stacklevel=3)


def evidence(
    method: str,
    indeterminacy: str,
    *,
    sources: int,
    identified: bool = True,
    variability: Variability | None = None,
    restarts: Agreement | None = None,
    comparison: Comparison | None = None,
    settings: Mapping[str, Any] | None = None,
    words: Sequence[str] = (),
) -> Result:
    """What is known of a fit without the truth: a table of checks, and in words the verdict and what is left open.

    method: its name. indeterminacy: what its theory leaves open even with infinite data; `identified` is False
    where that is everything. sources: how many were looked for. A check that wasn't made is listed so. words:
    further sentences of the method's own, put last.
    """
    rows: list[list[Any]] = []
    said: list[str] = []
    if variability is None:
        rows += [["segments", None, None, "not checked"], ["modulation", None, None, "not checked"]]
    else:
        enough = variability.segments >= variability.needed
        rows.append(["segments", variability.segments, variability.needed, "enough" if enough else "too few"])
        modulated = "rich enough" if variability.p_value < 0.05 else "not seen in every direction"
        rows.append(["modulation", float(variability.singular[-1]), variability.null, modulated])
        said += variability.words()
    if restarts is None:
        rows.append(["agreement of restarts", None, LEAST_AGREEMENT, "not checked"])
    else:
        same = "same components" if restarts.mean >= LEAST_AGREEMENT else "different components"
        rows.append(["agreement of restarts", restarts.mean, LEAST_AGREEMENT, same])
        said += restarts.words()
    if comparison is None:
        rows.append(["gain over linear ICA, held out", None, 0.0, "not checked"])
    else:
        verdict = "better" if comparison.better else "worse" if comparison.high < 0 else "not better"
        rows.append(["gain over linear ICA, held out", comparison.gain, 0.0, verdict])
        said += comparison.words()
    passed = [check is None or good for check, good in (
        (variability, variability is not None and variability.met),
        (restarts, restarts is not None and restarts.mean >= LEAST_AGREEMENT),
        (comparison, comparison is not None and comparison.better),
    )]  # fmt: skip
    made = sum(check is not None for check in (variability, restarts, comparison))
    if not identified:
        first = f"The {sources} latents are not identified, whatever the checks say."
    elif made == 0:
        first = f"Nothing was checked: whether the {sources} components are the sources is open."
    elif all(passed):
        first = f"All {made} checks made speak for the {sources} components being the sources."
    else:
        failed = f"{passed.count(False)} of {made} checks made failed"
        first = f"Don't take the {sources} components for the sources yet: {failed}."
    table = Table(
        f"{method}: are these the sources?",
        ["check", "measured", "at least", "verdict"],
        rows,
        "Modulation: the smallest singular value of the modulation matrix, and what noise alone reaches. "
        "Agreement: MCC between restarts. Gain: a row, held out.",
    )
    said = [first, *said, f"Left open by the theory: {indeterminacy}", *words]
    return Result(f"{method}: evidence without the truth", [table], {}, said, dict(settings or {}))
