"""Tables in the terminal, their cells written as on a page."""

from __future__ import annotations

import rich.box
import rich.table
from rich.text import Text

from mutua.report.text import formatted_columns
from mutua.types import Table

__all__ = ["terminal"]


def terminal(table: Table) -> rich.table.Table:
    """`table` for `rich.print`: numbers to the right, its note underneath. Cells as in `mutua.report.table`.

    Text is shown as it is: square brackets in a name are no markup of rich.

    Raises `InputError` where a row has more or fewer cells than there are columns.

    >>> drawn = terminal(Table("k-NN", ["encoder", "%"], [["raw", (63.04, 1.2)], ["random", None]]))
    >>> [list(map(str, column.cells)) for column in drawn.columns]
    [['raw', 'random'], ['63.04 ± 1.20', '–']]
    """
    columns = formatted_columns(table)
    drawn = rich.table.Table(
        title=Text(table.title, "bold") if table.title else None,
        caption=Text(table.note, "dim") if table.note else None,
        title_justify="left",
        caption_justify="left",
        box=rich.box.SIMPLE_HEAD,
        pad_edge=False,
    )
    for name, (_, numeric) in zip(table.columns, columns, strict=True):
        drawn.add_column(Text(str(name)), justify="right" if numeric else "left", no_wrap=numeric)
    for row in zip(*(texts for texts, _ in columns), strict=True):
        drawn.add_row(*map(Text, row))
    return drawn
