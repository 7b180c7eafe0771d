"""A map of an embedding: two-dimensional projections whose points show their image."""

from __future__ import annotations

import importlib.util
import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE
from threadpoolctl import threadpool_limits

from mutua.report.page import Block
from mutua.report.pictures import checked, shown_channels, sprite
from mutua.types import InputError

__all__ = ["Projection", "embedding_map", "project", "subsample"]

_WIDTH, _HEIGHT, _MARGIN = 640, 480, 14
_COLOURS = 10
_ALONE = 500  # up to so many points t-SNE runs on one thread


@dataclass(frozen=True)
class Projection:
    """Points in the plane, and what a reader should know of it."""

    points: Float[np.ndarray, "n 2"]
    note: str = ""


def subsample(n: int, limit: int, seed: int) -> Int[np.ndarray, " m"]:
    """Row numbers in rising order: all n, or `limit` of them drawn at random."""
    if n <= limit:
        return np.arange(n)
    return np.sort(np.random.default_rng(seed).choice(n, limit, replace=False))


def project(features: np.ndarray, seed: int = 0) -> dict[str, Projection]:
    """PCA, t-SNE, and UMAP where umap-learn is installed, of features (n, d).

    t-SNE starts from PCA, so that a map's large structure is not an accident of its seed (Kobak and Berens
    2019), with perplexity min(30, (n - 1) / 3); with fewer than five points there is PCA only. Time grows
    fast with n: take at most a few thousand rows.

    Paper: van der Maaten and Hinton 2008, Visualizing data using t-SNE, JMLR 9; McInnes et al. 2018, UMAP,
    arXiv:1802.03426; Kobak and Berens 2019, The art of using t-SNE for single-cell transcriptomics.
    """
    x = _checked_features(features)  # (n, d)
    n, d = x.shape
    if n == 1:
        return {"PCA": Projection(np.zeros((1, 2)))}
    pca = PCA(min(50, n, d), svd_solver="full" if d <= 512 else "randomized", random_state=seed)
    varied = bool(np.ptp(x, 0).any())
    reduced = pca.fit_transform(x) if varied else np.zeros((n, 1))  # (n, at most 50)
    plane = np.pad(reduced[:, :2], ((0, 0), (0, max(0, 2 - reduced.shape[1]))))
    share = pca.explained_variance_ratio_[:2] * 100 if varied else []
    note = (
        f"The two axes hold {' and '.join(f'{s:.0f} %' for s in share)} of the variance."
        if len(share) == 2
        else ""
    )
    maps = {"PCA": Projection(plane, note)}
    if n < 5 or not varied:
        return maps
    perplexity = min(30.0, (n - 1) / 3)
    tsne = TSNE(perplexity=perplexity, init="pca" if reduced.shape[1] >= 2 else "random", random_state=seed)
    # Threads meet after each of a thousand tiny steps: on a busy machine few points take minutes, not moments.
    with threadpool_limits(1 if n <= _ALONE else None, "openmp"):
        points = tsne.fit_transform(reduced).astype(float)
    maps["t-SNE"] = Projection(
        points,
        f"Perplexity {perplexity:.0f}. Who is near whom is kept; "
        "the size of groups and the gaps between them are not.",
    )
    if importlib.util.find_spec("umap"):
        import umap

        neighbours = min(15, n - 1)
        placed = umap.UMAP(n_neighbors=neighbours, random_state=seed, n_jobs=1).fit_transform(reduced)
        maps["UMAP"] = Projection(
            np.asarray(placed, float), f"{neighbours} neighbours. Gaps between groups are not to scale."
        )
    return maps


