"""The page of a study, from its result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mutua.report.figures import figure
from mutua.report.page import Block, page
from mutua.report.text import references, table, words
from mutua.types import Result

__all__ = ["study_page"]


def study_page(
    result: Result,
    *,
    subtitle: str = "",
    papers: Sequence[str] = (),
    settings: Mapping[str, Any] | None = None,
    date: str = "",
) -> str:
    """The HTML of a study: what it says, its figures (each name the caption), its tables, and its papers.

    Args:
        result: what the study returned; its title is the page's.
        subtitle: such as the command that makes it again.
        papers: references, as `papers(run)` reads them from docstrings.
        settings: what it was run with; the result's own by default.
    """
    blocks: list[Block] = []
    if result.words:
        blocks.append(words(result.words, heading="What it says"))
    for i, (caption, svg) in enumerate(result.figures.items()):
        blocks.append(figure(svg, caption, heading="" if i else "Figures"))
    for i, one in enumerate(result.tables):
        blocks.append(table(one, heading="" if i else "Tables"))
    if papers:
        blocks.append(references(papers))
    return page(result.title, blocks, subtitle=subtitle, settings=settings or result.settings, date=date)
