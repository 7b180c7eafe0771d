"""Folders of files: which there are, what their folders say of classes and of splits."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from pathlib import Path

import numpy as np

from mutua.data.splits import part

__all__ = ["TEST_FOLDERS", "files_of", "rows_of", "walk"]

TEST_FOLDERS = ("test", "val", "valid", "validation")


def walk(root: Path) -> Iterator[Path]:
    """Files under `root`, hidden ones left out; a folder that links lead to twice is entered once."""
    visited: set[str] = set()
    for here, folders, names in os.walk(root, followlinks=True):
        real = os.path.realpath(here)
        folders[:] = [name for name in folders if not name.startswith(".") and real not in visited]
        if real not in visited:
            yield from (Path(here, name) for name in names if not name.startswith("."))
        visited.add(real)


def files_of(root: Path, suffixes: Collection[str]) -> list[Path]:
    """Files of these suffixes under `root`, in the order of their paths; hidden and other files are passed by."""
    return sorted(
        (path for path in walk(root) if path.suffix.lower() in suffixes),
        key=lambda path: path.relative_to(root).parts,
    )


def _class_folders(relative: list[tuple[str, ...]]) -> tuple[np.ndarray | None, tuple[str, ...]]:
    """Labels from the first folder of each path, where every file lies in one and there is more than one."""
    classes = tuple(sorted({parts[0] for parts in relative}))
    if len(classes) < 2 or any(len(parts) < 2 for parts in relative):
        return None, ()
    code = {name: k for k, name in enumerate(classes)}
    return np.array([code[parts[0]] for parts in relative], np.int64), classes


def _layout(root: Path, files: list[Path]) -> tuple[list[str], list[tuple[str, ...]]]:
    """(The split that each file's folder names, or "" where the folder has no splits; its path below that)."""
    paths = [path.relative_to(root).parts for path in files]
    tops = {parts[0] for parts in paths if len(parts) > 1}
    if "train" not in tops or not tops.intersection(TEST_FOLDERS):
        return [""] * len(files), paths
    test = next(name for name in TEST_FOLDERS if name in tops)
    named = {"train": "train", test: "test"}
    return [named.get(parts[0], "other") for parts in paths], [parts[1:] for parts in paths]


def rows_of(root: Path, files: list[Path], split: str) -> tuple[np.ndarray, np.ndarray | None, tuple[str, ...]]:
    """(The rows of the split, labels of all files, names of the classes): from paths alone, bad files or not."""
    splits, below = _layout(root, files)
    if splits[0] == "":
        labels, classes = _class_folders(below)
        return part(len(files), labels, classes, split, str(root)), labels, classes
    known = np.array([k for k, name in enumerate(splits) if name != "other"])
    coded, classes = _class_folders([below[k] for k in known])
    labels = None
    if coded is not None:
        labels = np.full(len(files), -1)
        labels[known] = coded
    return np.array([k for k in known if split in ("all", splits[k])]), labels, classes
