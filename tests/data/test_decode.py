"""Every kind of image file against what Pillow's own words say of it, or a value worked by hand."""

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mutua.data.image.decode import (
    BadImageError,
    Seen,
    fitted,
    notes_of,
    pixels_of,
    survey,
    white_of,
    with_channels,
)
from mutua.data.parallel import in_threads
from mutua.types import InputError


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def read(raw: bytes, *, size: int | None = None, grey: bool = False) -> np.ndarray:
    return pixels_of(raw, "x", size=size, grey=grey)


@pytest.fixture
def photo() -> Image.Image:
    y, x = np.mgrid[:24, :32]
    return Image.fromarray(np.stack([8 * x, 10 * y, 4 * (x + y)], -1).astype(np.uint8))


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "BMP", "WEBP", "JPEG", "GIF"])
def test_formats(photo: Image.Image, kind: str) -> None:
    exact = {"WEBP": {"lossless": True}, "JPEG": {"quality": 95}}.get(kind, {})
    raw = saved(photo, kind, **exact)
    found = read(raw)
    want = np.asarray(Image.open(io.BytesIO(raw)).convert("RGB")).transpose(2, 0, 1)
    assert found.shape == (3, 24, 32)
    assert np.array_equal(found, want)
    error = np.abs(found.astype(int) - np.asarray(photo).transpose(2, 0, 1)).max()
    assert error <= {"JPEG": 20, "GIF": 60}.get(kind, 0)
    assert survey(raw, "x") == Seen((24, 32), grey=False)


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])  # Pillow turns a TIFF itself while it decodes, from 11 on
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation(orientation: int, kind: str) -> None:
    # Row 0 and column 0 of the stored picture, by the standard's table, seen from the upright one.
    upright = np.array([[10, 20, 30], [40, 50, 60]], np.uint8)
    stored = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.T,
        6: np.rot90(upright),  # shown turned clockwise, so it lies turned counter-clockwise
        7: np.rot90(upright, 2).T,
        8: np.rot90(upright, -1),
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    raw = saved(Image.fromarray(np.ascontiguousarray(stored)), kind, exif=exif)
    assert survey(raw, "x") == Seen((2, 3), grey=True)
    assert np.array_equal(read(raw, grey=True)[0], upright)


def test_16_bits_become_8() -> None:
    values = np.array([[0, 257, 128 * 257, 65535, 129, 128]], np.uint16)
    raw = saved(Image.fromarray(values), "PNG")
    assert survey(raw, "x") == Seen((1, 6), grey=True, top=65535)
    assert read(raw, grey=True).ravel().tolist() == [0, 1, 128, 255, 1, 0]  # round(v / 257)


