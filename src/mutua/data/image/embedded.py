"""Data that comes inside an installed package."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np

from mutua.data.image.images import Images
from mutua.data.splits import stratified

__all__ = ["digits", "find_digits"]


def find_digits(place: Path) -> Path | None:
    """The file inside scikit-learn, whatever the place looked at."""
    spec = importlib.util.find_spec("sklearn")  # its import takes seconds, and is not needed to know
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "datasets" / "data" / "digits.csv.gz"


def digits(path: Path, split: str, cache: Path) -> Images:
    """scikit-learn's handwritten digits: 1,797 grey images of 8 x 8, in 10 classes; 1,348 train, 449 test.

    A pixel counts 0 to 16 dots of ink and becomes (255 v + 8) // 16, which is one to one. The set has no
    official split: a quarter of each class, drawn once and the same for good, is its test set.

    Origin: Alpaydin and Kaynak 1998, Optical Recognition of Handwritten Digits, UCI repository, its test part.
    """
    from sklearn.datasets import load_digits

    bunch = load_digits()
    pixels = ((bunch.images.astype(np.uint16) * 255 + 8) // 16).astype(np.uint8)[:, None]  # (n, 1, 8, 8)
    train, test = stratified(bunch.target, 0.25, 0)
    source = "digits (scikit-learn, 8 x 8)"
    whole = Images(pixels, bunch.target.astype(np.int64), tuple("0123456789"), source=source)
    return whole.subset(train if split == "train" else test)
