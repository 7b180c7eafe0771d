"""Views of rows of a table."""

from mutua.views.table.missing import Missing
from mutua.views.table.published import simclr

__all__ = ["Missing", "simclr"]
