"""What `mutua mi` says of many pairs of columns: all of a table, or every one against a target."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from mutua.cli.output import say, show
from mutua.data.table import Columns
from mutua.information import against, pairs
from mutua.information.pairwise import Against
from mutua.types import Table

__all__ = ["say_against", "say_pairs"]

WIDE, LISTED, BARS = 9, 40, 40
"""Up to WIDE columns as a matrix, else the LISTED pairs that say most; a picture has up to BARS columns."""


def say_pairs(table: Columns, seed: int, unit: str, as_json: bool) -> None:
    """The matrix of a few columns, or the pairs that say most of each other."""
    found = pairs(table, seed=seed)
    values = found.values / (math.log(2) if unit == "bits" else 1)
    names = list(found.names)
    if as_json:
        content = {
            "title": f"Information between columns, {unit}",
            "columns": names,
            "values": values.tolist(),
            "rows": found.rows.tolist(),
            "unit": unit,
            "notes": list(found.notes),
        }
        say(content, "", True)
        return
    note = ". ".join([f"{len(table):,} rows", *found.notes])
    if len(names) <= WIDE:
        rows = [[name, *(_shown(value) for value in row)] for name, row in zip(names, values, strict=True)]
        show([Table(f"Information between columns, {unit}", ["", *names], rows, note)])
        return
    i, j = np.tril_indices(len(names), -1)
    listed = values[i, j]
    order = np.argsort(-np.nan_to_num(listed, nan=-1.0, posinf=np.inf), kind="stable")
    order = order[~np.isnan(listed[order])][:LISTED]
    rows = [[names[j[k]], names[i[k]], _shown(listed[k]), f"{found.rows[i[k], j[k]]:,}"] for k in order]
    count = int((~np.isnan(listed)).sum())
    title = f"Information between columns, {unit}: the {len(rows):,} of {count:,} pairs that say most"
    show([Table(title, ["", "and", unit, "rows"], rows, f"{note}. All of them: --json")])


def say_against(
    table: Columns,
    target: str,
    kinds: Sequence[bool | None],
    serial: bool | None,
    permutations: int,
    seed: int,
    plot: Path | None,
    unit: str,
    as_json: bool,
    told: Callable[[int, int], None],
) -> None:
    """Every column against the target, the one that says most first."""
    found, notes = against(
        table, target, discrete=kinds, serial=serial, permutations=permutations, seed=seed, told=told
    )
    scale = 1 / math.log(2) if unit == "bits" else 1.0
    title = f"What each column says of {target}"
    if plot is not None:
        _plot(plot, found, f"{title}, {unit}", scale)
    if as_json:
        listed = [
            {
                "column": one.name,
                "value": one.result.value * scale,
                "interval": [end * scale for end in one.result.interval],
                "p_value": one.result.p_value,
                "adjusted_p_value": one.adjusted,
                "rows": one.result.n,
                "estimator": one.result.estimator,
                "diagnostics": list(one.result.diagnostics),
            }
            for one in found
        ]
        say({"target": target, "unit": unit, "columns": listed, "notes": notes}, "", True)
        return
    rows = [
        [
            one.name,
            _shown(one.result.value * scale),
            "{} to {}".format(*(_shown(end * scale) for end in one.result.interval)),
            f"{one.result.p_value:.2g}",
            f"{one.adjusted:.2g}",
            f"{one.result.n:,}",
        ]
        for one in found
    ]
    words = [
        "p: permutations; adjusted: Benjamini and Hochberg's over the columns. Without networks: "
        "--x COLUMN --y gives a column's whole estimate",
        *notes,
        *_said(found),
    ]
    columns = ["column", unit, "95 % interval", "p", "p, adjusted", "rows"]
    show([Table(title, columns, rows, ". ".join(words))])
    if plot is not None:
        print(f"\n{plot}: written")


def _said(found: Sequence[Against]) -> list[str]:
    """Each doubt once, with how many columns it is of."""
    counts: dict[str, list[str]] = {}
    for one in found:
        for sentence in one.result.diagnostics:
            counts.setdefault(sentence, []).append(one.name)
    return [
        f"{', '.join(names[:3])}{', ...' if len(names) > 3 else ''}: {words}" for words, names in counts.items()
    ]


def _shown(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.3f}"


def _plot(path: Path, found: Sequence[Against], title: str, scale: float) -> None:
    """Values and intervals, the largest on top; grey where the adjusted p-value is above .05."""
    from mutua.cli.information_plot import save  # matplotlib is not for the help
    from mutua.plots import COLOURS, figure

    top = found[:BARS]
    with figure(7, 1.2 + 0.28 * max(len(top), 3)) as (fig, axes):
        for k, one in enumerate(top):
            value, (low, high) = one.result.value * scale, (end * scale for end in one.result.interval)
            colour = COLOURS[0] if one.adjusted <= 0.05 else "0.6"
            if math.isfinite(high):
                axes.plot([low, high], [-k, -k], color=colour, linewidth=2)
            if math.isfinite(value):
                axes.plot(value, -k, "o", color=colour)
        axes.set_yticks([-k for k in range(len(top))], [one.name for one in top])
        axes.set_xlim(left=0)
        axes.set(xlabel="grey: adjusted p above .05", title=title)
        save(fig, path)
