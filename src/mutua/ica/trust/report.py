"""`report`: which components of a fitted `LinearICA` are identified, which are not, and why."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
from jaxtyping import Float
from scipy.stats import chi2, norm
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from mutua.estimators.whitening import Whitening
from mutua.ica.linear.checks import recording_of
from mutua.ica.linear.densities import Density
from mutua.ica.linear.rounding import rounded_directions
from mutua.ica.trust.block_bootstrap import block_edges, block_sums, resampled_means
from mutua.ica.trust.interference import PIECES, expected_interference
from mutua.ica.trust.moments import correlated_moments
from mutua.ica.trust.nongaussianity import MOST_ROWS, Shape, shape_of, whitened_rows
from mutua.ica.trust.stability import Make, Stability, refitted, stability_of
from mutua.ica.trust.verdicts import Measured, told, verdict
from mutua.types import InputError, Result, Table

__all__ = ["report"]

_DEPENDENT = 0.1
_LEVEL = 0.95
_NOISES = 5
_NOISE_ROWS = 8192
"""What ICA finds in Gaussian noise, and how stable it is, hardly depends on the rows once there are many a
component: at 8 components indices of at most .70 and .60 for 8,192 rows in two trials, and .69 and .65 for
50,000."""
_NOISE_STEPS = 100
"""Noise has no maximum that is worth the wait."""


def report(
    ica: Any,
    X: Any,
    *,
    refits: int = 10,
    restarts: int = 3,
    most_rows: int = MOST_ROWS,
    moment: int | None = None,
    random_state: int = 0,
) -> Result:
    """How far to trust each component of a fitted `LinearICA` on its recording X, (n, d): a table and words.

    - stability: over `refits` fits of blocks of rows drawn with replacement, each from another start, components
      are matched by |correlation|; the index is their mean |correlation| inside a match less that between
      matches. Restarts: the mean |correlation| of the same component over `restarts` fits of the same rows.
    - chance: the largest index that five recordings of Gaussian noise of the same size (of some thousand rows,
      where there are more) give by the same refits. ICA can't say anything of such noise, and yet its index isn't
      0.
    - margin: mean log-likelihood over that of a Gaussian of the same variance, nats, and its standard error.
    - others: `expected_interference`, in dB, where there are 64 rows.
    - depends on: the component whose amplitude |s_j| correlates most with |s_i|.

    A component is called identified where refits agree (mean |correlation| of at least 0.9 and an index above
    chance) and at most one component can't be told from a Gaussian. Else the reason is given: two or more
    near-Gaussian components, a density that doesn't fit, a dependent pair, or too few samples.

    With `moment`, the rows in which a source is about as loud (20 ms of a voice), components that are correlated
    within moments are in doubt (`mutua.ica.trust.moments`): more sources than channels, or echoes, leave that
    behind, and how far below the others are is then not told.

    Long recordings are judged on `most_rows` rows, drawn at random and kept in order of time: then stability is
    that of a recording of this size, a cautious answer.

    Raises `InputError` where X is not what the model was fitted on, or for fewer than 2 refits.
    """
    check_is_fitted(ica)
    if refits < 2 or restarts < 2:
        raise InputError(f"refits: {refits} and {restarts} restarts; agreement needs at least 2 of both")
    recording = recording_of(ica, X, reset=False)
    k = len(ica.components_)
    if recording.samples <= k:
        raise InputError(f"X: {recording.samples} samples for {k} components; give the recording that was fitted")
    generator = check_random_state(random_state)
    white = Whitening(ica.mean_, ica.whitening_, ica.whitening_.T, k)
    z = whitened_rows(recording, white, most_rows, generator)  # (m, k)
    reference, m = ica.unmixing_, len(z)

    def make(seed: int) -> Any:
        settings: dict[str, Any] = {"n_components": None, "reduce_rank": False, "random_state": seed}
        density = ica.density
        if isinstance(density, Sequence) and not isinstance(density, str):
            settings["density"] = "auto"  # a list is in the order of one start's rows
        if ica.modulation is not None:  # as long in time, of fewer rows
            settings["modulation"] = max(8, round(ica.modulation * m / recording.samples))
        # Refits scatter by what a sample leaves open; they needn't be nearer to their maxima than a tenth of that.
        settings["tol"] = max(ica.tol, 0.1 / math.sqrt(m))
        return clone(ica).set_params(**settings)

    found = refitted(z, reference, make, refits, resample=True, random_state=generator)
    again = refitted(z, reference, make, restarts, resample=False, random_state=generator)
    stability, restarted = stability_of(found, reference, z), stability_of(again, reference, z)
    typical, chance, flattered = _chance(m, k, make, refits, generator)
    s = z @ reference.T  # (m, k)
    shape = shape_of(s, random_state=generator)
    margin, deviation = _margins(s, ica.densities_, generator)
    amplitude, dependent = _amplitudes(s, generator)
    free = _free(s, ica.densities_, dependent, generator)
    # A fit looks for non-Gaussian directions, and finds some in any noise: no less is asked than that.
    least = max(flattered, float(chi2.isf((1 - _LEVEL) / k, 2)))
    rounding = max(0, k - recording.channels + rounded_directions(recording, recording.moments()[1]))
    measured = Measured(
        m, shape.distance < least, margin, deviation, amplitude, dependent, free, stability, chance, rounding
    )
    if moment is not None:
        first = recording.rows(np.arange(min(recording.samples, most_rows * 10)))
        together = correlated_moments((first - ica.mean_) @ ica.components_.T, moment, generator)
        measured = replace(measured, together=together)
    verdicts = [verdict(measured, i) for i in range(k)]
    heard = np.full(k, np.nan)
    if k > 1 and recording.samples >= 2 * PIECES:
        heard = 10 * np.log10(expected_interference(ica, X))
        heard[np.flatnonzero(measured.together.any(1))] = np.nan
    table = _table(ica, measured, restarted, shape, heard, verdicts)
    words = told(ica, recording.samples, measured, verdicts, found.unconverged + again.unconverged)
    settings: dict[str, Any] = {"refits": refits, "restarts": restarts, "rows": m, "random_state": random_state}
    settings |= {"noise_index_mean": typical, "noise_index_largest": chance}
    return Result("How far to trust each component", [table], {}, words, settings)


def _chance(
    m: int, k: int, make: Make, refits: int, generator: np.random.RandomState
) -> tuple[float, float, float]:
    """Of components of some recordings of Gaussian noise of this size: the mean and the largest stability index,
    and the largest distance from a Gaussian."""
    index, distance = [], []
    m = min(m, max(_NOISE_ROWS, 64 * k))

    def brief(seed: int) -> Any:
        model = make(seed)
        return model.set_params(max_iter=min(model.max_iter, _NOISE_STEPS))

    for _ in range(_NOISES):
        noise = generator.standard_normal((m, k))
        noise -= noise.mean(0)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            reference = brief(0).fit(noise).components_
        found = refitted(noise, reference, brief, min(refits, 5), resample=True, random_state=generator)
        index.append(stability_of(found, reference, noise).index)
        distance.append(shape_of(noise @ reference.T, random_state=generator).distance.max())
    return float(np.mean(index)), float(np.max(index)), float(max(distance))


def _margins(
    s: Float[np.ndarray, "m k"], densities: Sequence[Density], generator: np.random.RandomState
) -> tuple[Float[np.ndarray, " k"], Float[np.ndarray, " k"]]:
    """Mean log p(s) over a Gaussian's, in nats, and its bootstrap standard error."""
    edges = block_edges(len(s))
    log_prob = np.stack([density.log_prob(one) for density, one in zip(densities, s.T, strict=True)], 1)
    k = s.shape[1]
    sums = block_sums([np.concatenate([log_prob, s**2], 1)], edges)
    means = np.concatenate([sums.sum(0)[None] / len(s), resampled_means(sums, edges, 200, generator)])
    margins = means[:, :k] + 0.5 * np.log(2 * math.pi * math.e * means[:, k:])
    return margins[0], margins[1:].std(0)


