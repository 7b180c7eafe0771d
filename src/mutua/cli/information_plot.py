"""The picture of `mutua mi`: the two sides, and what was read of them."""

from __future__ import annotations

import io
import math
from pathlib import Path
from tempfile import TemporaryFile

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy import ndarray

from mutua.data.store import checked_place, replacing
from mutua.information import MutualInformationResult
from mutua.information.estimators.gaussian import canonical
from mutua.information.variables import Variable
from mutua.plots import COLOURS, figure, svg
from mutua.types import InputError

__all__ = ["check_plot", "save", "write_plot"]

POINTS = 3000


def check_plot(path: Path) -> None:
    """Raise `InputError` for a picture that can't be written: for before the work, not after it."""
    if path.suffix.lower() not in (".png", ".svg"):
        raise InputError(f"{path}: pictures are written as .png or .svg; name the file so")
    checked_place(path)
    place = next(folder for folder in path.absolute().parents if folder.exists())
    try:  # access rights don't tell all: root may write everywhere, and yet not in /proc
        with TemporaryFile(dir=place):
            pass
    except OSError as error:
        raise InputError(f"{path}: {place} can't be written to ({error.strerror}); name another place") from error


def write_plot(
    path: Path,
    x: Variable,
    y: Variable,
    result: MutualInformationResult,
    title: str,
    unit: str = "nats",
    seed: int = 0,
) -> None:
    """Left: the rows, at most 3,000, on the directions of x and y that correlate most; right: readings on an axis.

    Columns are at Gaussian quantiles, and categories spread a little. The file is written whole or not at all.
    Raises `InputError` where it can't be.
    """
    u, v, linear = _pair(x, y)
    rng = np.random.default_rng(seed)
    rows = rng.choice(len(u), min(len(u), POINTS), replace=False)
    with figure(10, 4, columns=2) as (fig, axes):
        scatter, readings = np.asarray(axes)
        scatter.scatter(
            *(_spread(w[rows], rng) for w in (u, v)),
            s=8,
            alpha=0.35,
            linewidths=0,
            color=COLOURS[0],
            rasterized=True,
        )
        several = [side.columns().shape[1] > 4 or side.continuous.shape[1] > 1 for side in (x, y)]
        words = [
            f"{name}: first canonical direction" if many else f"{name}, at Gaussian quantiles"
            for name, many in zip("xy", several, strict=True)
        ]
        for side, k in ((x, 0), (y, 1)):
            if side.discrete:
                words[k] = f"{'xy'[k]}: categories"
        scatter.set(xlabel=words[0], ylabel=words[1], title=f"correlation {linear:.2f}, {len(rows):,} rows")
        _readings(readings, result, unit)
        fig.suptitle(title)
        save(fig, path)


def save(fig: Figure, path: Path) -> None:
    """Write a figure as SVG or PNG, whole or not at all. Raises `InputError` where it can't be."""
    if path.suffix.lower() == ".svg":
        content = svg(fig).encode()
    else:
        buffer = io.BytesIO()
        fig.savefig(buffer, format="png", dpi=150, transparent=False, facecolor="white")
        content = buffer.getvalue()
    try:
        with replacing(path) as file:
            file.write(content)
    except OSError as error:
        raise InputError(f"{path}: can't be written ({error.strerror}); name another file") from error


def _pair(a: Variable, b: Variable) -> tuple[Float[ndarray, " n"], Float[ndarray, " n"], float]:
    """The first canonical variates, oriented to rise together, and their correlation."""
    both = [np.hstack([side.continuous, side.labels]) for side in (a, b)]
    found = canonical(both[0], both[1])
    u, v = both[0] @ found.left[:, 0], both[1] @ found.right[:, 0]
    # A column by itself keeps its direction.
    if both[0].shape[1] == 1 and found.left[0, 0] < 0:
        u, v = -u, -v
    if both[1].shape[1] == 1 and np.corrcoef(v, both[1][:, 0])[0, 1] < 0:
        v = -v
    return u, v, float(np.corrcoef(u, v)[0, 1])


def _spread(values: Float[ndarray, " n"], rng: np.random.Generator) -> Float[ndarray, " n"]:
    """Few values are drawn apart, so that the points of one don't hide each other."""
    found = np.unique(values)
    if len(found) > 40 or len(found) < 2:
        return values
    return values + rng.uniform(-0.3, 0.3, len(values)) * np.diff(found).min()


def _readings(axes: Axes, result: MutualInformationResult, unit: str) -> None:
    scale = 1 / math.log(2) if unit == "bits" else 1.0
    points = {name: value * scale for name, value in result.readings.items() if math.isfinite(value)}
    labels: list[str] = []

    def at(label: str) -> int:
        labels.append(label)
        return -len(labels)

    if math.isfinite(result.value):
        value, (low, high) = result.value * scale, (end * scale for end in result.interval)
        y = at(f"value {value:.3f}, 95 % interval")
        axes.plot([low, high if math.isfinite(high) else value], [y, y], color=COLOURS[0], linewidth=2)
        axes.plot(value, y, "o", color=COLOURS[0])
        axes.axvline(value, color=COLOURS[0], alpha=0.3, linewidth=1)
        if result.lower > 0:
            y = at(f"at least {result.lower * scale:.3f}")
            axes.plot(result.lower * scale, y, ">", color=COLOURS[1])
    else:
        at("infinite: one side determines the other")
    for number, (name, reading) in enumerate(points.items(), 2):
        axes.plot(
            reading,
            at(f"{name} {reading:.3f}"),
            "D",
            color=COLOURS[number % len(COLOURS)],
            markersize=5,
            clip_on=False,
        )
    axes.set_yticks([-k for k in range(1, len(labels) + 1)], labels)
    axes.set_ylim(-len(labels) - 0.6, -0.4)
    axes.set_xlim(left=min([0.0, *points.values()]))
    axes.set(
        xlabel=unit, title="" if math.isnan(result.p_value) else f"p = {result.p_value:.3g} against independence"
    )
