"""Texts and what stands beside them, as they are read from lines and folders."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from mutua.data.files import names_below, parts_below
from mutua.data.text.files import pieces
from mutua.data.text.sources import lines_of
from mutua.types import InputError

__all__ = ["LABELS", "PARTS", "TEXTS", "Records", "chosen", "folder_records", "lines_in", "plain"]

TEXTS = ("text", "sentence", "review", "content", "document", "question", "phrase", "tweet", "message", "body")
LABELS = ("label", "labels", "class", "category", "target", "sentiment", "topic", "label_text", "coarse_label",
          "fine_label", "label-coarse", "label-fine", "coarse", "fine")  # fmt: skip

PARTS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("test", "testing", "val", "valid", "validation", "dev"), "test"),
}
"""Folders that are parts of a data set rather than classes."""


@dataclass
class Records:
    """Texts, the labels of each target as they are spelled, and where each text stands.

    Attributes:
        parts: "train", "test" or "" of each, where folders say so.
        classes: names by target, where a dataset has them.
    """

    texts: list[str]
    targets: dict[str, list[str]] = field(default_factory=dict)
    names: list[str] | None = None
    parts: list[str] | None = None
    classes: dict[str, tuple[str, ...]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def plain(path: Path, lines: Sequence[str], documents: str) -> Records:
    """A text a line, or texts parted by empty lines."""
    texts, names, held = [], [], []
    for number, line in enumerate([*lines, ""], 1):
        if documents == "lines":
            if line.strip():
                texts.append(line.strip())
                names.append(f"{path.name}:{number}")
            elif any(rest.strip() for rest in lines[number:]):
                raise InputError(
                    f"{path}: line {number:,} is empty; give documents='paragraphs' where empty lines part texts, "
                    "or take it out"
                )
        elif line.strip():
            held.append(line.strip())
        elif held:
            texts.append("\n".join(held))
            names.append(f"{path.name}:{number - len(held)}")
            held = []
    return Records(texts, names=names)


def folder_records(root: Path, errors: str, encoding: str) -> Records:
    """Every .txt file below a folder is a text; its class the folder it lies in, below train/ and test/ if any."""
    files, others = [], 0
    for here, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if re.fullmatch(r"[^.].*\.txt(\.(gz|xz|bz2|zst))?", name, re.IGNORECASE):
                files.append(Path(here, name))
            else:
                others += not name.startswith(".")
    if not files:
        raise InputError(f"{root}: no .txt files in it or below it; check the path")
    files.sort(key=partial(parts_below, root))
    below = [parts_below(root, path) for path in files]
    parts = None
    tops = {PARTS.get(place[0].lower(), "") for place in below if len(place) > 1}
    if {"train", "test"} <= tops:
        parts = [PARTS.get(place[0].lower(), "") for place in below]
        below = [place[1:] if part else place for place, part in zip(below, parts, strict=True)]
    texts = []
    for path in files:
        text = b"".join(pieces(path, errors, encoding)).decode("utf-8").strip()
        if not text:
            raise InputError(f"{path}: is empty; take the file out")
        texts.append(text)
    found = Records(texts, names=names_below(root, files), parts=parts)
    within = [
        place[0] if len(place) > 1 else "" for place, part in zip(below, parts or below, strict=True) if part
    ]
    if len(set(within)) > 1 and "" not in within:
        found.targets["label"] = [place[0] for place in below]
    elif len(set(within)) > 1:
        n = within.count("")
        found.notes.append(f"no labels: {n:,} files lie beside the folders of classes")
    found.notes += [f"{others:,} other files passed by"] * (others > 0)
    return found


def lines_in(path: Path, errors: str, encoding: str) -> list[str]:
    """The lines of a text file. Raises InputError for a file without text."""
    lines = [line.removesuffix("\r") for line in lines_of(pieces(path, errors, encoding))]
    if not any(line.strip() for line in lines):
        raise InputError(f"{path}: is empty; give a file of text")
    return lines


def chosen(
    name: str, head: Sequence[str], text: str | None, target: Sequence[str] | None
) -> tuple[int, dict[str, int]]:
    """Which of the columns is the text, and which are targets: by the names asked for, or the usual names."""
    lower = [one.lower() for one in head]
    if text is None:
        found = [lower.index(one) for one in TEXTS if one in lower]
        if not found:
            raise InputError(f"{name}: columns {', '.join(head)}, none of a usual name; name the text with text=")
        place = found[0]
    elif text in head:
        place = list(head).index(text)
    else:
        raise InputError(f"{name}: no column {text!r} among {', '.join(head)}; name one of these")
    for one in target or ():
        if one not in head:
            raise InputError(f"{name}: no column {one!r} among {', '.join(head)}; name one of these")
    wanted = [one for one, low in zip(head, lower, strict=True) if low in LABELS] if target is None else target
    return place, {one: list(head).index(one) for one in wanted if list(head).index(one) != place}
