"""Encoders judged side by side with labels: one table of probes, one of few-label curves."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch

from mutua.data import KINDS, Examples
from mutua.evaluation.decodable.table import check_families, decodable_row, decodable_table
from mutua.evaluation.features import available, features, raw, raw_name
from mutua.evaluation.probes.catalogue import PROBES
from mutua.evaluation.probes.few_labels import few_labels
from mutua.types import Encode, Encoder, InputError, Table, names

__all__ = ["RAW", "Progress", "evaluate"]

RAW = KINDS["image"].raw_name
"""The first row of tables on images; `raw_name` says that of other kinds."""

Progress = Callable[[str], None]
"""Called with what is being done, in words."""


def quiet(_words: str) -> None:
    """Say nothing."""


def chosen_depths(
    encoders: Mapping[str, Encode | Encoder], depths: Sequence[str] | None
) -> dict[str, tuple[str, ...]]:
    """Each encoder's depths to read: those of `depths` that it has, or its last where none are asked for."""
    found = {}
    for name, encode in encoders.items():
        known = available(encode)
        found[name] = known[-1:] if depths is None else tuple(d for d in depths if d in known)
        if not found[name]:
            raise InputError(f"depths: {names(depths or ())} are none of {name}'s {', '.join(known)}")
    return found


def check_alike(train: Examples, test: Examples) -> None:
    """Raise `InputError` where the two are not of one kind and shape."""
    a, b = train.spec, test.spec
    if (a.kind, a.shape) != (b.kind, b.shape):
        raise InputError(f"test: {b.kind} of {b} where train has {a.kind} of {a}; read both alike")


def _labels(examples: Examples, name: str) -> np.ndarray:
    if examples.labels is None:
        what = KINDS[examples.spec.kind].plural
        raise InputError(f"{name}: these {what} have no labels; give class folders, or use unlabelled_tables")
    return examples.labels


def _check_classes(train: Examples, labels: np.ndarray, probes: Sequence[str]) -> None:
    found, counts = np.unique(labels, return_counts=True)
    if len(found) < 2:
        raise InputError("train: all examples are of one class; a probe needs at least two")
    if counts.min() < 2 and set(probes) & {"linear", "svm", "hinge"}:
        one = found[counts.argmin()]
        name = repr(train.classes[one]) if train.classes else str(one)
        raise InputError(
            f"train: class {name} has one example and {', '.join(probes)} need two to choose their settings; "
            "add one, leave the class out, or use knn alone"
        )


def _every(
    encoders: Mapping[str, Encode | Encoder],
    train: Examples,
    test: Examples,
    depths: Mapping[str, Sequence[str]],
    batch: int,
    device: torch.device | str,
    precision: torch.dtype,
    say: Progress,
) -> Iterator[tuple[str, str, np.ndarray, np.ndarray]]:
    """(Encoder, depth, train features, test features), raw input first; one pair is held at a time."""
    first = raw_name(train)
    say(first)
    yield first, "", raw(train, batch=batch), raw(test, train=train, batch=batch)
    for name, encode in encoders.items():
        for depth in depths[name]:
            say(f"{name}: features at {depth}")
            both = [
                features(encode, part, depths=(depth,), batch=batch, device=device, precision=precision)[depth]
                for part in (train, test)
            ]
            yield name, depth, both[0], both[1]


def evaluate(
    encoders: Mapping[str, Encode | Encoder],
    train: Examples,
    test: Examples,
    *,
    probes: Sequence[str] = ("linear", "knn"),
    depths: Sequence[str] | None = None,
    labels_per_class: Sequence[int] = (),
    few_label_probes: Sequence[str] = ("1-nn", "linear"),
    draws: int = 5,
    decodable: Sequence[str] = (),
    seed: int = 0,
    batch: int = 512,
    device: torch.device | str = "cpu",
    precision: torch.dtype = torch.float32,
    progress: Progress | None = None,
) -> list[Table]:
    """A table of test accuracies in percent, each encoder at each depth under raw input; one more for few labels,
    and one for decodable information.

    The note of each table is the protocol: how each number was taken. Cells are percent, or (mean, standard
    deviation) over draws of the labels, or None where a class has too few. An encoder passes over the examples
    once for each depth, and one depth's features are held at a time.

    Args:
        encoders: row name to a function of a batch, or an encoder with depths. Add `random_twin` and
            a supervised encoder for the other two controls.
        probes: names of `PROBES`.
        depths: to read, where an encoder has them; by default its last.
        labels_per_class: of the few-label table, such as (1, 5, 10, 100); none without.
        few_label_probes: names of `FEW_LABEL_PROBES`.
        draws: of the labels, for each number of them.
        decodable: names of `FAMILIES` of probes whose usable information is read, in bits; none without.
        progress: called with what is being done.

    Raises `InputError` for examples without labels, an unknown probe or depth, a class with one example where a
    probe must hold rows out, and features with NaN.
    """
    if unknown := set(probes) - set(PROBES):
        raise InputError(f"probes: {names(unknown)} is none of {names(PROBES)}")
    if decodable:
        check_families(decodable)
    check_alike(train, test)
    train_y, test_y = _labels(train, "train"), _labels(test, "test")
    _check_classes(train, train_y, probes)
    wanted = chosen_depths(encoders, depths)
    say = progress if progress is not None else quiet
    rows: list[list[Any]] = []
    few: list[list[Any]] = []
    used: list[list[Any]] = []
    protocols: dict[str, str] = {}
    few_note = ""
    for name, depth, x, z in _every(encoders, train, test, wanted, batch, device, precision, say):
        row: list[Any] = [name, depth, x.shape[1]]
        for probe in probes:
            say(f"{name} {depth}: {probe}")
            score = PROBES[probe](x, train_y, z, test_y, seed, device=device)
            protocols.setdefault(probe, score.protocol)
            row.append(score.accuracy)
        rows.append(row)
        if labels_per_class:
            say(f"{name} {depth}: few labels")
            curve = few_labels(
                x,
                train_y,
                z,
                test_y,
                labels_per_class=labels_per_class,
                draws=draws,
                seed=seed,
                probes=few_label_probes,
                device=device,
            )
            few_note = curve.note
            for probe, values in curve.values.items():
                cells = [values.get(count) for count in labels_per_class]
                few.append([name, depth, probe, *cells])
        for family in decodable:
            say(f"{name} {depth}: decodable information, {family}")
            used.append([name, depth, *decodable_row(x, train_y, (z, test_y), family, seed=seed)])
    what = KINDS[train.spec.kind].plural
    data = f"{len(train)} train and {len(test)} test {what} of {train.source or 'the data given'}"
    note = f"Percent right on test; {data}. " + " ".join(f"{p}: {words}." for p, words in protocols.items())
    tables = [Table("Accuracy with all labels", ["encoder", "depth", "features", *probes], rows, note)]
    if labels_per_class:
        columns = ["encoder", "depth", "probe", *(str(count) for count in labels_per_class)]
        few_note = f"Percent right on test, by labels a class; {data}. {few_note}"
        tables.append(Table("Accuracy with few labels", columns, few, few_note))
    if decodable:
        tables.append(decodable_table(used, ("encoder", "depth"), f"{data[:1].upper()}{data[1:]}."))
    return tables
