"""A folder of image files."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np

from mutua.data.image.decode import BadImageError, pixels_of, survey
from mutua.data.image.images import GIBIBYTE, Images
from mutua.data.image.streamed import Streamed
from mutua.data.parallel import in_threads, progress
from mutua.data.splits import part
from mutua.data.store import cache_folder, fingerprint, mapped, replacing, write_rows
from mutua.types import InputError

__all__ = ["EXTENSIONS", "MIXED_SIZE", "TEST_FOLDERS", "folder", "has_images"]

EXTENSIONS = {".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp", ".gif"}
TEST_FOLDERS = ("test", "val", "valid", "validation")
MIXED_SIZE = 96
"""Height and width given to images of different sizes where the caller names none."""

log = logging.getLogger(__name__)


def _walk(root: Path) -> Iterator[Path]:
    visited: set[str] = set()
    for here, folders, names in os.walk(root, followlinks=True):
        real = os.path.realpath(here)
        folders[:] = [name for name in folders if not name.startswith(".") and real not in visited]
        if real not in visited:
            paths = (Path(here, name) for name in names if not name.startswith("."))
            yield from (path for path in paths if path.suffix.lower() in EXTENSIONS)
        visited.add(real)


def has_images(root: Path) -> bool:
    """Whether an image file lies in the folder or below it."""
    return next(_walk(root), None) is not None


def _files(root: Path) -> list[Path]:
    """Image files under `root`, in the order of their paths; hidden ones and other files are passed by."""
    return sorted(_walk(root), key=lambda path: path.relative_to(root).parts)


def _class_folders(relative: list[tuple[str, ...]]) -> tuple[np.ndarray | None, tuple[str, ...]]:
    """Labels from the first folder of each path, where every image lies in one and there is more than one."""
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


def _rows(root: Path, files: list[Path], split: str) -> tuple[np.ndarray, np.ndarray | None, tuple[str, ...]]:
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


def _surveyed(files: list[Path], skip_bad: bool, threads: int | None) -> list[tuple[tuple[int, int], bool] | None]:
    """Height and width of each file and whether it is grey, from its header; None where that cannot be read."""

    def look(file: Path) -> tuple[tuple[int, int], bool] | BadImageError:
        try:
            return survey(file, str(file))
        except BadImageError as error:
            return error

    seen = []
    for found in progress(in_threads(look, files, threads), len(files), "looking at images"):
        if isinstance(found, BadImageError) and not skip_bad:
            raise found
        seen.append(None if isinstance(found, BadImageError) else found)
    return seen


def _read(
    files: list[Path],
    shape: tuple[int, int, int],
    size: int | None,
    skip_bad: bool,
    place: Path | None,
    threads: int | None,
) -> tuple[np.ndarray, list[int]]:
    """(Pixels of the files that can be decoded, their numbers), kept in the file `place` where there is one."""

    def decode(file: Path) -> np.ndarray | BadImageError:
        try:
            return pixels_of(file, str(file), size=size, grey=shape[0] == 1)
        except BadImageError as error:
            return error

    kept: list[int] = []

    def rows() -> Iterator[np.ndarray]:
        decoded = in_threads(decode, files, threads)
        for k, pixels in enumerate(progress(decoded, len(files), "decoding images")):
            if not isinstance(pixels, BadImageError):
                kept.append(k)
                yield pixels
            elif not skip_bad:
                raise pixels

    if place is None:
        pixels = np.empty((len(files), *shape), np.uint8)
        for k, row in enumerate(rows()):
            pixels[k] = row
        return pixels[: len(kept)], kept
    about = _list_of(place)

    def build(file: BinaryIO) -> None:
        write_rows(file, shape, rows())
        with replacing(about) as beside:
            beside.write(json.dumps(kept).encode())

    try:
        if not _kept(place, len(files)):
            place.unlink(missing_ok=True)
        return mapped(place, build), json.loads(about.read_text())
    except OSError as error:
        message = f"cannot be written ({error.strerror or error})"
        raise InputError(f"{place}: {message}; free space, or name another cache") from error


def _list_of(place: Path) -> Path:
    """Where it is written which of the files the rows of `place` are."""
    return place.with_suffix(".json")


def _kept(place: Path, files: int) -> bool:
    """Whether both are there, and are what they should be: a list of files, and as many rows."""
    try:
        rows = json.loads(_list_of(place).read_text())
        pixels = np.load(place, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return False
    known = isinstance(rows, list) and all(isinstance(k, int) and 0 <= k < files for k in rows)
    return known and len(rows) == len(set(rows)) == len(pixels)


def folder(
    path: Path | str,
    split: str = "all",
    *,
    size: int | None = None,
    skip_bad: bool = False,
    cache: Path | None = None,
    in_memory: int = GIBIBYTE,
    threads: int | None = None,
    at_once: bool = True,
) -> Images:
    """The images under a folder, in the order of their paths: JPEG, PNG, WebP, TIFF, BMP, the first frame of GIF.

    Where every image lies in a folder of its own class, the folders' names are the classes. Where the folder has
    train/ and test/ (or val/), these are the splits; elsewhere a fifth, of every class where there are classes,
    is the test set, the same on every machine.

    Images of one height and width keep them unless `size` is given; others become `size` x `size` (96 without
    it): the largest square in the middle, resized with antialiasing. They stay grey where all are grey, and are
    RGB otherwise; both are decided over all splits. EXIF's orientation is followed, what is see-through is laid
    on white, 16 bits become 8.

    More than `in_memory` bytes of pixels are decoded into a file in the cache, a row at a time, and
    memory-mapped; the next call with the same files finds them there. The result doesn't depend on `threads`.

    Headers are read now, pixels too unless `at_once` is False: then each file is decoded when it is first taken
    (`Streamed`), so that training starts at once; a file that cannot be decoded is named then. With `skip_bad`
    all are decoded now, since which rows there are must be known.

    Raises `InputError` naming the folder where it is missing or has no image, and naming the file where one
    cannot be read; with `skip_bad` such files are left out, and counted in `source` and in the log. Without
    folders train/ and test/ a class of one example cannot be split, and is named.
    """
    root = Path(path)
    if not root.is_dir():
        raise InputError(f"{root}: no such folder; check the path")
    if size is not None and size < 1:
        raise InputError(f"size: {size}; give a height and width of at least 1")
    files = _files(root)
    if not files:
        kinds = " ".join(sorted(EXTENSIONS))
        raise InputError(f"{root}: no image files in it or below it ({kinds}); check the path")
    rows, labels, classes = _rows(root, files, split)

    seen = _surveyed(files, skip_bad, threads)
    good = [found for found in seen if found is not None]
    chosen = [int(k) for k in rows if seen[k] is not None]
    nothing = f"{root}: none of its {len(rows)} image files ({split}) can be read; are they images?"
    if not chosen:
        raise InputError(nothing)
    sizes, greys = {shape for shape, _ in good}, {grey for _, grey in good}
    notes = []
    if len(sizes) > 1 and size is None:
        size = MIXED_SIZE
        notes.append(f"{len(sizes)} sizes, resized to {size} x {size}")
    if len(greys) > 1:
        notes.append("grey and colour, all made RGB")
    height, width = (size, size) if size is not None else sizes.pop()
    shape = (1 if greys == {True} else 3, height, width)

    place = None
    if len(chosen) * int(np.prod(shape)) > in_memory:
        key = fingerprint([files[k] for k in chosen], shape, skip_bad)
        place = cache_folder(cache) / "decoded" / f"folder-{key}.npy"
    if not at_once and not skip_bad and not (place is not None and _kept(place, len(chosen))):

        def decode(row: int) -> np.ndarray:
            file = files[chosen[row]]
            return pixels_of(file, str(file), size=size, grey=shape[0] == 1)

        rest = _about(root, files, chosen, labels, classes, notes)
        return Streamed(decode, len(chosen), shape, *rest, place=place, threads=threads)
    pixels, decoded = _read([files[k] for k in chosen], shape, size, skip_bad, place, threads)
    if not decoded:
        raise InputError(nothing)
    kept = [chosen[k] for k in decoded]
    if skipped := len(rows) - len(kept):
        notes.append(f"{skipped} of {len(rows)} files could not be read and were left out")
    return Images(pixels, *_about(root, files, kept, labels, classes, notes))


def _about(
    root: Path,
    files: list[Path],
    rows: list[int],
    labels: np.ndarray | None,
    classes: tuple[str, ...],
    notes: list[str],
) -> tuple[np.ndarray | None, tuple[str, ...], tuple[str, ...], str]:
    """(Labels, classes, names, source) of the rows; what was noted is logged."""
    for note in notes:
        log.info("%s: %s", root, note)
    names = tuple(files[k].relative_to(root).as_posix() for k in rows)
    about = f" ({'; '.join(notes)})" if notes else ""
    return None if labels is None else labels[rows], classes, names, f"{root.name or root}{about}"
