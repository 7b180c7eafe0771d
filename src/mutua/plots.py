"""Figures as SVG text that follows the page: words and axes take the colour of the text around them.

>>> with figure(4, 3) as (fig, axes):
...     _ = axes.plot([0, 1], [0, 1])
>>> svg(fig).startswith("<svg")
True
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

__all__ = ["COLOURS", "figure", "svg"]

# Okabe and Ito's palette without its yellow: told apart by readers who see colours differently, and
# legible on a light and on a dark page.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#7f7f7f")

_INK = "#010203"  # stands for currentColor, which matplotlib doesn't know
_STYLE: dict[Any, Any] = {
    "axes.edgecolor": _INK,
    "axes.labelcolor": _INK,
    "axes.prop_cycle": cycler(color=COLOURS),
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": "medium",
    "figure.constrained_layout.use": True,
    "font.size": 10,
    "legend.frameon": False,
    "savefig.transparent": True,
    "svg.fonttype": "none",
    "svg.hashsalt": "mutua",
    "text.color": _INK,
    "xtick.color": _INK,
    "ytick.color": _INK,
}


@contextmanager
def figure(width: float = 6, height: float = 4, rows: int = 1, columns: int = 1) -> Iterator[tuple[Figure, Axes]]:
    """A matplotlib figure in the house style, its size in inches; the axes, or an array of them for a grid.

    Neither pyplot nor a display is touched: nothing is left open.
    """
    with matplotlib.rc_context(_STYLE):
        fig = Figure(figsize=(width, height))
        FigureCanvasSVG(fig)
        yield fig, fig.subplots(rows, columns)


def svg(fig: Figure) -> str:
    """The figure as an `<svg>` element that scales to its container."""
    with matplotlib.rc_context(_STYLE):
        buffer = io.StringIO()
        fig.savefig(buffer, format="svg", metadata={"Date": None})
    text = buffer.getvalue()
    text = text[text.index("<svg") :].replace(_INK, "currentColor")
    return re.sub(
        r'^<svg([^>]*?) width="[^"]*"',
        r"<svg\1",
        re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", text, count=1),
    )
