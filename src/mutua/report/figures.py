"""Blocks of figures: any SVG, and the curves of a training run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

from mutua import plots
from mutua.report.page import Block
from mutua.report.svg import natural_width
from mutua.types import InputError

__all__ = ["curves", "figure"]

_AXES = ("epoch", "step")
_BINS = 300  # past this, a line of points is a smear: show each bin's range and mean instead


def figure(svg: str, caption: str, *, heading: str = "") -> Block:
    """A figure from `mutua.plots.svg`, its caption underneath (and read out in its stead)."""
    natural_width(svg)  # refuses here, where the caller is, what could not be drawn later
    return Block("figure.html", {"svg": svg, "caption": caption}, heading)


def curves(metrics: Sequence[Mapping[str, Any]], *, heading: str = "") -> Block:
    """Training metrics, one small panel each: what was logged, faint, under a smoothed line.

    The line is a centred running mean over 5 % of the run, so that it does not lag; runs of more than 300
    rows show each bin's range and mean. A metric that never changed is told in words.

    Args:
        metrics: rows of a run's metrics, in order, as `csv.DictReader` or a logger gives them: a column `step`
            or `epoch` (which must rise) and any others. Values that are empty or no numbers are left out;
            NaN and infinities too, which the page states.
    """
    if not metrics:
        raise InputError("metrics: no row was logged, so there are no curves to draw")
    names = list(dict.fromkeys(name for row in metrics for name in row))
    columns = {name: np.array([_number(row.get(name)) for row in metrics]) for name in names}
    axis = next((name for name in _AXES if name in columns and _rises(columns[name])), "row")
    x = columns.get(axis, np.arange(1, len(metrics) + 1, dtype=float))
    panels, constants, left_out = [], [], []
    for name in sorted((n for n in names if n not in _AXES), key=lambda n: n != "loss"):
        y = columns[name]
        if not (given := ~np.isnan(y)).any():
            continue
        finite = np.isfinite(y)
        if (lost := int((given & ~finite).sum()) + sum(_is_nan(row.get(name)) for row in metrics)) > 0:
            left_out.append(f"{name} {lost}")
        if not finite.any():
            continue
        if finite.sum() > 1 and np.ptp(y[finite]) == 0:
            constants.append(f"{name} = {y[finite][0]:g}")
            continue
        last = f"{y[finite][-1]:.4g}".replace("-", "−")
        panels.append({"name": name, "last": last, "svg": _panel(x[finite], y[finite], axis)})
    notes = []
    if constants:
        notes.append(f"Constant throughout: {', '.join(constants)}.")
    if left_out:
        notes.append(f"Values that are NaN or infinite, left out: {', '.join(left_out)}.")
    return Block("curves.html", {"panels": panels, "note": " ".join(notes), "axis": axis}, heading)


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        return float("nan")


def _is_nan(value: Any) -> bool:
    """A logged NaN, as against a value that is not there."""
    return value is not None and str(value).strip().lower() == "nan"


def _rises(x: Float[np.ndarray, " n"]) -> bool:
    return bool(np.isfinite(x).all() and (np.diff(x) > 0).all())


def _panel(x: Float[np.ndarray, " n"], y: Float[np.ndarray, " n"], axis: str) -> str:
    with plots.figure(3.3, 1.9) as (fig, axes):
        colour = plots.COLOURS[0]
        if len(y) == 1:
            axes.plot(x, y, "o", color=colour)
        elif len(y) <= _BINS:
            smooth = _smoothed(y)
            axes.plot(x, y, color=colour, alpha=0.3 if smooth is not None else 1, linewidth=1)
            if smooth is not None:
                axes.plot(x, smooth, color=colour, linewidth=1.6)
        else:
            bins = np.array_split(np.arange(len(y)), _BINS)
            middle = np.array([x[b].mean() for b in bins])
            low, high = np.array([y[b].min() for b in bins]), np.array([y[b].max() for b in bins])
            mean = np.array([y[b].mean() for b in bins])
            smooth = _smoothed(mean)
            axes.fill_between(middle, low, high, color=colour, alpha=0.2, linewidth=0)
            axes.plot(middle, mean if smooth is None else smooth, color=colour, linewidth=1.6)
        axes.set_xlabel(axis)
        axes.locator_params(nbins=5)
        axes.ticklabel_format(useOffset=False)
        return plots.svg(fig)


def _smoothed(y: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"] | None:
    """Centred running mean over 5 % of the points; None where that would be fewer than three."""
    half = len(y) // 40
    if half < 1:
        return None
    kernel = np.ones(2 * half + 1)
    return np.convolve(y, kernel, "same") / np.convolve(np.ones(len(y)), kernel, "same")
