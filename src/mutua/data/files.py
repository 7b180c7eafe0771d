"""Folders of files: which there are, what their folders say of classes and of splits."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from mutua.data.splits import part_by_name
from mutua.types import names as listed

__all__ = [
    "TEST_WORDS",
    "TRAIN_WORDS",
    "Layout",
    "files_of",
    "layout_of",
    "names_below",
    "parts_below",
    "passed_by",
    "walk",
]

TRAIN_WORDS = ("train", "training", "trainset", "trn")
TEST_WORDS = (
    *("test", "testing", "testset", "tst"),
    *("val", "valid", "validation", "dev", "devel", "development", "eval", "evaluation", "holdout"),
)
"""What folders of a test set are called; where a folder has several of them, the first is its test set."""

_SAY_NOTHING = {
    *("set", "data", "dataset", "split", "part", "folder", "files", "samples", "img", "imgs", "image", "images"),
    *("pictures", "photos", "audio", "sounds", "wav", "recordings"),
}

Path_ = tuple[str, ...]


@dataclass(frozen=True)
class Layout:
    """What a folder says of its files.

    Args:
        rows: numbers of the files of the split that was asked for.
        labels: of all files, -1 of those without; None where files of the split have none.
        classes: names of the classes; none where there are no labels.
        notes: what must be known of numbers taken on them, to be told in `source`.
    """

    rows: np.ndarray
    labels: np.ndarray | None
    classes: tuple[str, ...]
    notes: tuple[str, ...]


def walk(root: Path) -> Iterator[Path]:
    """Files under `root`, hidden ones left out; a folder that links lead to twice is entered once."""
    return (Path(here, name) for here, name in _names(root))


def _names(root: Path) -> Iterator[tuple[str, str]]:
    """Folder and name of each file: making a `Path` of every one would be a hundredth of decoding them."""
    visited: set[str] = set()
    for here, folders, names in os.walk(root, followlinks=True):
        real = os.path.realpath(here)
        folders[:] = [name for name in folders if not name.startswith(".") and real not in visited]
        if real not in visited:
            yield from ((here, name) for name in names if not name.startswith("."))
        visited.add(real)


def parts_below(root: Path, file: Path) -> Path_:
    """The folders and the name of a file that lies under `root`, as `walk` finds it."""
    return file.parts[len(root.parts) :]  # `relative_to` would cost a hundredth of decoding a picture


def names_below(root: Path, files: Sequence[Path]) -> list[str]:
    """Files by their paths below `root`, with slashes; one that is `root` itself by its name."""
    return ["/".join(parts_below(root, file)) or file.name for file in files]


def _suffix(name: str) -> str:
    return os.path.splitext(name)[1].lower()


def files_of(root: Path, suffixes: Collection[str]) -> list[Path]:
    """Files of these suffixes under `root`, in the order of their paths; hidden and other files are passed by."""
    return sorted(
        (Path(here, name) for here, name in _names(root) if _suffix(name) in suffixes),
        key=partial(parts_below, root),
    )


def passed_by(root: Path, suffixes: Collection[str]) -> tuple[str, ...]:
    """A note where there are files of these suffixes, which are of the kind but can't be read; else none."""
    counts = Counter(suffix for _, name in _names(root) if (suffix := _suffix(name)) in suffixes)
    if not counts:
        return ()
    return (f"{counts.total()} files of formats that are not read left out: {listed(sorted(counts))}",)


def layout_of(root: Path, files: Sequence[Path], split: str) -> Layout:
    """The split "train", "test" or "all" of the files under a folder, and their classes: from paths alone.

    Folders named as splits are, in any spelling (train and test, Training and Testing, seg_train and seg_test,
    train2017 and val2017), are the splits. Elsewhere a fifth is the test set, told by a hash of each file's path
    below `root`, so that files that come or go move no others (`part_by_name`).

    The folders that the files of a part lie in are its classes, also where they lie in one folder more. A few
    files beside the class folders are left out; where there are many, there are no classes. A part without class
    folders has no labels, whatever the other part has. Each of these is noted, and the classes are.

    Raises `InputError` where the split would be empty, or a class that must be split has one file.
    """
    paths = [parts_below(root, path) for path in files]
    parts = _split_folders(paths)
    notes: list[str] = []
    if parts:
        known = {row for below in parts.values() for row in below}
        if strays := [row for row in range(len(files)) if row not in known]:
            notes.append(_left_out("outside its train and test folders", strays, paths))
    else:
        parts = {"": dict(enumerate(paths))}
    found, lost = _classes({part: list(below.values()) for part, below in parts.items()})
    notes += lost

    classes = tuple(sorted({name for of_part in found.values() for name in of_part if name is not None}))
    code: dict[str | None, int] = {name: number for number, name in enumerate(classes)} | {None: -1}
    labels = np.full(len(files), -1)
    for part, names in found.items():
        labels[list(parts[part])] = [code[name] for name in names]
    asked = [part for part in parts if split in ("all", part) or part == ""]
    labelled = all(part in found for part in asked)
    rows = np.array(sorted(row for part in asked for row in parts[part]), np.int64)
    if labelled:
        if strays := [int(row) for row in rows if labels[row] < 0]:
            notes.append(_left_out("in no class folder", strays, paths))
        rows = rows[labels[rows] >= 0]
        notes.append(_told(classes))
    elif found:
        notes.append(f"labels of its {listed(sorted(found))} folder alone, since the other has no class folders")
    if "" in parts and split != "all":
        every, called = len(rows), ["/".join(paths[row]) for row in rows]
        rows = rows[part_by_name(called, labels[rows] if labelled else None, classes, split, str(root))]
        notes.append(f"{split}: {len(rows)} of {every} files, about a fifth being held out by their names")
    return Layout(rows, labels if labelled else None, classes if labelled else (), tuple(notes))