def _amplitudes(
    s: Float[np.ndarray, "m k"], generator: np.random.RandomState
) -> tuple[Float[np.ndarray, "k k"], np.ndarray]:
    """Correlation of |s_i| with |s_j|, 0 on the diagonal, and where it is larger than chance and 0.1 make it."""
    a = np.abs(s)
    a = (a - a.mean(0)) / a.std(0)
    k, edges = s.shape[1], block_edges(len(s))
    upper = np.triu_indices(k, 1)
    if not len(upper[0]):
        return np.zeros((1, 1)), np.zeros((1, 1), bool)
    sums = np.stack([(a[i:j].T @ a[i:j])[upper] for i, j in pairwise(edges)])  # (blocks, pairs)
    value = sums.sum(0) / len(s)
    deviation = resampled_means(sums, edges, 200, generator).std(0)
    beyond = norm.isf((1 - _LEVEL) / 2 / len(value)) * deviation
    matrix, flags = np.zeros((k, k)), np.zeros((k, k), bool)
    matrix[upper], flags[upper] = value, np.abs(value) > np.maximum(beyond, _DEPENDENT)
    return matrix + matrix.T, flags | flags.T


def _free(
    s: Float[np.ndarray, "m k"],
    densities: Sequence[Density],
    dependent: np.ndarray,
    generator: np.random.RandomState,
) -> np.ndarray:
    """Dependent pairs that could as well be rotated by 45 degrees.

    So where that costs no likelihood beyond two standard errors, or less than a quarter of what it would cost
    were the two independent (one of them shuffled). Such a pair is one source of two dimensions, of elliptical
    distribution: each basis of it is as good.
    """
    edges, free = block_edges(len(s)), np.zeros_like(dependent)

    def lost(i: int, a: Float[np.ndarray, " m"], j: int, b: Float[np.ndarray, " m"]) -> Float[np.ndarray, " m"]:
        one, other = densities[i], densities[j]
        turned = (a + b) / math.sqrt(2), (a - b) / math.sqrt(2)
        return one.log_prob(a) + other.log_prob(b) - one.log_prob(turned[0]) - other.log_prob(turned[1])

    for i, j in np.argwhere(np.triu(dependent)).tolist():
        cost = lost(i, s[:, i], j, s[:, j])
        error = resampled_means(block_sums([cost[:, None]], edges), edges, 200, generator).std()
        independent = lost(i, s[:, i], j, generator.permutation(s[:, j])).mean()
        free[i, j] = free[j, i] = cost.mean() < max(2 * error, independent / 4)
    return free


