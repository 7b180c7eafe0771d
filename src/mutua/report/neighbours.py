"""Nearest neighbours in feature space, beside those in raw pixels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Float, Int

from mutua.report.page import Block
from mutua.report.pictures import checked, shown_channels, thumbnail
from mutua.report.sound import sound_uri
from mutua.types import InputError

__all__ = ["gallery", "nearest"]


def nearest(
    features: np.ndarray, queries: Sequence[int] | Int[np.ndarray, " q"], k: int
) -> tuple[Int[np.ndarray, "q k"], Float[np.ndarray, "q k"]]:
    """The k rows nearest to each query row by cosine, itself left out, and their similarities.

    cos(a, b) = <a, b> / |a||b|, 0 where a vector is zero. Ties go to the earlier row.

    >>> rows, similarity = nearest(np.array([[1.0, 0], [0, 1], [2, 0.1]]), [0], 2)
    >>> rows.tolist()
    [[2, 1]]
    """
    x = np.asarray(features, np.float32).reshape(len(features), -1)  # (n, d)
    length = np.linalg.norm(x, axis=1, keepdims=True)
    unit = x / np.where(length > 0, length, 1)
    index = np.asarray(queries, int)
    similarity = (unit[index] @ unit.T).astype(float)  # (q, n)
    similarity[np.arange(len(index)), index] = -np.inf
    rows = np.argsort(-similarity, axis=1, kind="stable")[:, : min(k, len(x) - 1)]  # (q, k)
    return rows, np.take_along_axis(similarity, rows, 1)


def gallery(
    features: np.ndarray,
    images: np.ndarray | None,
    *,
    raw: np.ndarray | None = None,
    raw_name: str = "raw pixels",
    sounds: Callable[[Sequence[int]], list[bytes]] | None = None,
    labels: Sequence[object] | None = None,
    names: Sequence[str] | None = None,
    queries: Sequence[int] | None = None,
    rows: int = 8,
    k: int = 5,
    seed: int = 0,
    heading: str = "",
) -> Block:
    """Rows of an example, its k nearest by cosine of the features, and its k nearest by cosine of raw input.

    The control matters: on aligned or plain images raw pixels find good neighbours too.

    Args:
        features: (n, d).
        images: uint8 (n, c, h, w), a picture of each; none where the names are what there is to see.
        raw: (n, k), the raw input; the pictures' own pixels by default. `raw_name` is what it is called.
        sounds: of row numbers, the bytes of a sound file each; players then stand under the pictures.
        labels, names: one each; the label is shown, else the name.
        queries: row numbers; by default `rows` of them drawn at random, classes in turn where there are labels.
    """
    pictures = None if images is None else checked(images)
    n = len(features)
    for what, given in {"images": images, "raw": raw, "labels": labels, "names": names}.items():
        if given is not None and len(given) != n:
            raise InputError(f"{what}: {len(given)} for {n} examples; give one each")
    drawn = queries is None
    if queries is None:
        queries = _draw(n, labels, min(rows, n), seed)
    elif len(queries) and not all(0 <= q < n for q in queries):
        raise InputError(f"queries: row numbers must be from 0 to {n - 1}, got {list(queries)}")
    control = pictures if raw is None else _centred(raw)
    spaces = {"features": np.asarray(features)}
    if control is not None:
        spaces[raw_name] = control
    found = {name: nearest(space, queries, k) for name, space in spaces.items()}

    def shown(i: int, similarity: float | None = None, query: int | None = None) -> dict[str, object]:
        label = None if labels is None else str(labels[i])
        name = f"row {i}" if names is None else str(names[i])
        return {
            "image": None if pictures is None else thumbnail(pictures[i]),
            "sound": None if sounds is None else sound_uri(sounds([i])[0]),
            "label": label,
            "name": name,
            "similarity": None if similarity is None else f"{similarity:.2f}".replace("-", "−"),
            "differs": labels is not None and query is not None and str(labels[query]) != label,
        }

    lines = [
        {
            "query": shown(int(q)),
            "spaces": [
                (name, [shown(int(i), float(s), int(q)) for i, s in zip(index[row], similarity[row], strict=True)])
                for name, (index, similarity) in found.items()
            ],
        }
        for row, q in enumerate(queries)
    ]
    note = "Queries drawn at random, not picked. " if drawn else ""
    note += "Under each neighbour: its cosine similarity to the query"
    note += f" and its {'label, ≠ where it is not the query’s' if labels is not None else 'name'}."
    values = {
        "lines": lines,
        "note": f"{note} {shown_channels(3 if pictures is None else pictures.shape[1])}".strip(),
    }
    return Block("gallery.html", values, heading)


def _centred(x: np.ndarray) -> np.ndarray:
    """Columns of unlike units, each with mean 0 and deviation 1; pixels, all in [0, 1], as they are."""
    if x.min() >= 0 and x.max() <= 1:
        return x
    spread = x.std(0)
    return (x - x.mean(0)) / np.where(spread > 0, spread, 1)


def _draw(n: int, labels: Sequence[object] | None, rows: int, seed: int) -> list[int]:
    """Rows in random order; with labels, one of every class before a second of any."""
    order = np.random.default_rng(seed).permutation(n).tolist()
    if labels is None:
        return order[:rows]
    seen: Counter[str] = Counter()
    turns = []
    for i in order:
        label = str(labels[i])
        turns.append((seen[label], i))
        seen[label] += 1
    return [i for _, i in sorted(turns, key=lambda turn: turn[0])][:rows]
