"""What studies of many trainings share: images of a data set, and rows that are kept as they finish."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from mutua.data import DATASETS, Images
from mutua.data import load as load_data
from mutua.data.store import replacing
from mutua.types import InputError

__all__ = ["available", "digest", "kept", "labelled_images"]


def available(data: tuple[str, ...]) -> tuple[list[str], list[str]]:
    """(Data sets and folders that are on this machine, data sets that aren't).

    Raises `InputError` where none is.
    """
    here = [name for name in data if name not in DATASETS or DATASETS[name].available() is not None]
    missing = [name for name in data if name not in here]
    if not here:
        mend = DATASETS[missing[0]].get if missing else "name one"
        raise InputError(f"data: {', '.join(data) or 'none'} is not on this machine; {mend}")
    return here, missing


def labelled_images(data: str, split: str, count: int, size: int | None = None) -> Images:
    """So many images, 0 for all, drawn the same whenever they are; `size` px a side where it is given.

    Raises `InputError` for data that are no images, or have no labels.
    """
    images = load_data(data, split, size=size)
    if not isinstance(images, Images):
        raise InputError(f"data: {data} is {images.spec.kind}, and the study is of images; name a set of images")
    if images.labels is None:
        raise InputError(f"data: {data} has no labels, which probes read; give class folders")
    if not 0 < count < len(images):
        return images
    return images.subset(np.sort(np.random.RandomState(0).permutation(len(images))[:count]))


def digest(settings: Any) -> str:
    """Ten letters that stand for settings: what is kept under other words of them is another study's."""
    return hashlib.blake2b(json.dumps(settings, sort_keys=True).encode(), digest_size=5).hexdigest()


def kept(file: Path, measure: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What `measure` gives, from the file where an earlier run has left it."""
    if file.exists():
        return dict(json.loads(file.read_text(encoding="utf-8")))
    found = measure()
    file.parent.mkdir(parents=True, exist_ok=True)
    with replacing(file) as opened:
        opened.write(json.dumps(found).encode())
    return found
