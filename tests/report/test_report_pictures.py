import base64
import io

import numpy as np
import pytest
from PIL import Image
from sklearn.metrics.pairwise import cosine_similarity

from mutua import report
from mutua.report.pictures import sprite, thumbnail
from mutua.types import InputError
from report.report_samples import run


def pixels(uri: str) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))).convert("RGB"))


def test_a_tiny_image_keeps_its_pixels_and_is_enlarged_in_whole_steps():
    image = run(1, 3)["images"][0]
    small = thumbnail(image)
    np.testing.assert_array_equal(pixels(small.uri), image.transpose(1, 2, 0))
    assert (small.width, small.height, small.enlarged) == (64, 64, True)


def test_a_large_image_is_made_small_and_keeps_its_shape():
    small = thumbnail(np.zeros((3, 100, 300), np.uint8))
    assert (small.width, small.height, small.enlarged) == (96, 32, False)
    assert pixels(small.uri).shape == (32, 96, 3)
    assert thumbnail(np.zeros((1, 1, 4000), np.uint8)).height == 1


@pytest.mark.parametrize("n", [1, 2, 5, 10])
def test_the_sheet_holds_image_i_where_it_says(n):
    images = run(n, 3)["images"]
    sheet = sprite(images)
    whole = pixels(sheet.uri)
    assert whole.shape[:2] == (sheet.rows * sheet.cell, sheet.columns * sheet.cell)
    for i, image in enumerate(images):
        top, left = i // sheet.columns * sheet.cell, i % sheet.columns * sheet.cell
        cut = whole[top : top + sheet.height, left : left + sheet.width]
        np.testing.assert_array_equal(cut, image.transpose(1, 2, 0))


def test_neighbours_are_those_of_scikit_learn():
    x = np.random.default_rng(0).normal(size=(30, 5))
    rows, similarity = report.nearest(x, [4, 9], 6)
    oracle = cosine_similarity(x)
    np.fill_diagonal(oracle, -np.inf)
    expected = np.argsort(-oracle[[4, 9]], 1)[:, :6]
    np.testing.assert_array_equal(rows, expected)
    np.testing.assert_allclose(similarity, np.take_along_axis(oracle[[4, 9]], expected, 1), atol=1e-6)


def test_neighbours_of_zero_vectors_and_of_few_rows():
    rows, similarity = report.nearest(np.zeros((3, 2)), [1], 5)
    assert rows.tolist() == [[0, 2]]
    assert similarity.tolist() == [[0, 0]]


def test_a_gallery_takes_each_class_in_turn_and_marks_other_labels():
    one = run(12)
    labels = ["a"] * 9 + ["b", "c", "c"]
    lines = report.gallery(one["features"], one["images"], labels=labels, rows=3).values["lines"]
    assert sorted(line["query"]["label"] for line in lines) == ["a", "b", "c"]
    for line in lines:
        for _, found in line["spaces"]:
            assert all(shown["differs"] == (shown["label"] != line["query"]["label"]) for shown in found)


def test_a_gallery_of_given_queries_says_nothing_of_chance():
    one = run(6)
    block = report.gallery(one["features"], one["images"], queries=[2], k=3)
    assert [line["query"]["name"] for line in block.values["lines"]] == ["row 2"]
    assert "random" not in block.values["note"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"labels": ["a"]}, "labels: 1 for 6 examples"),
        ({"names": ["a"]}, "names: 1 for 6 examples"),
        ({"features": np.ones((2, 2))}, "images: 6 for 2 examples"),
        ({"queries": [6]}, "queries: row numbers must be from 0 to 5"),
        ({"images": np.zeros((6, 1, 2, 2))}, "images: a page shows uint8"),
        ({"images": np.zeros((0, 1, 2, 2), np.uint8)}, "holds no pixels"),
    ],
)
def test_a_gallery_names_what_does_not_fit(change, message):
    with pytest.raises(InputError, match=message):
        report.gallery(**(run(6) | change))


def test_a_grid_names_what_does_not_fit():
    images = run(3)["images"]
    with pytest.raises(InputError, match="columns: an image grid needs"):
        report.image_grid({})
    with pytest.raises(InputError, match=r"same number of images, got {'a': 3, 'b': 2}"):
        report.image_grid({"a": images, "b": images[:2]})
    with pytest.raises(InputError, match=r"columns\['a'\]: a page shows uint8"):
        report.image_grid({"a": images.astype(float)})
