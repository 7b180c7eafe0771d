"""Text as pieces of valid UTF-8: from files, plain or compressed, or from lines."""

from __future__ import annotations

import bz2
import gzip
import importlib
import io
import lzma
import os
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mutua.data.store import reason
from mutua.types import InputError

__all__ = ["ERRORS", "PathLike", "pieces", "pieces_of_lines", "reading"]

PathLike = str | os.PathLike[str]

# What to do with bytes that are no UTF-8, by Python's names.
ERRORS = ("strict", "replace", "ignore")

_PIECE = 1 << 20
_BOM = b"\xef\xbb\xbf"


def opened(path: Path) -> io.BufferedIOBase:
    """The file for reading, unpacked: what its first bytes say it is, whatever its name."""
    try:
        with open(path, "rb") as file:
            start = file.read(6)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or reason(error)}); check the path") from None
    if start.startswith(b"\x1f\x8b"):
        return gzip.open(path, "rb")
    if start.startswith(b"\xfd7zXZ\0"):
        return lzma.open(path, "rb")
    if start.startswith(b"BZh"):
        return bz2.open(path, "rb")
    if start.startswith(b"\x28\xb5\x2f\xfd"):
        return _opened_zst(path)
    return open(path, "rb")


def _opened_zst(path: Path) -> io.BufferedIOBase:
    # Python has it from 3.14 on, under compression.zstd.
    for name in ("compression.zstd", "zstandard"):
        try:
            module: Any = importlib.import_module(name)
        except ImportError:
            continue
        return io.BufferedReader(_Zst(path, module), _PIECE)
    raise InputError(
        f"{path}: zst needs Python 3.14 or the package zstandard; pip install zstandard, or unpack it"
    )


class _Zst(io.RawIOBase):
    """Frames of zst one after another. The readers of zstandard take a file that is cut short for a whole one."""

    def __init__(self, path: Path, module: Any) -> None:
        self.file, self.error = open(path, "rb"), module.ZstdError  # noqa: SIM115
        self.frame = getattr(module.ZstdDecompressor(), "decompressobj", module.ZstdDecompressor)
        self.unpacker: Any = None
        self.packed = self.held = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self.held:
            packed = self.packed or self.file.read(1 << 17)
            if not packed:
                if self.unpacker is not None:
                    raise EOFError("the last frame has no end")
                return 0
            self.unpacker = self.unpacker or self.frame()
            try:
                self.held = self.unpacker.decompress(packed)
            except self.error as error:
                raise EOFError(str(error)) from None
            self.packed = self.unpacker.unused_data
            if self.unpacker.eof:
                self.unpacker = None
        n = min(len(buffer), len(self.held))
        buffer[:n], self.held = self.held[:n], self.held[n:]
        return n

    def close(self) -> None:
        self.file.close()
        super().close()


@contextmanager
def reading(path: Path) -> Iterator[io.BufferedIOBase]:
    """The unpacked file, closed in the end. Raises InputError for one that is damaged or cut short."""
    with opened(path) as file:
        try:
            yield file
        except (EOFError, lzma.LZMAError, OSError, zlib.error) as error:  # bz2's and gzip's are OSErrors
            raise InputError(f"{path}: damaged or cut short ({reason(error)}); fetch or pack it again") from None


def pieces(path: PathLike, errors: str = "strict") -> Iterator[bytes]:
    """Pieces of about a megabyte, valid UTF-8 each, of the file at `path`.

    Raises InputError where the file cannot be read or unpacked, and, with errors="strict", where it is not UTF-8:
    the position of the first bad byte is named.
    """
    path = Path(path)
    with reading(path) as file:
        yield from _valid(iter(lambda: file.read(_PIECE), b""), str(path), errors)


def _valid(blocks: Iterator[bytes], name: str, errors: str) -> Iterator[bytes]:
    """Blocks cut between characters, and checked. `name` is what messages call their source."""
    position, rest = 0, b""
    for number, read in enumerate(blocks):
        block = rest + read
        if number == 0 and block.startswith(_BOM):
            block, position = block[3:], 3
        block, rest = _cut(block)
        yield _checked(block, name, position, errors)
        position += len(block)
    yield _checked(rest, name, position, errors)


def _cut(block: bytes) -> tuple[bytes, bytes]:
    """The block up to its last whole character, and the bytes of one that it cuts."""
    for back in range(1, min(4, len(block)) + 1):
        byte = block[-back]
        if byte >= 0xC0:
            size = 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4
            return (block[:-back], block[-back:]) if size > back else (block, b"")
        if byte < 0x80:
            break
    return block, b""


def _checked(block: bytes, name: str, position: int, errors: str) -> bytes:
    try:
        block.decode("utf-8")
    except UnicodeDecodeError as error:
        if errors != "strict":
            return block.decode("utf-8", errors).encode("utf-8")
        at = position + error.start
        raise InputError(
            f"{name}: not UTF-8 at byte {at:,} (0x{block[error.start]:02x}); convert it, or use errors='replace'"
        ) from None
    return block


def pieces_of_lines(lines: Iterable[str]) -> Iterator[bytes]:
    """Lines, with or without their newlines, as pieces of UTF-8 that end with one."""
    held: list[str] = []
    size = 0
    for number, line in enumerate(lines):
        if not isinstance(line, str):
            raise InputError(f"line {number}: {type(line).__name__}, not a string; give lines, or lists of tokens")
        held.append(line.rstrip("\n"))
        size += len(line) + 1
        if size >= _PIECE:
            yield _encoded(held)
            held, size = [], 0
    if held:
        yield _encoded(held)


def _encoded(lines: list[str]) -> bytes:
    # A lone surrogate has no UTF-8: it is what a file opened with surrogateescape leaves of a bad byte.
    return ("\n".join(lines) + "\n").encode("utf-8", "replace")
