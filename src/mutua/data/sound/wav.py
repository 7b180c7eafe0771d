"""What a WAV file promises against what it holds: a copy cut short is found before it is unmixed."""

from __future__ import annotations

import struct
from pathlib import Path

__all__ = ["missing_bytes"]

# What programs that write to a pipe leave in the header, because they couldn't know: no promise at all.
_UNKNOWN = {0, 0xFFFFFFFF, 0x7FFFFFFF, 0x7FFFFFFF - 36, 0x80000000}


def missing_bytes(path: Path) -> int:
    """Bytes of samples that a RIFF WAV file's header promises and the file lacks; 0 for any other file.

    Chunks are walked up to `data`; what follows it is not judged.
    """
    size = path.stat().st_size
    with open(path, "rb") as file:
        head = file.read(12)
        if len(head) < 12 or head[:4] != b"RIFF" or head[8:] != b"WAVE":
            return 0
        while len(chunk := file.read(8)) == 8:
            name, length = struct.unpack("<4sI", chunk)
            if name == b"data":
                return 0 if length in _UNKNOWN else max(0, length - (size - file.tell()))
            file.seek(length + length % 2, 1)
    return 0