@pytest.mark.parametrize(
    ("top", "white"), [(0, 255), (255, 255), (256, 1023), (4095, 4095), (4096, 16383), (16384, 65535)]
)
@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_10_to_14_bits_in_16_are_read_as_that(top: int, white: int, kind: str) -> None:
    values = np.linspace(0, top, 300).round().astype(np.uint16)[None]
    raw = saved(Image.fromarray(values), kind)
    seen = [survey(raw, "x"), Seen((1, 1), grey=True)]
    assert white_of(seen) == white
    found = pixels_of(raw, "x", size=None, grey=True, white=white).ravel()
    assert np.abs(found - values.ravel() * (255 / white)).max() <= 0.5
    held = {255: ", which hold 8", 1023: ", which hold 10", 4095: ", which hold 12", 16383: ", which hold 14"}
    assert notes_of(seen, white) == [f"1 of 16 bits{held.get(white, '')}, made 8 bits"]
    if white < top + 1 < 65536:
        with pytest.raises(BadImageError, match=r"pixels from 0 to \d+ where \d+ bits are meant"):
            pixels_of(raw, "x", size=None, grey=True, white=white // 2)


def test_colours_of_16_bits_are_told() -> None:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", 1, 1, 16, 2, 0, 0, 0)  # Pillow writes no such PNG
    rows = zlib.compress(b"\0" + struct.pack(">3H", 4095, 0, 65535))
    raw = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    assert read(raw).ravel().tolist() == [15, 0, 255]
    assert notes_of([survey(raw, "x")], 65535) == ["1 of 16 bits a colour, of which the upper 8 are read"]


def test_float_tiff() -> None:
    raw = saved(Image.fromarray(np.array([[0, 0.5, 1]], np.float32)), "TIFF")
    assert read(raw, grey=True).ravel().tolist() == [0, 128, 255]
    with pytest.raises(BadImageError, match=r"x: cannot be read .float pixels from 0 to 9"):
        read(saved(Image.fromarray(np.array([[0, 9]], np.float32)), "TIFF"))


def test_see_through_is_laid_on_white() -> None:
    assert notes_of([Seen((1, 1), False, alpha=True)] * 2, 65535) == ["2 with transparency, laid on white"]
    rgba = np.array([[[200, 100, 0, 255], [200, 100, 0, 0], [200, 100, 0, 51]]], np.uint8)
    assert survey(saved(Image.fromarray(rgba), "PNG"), "x").alpha
    found = read(saved(Image.fromarray(rgba), "PNG"))
    assert found[:, 0, 0].tolist() == [200, 100, 0]
    assert found[:, 0, 1].tolist() == [255, 255, 255]
    assert found[:, 0, 2].tolist() == [244, 224, 204]  # 0.2 of the colour, 0.8 of white
    grey = np.array([[[90, 255], [90, 0]]], np.uint8)
    assert read(saved(Image.fromarray(grey, "LA"), "PNG"), grey=True).ravel().tolist() == [90, 255]


def test_palette_with_a_transparent_colour() -> None:
    image = Image.new("P", (2, 1))
    image.putpalette([255, 0, 0, 0, 0, 255])
    image.putdata([0, 1])
    assert read(saved(image, "PNG", transparency=1))[:, 0].T.tolist() == [[255, 0, 0], [255, 255, 255]]
    assert read(saved(image, "PNG"))[:, 0].T.tolist() == [[255, 0, 0], [0, 0, 255]]


def test_cmyk_jpeg() -> None:
    cyan = Image.new("CMYK", (16, 16), (255, 0, 0, 0))
    found = read(saved(cyan, "JPEG", quality=100))
    assert np.abs(found[:, 8, 8].astype(int) - [0, 255, 255]).max() <= 3


def test_grey_and_colour(photo: Image.Image) -> None:
    grey = photo.convert("L")
    assert survey(saved(grey, "PNG"), "x") == Seen((24, 32), grey=True)
    found = read(saved(grey, "PNG"))
    assert found.shape == (3, 24, 32)
    assert (found == np.asarray(grey)).all()
    assert set(np.unique(read(saved(grey.point(lambda v: 255 * (v > 99), "1"), "PNG"), grey=True))) == {0, 255}


def test_first_frame_of_gif() -> None:
    frames = [Image.new("RGB", (4, 4), colour) for colour in ("red", "blue")]
    raw = saved(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert read(raw)[:, 0, 0].tolist() == [255, 0, 0]


def test_size_takes_the_middle_square() -> None:
    wide = np.zeros((32, 96, 3), np.uint8)
    wide[:, 32:64] = 200
    found = read(saved(Image.fromarray(wide), "PNG"), size=16)
    assert (found[:, :, 2:-2] == 200).all()
    assert (found > 180).all()  # the filter reaches over the edge of the square


def test_size_averages() -> None:
    board = (np.indices((64, 64)).sum(0) % 2 * 255).astype(np.uint8)  # without antialiasing: 0 or 255
    found = read(saved(Image.fromarray(board), "PNG"), size=8, grey=True)
    assert np.abs(found.astype(int) - 127).max() <= 2
    assert np.array_equal(fitted(board[None], 8), found)


def test_large_jpeg_reduced_while_decoding(photo: Image.Image) -> None:
    raw = saved(photo.resize((640, 480)), "JPEG", quality=95)
    whole = fitted(read(raw), 16).astype(int)
    assert np.abs(read(raw, size=16).astype(int) - whole).mean() < 2


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "GIF", "BMP"])
def test_truncated(photo: Image.Image, kind: str) -> None:
    raw = saved(photo.resize((320, 240)), kind)
    with pytest.raises(BadImageError, match=r"^x: cannot be read \(.*\); mend or remove it") as caught:
        read(raw[: len(raw) // 2])
    assert "\n" not in str(caught.value)


def test_text_called_png(tmp_path: Path) -> None:
    file = tmp_path / "a.png"
    file.write_text("dear diary")
    with pytest.raises(InputError, match=r"a\.png: cannot be read \(no image of a known format\)"):
        survey(file, str(file))


def test_too_many_pixels(photo: Image.Image, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    raw = saved(photo, "PNG")  # of 768 pixels; Pillow refuses more than twice what it calls its most
    with pytest.raises(BadImageError, match=r"more than 200 pixels, .*set PIL\.Image\.MAX_IMAGE_PIXELS higher"):
        read(raw)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 768)
    read(raw)


def test_another_shape_is_refused(photo: Image.Image) -> None:
    with pytest.raises(BadImageError, match=r"^x: .*decodes to 3 x 24 x 32 where 3 x 32 x 24 are meant"):
        pixels_of(saved(photo, "PNG"), "x", size=None, grey=False, shape=(3, 32, 24))


def test_with_channels_is_pillows_conversion() -> None:
    colours = np.random.default_rng(0).integers(0, 256, (2, 3, 64, 64), dtype=np.uint8)
    grey = with_channels(colours, 1)
    for pixels, found in zip(colours, grey, strict=True):
        assert np.array_equal(found[0], np.asarray(Image.fromarray(pixels.transpose(1, 2, 0)).convert("L")))
        again = np.asarray(Image.fromarray(found[0]).convert("RGB")).transpose(2, 0, 1)
        assert np.array_equal(with_channels(found[None], 3)[0], again)


@pytest.mark.parametrize("threads", [1, 3])
def test_threads_keep_the_order(threads: int) -> None:
    assert list(in_threads(lambda k: k * k, range(100), threads)) == [k * k for k in range(100)]


def test_threads_hand_errors_on() -> None:
    with pytest.raises(ZeroDivisionError):
        list(in_threads(lambda k: 1 // (k - 5), range(100), 2))
