"""Of several starts the best: by hand, with runs that are not finite."""

import math

from mutua.estimators.restarts import best_of


def test_the_best_first_and_what_is_not_finite_last() -> None:
    made: list[int] = []
    scores = [1.0, math.nan, 3.0, math.inf, 3.0]
    ranked = best_of((made.append(k) or k for k in range(5)), lambda run: scores[run])
    assert made == ranked.runs == [0, 1, 2, 3, 4]
    assert ranked.scores == [1.0, -math.inf, 3.0, -math.inf, 3.0]
    assert ranked.finalists(3) == [2, 4, 0]  # of equals the earlier
    assert ranked.best == 2
    assert best_of([7], lambda run: math.nan).best == 7
