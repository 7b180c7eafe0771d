import math

import numpy as np
import pytest
from rich.console import Console

from mutua import report
from mutua.report.text import formatted
from mutua.types import InputError, Table
from report.report_samples import Reader


@pytest.mark.parametrize(
    ("cells", "texts", "numeric"),
    [
        ([63.04, 98.8, None], ["63.04", "98.80", "–"], True),
        ([(63.04, 1.2), (5, 0.25)], ["63.04 ± 1.20", "5 ± 0.25"], True),
        ([0.31, -0.05], ["0.3100", "−0.0500"], True),
        ([1234.5, -1], ["1234.5", "−1"], True),
        ([128, 64], ["128", "64"], True),
        ([100.0, -0.001], ["100.0", "0.0"], True),
        ([0.0, None], ["0.0", "–"], True),
        ([3e-6, -2e-7], ["3.000e−06", "−2.000e−07"], True),
        ([(3e-6, 1e-7)], ["3.000e−06 ± 1.000e−07"], True),
        ([2.5e12], ["2.500e+12"], True),
        ([math.nan, -math.inf, (math.nan, math.nan), 1.5], ["nan", "−inf", "nan ± nan", "1.500"], True),
        (["63 %", "5 %"], ["63 %", "5 %"], True),
        (["raw", 3.0], ["raw", "3.000"], False),
        ([True, False], ["True", "False"], False),
        ([np.float32(0.5), np.int64(7)], ["0.5000", "7"], True),
        ([[1, 2, 3]], ["[1, 2, 3]"], False),
        ([], [], False),
    ],
)
def test_cells_of_a_column(cells, texts, numeric):
    assert formatted(cells) == (texts, numeric)


def test_a_table_marks_only_the_row_it_is_told_to():
    accuracy = Table("k-NN", ["encoder", "%"], [["raw", 63.0], ["ours", 72.0]], note="Five draws.")
    plain = report.page("t", [report.table(accuracy)])
    assert 'class="best"' not in plain
    marked = Reader(report.page("t", [report.table(accuracy, best=1)]))
    assert [row.get("class") for row in marked.all("tr")] == [None, None, "best"]
    assert marked.text("figcaption").strip() == "Five draws."


def test_a_table_without_rows():
    assert Reader(report.page("t", [report.table(Table("", ["a", "b"], []))])).all("th")


@pytest.mark.parametrize("best", [-1, 2])
def test_best_must_be_a_row(best):
    with pytest.raises(InputError, match="best: there is no row"):
        report.table(Table("t", ["a"], [[1], [2]]), best=best)


@pytest.mark.parametrize("draw", [report.table, report.terminal])
def test_a_row_of_another_length_is_named(draw):
    with pytest.raises(InputError, match="table 't': row 1 has 1 cells for 2 columns"):
        draw(Table("t", ["a", "b"], [[1, 2], [3]]))


def test_the_terminal_shows_the_cells_of_the_page_and_brackets_as_they_are():
    table = Table("[red]title", ["enc[/]oder", "%"], [["[bold]raw", (63.04, 1.2)], ["b", None]], note="[link]note")
    console = Console(width=60, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    console.print(report.terminal(table))
    text = console.export_text()
    for part in ("[red]title", "enc[/]oder", "[bold]raw", "63.04 ± 1.20", "–", "[link]note"):
        assert part in text
    assert [column.justify for column in report.terminal(table).columns] == ["left", "right"]


def test_references_are_linked_once():
    block = report.references(["A arXiv:1807.03748", "B arXiv:hep-th/9901001", "C, Wiley", "C, Wiley"])
    links = [link for _, link in block.values["papers"]]
    assert links == ["https://arxiv.org/abs/1807.03748", "https://arxiv.org/abs/hep-th/9901001", ""]


def test_papers_come_from_docstrings_in_order_and_once():
    def one() -> None:
        """First.

        Paper: Ab 2020, One,
        arXiv:2001.00001; Cd 1999, Two.

        More.
        """

    def two() -> None:
        """Paper: Ab and others, One again, arXiv:2001.00001."""

    def none() -> None:
        pass

    assert report.papers(one, two, none) == ["Ab 2020, One, arXiv:2001.00001", "Cd 1999, Two"]
