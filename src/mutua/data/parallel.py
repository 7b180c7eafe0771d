"""Work on many files: in threads, in order, with a bar where it takes long."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from rich.console import Console
from rich.progress import Progress

__all__ = ["in_threads", "progress", "surveyed"]

T = TypeVar("T")
S = TypeVar("S")


def in_threads(work: Callable[[S], T], items: Iterable[S], threads: int | None = None) -> Iterator[T]:
    """work(item) of every item in order, a few ahead in threads, so that results don't pile up."""
    count = threads or min(os.cpu_count() or 1, 16)
    with ThreadPoolExecutor(count) as pool:
        ahead: deque[Future[T]] = deque()
        try:
            for item in items:
                ahead.append(pool.submit(work, item))
                if len(ahead) > 8 * count:
                    yield ahead.popleft().result()
            while ahead:
                yield ahead.popleft().result()
        finally:
            for future in ahead:
                future.cancel()


def progress(items: Iterable[T], total: int, what: str, *, after: float = 2.0) -> Iterator[T]:
    """The items, with a progress bar on a terminal's standard error once `after` seconds have gone by."""
    console = Console(stderr=True)
    bar = Progress(console=console, transient=True, disable=not console.is_terminal)
    started, shown = time.monotonic(), None
    try:
        for done, item in enumerate(items):
            yield item
            if shown is None and time.monotonic() - started > after:
                bar.start()
                shown = bar.add_task(what, total=total)
            if shown is not None:
                bar.update(shown, completed=done + 1)
    finally:
        bar.stop()


def surveyed(
    look: Callable[[S], T],
    files: Sequence[S],
    bad: type[Exception],
    what: str,
    *,
    skip: bool,
    threads: int | None = None,
) -> list[T | None]:
    """look(file) of every file in order; where it raises `bad`, None with `skip`, and otherwise the error."""

    def seen(file: S) -> T | Exception:
        try:
            return look(file)
        except bad as error:
            return error

    kept: list[T | None] = []
    for found in progress(in_threads(seen, files, threads), len(files), f"looking at {what}"):
        if isinstance(found, Exception) and not skip:
            raise found
        kept.append(None if isinstance(found, Exception) else found)
    return kept
