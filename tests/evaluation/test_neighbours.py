from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.neighbors import KNeighborsClassifier, NearestNeighbors

from mutua.evaluation import knn, neighbours
from mutua.evaluation.neighbours import nearest, unit


@pytest.mark.parametrize("cells", [50, 1 << 20])
def test_nearest_is_scikit_learns(cells: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbours, "CELLS", cells)
    keys, queries = np.random.RandomState(0).randn(2, 40, 6).astype(np.float32)
    theirs = NearestNeighbors(n_neighbors=5, metric="cosine", algorithm="brute").fit(keys)
    distance, rows = theirs.kneighbors(queries)
    values, found = nearest(unit(queries), unit(keys), 5)
    assert found.tolist() == rows.tolist()
    np.testing.assert_allclose(1 - values.numpy(), distance, atol=2e-6)
    assert nearest(unit(keys), unit(keys), 5, same=True)[1].tolist() == theirs.kneighbors()[1].tolist()


def test_ties_go_to_the_lower_row() -> None:
    keys = np.tile(np.array([[0.0, 1.0], [1.0, 0.0]], np.float32), (20, 1))
    _, rows = nearest(unit(keys[1:2]), unit(keys), 6)
    assert rows.tolist() == [[1, 3, 5, 7, 9, 11]]
    _, rows = nearest(unit(keys), unit(keys), 3, same=True)
    assert rows[1].tolist() == [3, 5, 7]
    assert rows[0].tolist() == [2, 4, 6]


def test_more_neighbours_than_rows_are_all_rows() -> None:
    keys = unit(np.eye(3, dtype=np.float32))
    assert nearest(keys, keys, 10)[1].shape == (3, 3)
    assert nearest(keys, keys, 10, same=True)[1].shape == (3, 2)


def test_the_vote_is_scikit_learns_with_these_weights() -> None:
    random = np.random.RandomState(1)
    x, z = random.randn(200, 5).astype(np.float32), random.randn(100, 5).astype(np.float32)
    y, t = (x[:, :3] + random.randn(200, 3)).argmax(1), z[:, :3].argmax(1)

    def weights(distance: np.ndarray) -> np.ndarray:
        return np.exp((1 - distance) / 0.07)

    theirs = KNeighborsClassifier(20, metric="cosine", algorithm="brute", weights=weights).fit(x, y)
    assert knn(x, y, z, t).accuracy == pytest.approx(100 * theirs.score(z, t))


def test_a_vote_by_hand() -> None:
    # Similarities 1, 0.8, 0.8 to the query: exp(0.2 / 0.07) = 17 > 2, but at temperature 1, 1.22 < 2.
    x = np.array([[1, 0], [0.8, 0.6], [0.8, -0.6]], np.float32)
    y, query = np.array([5, 3, 3]), np.array([[2, 0]], np.float32)
    assert knn(x, y, query, np.array([5]), k=3).accuracy == 100
    assert knn(x, y, query, np.array([5]), k=3, temperature=1.0).accuracy == 0


def test_a_row_of_zeros_is_similar_to_nothing() -> None:
    assert torch.equal(unit(np.zeros((2, 3), np.float32)), torch.zeros(2, 3))
