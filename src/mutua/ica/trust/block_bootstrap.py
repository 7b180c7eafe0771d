"""Means over a recording and how sure they are: the bootstrap of contiguous blocks, from sums of each block.

Samples of a recording follow one another: rows drawn one by one would count a second of sound as thousands of
independent facts. Blocks of consecutive rows are drawn instead, and because every statistic here is a mean, the
sums of the blocks are all that is kept.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from jaxtyping import Float, Int64

__all__ = ["BLOCKS", "block_edges", "block_sums", "resampled_means", "resampled_rows"]

BLOCKS = 200
"""Blocks of a long recording; one of fewer than ten rows a block is drawn row by row."""


def block_edges(samples: int) -> Int64[np.ndarray, " blocks_and_one"]:
    """Where blocks of nearly equal length begin, and where the last ends.

    >>> len(block_edges(10_000)), len(block_edges(500))
    (201, 501)
    """
    blocks = BLOCKS if samples >= 10 * BLOCKS else samples
    return np.linspace(0, samples, blocks + 1).round().astype(np.int64)


def block_sums(
    chunks: Iterable[Float[np.ndarray, "_ q"]], edges: Int64[np.ndarray, " _"]
) -> Float[np.ndarray, "blocks q"]:
    """Sums of the columns of consecutive chunks of rows, by block."""
    sums: np.ndarray | None = None
    start = 0
    for chunk in chunks:
        if sums is None:
            sums = np.zeros((len(edges) - 1, chunk.shape[1]))
        stop = start + len(chunk)
        first = int(np.searchsorted(edges, start, "right")) - 1
        last = int(np.searchsorted(edges, stop, "left"))
        cuts = np.maximum(edges[first:last], start) - start
        sums[first:last] += np.add.reduceat(chunk, cuts, axis=0)
        start = stop
    assert sums is not None
    return sums


def resampled_means(
    sums: Float[np.ndarray, "blocks q"],
    edges: Int64[np.ndarray, " _"],
    repeats: int,
    generator: np.random.RandomState,
) -> Float[np.ndarray, "repeats q"]:
    """Means over `repeats` recordings, each of as many blocks drawn with replacement."""
    blocks = len(sums)
    counts = generator.multinomial(blocks, np.full(blocks, 1 / blocks), size=repeats)  # (repeats, blocks)
    return (counts @ sums) / (counts @ np.diff(edges))[:, None]


def resampled_rows(edges: Int64[np.ndarray, " _"], generator: np.random.RandomState) -> Int64[np.ndarray, " n"]:
    """Row numbers of blocks drawn with replacement, one after another."""
    drawn = generator.randint(len(edges) - 1, size=len(edges) - 1)
    return np.concatenate([np.arange(edges[i], edges[i + 1]) for i in drawn])
