"""Worlds with known factors: the rules, dSprites' quirks as they are known, laws, refusals."""

from __future__ import annotations

import math

import numpy as np
import pytest

from mutua.data.worlds import (
    WORLDS,
    coloured_dsprites,
    dsprites,
    modulo_symmetry,
    one_square,
    orientation_vector,
    xy_squares,
)
from mutua.types import InputError


@pytest.mark.parametrize("name", WORLDS)
def test_laws(name: str) -> None:
    world = WORLDS[name]()
    images, factors = world.sample(20, seed=1)
    assert images.dtype == np.uint8
    assert (factors >= 0).all()
    assert (factors < world.levels).all()
    again, same = world.sample(20, seed=1)
    np.testing.assert_array_equal(images, again)
    np.testing.assert_array_equal(factors, same)
    assert (world.sample(20, seed=2)[1] != factors).any()
    assert len(world) == math.prod(world.levels)
    last = world.combination([0, 1, len(world) - 1])
    assert last.tolist() == [
        [0] * len(world.levels),
        [0] * (len(world.levels) - 1) + [1],
        [n - 1 for n in world.levels],
    ]
    held = world.images(5, seed=1, label=world.factors[-1])
    np.testing.assert_array_equal(held.labels, world.sample(5, 1)[1][:, -1])
    assert held.source == world.name
    with pytest.raises(InputError, match="factors: "):
        world.render(factors[:, :1])
    with pytest.raises(InputError, match=f"it has 0 to {world.levels[0] - 1}"):
        world.render(np.array([[world.levels[0], *[0] * (len(world.levels) - 1)]]))
    with pytest.raises(InputError, match="is none of"):
        world.images(2, label="colour of money")


def distinct(shape: int, scale: int, x: int = 0, y: int = 0) -> int:
    factors = np.array([[shape, scale, k, x, y] for k in range(40)])
    return len(np.unique(dsprites().render(factors).reshape(40, -1), axis=0))


def test_areas_and_places_are_the_rule() -> None:
    whole = dsprites().render(np.array([[0, 5, 0, 0, 0], [1, 5, 0, 31, 31], [2, 5, 0, 0, 31]]))[:, 0] > 0
    square, ellipse, heart = whole
    assert square.sum() == 20 * 20 or square.sum() == 19 * 19
    assert ellipse.sum() == pytest.approx(math.pi * 12.8 * 7.2, rel=0.02)
    ys, xs = np.nonzero(square)
    assert (xs.mean() + 0.5, ys.mean() + 0.5) == pytest.approx((16, 16), abs=0.6)
    ys, xs = np.nonzero(ellipse)
    assert (xs.mean() + 0.5, ys.mean() + 0.5) == pytest.approx((48, 48), abs=0.1)
    assert np.ptp(xs) > np.ptp(ys)
    ys, xs = np.nonzero(heart)
    np.testing.assert_array_equal(heart[:, :16], heart[:, 31:15:-1])  # upright, as its own mirror image
    assert heart[ys.max()].sum() <= 2 < heart[ys.min() + 1].sum()  # the point is below


def test_the_heart_is_the_inside_of_its_curve() -> None:
    from matplotlib.path import Path

    t = np.linspace(0, 2 * math.pi, 4000)
    wave = 13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t)
    curve = np.stack([9.6 * np.sin(t) ** 3, -(10.6 / 16) * wave - 1.45], 1) * 0.7
    angle = 2 * math.pi / 39 * 5
    # Turned by minus the angle where y points down.
    turn = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    curve = curve @ turn.T + [16 + 32 * 10 / 31, 16 + 32 * 20 / 31]
    grid = np.stack(np.meshgrid(np.arange(64) + 0.5, np.arange(64) + 0.5), -1).reshape(-1, 2)
    expected = Path(curve).contains_points(grid).reshape(64, 64)
    got = dsprites().render(np.array([[2, 2, 5, 10, 20]]))[0, 0] > 0
    assert (got != expected).sum() <= 1


def test_quirks_of_orientation() -> None:
    ends = dsprites().render(np.array([[shape, 3, k, 7, 9] for shape in range(3) for k in (0, 39)]))
    for shape in range(3):
        np.testing.assert_array_equal(ends[2 * shape], ends[2 * shape + 1])
    assert distinct(0, 0) == 31
    assert distinct(1, 0) == 35
    assert distinct(2, 0) == 39
    assert distinct(0, 2) == 33


def test_orientation_modulo_symmetry() -> None:
    factors = np.array([[shape, 0, k, 0, 0] for shape in range(3) for k in range(40)])
    vectors = orientation_vector(factors)
    np.testing.assert_allclose(np.square(vectors).sum(1), 1)
    # A quarter of a turn is 9.75 steps: two squares half of that apart on either side of it are the same.
    np.testing.assert_allclose(vectors[0], vectors[39], atol=1e-9)
    assert np.abs(vectors[10] - vectors[0]).max() < 0.2 < np.abs(vectors[90] - vectors[80]).max()
    found = modulo_symmetry(factors, 10)
    assert found[:40, 2].max() == 9
    assert (np.bincount(found[:39, 2]) >= 3).all()
    np.testing.assert_array_equal(found[:, [0, 1, 3, 4]], factors[:, [0, 1, 3, 4]])
    with pytest.raises(InputError, match="give dSprites' own"):
        modulo_symmetry(factors[:, :4])


def test_colours_and_noise() -> None:
    factors = np.array([[0, 5, 0, 16, 16]] * 2)
    coloured = coloured_dsprites().render(factors)
    inside = coloured[0, :, 32, 32]
    assert ((inside >= 127) & (inside <= 255)).all()
    assert (coloured[0, :, 0, 0] == 0).all()
    assert (coloured[0] != coloured[1]).any()
    noisy = coloured_dsprites(noisy=True).render(factors)
    assert (noisy[0, :, 32, 32] == 255).all()
    assert noisy[0, :, :8, :8].std() > 50


def test_squares_that_do_not_overlap_are_equally_far_apart() -> None:
    factors = np.zeros((8, 6), np.int64)
    factors[:, 0] = np.arange(8)
    apart = xy_squares().render(factors).astype(int)
    far = np.abs(apart[:, None] - apart[None]).sum((2, 3, 4)) // 255
    assert set(far[~np.eye(8, dtype=bool)].tolist()) == {128}
    near = xy_squares(2).render(factors).astype(int)
    assert (np.abs(near[0] - near[[1, 2, 3]]).sum((1, 2, 3)) // 255).tolist() == [32, 64, 96]
    one = one_square(24, 12).render(np.array([[0, 0], [23, 11]]))[:, 0] > 0
    assert one.sum((1, 2)).tolist() == [64, 64]
    assert np.argwhere(one[1]).max(0).tolist() == [24, 30]
    with pytest.raises(InputError, match="give 1 to 8 pixels"):
        xy_squares(9)
    with pytest.raises(InputError, match="give 2 to 4 positions at spacing 8"):
        one_square(5, 4, spacing=8)
