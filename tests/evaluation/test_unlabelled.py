from __future__ import annotations

import numpy as np
import pytest

from mutua.evaluation import (
    alignment,
    collapse,
    effective_rank,
    linear_cka,
    neighbour_overlap,
    neighbours,
    uniformity,
)
from mutua.types import InputError


def normal(n: int, d: int, seed: int = 0) -> np.ndarray:
    return np.random.RandomState(seed).randn(n, d).astype(np.float32)


def test_effective_rank_by_hand() -> None:
    # Singular values 3, 3, 3: rank 3. And 2, 1, 1 of sum 4: entropy 1.5 bits, rank 2^1.5.
    assert effective_rank(3 * np.eye(5, 3, dtype=np.float32), centre=False) == pytest.approx(3)
    x = np.diag([2.0, 1.0, 1.0]).astype(np.float32)
    assert effective_rank(x, centre=False) == pytest.approx(2**1.5)


@pytest.mark.parametrize("shape", [(200, 20), (20, 200)])
def test_effective_rank_is_the_formula_on_numpys_singular_values(shape: tuple[int, int]) -> None:
    x = normal(*shape) + 3
    values = np.linalg.svd(x.astype(np.float64) - x.mean(0, dtype=np.float64), compute_uv=False)
    p = values[values > 1e-9] / values.sum()
    assert effective_rank(x) == pytest.approx(np.exp(-(p * np.log(p)).sum()), rel=1e-5)
    assert effective_rank(10 * x) == pytest.approx(effective_rank(x), rel=1e-4)


def test_effective_rank_of_constants_and_of_a_line() -> None:
    assert effective_rank(np.full((50, 8), 0.1, np.float32)) == 0
    assert effective_rank(normal(50, 1) @ normal(1, 8)) == pytest.approx(1, abs=0.01)


def test_alignment_by_hand() -> None:
    x = np.array([[1, 0], [0, 3]], np.float32)
    assert alignment(x, 5 * x) == pytest.approx(0, abs=1e-6)
    assert alignment(x, -x) == pytest.approx(4)
    assert alignment(x, x[::-1].copy()) == pytest.approx(2)
    assert alignment(x, x[::-1].copy(), alpha=1) == pytest.approx(2**0.5)
    with pytest.raises(InputError, match="shapes"):
        alignment(x, x[:1])


def test_uniformity_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    assert uniformity(np.eye(6, dtype=np.float32)) == pytest.approx(-4)  # all pairs at squared distance 2
    assert uniformity(np.ones((6, 3), np.float32)) == pytest.approx(0, abs=1e-5)
    assert uniformity(np.array([[1, 0], [-1, 0]], np.float32), t=1) == pytest.approx(-4)
    x = normal(50, 4)
    unit = x / np.linalg.norm(x, axis=1, keepdims=True)
    square = ((unit[:, None] - unit) ** 2).sum(-1)[~np.eye(50, dtype=bool)]
    slow = np.log(np.exp(-2 * square.astype(np.float64)).mean())
    assert uniformity(x) == pytest.approx(slow, abs=1e-5)
    monkeypatch.setattr("mutua.evaluation.unlabelled.metrics.CELLS", 120)
    assert uniformity(x) == pytest.approx(slow, abs=1e-5)


def test_collapse_says_which_and_what_to_do() -> None:
    assert collapse(normal(300, 16)) == []
    assert collapse(np.abs(normal(300, 64))) == []  # as after a ReLU
    same = np.ones((300, 16), np.float32) + 1e-4 * normal(300, 16)
    assert collapse(same)[0].startswith("collapsed: all 300 images")
    assert collapse(np.zeros((300, 16), np.float32))[0].startswith("collapsed")
    line = normal(300, 1) @ normal(1, 16, seed=1)
    assert any("dimensional collapse: 16 dimensions are there and about 1.0 are used" in w for w in collapse(line))
    dead = normal(300, 16)
    dead[:, 4:] = 0
    assert [w.split(":")[0] for w in collapse(dead)] == ["dead features"]
    assert all("; " in w and "\n" not in w for x in (same, line, dead) for w in collapse(x))


@pytest.mark.parametrize(("d", "e"), [(6, 9), (60, 9), (9, 60)])
def test_cka_is_its_definition_on_kernels_and_one_for_a_rotation(d: int, e: int) -> None:
    x, y = normal(40, d), normal(40, e, seed=1) + 2
    y[:, :6] += x[:, :6]
    h = np.eye(40) - 1 / 40
    k, m = (h @ (a.astype(np.float64) @ a.T) @ h for a in (x, y))
    assert linear_cka(x, y) == pytest.approx((k * m).sum() / np.sqrt((k * k).sum() * (m * m).sum()), rel=1e-4)
    rotation = np.linalg.qr(normal(d, d, seed=2))[0]
    assert linear_cka(x, 3 * x @ rotation + 1) == pytest.approx(1, abs=1e-4)
    with pytest.raises(InputError, match="same for every image"):
        linear_cka(x, np.ones((40, 2), np.float32))
    with pytest.raises(InputError, match="40 and 39 rows"):
        linear_cka(x, y[1:])


def test_cka_of_unrelated_features_is_low() -> None:
    assert linear_cka(normal(3000, 5), normal(3000, 5, seed=1)) < 0.02


def test_overlap_is_the_slow_count(monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = normal(60, 4), normal(60, 4, seed=1) + 2 * normal(60, 4)

    def sets(a: np.ndarray) -> list[set[int]]:
        unit = a / np.linalg.norm(a, axis=1, keepdims=True)
        similar = unit @ unit.T - 3 * np.eye(60)
        return [set(row[:7].tolist()) for row in np.argsort(-similar, axis=1)]

    slow = np.mean([len(a & b) / 7 for a, b in zip(sets(x), sets(y), strict=True)])
    assert neighbour_overlap(x, y, k=7) == pytest.approx(slow)
    monkeypatch.setattr(neighbours, "CELLS", 200)
    assert neighbour_overlap(x, y, k=7) == pytest.approx(slow)
    assert neighbour_overlap(x, 2 * x) == 1


def test_overlap_of_unrelated_features_is_k_over_n() -> None:
    assert neighbour_overlap(normal(800, 8), normal(800, 8, seed=1)) == pytest.approx(10 / 799, abs=0.005)
