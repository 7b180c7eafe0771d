"""What the rest of the library asks of data, whatever their kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Protocol, TypeVar, runtime_checkable

import numpy as np
import torch
from jaxtyping import UInt64
from torch import Tensor

from mutua.data.fingerprints import fingerprint_of, marks_of_rows
from mutua.data.labels import Labels, array_of
from mutua.data.reading import Reading
from mutua.types import Batch, InputError, Spec, names, parted

__all__ = ["Described", "Examples", "Grouped", "Held", "as_said", "row_numbers", "targeted"]


@runtime_checkable
class Examples(Protocol):
    """n examples of one kind and shape, read by row number. Implements `mutua.types.Rows`.

    `labels` and `classes` are those of the target in use; `targets` has all there are, `targeted` chooses another.
    `source` says what the examples are, for printing beside every number taken on them. Those of this library have
    `marks` and a `fingerprint` too, which training records.
    """

    @property
    def spec(self) -> Spec: ...
    @property
    def source(self) -> str: ...
    @property
    def names(self) -> tuple[str, ...] | None: ...
    @property
    def targets(self) -> Mapping[str, Labels]: ...
    @property
    def labels(self) -> np.ndarray | None: ...
    @property
    def classes(self) -> tuple[str, ...]: ...
    def __len__(self) -> int: ...
    def take(self, index: Tensor) -> Batch: ...
    def subset(self, index: Tensor | np.ndarray | Sequence[int]) -> Examples: ...


def row_numbers(index: Tensor | np.ndarray | Sequence[int], n: int, *, none: bool = False) -> np.ndarray:
    """The rows that `index` names, counted from 0: whole numbers, negative ones from the end, or a mask.

    Raises `InputError` for rows that n examples don't have, and for no rows unless `none` are fine.
    """
    rows = index.numpy(force=True) if isinstance(index, Tensor) else array_of(index, "index")
    if rows.dtype == np.bool_ and rows.shape == (n,):
        rows = np.flatnonzero(rows)
    if none and rows.shape == (0,):
        return rows.astype(np.int64)
    if rows.ndim != 1 or not len(rows) or not np.issubdtype(rows.dtype, np.integer):
        raise InputError(f"index: {rows.dtype} of shape {rows.shape}; give at least one row number")
    if rows.min() < -n or rows.max() >= n:
        raise InputError(f"index: rows {rows.min()} to {rows.max()} of {n} examples")
    return rows % n


@dataclass(frozen=True, eq=False, repr=False)
class Described:
    """What examples of any kind carry beside themselves: what they are, their names and labels.

    Args:
        spec: of one example.
        targets: name to labels; the first is in use unless `target` names another.
        names: one each, such as file names.
        source: what they are, in words.
    """

    spec: Spec
    targets: Mapping[str, Labels] = field(default_factory=dict)
    names: tuple[str, ...] | None = None
    source: str = ""
    target: str | None = None

    def __len__(self) -> int:
        raise NotImplementedError(f"{type(self).__name__} must define its length")

    def _check(self) -> None:
        n = len(self)
        if self.names is not None and len(self.names) != n:
            raise InputError(f"names: {len(self.names)} for {n} examples; give one each")
        for name, labels in self.targets.items():
            if labels.codes.shape != (n,):
                raise InputError(f"{name}: labels of shape {labels.codes.shape} for {n} examples; give one each")

    @property
    def _used(self) -> Labels | None:
        if self.target is not None:
            return self.targets[self.target]
        return next(iter(self.targets.values()), None)

    @property
    def labels(self) -> np.ndarray | None:
        """Of the target in use, (n,) int64."""
        return None if self._used is None else self._used.codes

    @property
    def classes(self) -> tuple[str, ...]:
        """Of the target in use."""
        return () if self._used is None else self._used.classes

    def _some(self, rows: np.ndarray) -> dict[str, object]:
        """The description of some rows, as fields."""
        return {
            "targets": {name: labels.of(rows) for name, labels in self.targets.items()},
            "names": None if self.names is None else tuple(self.names[i] for i in rows),
        }

    def _marked(self) -> UInt64[np.ndarray, " n"]:
        """A mark of each example, as `marks`: of what `take` gives."""
        found = []
        for start in range(0, len(self), 1024):
            batch = self.take(torch.arange(start, min(start + 1024, len(self))))  # type: ignore[attr-defined]
            found.append(marks_of_rows(parted(batch)[0].numpy(force=True)))
        return np.concatenate(found) if found else np.empty(0, np.uint64)

    @cached_property
    def marks(self) -> UInt64[np.ndarray, " n"]:
        """A number each that is another one where the example is."""
        return self._marked()

    @cached_property
    def fingerprint(self) -> str:
        """A word for all of them in their order: another one where an example changed, came or went."""
        return fingerprint_of(self.marks)

    def __repr__(self) -> str:
        told = ", ".join(self.targets) or "no labels"
        return f"{type(self).__name__}({len(self):,} x {self.spec}, {told}{', ' * bool(self.source)}{self.source})"


@dataclass(frozen=True, eq=False, repr=False)
class Held(Described):
    """n examples in an array (n, *spec.shape) of the spec's dtype, in memory or memory-mapped.

    >>> held = Held(Spec("table", (2,), "float32"), values=np.arange(6, dtype=np.float32).reshape(3, 2))
    >>> held.take(torch.tensor([2])).tolist()
    [[4.0, 5.0]]
    """

    values: np.ndarray = field(default_factory=lambda: np.empty((0, 1), np.float32))

    def __post_init__(self) -> None:
        if self.values.shape[1:] != self.spec.shape or str(self.values.dtype) != self.spec.dtype:
            seen = f"{self.values.dtype} of shape {self.values.shape}"
            raise InputError(f"values: {seen} where n x {self.spec} of {self.spec.dtype} are meant")
        self._check()

    def __len__(self) -> int:
        return len(self.values)

    def _marked(self) -> UInt64[np.ndarray, " n"]:
        return marks_of_rows(self.values)

    def take(self, index: Tensor | np.ndarray | Sequence[int]) -> Tensor:
        """The examples in rows `index`, in its order: (k, *shape), a copy."""
        rows = row_numbers(index, len(self), none=True)
        out = np.empty((len(rows), *self.spec.shape), self.values.dtype)
        order = np.argsort(rows, kind="stable")  # a file is read in the order it lies on disk
        out[order] = self.values[rows[order]]
        return torch.from_numpy(out)

    def subset(self, index: Tensor | np.ndarray | Sequence[int]) -> Held:
        """The examples in rows `index`, in its order, with their labels and names."""
        rows = row_numbers(index, len(self))
        return replace(self, values=self.values[rows], **self._some(rows))  # type: ignore[arg-type]


E = TypeVar("E", bound=Examples)


def targeted(examples: E, target: str | None) -> E:
    """The examples, labelled with another of their targets; as they are where none is named.

    Raises `InputError` where they have no such target.
    """
    if target is None:
        return examples
    if target not in examples.targets:
        seen = f"the data have {names(examples.targets)}" if examples.targets else "the data have no labels"
        raise InputError(f"target: {target!r}, but {seen}; name one of these")
    if isinstance(examples, Described):
        return replace(examples, target=target)  # type: ignore[return-value]
    return examples


@dataclass(frozen=True, eq=False)
class Grouped:
    """Examples whose batches say which group each is of: {"x": ..., "group": int64 (k,)}, and their mask."""

    of: Examples
    groups: Labels

    @property
    def spec(self) -> Spec:
        return self.of.spec

    @property
    def source(self) -> str:
        return self.of.source

    @property
    def names(self) -> tuple[str, ...] | None:
        return self.of.names

    @property
    def vocabulary(self) -> Any:
        return getattr(self.of, "vocabulary", None)

    @property
    def targets(self) -> Mapping[str, Labels]:
        return self.of.targets

    @property
    def labels(self) -> np.ndarray | None:
        return self.of.labels

    @property
    def classes(self) -> tuple[str, ...]:
        return self.of.classes

    @property
    def marks(self) -> Any:
        return getattr(self.of, "marks", None)

    @property
    def fingerprint(self) -> str | None:
        return getattr(self.of, "fingerprint", None)

    def __len__(self) -> int:
        return len(self.of)

    def take(self, index: Tensor) -> Batch:
        """The examples in rows `index`, in its order, and the numbers of their groups."""
        batch = self.of.take(index)
        parts = dict(batch) if isinstance(batch, Mapping) else {"x": batch}
        return {**parts, "group": torch.from_numpy(self.groups.codes[row_numbers(index, len(self), none=True)])}

    def subset(self, index: Tensor | np.ndarray | Sequence[int]) -> Grouped:
        """The examples in rows `index`, in its order, and their groups."""
        return Grouped(self.of.subset(index), self.groups.of(row_numbers(index, len(self))))


def as_said(examples: Examples, reading: Reading) -> Examples:
    """The examples under the target that `reading` names, and in its groups. Raises `InputError` for unknown
    ones."""
    found = targeted(examples, reading.target)
    if reading.group is None:
        return found
    known = {**found.targets, **getattr(found, "groups", {})}
    if reading.group not in known:
        seen = f"the data have {names(known)}" if known else "the data have no labels"
        raise InputError(f"group: {reading.group!r}, but {seen}; name one of these")
    return Grouped(found, known[reading.group])
