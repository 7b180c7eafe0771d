"""Sets of permutations: their distances, counted; that they are groups; and the paper's greedy choice."""

import itertools

import numpy as np
import pytest
import torch

from mutua.objectives.permutations import ALGEBRA, GF4, GF8, GF9, greedy, permutations
from mutua.types import InputError


def distances(rows):
    found = (rows[:, None] != rows[None]).sum(-1)
    return found[~np.eye(len(rows), dtype=bool)]


@pytest.mark.parametrize(("places", "count", "least"), [(4, 12, 3), (9, 72, 8), (9, 504, 7)])
def test_algebra_keeps_the_distance(places, count, least):
    rows = permutations(places, count).numpy()
    assert rows.shape == (count, places)
    assert (np.sort(rows, 1) == np.arange(places)).all()
    assert distances(rows).min() == least
    assert [(rows[:, k] == tile).sum() for k in range(places) for tile in range(places)] == [
        count // places
    ] * places**2  # no place says anything of its tile
    known = {tuple(row) for row in rows.tolist()}
    assert tuple(range(places)) in known
    some = rows[:: max(1, count // 24)]
    assert all(tuple(a[b].tolist()) in known for a, b in itertools.product(some, some))


def test_distances_of_the_affine_group_of_nine():
    found = distances(permutations(9, 72).numpy())
    assert ((found == 8).sum() // 2, (found == 9).sum() // 2) == (2268, 288)


@pytest.mark.parametrize("field", [GF4, GF8, GF9])
def test_fields_are_fields(field):
    every = range(field.q)
    for a, b, c in itertools.product(every, repeat=3):
        assert field.products[a][field.sums[b][c]] == field.sums[field.products[a][b]][field.products[a][c]]
        assert field.products[a][field.products[b][c]] == field.products[field.products[a][b]][c]
    assert all(sorted(row) == list(every) for row in field.sums)
    assert all(sorted(row) == list(every) for row in field.products[1:])


def test_greedy_takes_the_farthest_in_the_mean():
    rows = greedy(5, 12, seed=3)
    every = np.array(list(itertools.permutations(range(5))))
    assert len({tuple(row) for row in rows.tolist()}) == 12
    for k in range(1, 12):
        left = np.array([row for row in every if not (row == rows[:k]).all(1).any()])
        means = (left[:, None] != rows[None, :k]).sum(-1).mean(1)
        assert (rows[k] != rows[:k]).sum(-1).mean() == pytest.approx(means.max())
    assert np.array_equal(greedy(5, 12, seed=3), rows)
    assert not np.array_equal(greedy(5, 12, seed=4), rows)


def test_any_number_by_the_greedy_choice():
    assert permutations(4, 24, "greedy").unique(dim=0).shape == (24, 4)
    assert permutations(4, 0, "greedy").shape == (12, 4)
    assert torch.equal(permutations(9), permutations(9, 72))
    assert len(ALGEBRA) == 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((9, 100), "permutations: 100 of 9 tiles; algebra gives 72 or 504, choice=greedy any number"),
        ((4, 72), "permutations: 72 of 4 tiles; algebra gives 12"),
        ((16,), "permutations: none are known of 16 tiles; use a grid of 2 or 3"),
        ((4, 25, "greedy"), "permutations: 25 of 4 tiles; give 2 to 24"),
        ((4, 1, "greedy"), "permutations: 1 of 4 tiles"),
        ((9, 72, "random"), "choice: 'random' is none of algebra, greedy"),
    ],
)
def test_other_numbers_are_refused(arguments, message):
    with pytest.raises(InputError, match=message):
        permutations(*arguments)
