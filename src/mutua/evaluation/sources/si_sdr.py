"""How well signals in time were separated, where the truth is known: SI-SDR, and SDR, SIR and SAR by BSS Eval."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int64
from numpy.typing import ArrayLike
from scipy.optimize import linear_sum_assignment

from mutua.data.labels import array_of
from mutua.types import InputError

__all__ = ["Separation", "bss_eval", "matched_si_sdr", "si_sdr"]


class Separation(NamedTuple):
    """Per source, in decibels, with the estimate that was taken for each: `estimate` (k,)."""

    sdr: Float[np.ndarray, " k"]
    sir: Float[np.ndarray, " k"]
    sar: Float[np.ndarray, " k"]
    estimate: Int64[np.ndarray, " k"]


def si_sdr(source: ArrayLike, estimate: ArrayLike) -> float:
    """Scale-invariant signal-to-distortion ratio of an estimate e of a source s, (n,) both, in dB.

        10 log10 |a s|^2 / |e - a s|^2,   a = <e, s> / |s|^2,

    after both means are taken away. Neither scale nor sign of the estimate matters. With r the correlation of
    the two it is 10 log10 r^2 / (1 - r^2): infinite for a perfect estimate (beyond 150 dB or so rounding is all
    that is left), minus infinity for an uncorrelated or a constant one.

    Raises `InputError` where the source is constant (it has no direction), the lengths differ, or there is NaN or
    infinity.

    >>> s = np.array([1.0, -1.0, 1.0, -1.0])
    >>> round(si_sdr(s, s + np.array([0.1, 0.1, -0.1, -0.1])), 6)
    20.0

    Paper: Le Roux, Wisdom, Erdogan and Hershey, SDR - half-baked or well done? (2019), arXiv:1811.02508.
    """
    s, e = _signals(source, "source"), _signals(estimate, "estimate")
    if s.shape[1] != 1 or e.shape[1] != 1:
        raise InputError("si_sdr: one source and one estimate, (n,), at a time; use matched_si_sdr for several")
    return float(_table(s, e)[0, 0])


def matched_si_sdr(
    sources: ArrayLike, estimates: ArrayLike
) -> tuple[Float[np.ndarray, " k"], Int64[np.ndarray, " k"]]:
    """SI-SDR of each source (n, k), and which of the estimates (n, m) was taken for it.

    The one-to-one assignment of the largest sum of |correlation|, of which SI-SDR is a rising function. With
    fewer estimates than sources, those left out have minus infinity and estimate -1; estimates may be left over.

    Raises `InputError` for what `si_sdr` refuses, naming the column.
    """
    s, e = _signals(sources, "sources"), _signals(estimates, "estimates")
    table = _table(s, e)  # (k, m)
    share = 1 / (1 + 10 ** (-table / 10))  # r^2
    rows, columns = linear_sum_assignment(-np.sqrt(share))
    value, estimate = np.full(s.shape[1], -np.inf), np.full(s.shape[1], -1, np.int64)
    value[rows], estimate[rows] = table[rows, columns], columns
    return value, estimate


def bss_eval(sources: ArrayLike, estimates: ArrayLike, *, filter_length: int = 512) -> Separation:
    """SDR, SIR and SAR of BSS Eval, version 3, of sources (n, k) by estimates (n, k), by `fast-bss-eval`.

    An estimate is split into what a filter of `filter_length` taps makes of its source, of the other sources
    (interference), and the rest (artefacts): SDR is the first against both others, SIR against interference, SAR
    the first two against artefacts. The permutation is that of the best mean SIR. A filtered source counts as
    the source: for an instantaneous mixture SI-SDR is the stricter measure, for a room this one is meant.

    Raises `InputError` where a source or an estimate is silent (the ratios are of 0 to 0), there are not as many
    estimates as sources, fewer samples than taps, or the package is missing (`pip install mutua[bss]`).

    Paper: Vincent, Gribonval and Fevotte, Performance measurement in blind audio source separation (2006);
    Scheibler, SDR - medium rare with fast computations (2022), arXiv:2110.06440.
    """
    s, e = _signals(sources, "sources"), _signals(estimates, "estimates")
    if s.shape != e.shape:
        raise InputError(f"estimates: {e.shape} for sources of {s.shape}; give one estimate each, of equal length")
    if len(s) <= filter_length:
        raise InputError(
            f"sources: {len(s)} samples for filters of {filter_length}; give more, or a shorter filter"
        )
    for name, x in (("sources", s), ("estimates", e)):
        silent = np.flatnonzero(~x.any(0))
        if len(silent):
            raise InputError(f"{name}: column {int(silent[0])} is silent and has no ratio; leave it out")
    sdr, sir, sar, order = _package().bss_eval_sources(s.T, e.T, filter_length=filter_length)
    return Separation(
        np.asarray(sdr, float), np.asarray(sir, float), np.asarray(sar, float), np.asarray(order, np.int64)
    )


def _package() -> Any:
    try:
        import fast_bss_eval
    except ImportError as error:
        raise InputError("bss_eval: needs fast-bss-eval; install it with: pip install 'mutua[bss]'") from error
    return fast_bss_eval


def _table(s: Float[np.ndarray, "n k"], e: Float[np.ndarray, "_ m"]) -> Float[np.ndarray, "k m"]:
    """SI-SDR of every estimate for every source."""
    if len(s) != len(e):
        raise InputError(f"estimates: {len(e)} samples for {len(s)} of the sources; give the same samples of both")
    varies = np.ptp(s, axis=0) > 0
    if not varies.all():
        column = int(np.flatnonzero(~varies)[0])
        raise InputError(f"sources: column {column} is constant and has no direction; leave it out")
    s, e = s - s.mean(0), np.where(np.ptp(e, axis=0) > 0, e - e.mean(0), 0.0)
    table = np.empty((s.shape[1], e.shape[1]))
    for i, source in enumerate(s.T):
        for j, estimate in enumerate(e.T):
            target = (estimate @ source) / (source @ source) * source
            rest = estimate - target
            with np.errstate(divide="ignore"):
                table[i, j] = (
                    10 * (np.log10(target @ target) - np.log10(rest @ rest)) if estimate.any() else -np.inf
                )
    return table


def _signals(values: ArrayLike, name: str) -> Float[np.ndarray, "n k"]:
    """(n, k) in float64; one dimension is one column."""
    try:
        x = array_of(values, name).astype(float)
    except (TypeError, ValueError):
        raise InputError(f"{name}: no array of numbers; give samples by columns, (n, k)") from None
    x = x[:, None] if x.ndim == 1 else x
    if x.ndim != 2 or 0 in x.shape:
        raise InputError(f"{name}: shape {np.shape(values)}; give samples by columns, (n, k)")
    if not np.isfinite(x).all():
        row = int(np.argwhere(~np.isfinite(x))[0, 0])
        raise InputError(f"{name}: NaN or infinity in row {row}; leave such rows out")
    # No scale matters, and squares are to be had.
    peak = np.abs(x).max(0)
    return np.where((peak > 1e100) | (peak < 1e-100), x / np.where(peak > 0, peak, 1.0), x)
