"""A kind of data: what the library must know of it, in one value."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from torch import Generator

from mutua.data.examples import Examples
from mutua.data.image.images import GIBIBYTE
from mutua.data.reading import Reading
from mutua.types import Batch, Rows, Spec

__all__ = ["Access", "Kind"]


@dataclass(frozen=True)
class Access:
    """How files are got at, which changes none of the examples.

    Args:
        skip_bad: leave out files that cannot be read, and count them.
        cache: folder for decoded pixels; the platform's where None.
        in_memory: bytes beyond which pixels are memory-mapped.
        at_once: decode images now, or when they are first taken.
    """

    skip_bad: bool = False
    cache: Path | None = None
    in_memory: int = GIBIBYTE
    at_once: bool = True


@dataclass(frozen=True)
class Kind:
    """One kind of data.

    Args:
        name: as `Spec.kind` says it.
        plural: what several examples are called: images, recordings, rows.
        takes: fields of `Reading` that it has a use for.
        suffixes: of its files.
        load: the part "train", "test" or "all" of a folder or file.
        held: examples of an array, a dataset, or what else is handed over in Python.
        reading: how data are to be read for an encoder of a spec.
        raw_name: the control row of every table, such as raw pixels.
        raw: a function of a batch to vectors (k, d), fitted on training examples where it needs to be.
        pictures: a small picture of each example, uint8 (k, c, h, w), or None where there is none.
        small: the spec of the smallest examples that tests use.
        sample: n examples of a spec, for tests.
        sounds: each example as the bytes of a WAV file, where it can be heard: of video, where it has sound.
        words: each example as text, where it can be read.
    """

    name: str
    plural: str
    takes: frozenset[str]
    suffixes: frozenset[str]
    load: Callable[[Path, str, Reading, Access], Examples]
    held: Callable[[Any, Reading, Access], Examples]
    reading: Callable[[Spec], Reading]
    raw_name: str
    raw: Callable[[Rows], Callable[[Batch], np.ndarray]]
    pictures: Callable[[Batch, Spec], np.ndarray | None]
    small: Spec
    sample: Callable[[Spec, int, Generator], Batch]
    sounds: Callable[[Batch, Spec], list[bytes]] | None = None
    words: Callable[[Examples], list[str] | None] = lambda examples: None
