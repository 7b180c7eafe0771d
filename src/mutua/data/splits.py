"""Which rows are for training and which are held out: the same on every machine."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np

from mutua.data.examples import Examples
from mutua.types import InputError

__all__ = ["SPLITS", "held_by_name", "part", "part_by_name", "split_off", "split_rows", "stratified"]

SPLITS = ("train", "test", "all")

E = TypeVar("E", bound=Examples)


def stratified(
    labels: np.ndarray, fraction: float, seed: int, classes: Sequence[str] = ()
) -> tuple[np.ndarray, np.ndarray]:
    """Row numbers of (the rest, the part held out), both ascending: `fraction` of every class is held out.

    Each class gives its share rounded down or up, so that the whole is round(fraction * n) where that leaves
    at least one image of every class on either side.

    Raises `InputError` for a class with one example, naming it.
    """
    found, codes, counts = np.unique(labels, return_inverse=True, return_counts=True)
    if counts.min() < 2:
        raise _of_one(found[counts.argmin()], classes)
    share = fraction * counts
    held = np.floor(share).astype(np.int64)
    short = round(fraction * len(labels)) - held.sum()
    held[np.argsort(held - share, kind="stable")[:short]] += 1
    held = held.clip(1, counts - 1)
    # RandomState's stream is frozen for good, Generator's may change: a split must be the same next year.
    order = np.random.RandomState(seed).permutation(len(labels))
    rank = np.empty(len(labels), np.int64)
    for k in range(len(found)):
        of_class = order[codes[order] == k]
        rank[of_class] = np.arange(len(of_class))
    out = rank < held[codes]
    return np.flatnonzero(~out), np.flatnonzero(out)


def _of_one(label: Any, classes: Sequence[str]) -> InputError:
    name = repr(classes[label]) if classes else str(label)
    mend = "add one or leave the class out"
    return InputError(f"labels: class {name} has one example and a split needs two; {mend}")


_ONE = "data: one example cannot be split; give at least two"


def split_rows(
    n: int, labels: np.ndarray | None, fraction: float, seed: int, classes: Sequence[str] = ()
) -> tuple[np.ndarray, np.ndarray]:
    """Row numbers of `split_off`, for n rows whose images need not be read yet."""
    if not 0 < fraction < 1:
        raise InputError(f"fraction: {fraction} leaves one side empty; use a number between 0 and 1, such as 0.1")
    if n < 2:
        raise InputError(_ONE)
    if labels is not None:
        return stratified(labels, fraction, seed, classes)
    order = np.random.RandomState(seed).permutation(n)
    held = min(max(round(fraction * n), 1), n - 1)
    return np.sort(order[held:]), np.sort(order[:held])


def split_off(examples: E, fraction: float, seed: int) -> tuple[E, E]:
    """(The rest, a part held out): `fraction` of the examples, of every class where there are labels.

    The same seed gives the same split on every machine. Both parts keep the order of `examples`.

    Raises `InputError` where a side would be empty, or a class has one example (naming the class).
    """
    rest, out = split_rows(len(examples), examples.labels, fraction, seed, examples.classes)
    return examples.subset(rest), examples.subset(out)  # type: ignore[return-value]


def part(n: int, labels: np.ndarray | None, classes: Sequence[str], split: str, name: str) -> np.ndarray:
    """Row numbers of "train", "test" or "all" of data that come without a split: a fifth is its test set for good.

    Raises `InputError` naming the data (`name`) where they cannot be split.
    """
    if split == "all":
        return np.arange(n)
    try:
        train, test = split_rows(n, labels, 0.2, 0, classes)
    except InputError as error:
        raise _or_all(name, error) from error
    return train if split == "train" else test


def _or_all(name: str, error: InputError) -> InputError:
    return InputError(f"{name}: {error} (or ask for all of it: split all)")


def _share(name: str) -> float:
    """A number in [0, 1), a function of a name in its composed form: some systems store accents apart."""
    digest = hashlib.sha256(unicodedata.normalize("NFC", name).encode(errors="surrogateescape")).digest()
    return int.from_bytes(digest[:8], "big") / 2.0**64


def held_by_name(
    names: Sequence[str], labels: np.ndarray | None = None, classes: Sequence[str] = (), fraction: float = 0.2
) -> np.ndarray:
    """Which of the named examples are held out, (n,) bool: those whose name's hash is below `fraction`.

    Each is decided by its own name, so others may come and go. Only where all of a class (or all examples, where
    there are no labels) fall on one side does one change over, so that both sides have some: the lowest hash is
    held out, or the highest is not. The share held out is `fraction` as near as chance allows.

    Raises `InputError` for a class with one example, naming it, and for one example.
    """
    shares = np.array([_share(name) for name in names])
    held = shares < fraction
    if len(names) < 2:
        raise InputError(_ONE)
    codes = np.zeros(len(names), np.int64) if labels is None else labels
    for label in np.unique(codes):
        rows = np.flatnonzero(codes == label)
        if len(rows) < 2:
            raise _of_one(label, classes)
        if not held[rows].any():
            held[rows[shares[rows].argmin()]] = True
        elif held[rows].all():
            held[rows[shares[rows].argmax()]] = False
    return held


def part_by_name(
    names: Sequence[str], labels: np.ndarray | None, classes: Sequence[str], split: str, name: str
) -> np.ndarray:
    """As `part`, of examples that have names: a fifth by `held_by_name`."""
    if split == "all":
        return np.arange(len(names))
    try:
        held = held_by_name(names, labels, classes)
    except InputError as error:
        raise _or_all(name, error) from error
    return np.flatnonzero(held if split == "test" else ~held)
