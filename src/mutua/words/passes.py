"""Passes over a corpus by threads that share the vectors without locks.

Paper: Niu et al. 2011, Hogwild, arXiv:1106.5730.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
from jaxtyping import Int32, Int64

from mutua.kernels.words.sampling import alias_table, pass_key
from mutua.kernels.words.skipgram import Noise, Seen

__all__ = ["Kernel", "effective_n_jobs", "has_neighbours", "noise_of", "passes"]

Kernel = Callable[..., Seen]

# Tokens of a job: seconds of work at most, so that threads end together; lines have no part in it.
_JOB = 1 << 18


def noise_of(counts: Int64[np.ndarray, " v"], sample: float, power: float) -> Noise:
    """An occurrence of a word is kept with probability sqrt(t/f) + t/f, f its frequency and t = `sample`.

    sample 0 keeps all. Noise is drawn with probability proportional to count^power.
    """
    frequency = np.maximum(counts, 1) / max(counts.sum(), 1)
    keep = np.sqrt(sample / frequency) + sample / frequency if sample else np.ones(len(counts))
    threshold, other = alias_table(np.maximum(counts, 1).astype(float) ** power)
    return Noise(keep.astype(np.float32), threshold, other)


def has_neighbours(tokens: Int32[np.ndarray, " n"]) -> bool:
    """Whether any sentence has two words."""
    blocks = (tokens[start : start + _JOB + 1] >= 0 for start in range(0, len(tokens), _JOB))
    return any((block[1:] & block[:-1]).any() for block in blocks)


def effective_n_jobs(n_jobs: int | None) -> int:
    """Threads: one by default, and as in scikit-learn -1 for all cores, -2 for all but one."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return 1 if n_jobs is None else n_jobs if n_jobs > 0 else max(1, cores + 1 + n_jobs)


def passes(
    kernel: Kernel,
    tokens: Int32[np.ndarray, " n"],
    epochs: int,
    first: float,
    last: float,
    seed: int,
    threads: int,
) -> Iterator[float]:
    """Run `kernel` over all tokens `epochs` times and yield the mean loss of each.

    The learning rate falls linearly from `first` to `last` over all epochs, by the position in the corpus. Jobs
    are cut by tokens, not by sentences: windows reach across the cut. Ctrl-C stops all threads within
    milliseconds, then is raised.
    """
    n = len(tokens)
    fall = (first - last) / max(epochs * n, 1)
    ended = np.zeros(1, np.uint8)
    jobs = [(start, min(start + _JOB, n)) for start in range(0, n, _JOB)]
    with ThreadPoolExecutor(threads) as pool:
        try:
            for epoch in range(epochs):
                settings = {"rate": first - fall * n * epoch, "fall": fall, "key": pass_key(seed, epoch)}
                run = partial(kernel, tokens, ended=ended, **settings)
                seen = list(pool.map(lambda job, run=run: run(*job), jobs))  # type: ignore[misc]
                yield sum(one.loss for one in seen) / max(sum(one.pairs for one in seen), 1)
        except BaseException:
            ended[0] = 1
            pool.shutdown(cancel_futures=True)
            raise
