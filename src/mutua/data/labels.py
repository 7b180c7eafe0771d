"""What examples are labelled with: whole numbers from 0, and the names of the classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mutua.types import InputError

__all__ = ["Labels", "array_of", "as_array", "encode_labels", "plain_array"]


@dataclass(frozen=True, eq=False)
class Labels:
    """One label an example. Several of them make the targets of a data set, such as digit and speaker.

    Args:
        codes: (n,) int64, from 0.
        classes: names of the classes, where there are names.
    """

    codes: np.ndarray
    classes: tuple[str, ...] = ()

    def of(self, rows: np.ndarray) -> Labels:
        """The labels of some rows."""
        return Labels(self.codes[rows], self.classes)


def plain_array(x: Any) -> np.ndarray:
    """The values as NumPy's, bfloat16 as float32."""
    if not isinstance(x, Tensor):
        return x
    return (x.float() if x.dtype == torch.bfloat16 else x).numpy(force=True)


def array_of(x: Any, name: str) -> np.ndarray:
    """What somebody hands over as an array. Raises `InputError` for what makes none, such as rows of different
    lengths."""
    try:
        return np.asarray(as_array(x))
    except (TypeError, ValueError, RuntimeError) as error:
        told = " ".join(str(error).split())[:120]
        raise InputError(
            f"{name}: a {type(x).__name__} that makes no array ({told}); give rows of one length"
        ) from None


def encode_labels(y: Any, classes: Sequence[str], n: int) -> tuple[np.ndarray, tuple[str, ...]]:
    """(Whole numbers from 0, the names of the classes) of labels that are whole numbers or names.

    Names are numbered in the order of `classes`, or of the alphabet where none are given.

    Raises `InputError` for labels that are neither, that don't number `n`, or whose name is not in `classes`.
    """
    labels = plain_array(y) if isinstance(y, Tensor) else array_of(y, "labels")
    if labels.shape != (n,):
        raise InputError(f"labels: shape {labels.shape} for {n} examples; give one whole number or name each")
    if labels.dtype == object and all(isinstance(name, str) for name in labels):
        labels = labels.astype(str)
    if labels.dtype == np.bool_ or np.issubdtype(labels.dtype, np.integer):
        return labels.astype(np.int64), tuple(classes)
    if labels.dtype.kind != "U":
        mend = "give whole numbers from 0, or names; leave out rows without a label"
        raise InputError(f"labels: {labels.dtype}; {mend}")
    known = tuple(classes) or tuple(map(str, np.unique(labels)))
    code = {name: k for k, name in enumerate(known)}
    for row, name in enumerate(labels):
        if str(name) not in code:
            raise InputError(
                f"labels: {str(name)!r} in row {row} is none of the classes {', '.join(known)}; add it"
            )
    return np.array([code[str(name)] for name in labels], np.int64), known


def as_array(X: Any) -> Any:
    """A tensor as an array, bfloat16 as float32; a masked array with NaN where it is masked; else as it is."""
    if isinstance(X, np.ma.MaskedArray):
        if not np.ma.is_masked(X):
            return X.data
        masked: Any = X
        return masked.astype(np.result_type(X.dtype, np.float32)).filled(np.nan) if X.dtype.kind in "biuf" else X
    return plain_array(X) if isinstance(X, Tensor) else X