def _left_out(where: str, strays: Sequence[int], paths: Sequence[Path_]) -> str:
    first = "/".join(paths[strays[0]])
    return f"{_files(len(strays))} {where} left out: {first}{', ...' * (len(strays) > 1)}"


def _files(count: int) -> str:
    return f"{count} file{'' if count == 1 else 's'}"


def _told(classes: tuple[str, ...]) -> str:
    if len(classes) <= 10:
        return f"classes {', '.join(classes)}"
    return f"{len(classes)} classes, {classes[0]} to {classes[-1]}"


def _few(strays: int, files: int) -> bool:
    return strays <= max(1, files // 10)


def _sole(paths: Sequence[Path_]) -> str | None:
    """The one folder that the files lie in, but for a few."""
    folders = {path[0] for path in paths if len(path) > 1}
    strays = sum(len(path) == 1 for path in paths)
    return folders.pop() if len(folders) == 1 and strays < len(paths) and _few(strays, len(paths)) else None


def _entered(paths: Sequence[Path_]) -> list[Path_]:
    return [path[1:] if len(path) > 1 else path for path in paths]


def _split_folders(paths: Sequence[Path_]) -> dict[str, dict[int, Path_]]:
    """Rows of "train" and of "test", and their paths below these, where folders are named so; or {}.

    They may be one folder down, or more.
    """
    below = list(paths)
    while not (folders := _roles([path[0] for path in below if len(path) > 1])) and _sole(below) is not None:
        below = _entered(below)
    parts: dict[str, dict[int, Path_]] = {role: {} for role in folders.values()}
    for row, path in enumerate(below):
        if len(path) > 1 and path[0] in folders:
            parts[folders[path[0]]][row] = path[1:]
    return parts


def _roles(folders: Sequence[str]) -> dict[str, str]:
    """Of the folders that files lie in, those that are splits: which is "train" and which "test"; {} if not both.

    What else is in their names must be the same: seg_train and seg_test are a pair, train_station and test_tube
    are not. Numbers of one or two figures count only where that finds a pair.
    """
    counts = Counter(folders)
    for numbered in (True, False):
        groups: dict[Path_, dict[str, str]] = {}
        for name in counts:
            word, rest = _split_word(name, numbered)
            if word is not None:
                groups.setdefault(rest, {})[name] = word
        pairs = []
        for words in groups.values():
            best = min((TEST_WORDS.index(word) for word in words.values() if word in TEST_WORDS), default=None)
            pair = {name: "train" for name, word in words.items() if word in TRAIN_WORDS}
            if pair and best is not None:
                pair |= {name: "test" for name, word in words.items() if word == TEST_WORDS[best]}
                pairs.append(pair)
        if pairs:
            return max(pairs, key=lambda pair: sum(counts[name] for name in pair))
    return {}


def _split_word(name: str, numbered: bool) -> tuple[str | None, Path_]:
    """(The word of a folder's name that a split is called by, what else it says)."""
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower()
    tokens = re.findall(r"[^\W\d_]+|\d+", apart)
    words = [token for token in tokens if token in TRAIN_WORDS or token in TEST_WORDS]
    if len(words) != 1:
        return None, ()
    said = [token for token in tokens if token != words[0] and token not in _SAY_NOTHING]
    return words[0], tuple(token for token in said if numbered or not (token.isdigit() and len(token) < 3))


def _classes(parts: dict[str, list[Path_]]) -> tuple[dict[str, list[str | None]], list[str]]:
    """(The class folder of each file, None of strays, of each part that has classes; notes on what is lost)."""
    below = dict(parts)

    def folders(part: str) -> set[str]:
        return {path[0] for path in below[part] if len(path) > 1}

    moved = True
    while moved:  # images/cat, images/dog: one folder more; but a test set of one of the classes stays as it is
        alone = {part: name for part, paths in below.items() if (name := _sole(paths)) is not None}
        others = {name for part in below if part not in alone for name in folders(part)}
        moved = False
        for part, name in alone.items():
            if name not in others:
                below[part], moved = _entered(below[part]), True
    several = {name for part in below if len(folders(part)) > 1 for name in folders(part)}
    found: dict[str, list[str | None]] = {}
    lost = []
    for part, paths in below.items():
        strays = sum(len(path) == 1 for path in paths)
        if not folders(part) or not folders(part) <= several:
            continue
        if not _few(strays, len(paths)):
            where = f" of its {part} folder" if part else ""
            lost.append(f"no labels: {strays} of {_files(len(paths))}{where} lie in no class folder")
            continue
        found[part] = [path[0] if len(path) > 1 else None for path in paths]
    return found, lost
