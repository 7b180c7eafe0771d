"""Files of text in any encoding come as pieces of valid UTF-8, or say in one line why not and where."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from mutua.data.text import files
from mutua.data.text.files import pieces
from mutua.data.text.sources import read_sentences
from mutua.types import InputError

TEXT = "naïve café\nœuvre 漢字\nend"


def read(path: Path, **options: str) -> str:
    return b"".join(pieces(path, **options)).decode("utf-8")


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1 << 20])
def test_encodings_and_marks(tmp_path: Path, size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "t.txt"
    if size >= 4:  # a mark is looked for in the first piece
        for encoding in ("utf-8-sig", "utf-16", "utf-32"):
            path.write_bytes(TEXT.encode(encoding))
            assert read(path) == TEXT
    monkeypatch.setattr(files, "_PIECE", size)
    for encoding in ("utf-8", "utf-16-le", "utf-16-be", "gb18030"):
        path.write_bytes(TEXT.encode(encoding))
        assert read(path, encoding=encoding) == TEXT
    path.write_bytes(gzip.compress("naïve café".encode("cp1252")))
    assert read(path, encoding="cp1252") == "naïve café"
    assert list(read_sentences(path, encoding="latin-1")) == [["naïve", "café"]]


@pytest.mark.parametrize("size", [1, 3, 1 << 20])
@pytest.mark.parametrize(
    ("data", "options", "said"),
    [
        (b"a\n\nb\xe9 c", {}, r"not UTF-8 at line 3, byte 4 \(0xe9\).*encoding"),
        (b"a\n\nb\xc3", {}, r"not UTF-8 at line 3, byte 4 \(0xc3\)"),
        (b"a\n\x81b", {"encoding": "cp1252"}, r"not cp1252 at line 2, byte 2 \(0x81\)"),
        (b"a\0\n\0\x00", {"encoding": "utf-16-le"}, r"not utf-16-le at line 2, byte 4 \(0x00\)"),
        (b"ab\nc\0d", {}, "a zero byte at line 2, byte 4: no text, or UTF-16"),
        (b"a", {"encoding": "utf9"}, "encoding: 'utf9' is none that Python knows"),
        (b"a", {"encoding": "zip"}, "encoding: 'zip' is none"),
        (b"a", {"errors": "skip"}, "errors: 'skip'; use one of strict"),
    ],
)
def test_bytes_that_are_no_text(
    tmp_path: Path, size: int, data: bytes, options: dict[str, str], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "_PIECE", size)
    path = tmp_path / "t.txt"
    path.write_bytes(data)
    with pytest.raises(InputError, match=said) as caught:
        read(path, **options)
    assert "\n" not in str(caught.value)


def test_bytes_that_are_no_text_are_left_out_where_that_is_asked(tmp_path: Path) -> None:
    path = tmp_path / "t.txt"
    path.write_bytes(b"a\xe9\0b\xc3")
    assert read(path, errors="ignore") == "a\0b"
    assert read(path, errors="replace") == "a\ufffd\0b\ufffd"