def embedding_map(
    features: np.ndarray,
    images: np.ndarray | None = None,
    *,
    labels: Sequence[object] | None = None,
    names: Sequence[str] | None = None,
    projections: Mapping[str, Projection] | None = None,
    limit: int = 2000,
    seed: int = 0,
    heading: str = "",
) -> Block:
    """A map of features: points that show their image and name when pointed at, tapped or reached by key.

    Labels colour the points. Of more than ten classes the ten largest get a colour, and any can be picked out.

    Args:
        features: (n, d).
        images: uint8 (n, c, h, w), shown at no more than 48 pixels; without them, names only.
        labels: one each; they colour, and play no part in the map.
        names: one each, such as file names; row numbers by default.
        projections: made of the features by `project`, by default; given ones must have a point for each row.
        limit: at most so many points, drawn at random, are mapped.
    """
    n = len(features)
    for what, values in {"images": images, "labels": labels, "names": names}.items():
        if values is not None and len(values) != n:
            raise InputError(f"{what}: {len(values)} for {n} rows of features; give one each")
    kept = subsample(n, limit, seed)
    if not projections:
        projections = project(np.asarray(features)[kept], seed)
    else:
        for name, projection in projections.items():
            if len(projection.points) != n:
                raise InputError(
                    f"projections[{name!r}]: {len(projection.points)} points for {n} rows of features"
                )
        projections = {name: Projection(p.points[kept], p.note) for name, p in projections.items()}
    for name, projection in projections.items():
        if projection.points.shape != (len(kept), 2) or not np.isfinite(projection.points).all():
            raise InputError(f"projections[{name!r}]: points must be finite, (n, 2); project again")
    classes, numbers = _classes(None if labels is None else [labels[i] for i in kept])
    coloured = _coloured(numbers, len(classes))
    sheet = None if images is None else sprite(checked(images)[kept])
    placed = {name: _placed(p.points) for name, p in projections.items()}
    first = next(iter(placed.values()))
    # The order of drawing is mixed, or the last class would cover the others.
    order = np.random.default_rng(seed).permutation(len(kept))
    slots = [coloured.get(number, -1) for number in numbers] if classes else [-2] * len(kept)
    return Block(
        "map.html",
        {
            "box": (_WIDTH, _HEIGHT),
            "circles": [(int(i), slots[i], *first[i]) for i in order],
            "legend": [(classes[number], number, slot) for number, slot in coloured.items()],
            "classes": classes,
            "uncoloured": len(classes) - len(coloured),
            "projections": [(name, p.note) for name, p in projections.items()],
            "count": len(kept),
            "total": n,
            "note": "" if images is None else shown_channels(images.shape[1]),
            "sprite": sheet,
            "data": {
                "points": {name: np.ravel(points).tolist() for name, points in placed.items()},
                "labels": numbers,
                "classes": classes,
                "names": [str(names[i]) for i in kept] if names is not None else [f"row {i}" for i in kept],
                "sprite": None
                if sheet is None
                else {key: getattr(sheet, key) for key in ("columns", "rows", "cell", "width", "height", "zoom")},
            },
        },
        heading,
    )


def _checked_features(features: np.ndarray) -> Float[np.ndarray, "n d"]:
    x = np.asarray(features, float)
    if x.ndim != 2 or 0 in x.shape:
        raise InputError(f"features: need shape (n, d), got {x.shape}; flatten each example to one vector")
    if not np.isfinite(x).all():
        row = int((~np.isfinite(x)).any(1).nonzero()[0][0])
        raise InputError(f"features: NaN or infinity in row {row}; the encoder that made it has diverged")
    return x


def _classes(labels: Sequence[object] | None) -> tuple[list[str], list[int]]:
    """Class names in order, and each label's place among them."""
    if labels is None:
        return [], []
    texts = [str(label) for label in labels]
    classes = sorted(set(texts), key=_counted)
    place = {name: i for i, name in enumerate(classes)}
    return classes, [place[text] for text in texts]


def _counted(text: str) -> tuple[float, list[tuple[str, int]], str]:
    """Key that sorts numbers as numbers, and "class 2" before "class 10"."""
    parts = re.findall(r"([^0-9]*)([0-9]{0,18})", text)
    try:
        return float(text), [], text
    except ValueError:
        return math.inf, [(words, int(digits or -1)) for words, digits in parts], text


def _coloured(numbers: Sequence[int], classes: int) -> dict[int, int]:
    """Class number to colour: all of up to ten classes, else the ten largest."""
    largest = sorted(Counter(numbers).items(), key=lambda item: (-item[1], item[0]))[:_COLOURS]
    chosen = range(classes) if classes <= _COLOURS else sorted(number for number, _ in largest)
    return {number: slot for slot, number in enumerate(chosen)}


def _placed(points: Float[np.ndarray, "n 2"]) -> Float[np.ndarray, "n 2"]:
    """Points moved into the picture, both axes to one scale: a stretched axis would make up distances."""
    low, high = points.min(0), points.max(0)
    room = np.array([_WIDTH - 2 * _MARGIN, _HEIGHT - 2 * _MARGIN])
    span = np.where(high > low, high - low, 1e-12)
    scale = (room / span).min() if (high > low).any() else 1.0
    centred = (points - (low + high) / 2) * scale * [1, -1]
    return np.round(centred + np.array([_WIDTH, _HEIGHT]) / 2, 1)
