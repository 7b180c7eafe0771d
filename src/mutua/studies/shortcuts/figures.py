"""Figures of the study of shortcuts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from mutua import plots

__all__ = ["ablation_figure", "planted_figure", "tiles_figure"]

_NAMES = {"jigsaw": "jigsaw", "relative_position": "relative position"}


def ablation_figure(
    points: Mapping[str, Sequence[tuple[str, float, float]]], untrained: float, error: float
) -> str:
    """A panel a task: percent of the nats that were learned, against the probe; the line is the untrained."""
    with plots.figure(8.6, 4.4, 1, len(points)) as (fig, grid):
        for axes, (task, rows) in zip(np.atleast_1d(grid), points.items(), strict=True):  # type: ignore[call-overload]
            axes.axhspan(untrained - error, untrained + error, color=plots.COLOURS[-1], alpha=0.25, linewidth=0)
            axes.axhline(untrained, color=plots.COLOURS[-1], linewidth=1)
            for number, (_, share, probed) in enumerate(rows, 1):
                colour = plots.COLOURS[0] if number == 1 else plots.COLOURS[1]
                axes.errorbar(share, probed, error, fmt="o", color=colour, markersize=4, linewidth=0.8)
                axes.annotate(str(number), (share, probed), xytext=(4, 4), textcoords="offset points", fontsize=8)
            key = "\n".join(f"{number} {name}" for number, (name, *_) in enumerate(rows, 1))
            axes.text(0, -0.2, key, transform=axes.transAxes, va="top", fontsize=8)
            axes.set(title=_NAMES[task], xlabel="nats learned, % of the most", ylabel="linear probe, %")
        return plots.svg(fig)


def planted_figure(rows: Sequence[tuple[str, str, float, float, float]]) -> str:
    """Bars of (cue, task, nats where it is seen, where it is countered, most): shares of the most."""
    cues = list(dict.fromkeys(cue for cue, *_ in rows))
    tasks = list(dict.fromkeys(task for _, task, *_ in rows))
    with plots.figure(8.0, 3.2) as (fig, axes):
        for k, task in enumerate(tasks):
            of_task = {cue: (a / most, b / most) for cue, of, a, b, most in rows if of == task}
            for j, (alpha, said) in enumerate(((1.0, "seen"), (0.4, "countered"))):
                at = np.arange(len(cues)) + 0.2 * (2 * k + j) - 0.3
                heights = [100 * of_task[cue][j] for cue in cues]
                axes.bar(at, heights, 0.18, color=plots.COLOURS[k], alpha=alpha, label=f"{_NAMES[task]}, {said}")
        axes.set(xticks=range(len(cues)), xticklabels=cues, ylabel="nats learned, % of the most")
        axes.axhline(0, color=plots.COLOURS[-1], linewidth=0.8)
        axes.legend(fontsize=8)
        return plots.svg(fig)


def tiles_figure(columns: Mapping[str, np.ndarray]) -> str:
    """A column a name, a row an image (n, c, h, w) in [0, 1]."""
    n = len(next(iter(columns.values())))
    with plots.figure(1.9 * len(columns), 2.0 * n, n, len(columns)) as (fig, grid):
        for row, of_row in enumerate(np.atleast_2d(grid)):  # type: ignore[call-overload]
            for axes, (name, images) in zip(of_row, columns.items(), strict=True):
                axes.imshow(images[row].transpose(1, 2, 0).clip(0, 1), interpolation="nearest")
                axes.set(xticks=[], yticks=[])
                if row == 0:
                    axes.set_title(name, fontsize=8)
        return plots.svg(fig)
