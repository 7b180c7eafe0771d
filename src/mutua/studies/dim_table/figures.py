"""Figures of Deep InfoMax's table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import UInt8

from mutua import plots

__all__ = ["curves_figure", "pictures_figure"]

_SHOWN = ("loss", "discriminator", "mismatch", "ratio", "moved")


def curves_figure(curves: Mapping[str, Sequence[Mapping[str, float]]]) -> str:
    """A panel a row: the loss over epochs, and what else says how a training went, each as a share of its
    largest."""
    columns = 3
    lines = -(-len(curves) // columns)
    with plots.figure(8, 2.1 * lines, lines, columns) as (fig, grid):
        panels = np.ravel(grid)  # type: ignore[call-overload]
        for panel, (name, rows) in zip(panels, curves.items(), strict=False):
            for colour, key in zip(plots.COLOURS, _SHOWN, strict=False):
                told = [(row["epoch"], row[key]) for row in rows if key in row]
                if told:
                    epochs, values = np.array(told).T
                    panel.plot(epochs, values / max(np.abs(values).max(), 1e-12), color=colour, label=key, lw=1)
            panel.set_title(name, fontsize=9)
            panel.legend(fontsize=7)
        for panel in panels[len(curves) :]:
            panel.axis("off")
        return plots.svg(fig)


def pictures_figure(rows: Mapping[str, UInt8[np.ndarray, "n c h w"]]) -> str:
    """A line of images for each name."""
    count = max(len(images) for images in rows.values())
    with plots.figure(1 + 0.8 * count, 0.85 * len(rows), len(rows), count) as (fig, grid):
        lines = np.reshape(grid, (len(rows), count))  # type: ignore[call-overload]
        for line, (name, images) in zip(lines, rows.items(), strict=True):
            for axes, image in zip(line, images, strict=False):
                picture = image[:3].transpose(1, 2, 0) if len(image) >= 3 else image[0]
                axes.imshow(picture, cmap="gray", vmin=0, vmax=255)
            for axes in line:
                axes.set(xticks=[], yticks=[])
                for spine in axes.spines.values():
                    spine.set_visible(False)
            line[0].set_ylabel(name, rotation=0, ha="right", va="center", fontsize=8)
        return plots.svg(fig)
