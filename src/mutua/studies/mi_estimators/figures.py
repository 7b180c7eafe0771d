"""Figures of the comparison of estimators."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float

from mutua import plots
from mutua.studies.mi_estimators.staircase import Spread, smoothed

__all__ = ["curve_figure", "panels", "rmse_figure", "size_figure"]


@runtime_checkable
class Drawn(Protocol):
    """What a figure needs of a row of the staircase."""

    @property
    def distribution(self) -> str: ...
    @property
    def estimator(self) -> str: ...
    @property
    def critic(self) -> str: ...
    @property
    def spreads(self) -> Sequence[Spread]: ...
    @property
    def readings(self) -> Float[np.ndarray, "levels steps"]: ...


def curve_figure(rows: Sequence[Drawn], levels: Sequence[float]) -> str:
    """A small panel for each estimator, a line for each critic, over the steps."""
    estimators = list(dict.fromkeys(row.estimator for row in rows if row.critic))
    critics = list(dict.fromkeys(row.critic for row in rows if row.critic))
    colours = {critic: plots.COLOURS[i % len(plots.COLOURS)] for i, critic in enumerate(critics)}
    columns = 3
    lines = math.ceil(len(estimators) / columns)
    top = max(levels)
    with plots.figure(7.4, 1.75 * lines + 0.6, lines, columns) as (fig, axes):
        grid = panels(axes)
        for panel in grid[len(estimators) :]:
            panel.set_axis_off()
        for panel, estimator in zip(grid, estimators, strict=False):
            for row in (one for one in rows if one.estimator == estimator):
                steps, means = smoothed(row.readings)
                panel.plot(steps, means.clip(-0.5, 1.6 * top), color=colours[row.critic], linewidth=1)
            length = rows[0].readings.shape[1]
            panel.stairs(
                list(levels),
                np.arange(len(levels) + 1) * length,
                color=plots.COLOURS[6],
                linestyle="--",
                baseline=None,
            )
            panel.set_title(estimator, fontsize=9)
            panel.set_ylim(-0.5, 1.3 * top)
            panel.locator_params(nbins=5)
            panel.tick_params(labelsize=8)
        _legend(fig, colours)
        fig.supxlabel("step", fontsize=9)
        fig.supylabel("nats", fontsize=9)
        return plots.svg(fig)


def rmse_figure(rows: Sequence[Drawn], levels: Sequence[float]) -> str:
    """A panel for each distribution and critic: error against the level, a line for each estimator."""
    kinds = list(dict.fromkeys((row.distribution, row.critic) for row in rows if row.critic))
    columns = min(2, len(kinds))
    lines = math.ceil(len(kinds) / columns)
    estimators = list(dict.fromkeys(row.estimator for row in rows))
    marks = list("os^vDx+*<>ph1234")
    styles: dict[str, dict[str, Any]] = {
        name: {
            "color": plots.COLOURS[i % 6],
            "marker": marks[i % len(marks)],
            "markersize": 4,
            "linewidth": 1,
            "linestyle": "-" if i < 6 else "--" if i < 12 else ":",
        }
        for i, name in enumerate(estimators)
    }
    with plots.figure(7.4, 2.5 * lines + 1.4, lines, columns) as (fig, axes):
        grid = panels(axes)
        for panel in grid[len(kinds) :]:
            panel.set_axis_off()
        for panel, (distribution, critic) in zip(grid, kinds, strict=False):
            for row in rows:
                if row.distribution == distribution and row.critic in (critic, ""):
                    panel.plot(levels, [one.rmse for one in row.spreads], **styles[row.estimator])
            panel.set_title(f"{distribution}, {critic}", fontsize=9)
            panel.set_yscale("log")
            panel.set_ylim(*_decades(rows))
            panel.set_yticks(*_TICKS)
            panel.set_yticks([], minor=True)
            panel.set_xticks(list(levels))
        fig.supxlabel("true information, nats", fontsize=9)
        fig.supylabel("RMSE, nats", fontsize=9)
        handles = [_line(fig, **style) for style in styles.values()]
        fig.legend(handles, list(styles), loc="outside upper center", ncols=4, fontsize=8)
        return plots.svg(fig)


_TICKS = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50], ["0.1", "0.2", "0.5", "1", "2", "5", "10", "20", "50"]


def _decades(rows: Sequence[Drawn]) -> tuple[float, float]:
    """Limits that hold the errors, and no more of what ran away than tells that it did."""
    errors = [one.rmse for row in rows for one in row.spreads if math.isfinite(one.rmse)]
    return min([0.2, *errors]) / 1.1, min(50.0, max([1.0, *errors]) * 1.1)


def size_figure(sized: Mapping[str, np.ndarray], sizes: Sequence[int], levels: Sequence[float]) -> str:
    """A panel for each level: mean and sd of readings against K."""
    shown = list(range(len(levels)))
    with plots.figure(7.4, 3.0, 1, len(shown)) as (fig, axes):
        grid = panels(axes)
        for panel, j in zip(grid, shown, strict=True):
            for i, (name, values) in enumerate(sized.items()):
                mean, sd = values[:, j, 0], values[:, j, 1]
                panel.plot(sizes, mean, "o-", color=plots.COLOURS[i], markersize=4, label=name)
                panel.fill_between(sizes, mean - sd, mean + sd, color=plots.COLOURS[i], alpha=0.15, linewidth=0)
            panel.plot(sizes, np.log(sizes), ":", color=plots.COLOURS[6], label="log K")
            panel.axhline(levels[j], color=plots.COLOURS[6], linestyle="--", linewidth=1, label="truth")
            panel.set_xscale("log", base=4)
            panel.set_xticks(list(sizes), [str(size) for size in sizes], fontsize=8)
            panel.set_title(f"{levels[j]:g} nats", fontsize=9)
            panel.set_ylim(min(0.0, float(np.min([v[:, j, 0] for v in sized.values()]))), 1.4 * max(levels[j], 4))
        fig.legend(*grid[0].get_legend_handles_labels(), loc="outside upper center", ncols=6, fontsize=8)
        fig.supxlabel("batch size K", fontsize=9)
        fig.supylabel("nats", fontsize=9)
        return plots.svg(fig)


def panels(axes: Any) -> list[Any]:
    """The axes of a grid, row by row; of a single one, that one."""
    return list(np.ravel(np.asarray(axes, dtype=object)))


def _line(fig: Any, **style: Any) -> Any:
    from matplotlib.lines import Line2D

    return Line2D([], [], **style)


def _legend(fig: Any, colours: Mapping[str, str]) -> None:
    handles = [_line(fig, color=colour) for colour in colours.values()]
    fig.legend(handles, list(colours), loc="outside upper center", ncols=5, fontsize=8)
