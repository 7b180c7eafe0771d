"""The page of a training run, from plain values."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from mutua.report.figures import curves
from mutua.report.maps import embedding_map
from mutua.report.neighbours import gallery
from mutua.report.page import Block, page
from mutua.report.pictures import image_grid
from mutua.report.text import references, table, words
from mutua.types import Method, Table

__all__ = ["run_page"]


def run_page(
    title: str,
    *,
    subtitle: str = "",
    summary: Sequence[str] = (),
    tables: Sequence[Table] = (),
    metrics: Sequence[Mapping[str, Any]] = (),
    features: np.ndarray | None = None,
    raw: np.ndarray | None = None,
    raw_name: str = "raw pixels",
    images: np.ndarray | None = None,
    sounds: Callable[[Sequence[int]], list[bytes]] | None = None,
    labels: Sequence[object] | None = None,
    names: Sequence[str] | None = None,
    views: Mapping[str, np.ndarray] | None = None,
    shown_as: tuple[str, str] = (Method.heading, Method.caption),
    heard: Mapping[str, Sequence[bytes]] | None = None,
    papers: Sequence[str] = (),
    settings: Mapping[str, Any] | None = None,
    points: int = 2000,
    seed: int = 0,
    date: str = "",
) -> str:
    """The HTML of a run's report; what is not given is left out.

    Args:
        title, subtitle: such as "SimCLR on digits" and the run's folder.
        summary: paragraphs that come first.
        tables: evaluation tables, each with its protocol as the note.
        metrics: rows of the run's metrics (see `curves`).
        features: (n, d), of examples not augmented; for the map and the neighbours.
        raw: (n, k), the raw-input control that the neighbours are held against, and its name.
        images: uint8 (n, c, h, w), a picture of each: itself, a spectrogram, a curve.
        sounds: of row numbers, the bytes of a sound file each, where the examples can be heard.
        labels, names: one each, where they exist. Class names make better labels than numbers.
        views: column name to uint8 (m, c, h, w): the originals and the views drawn of them (see `image_grid`).
        shown_as: heading and caption of the views, as the method has them.
        heard: column name to m sound files, for the same grid.
        papers: references, as `papers(method)` reads them from docstrings.
        settings: the run's resolved config.
        points: at most so many points on the map.
    """
    blocks: list[Block] = []
    if summary:
        blocks.append(words(summary))
    for i, one in enumerate(tables):
        blocks.append(table(one, heading="" if i else "Evaluation"))
    if metrics:
        blocks.append(curves(metrics, heading="Training"))
    if views:
        blocks.append(
            image_grid(
                views,
                sounds=heard,
                heading=shown_as[0],
                caption=shown_as[1],
            )
        )
    if features is not None:
        blocks.append(
            embedding_map(
                features,
                images,
                labels=labels,
                names=names,
                limit=points,
                seed=seed,
                heading="Map of the representation",
            )
        )
        if (images is not None or names is not None) and len(features) > 1:
            blocks.append(
                gallery(
                    features,
                    images,
                    raw=raw,
                    raw_name=raw_name,
                    sounds=sounds,
                    labels=labels,
                    names=names,
                    seed=seed,
                    heading="Nearest neighbours",
                )
            )
    if papers:
        blocks.append(references(papers))
    return page(title, blocks, subtitle=subtitle, settings=settings, date=date)
