"""Text as pieces of valid UTF-8: from files, plain or compressed, or from lines."""

from __future__ import annotations

import bz2
import codecs
import gzip
import importlib
import io
import itertools
import lzma
import os
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mutua.data.store import reason
from mutua.types import InputError

__all__ = ["ERRORS", "PathLike", "checked_reading", "pieces", "pieces_of_lines", "reading"]

PathLike = str | os.PathLike[str]

# What to do with bytes that are no text, by Python's names.
ERRORS = ("strict", "replace", "ignore")

_PIECE = 1 << 20
_BOM = codecs.BOM_UTF8
# UTF-32's before UTF-16's, which begins it.
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


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


def checked_reading(errors: str, encoding: str) -> None:
    """Raise `InputError` for what is no way of reading bytes as text."""
    if errors not in ERRORS:
        raise InputError(f"errors: {errors!r}; use one of {', '.join(ERRORS)}")
    try:
        "".encode(encoding)  # of binary "encodings" such as zip too, this is a LookupError
        codecs.getincrementaldecoder(encoding)
    except (LookupError, TypeError, UnicodeError):
        raise InputError(
            f"encoding: {encoding!r} is none that Python knows; utf-8, utf-16, cp1252 and latin-1 are usual"
        ) from None


def pieces(path: PathLike, errors: str = "strict", encoding: str = "utf-8") -> Iterator[bytes]:
    """Pieces of about a megabyte, valid UTF-8 each, of the text file at `path`.

    A byte order mark of UTF-16 or UTF-32 is believed. Raises InputError where the file cannot be read or unpacked,
    and, with errors="strict", where it is not in its encoding or holds a zero byte: line and byte are named.
    """
    checked_reading(errors, encoding)
    path = Path(path)
    with reading(path) as file:
        yield from _valid(iter(lambda: file.read(_PIECE), b""), str(path), errors, encoding)


def _valid(blocks: Iterator[bytes], name: str, errors: str, encoding: str) -> Iterator[bytes]:
    """Blocks cut between characters, and checked. `name` is what messages call their source."""
    first = next(blocks, b"")
    utf8 = codecs.lookup(encoding).name == "utf-8"
    if utf8:
        marked = next((wide for mark, wide in _MARKS if first.startswith(mark)), None)
        utf8, encoding = marked is None, marked or encoding
    position = line = 0
    skipped = len(_BOM) if utf8 and first.startswith(_BOM) else 0
    blocks = itertools.chain([first[skipped:]], blocks)
    for block, size in (
        _checked(blocks, name, errors, skipped) if utf8 else _decoded(blocks, name, errors, encoding)
    ):
        if errors == "strict" and (at := block.find(0)) >= 0:
            where = f"line {line + block.count(10, 0, at) + 1:,}" + (f", byte {position + at + skipped:,}" * utf8)
            raise InputError(
                f"{name}: a zero byte at {where}: no text, or UTF-16 without its mark; give a text file, or "
                "encoding='utf-16-le'"
            )
        position, line = position + size, line + block.count(10)
        yield block


def _checked(blocks: Iterator[bytes], name: str, errors: str, position: int) -> Iterator[tuple[bytes, int]]:
    """Blocks of UTF-8, and how many bytes of the file they were; `position` bytes were passed over."""
    rest, line = b"", 0
    for block in itertools.chain(blocks, [b""]):
        whole, rest = _cut(rest + block) if block else (rest, b"")
        try:
            whole.decode("utf-8")
            text = whole
        except UnicodeDecodeError as error:
            if errors == "strict":
                line += whole.count(10, 0, error.start)
                raise _no_text(name, "UTF-8", line, position + error.start, whole[error.start]) from None
            text = whole.decode("utf-8", errors).encode("utf-8")
        yield text, len(whole)
        position, line = position + len(whole), line + whole.count(10)


def _decoded(blocks: Iterator[bytes], name: str, errors: str, encoding: str) -> Iterator[tuple[bytes, int]]:
    """As `_checked`, of text in another encoding."""
    decoder, position, line = codecs.getincrementaldecoder(encoding)(errors), 0, 0
    for block in itertools.chain(blocks, [b""]):
        held = len(decoder.getstate()[0])
        try:
            text = decoder.decode(block, final=not block)
        except UnicodeDecodeError as error:
            good = bytes(error.object[: error.start]).decode(encoding, "ignore")
            at = position - held + error.start
            raise _no_text(name, encoding, line + good.count("\n"), at, error.object[error.start]) from None
        yield text.encode("utf-8", "replace"), len(block)
        position, line = position + len(block), line + text.count("\n")


def _no_text(name: str, encoding: str, lines: int, at: int, byte: int) -> InputError:
    return InputError(
        f"{name}: not {encoding} at line {lines + 1:,}, byte {at:,} (0x{byte:02x}); give its encoding (cp1252 is "
        "western Europe's), or errors='replace'"
    )


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
