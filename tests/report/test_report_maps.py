import numpy as np
import pytest
from sklearn.manifold import trustworthiness

from mutua import report
from mutua.report.maps import Projection, _classes, _coloured, _placed, subsample
from mutua.report.pictures import sprite
from mutua.types import InputError
from report.report_samples import Reader, run


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 7])
@pytest.mark.parametrize("d", [1, 3])
def test_projections_of_few_rows(n, d):
    maps = report.project(np.random.default_rng(0).normal(size=(n, d)))
    assert ("t-SNE" in maps) == (n >= 5)
    for projection in maps.values():
        assert projection.points.shape == (n, 2)
        assert np.isfinite(projection.points).all()


@pytest.mark.parametrize("n", [1, 2, 8])
def test_constant_features_give_one_point_and_no_warning(n, recwarn):
    maps = report.project(np.ones((n, 4)))
    assert list(maps) == ["PCA"]
    assert not maps["PCA"].points.any()
    assert not recwarn.list
    Reader(report.page("t", [report.embedding_map(np.ones((n, 4)))]))


def test_pca_keeps_distances_of_a_plane_and_tells_its_share():
    plane = np.random.default_rng(0).normal(size=(30, 2)) * [3, 1]
    axes = np.linalg.qr(np.random.default_rng(1).normal(size=(6, 2)))[0]  # (6, 2)
    pca = report.project(plane @ axes.T)["PCA"]

    def distances(x):
        return np.linalg.norm(x[:, None] - x, axis=-1)

    np.testing.assert_allclose(distances(pca.points), distances(plane), atol=1e-9)
    total = sum(int(part) for part in pca.note.split() if part.isdigit())
    assert 99 <= total <= 101


def test_tsne_keeps_neighbours_and_is_the_same_twice():
    random = np.random.default_rng(0)
    x = random.normal(size=(60, 10)) + 8 * np.repeat(np.eye(3, 10), 20, 0)
    once, twice = (report.project(x)["t-SNE"].points for _ in range(2))
    np.testing.assert_array_equal(once, twice)
    assert trustworthiness(x, once, n_neighbors=5) > 0.85


def test_placing_fills_the_box_at_one_scale():
    points = np.array([[0.0, 0.0], [4.0, 0.0], [4.0, 1.0]])
    placed = _placed(points)
    np.testing.assert_allclose(placed[1] - placed[0], [612, 0])
    np.testing.assert_allclose(placed[2] - placed[1], [0, -153])


def test_classes_are_sorted_as_people_count_and_the_largest_are_coloured():
    assert _classes([10, 9, -1, 2.5])[0] == ["-1", "2.5", "9", "10"]
    assert _classes(["class 10", "class 2", "bee"])[0] == ["bee", "class 2", "class 10"]
    assert _classes(["b", "a", "b"]) == (["a", "b"], [1, 0, 1])
    assert _classes(["nan", "٣", "1"])[1] is not None
    numbers = [i for i in range(12) for _ in range(i + 1)]
    assert _coloured(numbers, 12) == {i + 2: i for i in range(10)}


def test_a_map_is_subsampled_and_says_so():
    one = run(40)
    block = report.embedding_map(**one, limit=10)
    assert block.values["count"] == len(block.values["circles"]) == len(block.values["data"]["names"]) == 10
    kept = subsample(40, 10, 0)
    assert block.values["data"]["names"] == [one["names"][i] for i in kept]
    assert block.values["sprite"] == sprite(one["images"][kept])
    assert "10 of 40 examples" in report.page("t", [block])


def test_given_projections_are_shown_in_their_order():
    points = np.random.default_rng(0).normal(size=(6, 2))
    given = {"z": Projection(points, "a note"), "a": Projection(points[::-1].copy())}
    reader = Reader(report.page("t", [report.embedding_map(np.ones((6, 3)), projections=given)]))
    assert [b["data-projection"] for b in reader.all("button")] == ["z", "a"]


@pytest.mark.parametrize("what", ["images", "labels", "names"])
def test_a_map_needs_one_of_each(what):
    one = run(6)
    one[what] = one[what][:5]
    with pytest.raises(InputError, match=f"{what}: 5 for 6 rows"):
        report.embedding_map(**one)


def test_bad_features_and_projections_are_named():
    with pytest.raises(InputError, match=r"features: need shape \(n, d\)"):
        report.project(np.ones((3, 2, 2)))
    with pytest.raises(InputError, match="features: need shape"):
        report.embedding_map(np.ones((0, 2)))
    with pytest.raises(InputError, match="NaN or infinity in row 1"):
        report.project(np.array([[0.0], [np.nan]]))
    with pytest.raises(InputError, match=r"projections\['x'\]: 2 points for 3 rows"):
        report.embedding_map(np.ones((3, 2)), projections={"x": Projection(np.ones((2, 2)))})
    with pytest.raises(InputError, match=r"projections\['x'\]: points must be finite"):
        report.embedding_map(np.ones((3, 2)), projections={"x": Projection(np.full((3, 2), np.nan))})


@pytest.mark.parametrize("n", [1, 2, 5])
@pytest.mark.parametrize("channels", [1, 2, 3, 13])
def test_pages_of_few_images_with_any_channels(n, channels):
    one = run(n, channels)
    html = report.run_page("t", views={"original": one["images"]}, **one)
    Reader(html)
    said = {1: "", 3: "", 2: "The first one of 2 channels shown.", 13: "The first three of 13 channels shown."}
    assert said[channels] in html
    assert ("Nearest neighbours" in html) == (n > 1)
