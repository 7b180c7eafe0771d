"""Figures of the study of SimCLR's views."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import UInt8
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from mutua import plots
from mutua.studies.simclr_views.boxes import Box
from mutua.studies.simclr_views.matching import Reading

__all__ = ["crop_figure", "histogram_figure", "strength_figure"]

_CHANNELS = ("#d7301f", "#238b45", "#2171b5")  # red, green, blue


def _show(axes: Axes, pixels: UInt8[np.ndarray, "c h w"], title: str = "") -> None:
    image = pixels.transpose(1, 2, 0)
    axes.imshow(image[..., 0] if image.shape[-1] == 1 else image, cmap="gray", vmin=0, vmax=255)
    axes.set_title(title)
    axes.set(xticks=[], yticks=[])


def crop_figure(image: UInt8[np.ndarray, "c h w"], pairs: Mapping[str, Sequence[tuple[str, Box]]]) -> str:
    """A row for each kind of pair: the image with both boxes, and what is in them."""
    with plots.figure(6.6, 2.3 * len(pairs), len(pairs), 3) as (fig, grid):
        for row, (title, boxes) in zip(np.atleast_2d(grid), pairs.items(), strict=True):  # type: ignore[call-overload]
            _show(row[0], image, title)
            for axes, colour, (name, (top, left, height, width)) in zip(
                row[1:], plots.COLOURS[1:], boxes, strict=False
            ):
                outline = Rectangle(
                    (left - 0.5, top - 0.5), width, height, fill=False, color=colour, linewidth=2.5
                )
                row[0].add_patch(outline)
                _show(axes, image[:, top : top + height, left : left + width], name)
                for spine in axes.spines.values():
                    spine.set(visible=True, color=colour, linewidth=2.5)
        return plots.svg(fig)


def histogram_figure(crops: Sequence[UInt8[np.ndarray, "k c h w"]], bins: int) -> str:
    """Two rows an image: k crops, and under each the shares of its pixels in bins of each channel."""
    k = len(crops[0])
    with plots.figure(1.75 * k, 2.5 * len(crops), 2 * len(crops), k) as (fig, grid):
        edges = np.linspace(0, 256, bins + 1)
        rows = np.atleast_2d(grid)  # type: ignore[call-overload]
        for i, of_image in enumerate(crops):
            for j, pixels in enumerate(of_image):
                _show(rows[2 * i, j], pixels, f"image {i + 1}, crop {j + 1}" if j == 0 else f"crop {j + 1}")
                axes = rows[2 * i + 1, j]
                for channel, colour in zip(pixels, _CHANNELS, strict=False):
                    shares = np.histogram(channel, edges)[0] / channel.size
                    axes.stairs(shares, edges, color=colour, fill=True, alpha=0.35)
                axes.set(xlim=(0, 256), xticks=[0, 128, 255], yticks=[])
        return plots.svg(fig)


def strength_figure(readings: Mapping[str, Mapping[str, Sequence[Reading]]]) -> str:
    """Left accuracy, right nats, over the number of views to choose from; a line for each matcher and views."""
    with plots.figure(7.2, 3.6, 1, 2) as (fig, axes):
        left, right = np.ravel(axes)  # type: ignore[call-overload]
        sizes: Sequence[int] = ()
        for line, (matcher, by_views) in zip(("o-", "s--"), readings.items(), strict=False):
            for colour, (views, found) in zip(plots.COLOURS, by_views.items(), strict=False):
                sizes = [one.size for one in found]
                style = {"color": colour, "markersize": 4, "capsize": 2}
                name = f"{views}, {matcher}"
                left.errorbar(
                    sizes,
                    [100 * r.top1 for r in found],
                    [100 * r.top1_half for r in found],
                    fmt=line,
                    label=name,
                    **style,
                )
                right.errorbar(sizes, [r.nats for r in found], [r.nats_half for r in found], fmt=line, **style)
        grey = {"color": plots.COLOURS[6], "linewidth": 1, "linestyle": ":"}
        left.plot(sizes, [100 / k for k in sizes], label="chance", **grey)
        right.plot(sizes, np.log(sizes), label="log K", **grey)
        for panel in (left, right):
            panel.set_xscale("log", base=2)
            panel.set_xticks(list(sizes), [f"{k:,}" for k in sizes])
            panel.set_xticks([], minor=True)
            panel.set(xlabel="K, views to choose from")
        left.set(ylabel="mate found first, %", ylim=(0, None))
        right.set(ylabel="InfoNCE, nats", ylim=(0, None))
        right.legend(fontsize=9)
        fig.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=2, fontsize=9)
        return plots.svg(fig)
