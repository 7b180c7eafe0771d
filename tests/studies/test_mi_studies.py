import dataclasses
import math

import numpy as np
import pytest

from mutua.studies import mi_estimators, mi_which
from mutua.studies.mi_estimators import Row, run
from mutua.studies.mi_estimators.sizes import size_words
from mutua.studies.mi_estimators.staircase import Spread
from mutua.types import InputError

TINY = mi_estimators.Config(
    distributions=("gaussian", "cubic"),
    dimensions=2,
    levels=(1.0, 2.0),
    steps=6,
    batch=8,
    width=8,
    embedding=4,
    estimators=("infonce", "nwj", "smile_1", "jsd", "club"),
    critics=("separable", "concat"),
    concat_estimators=("infonce",),
    average=0.5,
    sizes=(4, 16),
    size_levels=(1.0, 2.0),
    size_steps=4,
    size_estimators=("infonce", "nwj"),
    cost_sizes=(4,),
)
WHICH = mi_which.Config(
    dimensions=2,
    levels=(1.0, 2.0),
    steps=6,
    batch=8,
    width=8,
    embedding=4,
    estimators=("infonce", "nwj", "smile_1"),
)


@pytest.fixture(scope="module")
def result():
    return run(TINY)


def test_every_table_and_figure_is_there(result):
    titles = [table.title for table in result.tables]
    assert titles == [
        "Staircase, gaussian: bias/sd",
        "Staircase, gaussian: root mean squared error",
        "Staircase, cubic: bias/sd",
        "Staircase, cubic: root mean squared error",
        "Batch size",
        "Cost of a step",
    ]
    rows = {(row[0], row[1]) for row in result.tables[0].rows}
    assert ("infonce", "concat") in rows
    assert ("nwj", "concat") not in rows
    assert ("club", "q(y | x)") in rows
    assert ("averaged, bridge", "separable, skip") in rows
    assert ("oracle log ratio", "–") in rows
    assert not any("published" in row[0] for row in result.tables[0].rows), "at other levels they say nothing"
    assert len(result.figures) == 4
    assert all(svg.startswith("<svg") for svg in result.figures.values())


def test_the_batch_table_shows_log_k_and_infonce_under_it(result):
    table = next(table for table in result.tables if table.title == "Batch size")
    assert table.rows[0][2:] == pytest.approx([math.log(4), math.log(16)])
    for row in table.rows[1:]:
        if row[0] == "infonce":
            assert all(mean <= cap for (mean, _), cap in zip(row[2:], table.rows[0][2:], strict=True))


def test_cost_counts_evaluations(result):
    (one, other) = result.tables[-1].records()
    assert (one["2N"], one["N^2"], one["network passes for N^2"]) == (8, 16, "8")
    assert other["network passes for N^2"] == "16"


def test_published_rows_stand_beside_the_published_levels():
    rows = [Row("gaussian", "infonce", "separable", (Spread(0.0, 1.0),) * 5, np.zeros((5, 2)))]
    config = dataclasses.replace(TINY, levels=(2.0, 4.0, 6.0, 8.0, 10.0))
    shown = mi_estimators.staircase_tables(config, rows, "gaussian")
    assert ["smile_1, published", "separable", "0.24", "0.38", "0.53", "0.64", "0.84"] in [
        list(row) for row in shown[1].rows
    ]


def test_what_diverged_is_said_so():
    rows = [Row("cubic", "nwj", "bilinear", (Spread(math.nan, math.nan), Spread(-2e30, 3e31)), np.zeros((2, 2)))]
    bias, error = mi_estimators.staircase_tables(TINY, rows, "cubic")
    assert bias.rows[0][2:] == ["diverged", "−2e+30/3e+31"]
    assert error.rows[0][2:] == ["–", "3e+31"]


def test_the_words_over_sizes_follow_the_numbers():
    rising = {"infonce": np.array([[[1.0, 0.1]], [[2.0, 0.1]]])}
    assert "less bias with larger" in size_words(rising, (4, 16), (3.0,))[0]
    falling = {"infonce": rising["infonce"][::-1]}
    assert "no less bias" in size_words(falling, (4, 16), (3.0,))[0]
    assert size_words({}, (4,), (3.0,)) == []


def made(estimator, *spreads):
    return Row("gaussian", estimator, "separable", tuple(Spread(*one) for one in spreads), np.zeros((2, 2)))


def test_the_answer_is_of_the_numbers():
    good, poor = ((0.0, 0.1), (0.0, 0.1)), ((-1.0, 2.0), (-2.0, 5.0))
    words = mi_which.answer(
        WHICH, [made("smile_1", *good), made("nwj", *poor), made("infonce", (-0.1, 0.1), (-0.5, 0.1))]
    )
    assert words[0].startswith("For a number: smile_1")
    assert "no bound" in words[0]
    assert words[1].startswith("For 'at least': infonce"), "nwj passes the truth, smile is no bound"
    words = mi_which.answer(WHICH, [made("smile_1", *poor), made("nwj", *good)])
    assert words[0].startswith("For a number: nwj")
    assert "a bound from below" in words[0]
    assert not any("InfoNCE" in word for word in words)


def test_the_answer_tells_of_the_cap():
    rows = [made("infonce", (-0.1, 0.1), (-0.5, 0.1))]
    high = dataclasses.replace(WHICH, levels=(1.0, 6.0))
    assert any("K above 403" in word for word in mi_which.answer(high, rows))
    assert not any("K above" in word for word in mi_which.answer(WHICH, rows))


def test_diverged_estimators_are_named_and_not_advised():
    rows = [made("nwj", (math.nan, math.nan), (math.nan, math.nan)), made("infonce", (-0.1, 0.1), (-0.5, 0.1))]
    words = mi_which.answer(WHICH, rows)
    assert words[0].startswith("For a number: infonce")
    assert any(word.startswith("Diverged here: nwj") for word in words)


def test_which_runs():
    result = mi_which.run(WHICH)
    assert [row[0] for row in result.tables[0].rows if "oracle" in row[0]]
    assert result.words
    assert len(result.figures) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"estimators": ("mist",)},
        {"critics": ("linear",)},
        {"distributions": ("spiral",)},
        {"steps": 1},
        {"batch": 1},
        {"levels": ()},
        {"levels": (0.0, 1.0)},
        {"sizes": (1,)},
        {"rate": -1.0},
        {"rate": math.nan},
        {"ours_rate": math.inf},
        {"average": 1.0},
        {"seeds": (0, -1)},
    ],
)
def test_what_cannot_be_run_is_refused(wrong):
    with pytest.raises(InputError, match=next(iter(wrong))):
        run(dataclasses.replace(TINY, **wrong))


def test_levels_beyond_float64_are_refused_before_anything_is_trained(monkeypatch):
    monkeypatch.setattr(mi_estimators, "measure", None)
    for field in ("levels", "size_levels"):
        with pytest.raises(InputError, match="rounding"):
            run(dataclasses.replace(TINY, **{field: (1.0, 100.0)}))


def test_which_needs_rising_levels():
    with pytest.raises(InputError, match="rising"):
        mi_which.run(dataclasses.replace(WHICH, levels=(2.0, 1.0)))
