"""Every kind of image file against what Pillow's own words say of it, or a value worked by hand."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mutua.data.image.decode import BadImageError, fitted, pixels_of, survey
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
    assert survey(raw, "x") == ((24, 32), False)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation(orientation: int) -> None:
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
    raw = saved(Image.fromarray(np.ascontiguousarray(stored)), "PNG", exif=exif)
    assert survey(raw, "x") == ((2, 3), True)
    assert np.array_equal(read(raw, grey=True)[0], upright)


def test_16_bits_become_8() -> None:
    values = np.array([[0, 257, 128 * 257, 65535, 129, 128]], np.uint16)
    raw = saved(Image.fromarray(values), "PNG")
    assert survey(raw, "x")[1]
    assert read(raw, grey=True).ravel().tolist() == [0, 1, 128, 255, 1, 0]  # round(v / 257)


def test_float_tiff() -> None:
    raw = saved(Image.fromarray(np.array([[0, 0.5, 1]], np.float32)), "TIFF")
    assert read(raw, grey=True).ravel().tolist() == [0, 128, 255]
    with pytest.raises(BadImageError, match=r"x: cannot be read .float pixels from 0 to 9"):
        read(saved(Image.fromarray(np.array([[0, 9]], np.float32)), "TIFF"))


def test_see_through_is_laid_on_white() -> None:
    rgba = np.array([[[200, 100, 0, 255], [200, 100, 0, 0], [200, 100, 0, 51]]], np.uint8)
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
    assert survey(saved(grey, "PNG"), "x") == ((24, 32), True)
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
    with pytest.raises(BadImageError, match="more pixels than are safe"):
        read(saved(photo, "PNG"))


@pytest.mark.parametrize("threads", [1, 3])
def test_threads_keep_the_order(threads: int) -> None:
    assert list(in_threads(lambda k: k * k, range(100), threads)) == [k * k for k in range(100)]


def test_threads_hand_errors_on() -> None:
    with pytest.raises(ZeroDivisionError):
        list(in_threads(lambda k: 1 // (k - 5), range(100), 2))
