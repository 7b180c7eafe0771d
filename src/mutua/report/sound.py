"""Sounds to listen to, one beside another."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

from mutua.report.page import Block
from mutua.report.svg import natural_width
from mutua.types import InputError

__all__ = ["Player", "audio", "sound_uri"]

_SIGNATURES = {
    b"RIFF": "audio/wav",
    b"fLaC": "audio/flac",
    b"OggS": "audio/ogg",
    b"ID3": "audio/mpeg",
    b"\xff\xfb": "audio/mpeg",
}


@dataclass(frozen=True)
class Player:
    """One sound: the bytes of a file (kept in the page), or the path of a file relative to the page.

    Args:
        name: what it is, such as "estimated source 1".
        source: bytes of a WAV, FLAC, Ogg or MP3 file, or a relative path.
        note: a line under it, such as its SDR.
        spectrogram: SVG text from `mutua.plots.svg`, or none.
    """

    name: str
    source: bytes | str
    note: str = ""
    spectrogram: str = ""


def audio(players: Sequence[Player], *, heading: str = "") -> Block:
    """Players side by side, each under its spectrogram. Starting one stops the others."""
    for player in players:
        if player.spectrogram:
            natural_width(player.spectrogram)
    items = [{"name": p.name, "src": _src(p), "note": p.note, "spectrogram": p.spectrogram} for p in players]
    return Block("audio.html", {"players": items}, heading)


def _src(player: Player) -> str:
    source = player.source
    if isinstance(source, bytes):
        return sound_uri(source, player.name)
    if ":" in source or source.startswith(("/", "\\")):
        raise InputError(
            f"{player.name}: {source!r} isn't relative to the page; give a relative path, or the bytes"
        )
    return quote(source)


def sound_uri(source: bytes, name: str = "sound") -> str:
    """The bytes of a WAV, FLAC, Ogg or MP3 file as a data URI."""
    kind = next((kind for start, kind in _SIGNATURES.items() if source.startswith(start)), None)
    if kind is None:
        raise InputError(f"{name}: the bytes are no WAV, FLAC, Ogg or MP3 file; encode the samples first")
    return f"data:{kind};base64,{base64.b64encode(source).decode()}"
