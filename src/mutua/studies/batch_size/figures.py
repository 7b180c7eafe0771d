"""Figures of the study of batch sizes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator, NullFormatter

from mutua import plots

__all__ = ["Cost", "Readings", "exact_figure", "memory_figure", "trained_figure"]

Readings = Mapping[float, Mapping[int, float]]
"""True information to K to InfoNCE, in nats."""

Cost = tuple[int, float, float | None, float | None, float | None]
"""Batch; CPU seconds and MiB of one way; and of the other, none where it was not tried or isn't known."""


def exact_figure(sizes: Sequence[int], exact: Readings) -> str:
    """A line for each true information, its readings over K, under log K."""
    with plots.figure(6, 3.8) as (fig, axes):
        _ceiling(axes, sizes)
        for colour, level in zip(plots.COLOURS, exact, strict=False):
            axes.axhline(level, color=colour, linewidth=1, linestyle=":")
            axes.plot(sizes, [exact[level][s] for s in sizes], "o-", color=colour, markersize=4)
            axes.annotate(f"{level:g} nats", (sizes[0], level), xytext=(0, 3), textcoords="offset points")
        axes.set(xlabel="K, pairs in a batch", ylabel="InfoNCE, nats", ylim=(0, max(exact) * 1.15))
        return plots.svg(fig)


def trained_figure(
    sizes: Sequence[int],
    level: float,
    best: Mapping[int, float],
    own: Mapping[int, float],
    largest: Mapping[int, float],
) -> str:
    """Readings over K of critics trained at K, of that of the largest, and of the exact log ratio where given."""
    with plots.figure(6, 3.8) as (fig, axes):
        _ceiling(axes, sizes)
        axes.axhline(level, color=plots.COLOURS[6], linewidth=1, linestyle=":", label="truth")
        if best:
            axes.plot(sizes, [best[s] for s in sizes], "o-", markersize=4, label="exact log ratio")
        axes.plot(
            sizes,
            [largest[s] for s in sizes],
            "s-",
            color=plots.COLOURS[1],
            markersize=4,
            label=f"trained at K = {max(own):,}",
        )
        axes.plot(
            list(own), list(own.values()), "^--", color=plots.COLOURS[2], markersize=5, label="trained at this K"
        )
        axes.set(xlabel="K, pairs in a batch", ylabel="InfoNCE, nats", ylim=(0, level * 1.25))
        axes.legend(loc="lower right", fontsize=9)
        return plots.svg(fig)


def _ceiling(axes: Axes, sizes: Sequence[int]) -> None:
    between = np.geomspace(sizes[0], sizes[-1], 50)
    axes.plot(between, np.log(between), color=plots.COLOURS[6], linewidth=1, linestyle="--", label="log K")
    axes.set_xscale("log", base=4)
    axes.set_xticks(list(sizes), [f"{size:,}" for size in sizes])


def memory_figure(costs: Sequence[Cost], steps: Sequence[Cost]) -> str:
    """MiB over the batch, less than 1 drawn as 1: scores streamed and held, an encoder whole and in chunks."""
    panels = [
        ("scores of K pairs", [(n, held_, streamed) for n, _, streamed, _, held_ in costs], "held", "streamed"),
        ("encoder, images a step", [(n, whole, cut) for n, _, whole, _, cut in steps], "whole", "in chunks"),
    ]
    with plots.figure(7.2, 3.4, 1, 2) as (fig, axes):
        for panel, (title, rows, first, second) in zip(np.ravel(axes), panels, strict=True):  # type: ignore[call-overload]
            for name, mark, column in ((first, "o-", 1), (second, "s-", 2)):
                points = [(row[0], max(mib, 1)) for row in rows if (mib := row[column]) is not None]
                panel.plot([n for n, _ in points], [mib for _, mib in points], mark, markersize=4, label=name)
            panel.set_xscale("log", base=2)
            panel.set_yscale("log")
            panel.set_xticks([row[0] for row in rows], [f"{row[0]:,}" for row in rows], rotation=40)
            panel.set_xticks([], minor=True)
            panel.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            panel.yaxis.set_major_formatter("{x:,.0f}")
            panel.yaxis.set_minor_formatter(NullFormatter())
            panel.set(xlabel=title, ylabel="MiB at most")
            panel.legend(fontsize=9)
        return plots.svg(fig)
