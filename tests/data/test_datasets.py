"""Datasets told by what they can do: torch's way and Hugging Face's."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from mutua.data import as_images
from mutua.data.image.datasets import from_dataset
from mutua.data.image.folder import folder
from mutua.types import InputError

PIXELS = np.random.default_rng(0).integers(0, 256, (4, 3, 6, 5), dtype=np.uint8)


class Listed(torch.utils.data.Dataset):
    def __init__(self, items: list[Any], classes: list[str] | None = None) -> None:
        self.items = items
        if classes:
            self.classes = classes

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, k: int) -> Any:
        return self.items[k]


def picture(pixels: np.ndarray) -> Image.Image:
    return Image.fromarray(np.ascontiguousarray(pixels.transpose(1, 2, 0)))


@pytest.mark.parametrize(
    "make",
    [
        picture,
        lambda p: p,
        lambda p: p.transpose(1, 2, 0),
        torch.from_numpy,
        lambda p: torch.from_numpy(p).float() / 255,
        lambda p: p / 255,
    ],
    ids=["pillow", "array", "channels last", "tensor", "float tensor", "float array"],
)
def test_items(make: Any) -> None:
    found = from_dataset(Listed([(make(p), k % 2) for k, p in enumerate(PIXELS)], ["a", "b"]))
    assert np.array_equal(found.pixels, PIXELS)
    assert found.labels is not None
    assert found.labels.tolist() == [0, 1, 0, 1]
    assert found.classes == ("a", "b")
    bare = from_dataset(Listed([make(p) for p in PIXELS]))
    assert np.array_equal(bare.pixels, PIXELS)
    assert bare.labels is None


def test_tensor_dataset_and_labels_as_tensors() -> None:
    found = from_dataset(torch.utils.data.TensorDataset(torch.from_numpy(PIXELS), torch.tensor([1, 0, 1, 2])))
    assert found.labels is not None
    assert found.labels.tolist() == [1, 0, 1, 2]
    assert from_dataset(torch.utils.data.TensorDataset(torch.from_numpy(PIXELS))).labels is None


def test_grey_items() -> None:
    for item in (Image.fromarray(PIXELS[0, 0]), PIXELS[0, 0], torch.from_numpy(PIXELS[0, 0])):
        assert np.array_equal(from_dataset(Listed([item])).pixels, PIXELS[:1, :1])


def test_large_ones_are_mapped(tmp_path: Path) -> None:
    found = from_dataset(Listed(list(PIXELS)), in_memory=0, cache=tmp_path)
    assert isinstance(found.pixels, np.memmap)
    assert np.array_equal(found.take(torch.tensor([3, 1])).numpy(), PIXELS[[3, 1]])


class Image_:  # noqa: N801
    """Stands for datasets.Image, whose class's name is what is looked at."""


Image_.__name__ = "Image"


class ClassLabel:
    names = ("cat", "dog")


class Hugging(Listed):
    """As a Hugging Face dataset looks: columns, features, rows as dicts."""

    def __init__(self, items: list[Any], features: dict[str, Any]) -> None:
        super().__init__(items)
        self.features = features

    @property
    def column_names(self) -> list[str]:
        return list(self.features)


def test_hugging_face() -> None:
    rows = [{"id": k, "photo": picture(p), "label": k % 2} for k, p in enumerate(PIXELS)]
    found = from_dataset(Hugging(rows, {"id": None, "photo": Image_(), "label": ClassLabel()}))
    assert np.array_equal(found.pixels, PIXELS)
    assert found.labels is not None
    assert found.labels.tolist() == [0, 1, 0, 1]
    assert found.classes == ("cat", "dog")


def test_hugging_face_without_labels_and_undecoded() -> None:
    def png(p: np.ndarray) -> dict[str, Any]:
        out = io.BytesIO()
        picture(p).save(out, "PNG")
        return {"bytes": out.getvalue(), "path": None}

    found = from_dataset(Hugging([{"img": png(p)} for p in PIXELS], {"img": None}))
    assert np.array_equal(found.pixels, PIXELS)
    assert found.labels is None
    with pytest.raises(
        InputError, match="columns text, none of them images; rename the column of images to image"
    ):
        from_dataset(Hugging([{"text": "x"}], {"text": None}))


