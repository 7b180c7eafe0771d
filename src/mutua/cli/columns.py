"""Which columns of a file a command line means: names with commas between, which names may hold themselves."""

from __future__ import annotations

from collections.abc import Sequence

from mutua.data.table import Columns, read_table, titles_of
from mutua.types import InputError

__all__ = ["read_columns"]


def read_columns(
    file: str, chosen: Sequence[str] | str | None = None, without: Sequence[str] = (), *, discrete: bool = False
) -> Columns:
    """The columns of a file that are asked for, or all of them but those of `without`.

    Asked for by their names, or by one text of names with commas between, where what is a column's name as it
    stands is taken whole, with its commas.

    Raises `InputError` as `read_table` does, for a name that is empty or occurs twice, and for a column asked for
    that can't be used. Missing cells are left to the caller.
    """
    if isinstance(chosen, str):
        chosen = _split(chosen, titles_of(file))
    if chosen is None and without:
        titles = titles_of(file)
        unknown = next((title for title in without if title not in titles), None)
        if unknown is not None:
            raise InputError(f"{file}: has no column {unknown!r}; it has {', '.join(titles[:20])}")
        chosen = [title for title in titles if title not in without]
    return read_table(file, chosen, discrete=discrete).checked(missing=True)


def _split(listed: str, titles: Sequence[str]) -> list[str]:
    """Names with commas between; the longest run of pieces that is a title, commas and all, is one name."""
    pieces, found = listed.split(","), []
    while pieces:
        runs = [",".join(pieces[:end]).strip() for end in range(len(pieces), 1, -1)]
        name = next((run for run in runs if run in titles), pieces[0].strip())
        found.append(name)
        del pieces[: name.count(",") + 1]
    if not all(found):
        raise InputError(f"columns: {listed!r} has an empty name; write them as a,b,c")
    if len(set(found)) < len(found):
        raise InputError(f"columns: {listed!r} has a name twice; give each once")
    return found
