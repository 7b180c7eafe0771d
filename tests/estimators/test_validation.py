"""Constraints: what each holds, what it refuses, and that in one line."""

from typing import Any

import numpy as np
import pytest

from mutua.estimators.validation import (
    Constraint,
    any_state,
    check,
    choice,
    flag,
    generator_of,
    nonnegative,
    optional,
    or_word,
    positive,
    seed,
    several,
    share,
    whole,
)
from mutua.types import InputError

NAN = float("nan")


@pytest.mark.parametrize(
    ("constraint", "good", "bad"),
    [
        (whole(1), [1, np.int64(3), 10**9], [0, True, np.True_, 2.0, "1", None, NAN]),
        (whole(1, 4), [1, 4], [0, 5]),
        (positive, [0.1, 1, np.float32(2)], [0, -1.0, NAN, float("inf"), True, "1", None]),
        (nonnegative, [0, 2.5], [-1e-9, NAN, None]),
        (share, [0, 0.99], [1.0, -0.1, NAN, "0.1"]),
        (flag, [True, np.False_], [1, "no", None]),
        (choice({"b": 1, "a": 2}), ["a", "b"], ["c", None, ["a"], 1]),
        (optional(whole(1)), [None, 2], [0, "None"]),
        (or_word(optional(whole(1)), "auto"), [None, 2, "auto"], [0, "bic", ["auto"]]),
        (several(whole(1)), [(), [3], (1, 2)], [3, "12", (0,), None, (1.5,)]),
        (seed, [0, 2**32 - 1], [-1, 2**32, None, 1.5]),
        (any_state, [None, 0, np.random.RandomState(0)], [-1, "x", 1.5]),
    ],
)
def test_what_each_holds(constraint: Constraint, good: list[Any], bad: list[Any]) -> None:
    for value in good:
        constraint.check("it", value)
    for value in bad:
        with pytest.raises(InputError) as caught:
            constraint.check("it", value)
        assert str(caught.value) == f"it: {value!r}; use {constraint.words}"
        assert "\n" not in str(caught.value)


def test_words_name_what_there_is() -> None:
    assert choice({"b": 1, "a": 2}).words == "one of a, b"
    assert or_word(whole(1), "auto").words == "a whole number of at least 1, or 'auto'"


def test_the_first_that_is_wrong_is_named() -> None:
    with pytest.raises(InputError, match=r"^rate: 0; use a finite number above 0$"):
        check({"n": whole(1), "rate": positive, "last": flag}, {"n": 1, "rate": 0, "last": "?", "other": object()})


def test_generators() -> None:
    assert generator_of(3).randint(100) == np.random.RandomState(3).randint(100)
    with pytest.raises(InputError, match="random_state: -1"):
        generator_of(-1)
