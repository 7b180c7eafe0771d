"""What each film of a folder holds, as a table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mutua.data.files import files_of
from mutua.data.parallel import in_threads, progress
from mutua.data.video.clips import SUFFIXES, BadClipError, Clip, opened, survey
from mutua.data.video.looks import Look, look_at
from mutua.types import InputError, Table

__all__ = ["clips_table"]


def clips_table(place: Path, skip_bad: bool = False) -> Table:
    """Seconds, frames, duplicates, cuts, key frames, black bars and sound of each film.

    Raises `InputError` for a place without films, and naming the first film that cannot be read, unless
    `skip_bad`: then such films are left out and counted.
    """
    if not place.exists():
        raise InputError(f"{place}: no such folder or film; check the path")
    files = files_of(place, SUFFIXES) if place.is_dir() else [place]
    if not files:
        raise InputError(f"{place}: no films in it or below it ({' '.join(sorted(SUFFIXES))}); check the path")

    def seen(path: Path) -> list[Any] | BadClipError:
        try:
            clip = survey(path)
            return _row(path.relative_to(place).as_posix() if path != place else path.name, clip, look_at(clip))
        except BadClipError as error:
            return error

    rows, bad = [], 0
    for found in progress(in_threads(seen, files), len(files), "looking at films"):
        if isinstance(found, BadClipError):
            if not skip_bad:
                raise found
            bad += 1
        else:
            rows.append(found)
    if not rows:
        raise InputError(f"{place}: none of its {len(files)} films can be read; are they films?")
    columns = ("film", "seconds", "frames", "a second", "size", "duplicates", "cuts", "keys", "bars", "sound")
    note = (
        "Duplicates: frames like the one before. Cuts and key frames: how many. Bars: black throughout, in "
        "percent of the height above and below, of the width left and right. Windows without these: --without "
        "cuts keys frozen."
    )
    left_out = f" {bad} of {len(files)} films cannot be read and were left out." if bad else ""
    return Table("Films", columns, rows, note + left_out)


def _row(name: str, clip: Clip, look: Look) -> list[Any]:
    size = f"{clip.width} x {clip.height}" + (f", turned {clip.turned}" if clip.turned else "")
    bars = " ".join(f"{100 * share:.0f}" for share in look.bars)
    return [
        name,
        round(clip.end - clip.first, 2),
        len(look.times),
        round(clip.rate, 2),
        size,
        int(look.still.sum()),
        int(look.cuts.sum()),
        len(clip.keys),
        "none" if bars == "0 0 0 0" else bars,
        _heard(clip),
    ]


def _heard(clip: Clip) -> str:
    """Samples a second and channels, and when it begins where that isn't with the first frame."""
    if not clip.heard:
        return "none"
    with opened(clip.path) as container:
        stream = container.streams.audio[0]
        begins = float((stream.start_time or 0) * stream.time_base) - clip.first
        told = f"{stream.rate:,} Hz x {stream.codec_context.channels}"
    return told + (f", from {begins:+.2f} s" if abs(begins) > 0.02 else "")
