"""Tables: named columns of numbers, dates or categories, read the same from files and from containers."""

from mutua.data.table.columns import Column, Columns
from mutua.data.table.containers import columns_of
from mutua.data.table.files import arrays_of, read_table, titles_of

__all__ = ["Column", "Columns", "arrays_of", "columns_of", "read_table", "titles_of"]
