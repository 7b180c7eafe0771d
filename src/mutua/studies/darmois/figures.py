"""Grids of the sources, deformed: figures of the study `darmois`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, cast

import numpy as np
from scipy.special import ndtri

from mutua import plots
from mutua.studies.darmois.maps import Known, swirled_sources

__all__ = ["grids", "posteriors_figure", "swirl_grids"]


def _lines(reach: float = 2.0, count: int = 9, points: int = 90) -> Iterator[tuple[int, np.ndarray]]:
    """A grid of the sources: which source is constant along the line, and the line (points, 2)."""
    along = np.linspace(-reach, reach, points)
    for fixed in (0, 1):
        for value in np.linspace(-reach, reach, count):
            line = np.stack([along, along], 1)
            line[:, fixed] = value
            yield fixed, line


def _drawn(axes: Any, mapped: Callable[[np.ndarray], np.ndarray], title: str) -> None:
    for fixed, line in _lines():
        points = mapped(line)
        axes.plot(points[:, 0], points[:, 1], color=plots.COLOURS[fixed], linewidth=0.8)
    axes.set(title=title, aspect="equal", xticks=[], yticks=[])


def grids(known: Known) -> str:
    """Sources, x, and Darmois's components by both orders, as normal scores."""

    def scores(first: int) -> Callable[[np.ndarray], np.ndarray]:
        return lambda s: ndtri(known.darmois(known.mixing(s), first).clip(1e-12, 1 - 1e-12))

    with plots.figure(8.4, 2.4, columns=4) as (fig, grid):
        axes = cast(Any, grid)
        _drawn(axes[0], lambda s: s, "sources")
        _drawn(axes[1], known.mixing, "x")
        _drawn(axes[2], scores(0), "order 1, 2")
        _drawn(axes[3], scores(1), "order 2, 1")
        return plots.svg(fig)


def swirl_grids(turns: Sequence[float]) -> str:
    """The sources under swirls."""
    with plots.figure(2.2 * len(turns), 2.4, columns=len(turns)) as (fig, grid):
        for axes, one in zip(np.ravel(cast(Any, grid)), turns, strict=True):
            _drawn(axes, lambda s, one=one: swirled_sources(s, one), f"{one:g} turn{'s' * (one != 1)}")  # type: ignore[misc]
        return plots.svg(fig)


def posteriors_figure(model: np.ndarray, twin: np.ndarray, turns: float) -> str:
    """Posterior means of the same rows under both."""
    with plots.figure(6, 3, columns=2) as (fig, grid):
        axes = cast(Any, grid)
        for one, points, title in (
            (axes[0], model, "model"),
            (axes[1], twin, f"twin, {turns:g} turn{'s' * (turns != 1)}"),
        ):
            one.scatter(points[:, 0], points[:, 1], s=8, c=model[:, 0], cmap="PuOr")
            one.set(title=title, xlabel="first latent", ylabel="second latent", aspect="equal")
        return plots.svg(fig)
