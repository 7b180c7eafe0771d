"""Tables and results as they are read: on a terminal, in a notebook, in JSON."""

from __future__ import annotations

import json

import numpy as np
import pytest

from mutua.cli.output import say, tables_json
from mutua.types import Interval, Result, Table

TABLE = Table(
    "A <b>", ["name", "score", "ends"], [["x & y", 1.25, Interval(-1.0, 2.0)], ["z", None, None]], "Note."
)


def test_a_table_reads_as_one() -> None:
    lines = repr(TABLE).split("\n")
    assert lines[0] == "A <b>"
    assert lines[2].split("  ")[0] == "x & y"
    assert "−1.000\u00a0to\u00a02.000" in lines[2]
    assert lines[3].split() == ["z", "–", "–"]
    assert lines[-1] == "Note."


def test_a_notebook_gets_html_without_what_would_break_it() -> None:
    html = TABLE._repr_html_()
    assert "<td>x &amp; y</td><td>1.250</td>" in html
    assert "<caption>A &lt;b&gt;</caption>" in html
    result = Result("R", [TABLE], {"a < b": "<?xml version='1.0'?><svg>drawn</svg>"}, ["Said."])
    assert html in result._repr_html_()
    assert "<figure><svg>drawn</svg><figcaption>a &lt; b</figcaption>" in result._repr_html_()
    assert "Said." in repr(result)
    assert "svg" not in repr(result)
    assert repr(TABLE) in repr(result)


def test_tables_without_rows_or_columns_are_shown() -> None:
    for table in (Table("", [], []), Table("t", ["a"], []), Table("t", ["a", "b"], [["short"]])):
        assert isinstance(repr(table), str)
        assert "<table>" in table._repr_html_()


def test_json_has_numbers_for_numbers_of_any_type(capsys: pytest.CaptureFixture) -> None:
    content = {
        "a": np.float32(0.5), "b": np.int64(3), "c": np.array([1.0, np.nan]), "d": float("inf"), "e": np.True_,
        4: Interval(1.0, 2.0), "f": tables_json([TABLE]), "g": None,
    }  # fmt: skip
    say(content, "", True)
    found = json.loads(capsys.readouterr().out)
    assert [found[name] for name in "abcdeg"] == [0.5, 3, [1.0, None], None, True, None]
    assert found["4"] == [1.0, 2.0]
    assert found["f"][0]["rows"][0] == ["x & y", 1.25, [-1.0, 2.0]]
