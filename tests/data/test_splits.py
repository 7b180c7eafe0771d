"""Which examples are held out, told by their names."""

import numpy as np
import pytest

from mutua.data.splits import held_by_name, part_by_name
from mutua.types import InputError

NAMES = [f"{'ab'[k % 2]}/{k:04}.jpg" for k in range(2000)]
LABELS = np.arange(2000) % 2


def test_a_fifth_of_every_class() -> None:
    held = held_by_name(NAMES, LABELS)
    for label in (0, 1):
        assert held[label == LABELS].mean() == pytest.approx(0.2, abs=4 * np.sqrt(0.2 * 0.8 / 1000))


def test_it_is_the_same_for_good() -> None:
    # By SHA-256 of the names: a test set that a run was judged on stays one.
    assert np.flatnonzero(held_by_name(NAMES[:40])).tolist() == FROZEN


def test_others_change_nothing() -> None:
    whole = dict(zip(NAMES, held_by_name(NAMES, LABELS), strict=True))
    some = np.random.default_rng(0).permutation(2000)[:300]
    for name, held in zip(
        np.array(NAMES)[some], held_by_name([NAMES[k] for k in some], LABELS[some]), strict=True
    ):
        assert whole[name] == held


def test_small_classes_have_some_on_either_side() -> None:
    for first in range(0, 400, 2):
        held = held_by_name(NAMES[first : first + 2])
        assert held.sum() == 1
        lone = held_by_name(NAMES)[first : first + 2]
        assert lone.sum() != 1 or np.array_equal(held, lone)


def test_accents_in_either_form() -> None:
    composed, apart = "caf\u00e9", "cafe\u0301"
    for k in range(50):
        assert held_by_name([f"{composed}{k}", "x", "y"])[0] == held_by_name([f"{apart}{k}", "x", "y"])[0]


def test_parts() -> None:
    train, test = (part_by_name(NAMES, LABELS, ("a", "b"), split, "photos") for split in ("train", "test"))
    assert sorted([*train, *test]) == list(range(2000))
    assert part_by_name(NAMES[:1], None, (), "all", "photos").tolist() == [0]
    with pytest.raises(InputError, match=r"^photos: data: one example cannot be split; .*split all"):
        part_by_name(NAMES[:1], None, (), "train", "photos")
    with pytest.raises(InputError, match=r"^photos: labels: class 'b' has one example and a split needs two"):
        part_by_name(NAMES[:3], LABELS[:3], ("a", "b"), "train", "photos")


FROZEN = [2, 3, 8, 18, 23, 28, 35, 36, 37]