def _table(
    ica: Any,
    found: Measured,
    restarted: Stability,
    shape: Shape,
    heard: Float[np.ndarray, " k"],
    verdicts: Sequence[str],
) -> Table:
    rows: list[list[Any]] = []
    share = ica.explained_variance_ / ica.explained_variance_.sum()
    for i, given in enumerate(verdicts):
        j = int(np.abs(found.amplitude[i]).argmax())
        depends, by = (j, float(found.amplitude[i, j])) if found.dependent[i, j] else (None, None)
        rows.append(
            [
                i,
                100 * float(share[i]),
                (float(found.margin[i]), float(found.margin_deviation[i])),
                float(shape.peak[i]),
                float(found.stability.inside[i]),
                float(found.stability.index[i]),
                float(restarted.inside[i]),
                float(heard[i]) if np.isfinite(heard[i]) else None,
                depends,
                by,
                given,
            ]
        )
    columns = [
        "component",
        "variance %",
        "margin",
        "peak",
        "agreement",
        "index",
        "restarts",
        "others, dB",
        "depends on",
        "by",
        "verdict",
    ]
    note = (
        "Margin: nats a sample over a Gaussian, and standard error. Peak: above 0 super-Gaussian, below "
        "sub-Gaussian. Agreement: mean |correlation| of the component between refits of resampled rows; index: "
        f"that less the correlation with other components, {found.chance:.2f} at most for Gaussian noise. "
        "Restarts: agreement between starts on the same rows. Others: the power of all other components that is "
        "expected in it, relative to its own. Depends on, by: the component whose amplitude correlates most, "
        "and the correlation, where it is above chance."
    )
    return Table("Components", columns, rows, note)
