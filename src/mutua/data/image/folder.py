"""A folder of image files."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np

from mutua.data.files import Layout, files_of, layout_of, names_below, passed_by
from mutua.data.image.decode import (
    EXTENSIONS,
    OTHER_EXTENSIONS,
    BadImageError,
    notes_of,
    pixels_of,
    survey,
    white_of,
)
from mutua.data.image.images import GIBIBYTE, Images
from mutua.data.image.streamed import Streamed
from mutua.data.parallel import in_threads, progress, surveyed
from mutua.data.store import cache_folder, fingerprint, mapped, replacing, write_rows
from mutua.types import InputError

__all__ = ["EXTENSIONS", "MIXED_SIZE", "folder"]

MIXED_SIZE = 96
"""Height and width given to images of different sizes where the caller names none."""

log = logging.getLogger(__name__)


def _read(
    files: list[Path],
    decoded: Callable[[Path], np.ndarray],
    shape: tuple[int, int, int],
    skip_bad: bool,
    place: Path | None,
    threads: int | None,
) -> tuple[np.ndarray, list[int]]:
    """(Pixels of the files that can be decoded, their numbers), kept in the file `place` where there is one."""

    def decode(file: Path) -> np.ndarray | BadImageError:
        try:
            return decoded(file)
        except BadImageError as error:
            return error

    kept: list[int] = []

    def rows() -> Iterator[np.ndarray]:
        found = in_threads(decode, files, threads)
        for k, pixels in enumerate(progress(found, len(files), "decoding images")):
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
    channels: int | None = None,
    skip_bad: bool = False,
    cache: Path | None = None,
    in_memory: int = GIBIBYTE,
    threads: int | None = None,
    at_once: bool = True,
) -> Images:
    """The images under a folder, in the order of their paths: JPEG, PNG, WebP, AVIF where Pillow reads it, TIFF,
    BMP, the first frame of GIF; pictures in other formats are counted.

    Where images lie in folders of their own classes, the folders' names are the classes. Where the folder has
    train/ and test/ (or val/; in any usual spelling), these are the splits; elsewhere a fifth is the test set,
    told by the names of the files, the same on every machine. `mutua.data.files.layout_of` has both rules.

    Images of one height and width keep them unless `size` is given; others become `size` x `size` (96 without
    it): the largest square in the middle, resized with antialiasing. They stay grey where all are grey, and are
    RGB otherwise, unless `channels` says 1 or 3; both are decided over all splits. EXIF's orientation is followed,
    what is see-through is laid on white, 16 bits become 8: grey ones by the 8, 10, 12, 14 or 16 bits that their
    values, over all splits, take up. `source` says which of that was done.

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
    if channels not in (None, 1, 3):
        raise InputError(f"channels: {channels} of image files; give 1 for grey or 3 for RGB")
    files = files_of(root, EXTENSIONS)
    if not files:
        kinds = " ".join(sorted(EXTENSIONS))
        seen_instead = "".join(f"; {note}" for note in passed_by(root, OTHER_EXTENSIONS))
        raise InputError(f"{root}: no image files in it or below it ({kinds}{seen_instead}); check the path")
    layout = layout_of(root, files, split)
    rows = layout.rows

    seen = surveyed(
        lambda file: survey(file, str(file)), files, BadImageError, "images", skip=skip_bad, threads=threads
    )
    good = [found for found in seen if found is not None]
    chosen = [int(k) for k in rows if seen[k] is not None]
    nothing = f"{root}: none of its {len(rows)} image files ({split}) can be read; are they images?"
    if not chosen:
        raise InputError(nothing)
    sizes, greys = {one.size for one in good}, {one.grey for one in good}
    white = white_of(good)
    notes = [*layout.notes, *passed_by(root, OTHER_EXTENSIONS)]
    if len(sizes) > 1 and size is None:
        size = MIXED_SIZE
        notes.append(f"{len(sizes)} sizes, resized to {size} x {size}")
    if channels is None and len(greys) > 1:
        notes.append("grey and colour, all made RGB")
    notes += notes_of([one for k in chosen if (one := seen[k]) is not None], white)
    bands = channels if channels is not None else 1 if greys == {True} else 3
    height, width = (size, size) if size is not None else sizes.pop()
    shape = (bands, height, width)

    def decoded(file: Path) -> np.ndarray:
        return pixels_of(file, str(file), size=size, grey=bands == 1, white=white, shape=shape)

    place = None
    if len(chosen) * int(np.prod(shape)) > in_memory:
        key = fingerprint([files[k] for k in chosen], shape, white, skip_bad)
        place = cache_folder(cache) / "decoded" / f"folder-{key}.npy"
    if not at_once and not skip_bad and not (place is not None and _kept(place, len(chosen))):
        rest = _about(root, files, chosen, layout, notes)
        return Streamed(
            lambda row: decoded(files[chosen[row]]), len(chosen), shape, *rest, place=place, threads=threads
        )
    pixels, numbers = _read([files[k] for k in chosen], decoded, shape, skip_bad, place, threads)
    if not numbers:
        raise InputError(nothing)
    kept = [chosen[k] for k in numbers]
    if skipped := len(rows) - len(kept):
        notes.append(f"{skipped} of {len(rows)} files could not be read and were left out")
    return Images(pixels, *_about(root, files, kept, layout, notes))


def _about(
    root: Path,
    files: list[Path],
    rows: list[int],
    layout: Layout,
    notes: list[str],
) -> tuple[np.ndarray | None, tuple[str, ...], tuple[str, ...], str, tuple[Path, ...]]:
    """(Labels, classes, names, source, files) of the rows; what was noted is logged."""
    for note in notes:
        log.info("%s: %s", root, note)
    names = tuple(names_below(root, [files[k] for k in rows]))
    about = f" ({'; '.join(notes)})" if notes else ""
    labels = None if layout.labels is None else layout.labels[rows]
    return labels, layout.classes, names, f"{root.name or root}{about}", tuple(files[k] for k in rows)