def test_folders_bytes_and_pillow_images_are_read_alike(tmp_path: Path) -> None:
    """Turned, of 12 bits in 16, see-through: the same pixels, and the same said of them."""
    turned = Image.Exif()
    turned[0x0112] = 6
    rng = np.random.default_rng(0)
    deep = [Image.fromarray(rng.integers(0, top, (4, 4)).astype(np.uint16)) for top in (300, 4096)]
    alpha = [Image.fromarray(rng.integers(0, 256, (4, 4, 4), dtype=np.uint8)) for _ in range(2)]
    upright = [Image.fromarray(rng.integers(0, 256, (4, 6, 3), dtype=np.uint8)) for _ in range(2)]
    for name, images, exif in (("deep", deep, None), ("alpha", alpha, None), ("turned", upright, turned)):
        for k, image in enumerate(images):
            path = tmp_path / name / f"{k}.png"
            path.parent.mkdir(exist_ok=True)
            image.save(path, exif=exif)
        paths = sorted((tmp_path / name).iterdir())
        whole = folder(tmp_path / name)
        for rows in ([Image.open(path) for path in paths], [{"bytes": path.read_bytes()} for path in paths]):
            found = from_dataset(Listed([{"image": row} for row in rows]))
            assert np.array_equal(found.pixels, whole.pixels)
            assert found.source.partition(" (")[2] == whole.source.partition(" (")[2]
        assert ("(" in whole.source) == (name != "turned")
    assert np.array_equal(whole.pixels[0], np.rot90(np.asarray(upright[0]), -1).transpose(2, 0, 1))


@pytest.mark.parametrize("channels", [1, 3])
def test_channels_of_mixed_rows(channels: int) -> None:
    rows = [picture(PIXELS[0]), picture(PIXELS[1]).convert("L")]
    found = from_dataset(Listed(rows), channels=channels)
    want = [np.asarray(row.convert("L" if channels == 1 else "RGB")).reshape(6, 5, channels) for row in rows]
    assert np.array_equal(found.pixels, np.stack(want).transpose(0, 3, 1, 2))
    assert np.array_equal(as_images(Listed(rows), channels=channels).pixels, found.pixels)


def test_mixed_shapes_name_the_row() -> None:
    items = [PIXELS[0], PIXELS[1], PIXELS[2, :1]]
    with pytest.raises(InputError, match="row 2 has 1 channels and row 0 has 3; make all RGB"):
        from_dataset(Listed(items))
    sizes = [PIXELS[0], PIXELS[1][:, :4, :4]]
    with pytest.raises(InputError, match="row 1 has 4 x 4 and row 0 has 6 x 5; give size= to resize all"):
        from_dataset(Listed(sizes))
    assert from_dataset(Listed(sizes), size=4).pixels.shape == (2, 3, 4, 4)


@pytest.mark.parametrize(
    ("items", "text"),
    [
        ([PIXELS[0] / 255, np.full((3, 6, 5), np.nan)], "NaN or infinity in row 1"),
        ([torch.full((3, 6, 5), -1.0)], "from -1 to -1 in row 0 .*leave Normalize out"),
        (["a.png"], "row 0: str where an image is meant"),
        ([PIXELS], "row 0: shape .4, 3, 6, 5. where"),
        ([(PIXELS[0], 1), (PIXELS[1], None)], "row 1 has no label and others have"),
        ([], "Listed has no rows"),
    ],
)
def test_refused(items: list[Any], text: str) -> None:
    with pytest.raises(InputError, match=text):
        from_dataset(Listed(items))


def test_what_is_no_map_style_dataset() -> None:
    with pytest.raises(InputError, match="generator cannot be read by row number; give a map-style dataset"):
        from_dataset(x for x in ())
    with pytest.raises(InputError, match="splits train, test; give one of them"):
        from_dataset({"train": Listed([]), "test": Listed([])})
