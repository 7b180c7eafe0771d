"""Datasets of torch and of Hugging Face as texts, told by what they can do and not by their type."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mutua.data.text.records import Records, chosen
from mutua.types import InputError

__all__ = ["rows_of"]


def _item(item: Any, row: int) -> Mapping[str, Any]:
    """Fields of a row: a mapping, (text, label), (label, text) or a text."""
    if isinstance(item, Mapping):
        return item
    if not isinstance(item, (tuple, list)):
        return {"text": item}
    place = next((k for k, value in enumerate(item) if isinstance(value, str)), None)
    if place is None:
        raise InputError(f"dataset: row {row}: {item!r:.60} holds no string; a row is a text and its label")
    rest = [value for k, value in enumerate(item) if k != place]
    return {"text": item[place], **({"label": rest[0]} if rest else {})}


def rows_of(dataset: Any, text: str | None, target: Sequence[str] | None) -> Records:
    """All rows of a dataset, read once. Raises InputError naming a row without a text, or without a label."""
    if not len(dataset):
        raise InputError(f"dataset: {type(dataset).__name__} has no rows; there is nothing to learn from")
    features = getattr(dataset, "features", None)
    features = features if isinstance(features, Mapping) else {}
    first = _item(dataset[0], 0)
    coded = [name for name in first if getattr(features.get(name), "names", None)]
    place, labels = chosen("dataset", list(first), text, target if target is not None else coded or None)
    column = list(first)[place]
    found = Records([], {name: [] for name in labels})
    found.classes = {name: tuple(features[name].names) for name in labels if name in coded}
    for row in range(len(dataset)):
        item = _item(dataset[row], row)
        value = item.get(column)
        if not isinstance(value, str) or not value.strip():
            raise InputError(f"dataset: row {row} has {value!r:.60} where a text is meant; leave such rows out")
        found.texts.append(value.strip())
        for name, held in found.targets.items():
            held.append(_spelled(item.get(name), found.classes.get(name), name, row))
    return found


def _spelled(label: Any, classes: tuple[str, ...] | None, name: str, row: int) -> str:
    """A label's name. Hugging Face writes -1 where there is none."""
    label = label.item() if hasattr(label, "item") else label
    if label is None or label == "" or (classes and label == -1):
        raise InputError(f"dataset: row {row} has no {name} and others have; leave such rows out")
    if not isinstance(label, (str, int, float)):
        raise InputError(f"dataset: row {row}: {name} is {type(label).__name__}; give one label a row")
    return classes[label] if classes and isinstance(label, int) else str(label)
