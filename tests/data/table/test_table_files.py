"""Tables from files: one rule for numbers, categories, dates, decimal commas and missing marks."""

from __future__ import annotations

import datetime
from pathlib import Path

import numpy as np
import pytest

from mutua.data.table import Columns, read_table, titles_of
from mutua.types import InputError


def of(place: Path, text: str, suffix: str = ".csv") -> Columns:
    file = place / f"t{suffix}"
    file.write_text(text, encoding="utf-8")
    return read_table(file)


def column_of(place: Path, cells: list[str]) -> Columns:
    return of(place, "a\n" + "".join(f'"{cell}"\n' for cell in cells))


NUMBERS = [str(k % 93 + 46) for k in range(400)]


@pytest.mark.parametrize("mark", ["", "NA", "?", "-", ".", "None", "#N/A", "<NA>", "NaT", "nan", "null"])
def test_a_missing_mark_among_numbers_is_a_missing_number(tmp_path: Path, mark: str) -> None:
    (column,) = column_of(tmp_path, [*NUMBERS[:77], mark, *NUMBERS[78:]])
    assert column.kind == "number"
    assert column.missing is not None
    assert np.flatnonzero(column.missing).tolist() == [77]
    with pytest.raises(InputError, match="missing value in line 79"):
        column.check("t")


@pytest.mark.parametrize("cell", ["118 hp", "1 180", "missing", "12.5.1", "1_000"])
def test_an_odd_cell_among_numbers_is_named(tmp_path: Path, cell: str) -> None:
    table = column_of(tmp_path, [*NUMBERS[:77], cell, *NUMBERS[78:]])
    with pytest.raises(
        InputError, match=f"column a: line 79 has '{cell}', which is not a number, as 399 of its 400"
    ):
        table.checked()
    assert read_table(tmp_path / "t.csv", discrete=True).columns[0].kind == "category", "unless that is asked for"


def test_marks_that_are_categories_among_categories(tmp_path: Path) -> None:
    (strand,) = column_of(tmp_path, ["+", "-"] * 20)
    assert (strand.kind, strand.names, strand.missing) == ("category", ("+", "-"), None)
    (amount,) = column_of(tmp_path, ["none", "mild", "severe"] * 20)
    assert amount.names == ("mild", "none", "severe")
    (children,) = column_of(tmp_path, ["0", "1", "2", "0", "1", "2", "0", "1", "2", "0", "1", "3+"] * 10)
    assert children.names == ("0", "1", "2", "3+")
    assert "read as numbers and others, as '3+', don't" in children.note


@pytest.mark.parametrize(
    ("text", "suffix", "wanted"),
    [
        ("a;b\n1,5;x\n2;y\n", ".csv", [1.5, 2.0]),
        ("a;b\n1,500;x\n2,250;y\n", ".csv", [1.5, 2.25]),
        ("a\tb\n-1,5\tx\n2,25e1\ty\n", ".tsv", [-1.5, 22.5]),
        ('a,b\n"1,5",x\n"0,25",y\n', ".csv", [1.5, 0.25]),
        ("a,b\n\N{MINUS SIGN}1.5,x\n1e3,y\n", ".csv", [-1.5, 1000.0]),
    ],
)
def test_decimal_commas_and_other_numbers(tmp_path: Path, text: str, suffix: str, wanted: list[float]) -> None:
    assert of(tmp_path, text, suffix).column("a").values.tolist() == wanted


def test_a_comma_that_may_be_of_thousands_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"line 2 has '1,500', which is 1.5 or 1500"):
        column_of(tmp_path, ["1,500", "2,250"]).checked()
    assert column_of(tmp_path, ["1,500", "2,25"]).columns[0].values.tolist() == [1.5, 2.25], "the other cell tells"


def test_dates_are_days(tmp_path: Path) -> None:
    (column,) = column_of(
        tmp_path, ["2024-01-01", "2024-01-01T12:00:00Z", "2024-01-02 01:00+01:00", "?", "2024-01-03"]
    )
    assert column.kind == "date"
    assert column.values[[0, 1, 2, 4]].tolist() == [19723.0, 19723.5, 19724.0, 19725.0]
    assert column.missing is not None
    assert column.missing[3]


def test_by_hand(tmp_path: Path) -> None:
    table = of(tmp_path, '\ufeffa,"b, quoted",c\r\n1,2.5,"x,y"\r\n2,1e3,z\r\n\r\n')
    assert table.names == ["a", "b, quoted", "c"]
    assert table.kinds == ["number", "number", "category"]
    assert table.column("a").values.tolist() == [1, 2]
    assert table.column("b, quoted").values.tolist() == [2.5, 1000.0]
    assert table.label("c")[1] == ("x,y", "z")
    with pytest.raises(InputError, match="has no column 'd'; it has a, b, quoted, c"):
        table.column("d")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a,a\n1,2\n", "twice"),
        ("a,b\n1\n", "line 2 has 1 cells for 2 columns"),
        ("a,b\n1,NaN\n", "column b: missing value in line 2"),
        ('a,b\n"x\ny",1\n\nz,\n', "column b: missing value in line 5"),
        ("1,2\n3,\n", "column 1: missing value in line 2"),
        ("a,b\n1,2\n1,inf\n", "column b: inf in line 3"),
        ("", "is empty"),
    ],
)
def test_what_is_refused(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        of(tmp_path, text).checked()
    (tmp_path / "t.csv").write_bytes(b"a,b\n\xff\xfe,1\n")
    with pytest.raises(InputError, match="UTF-8"):
        read_table(tmp_path / "t.csv")


def test_parquet_reads_what_is_asked_for(tmp_path: Path) -> None:
    """pyarrow 26: a column of lists can't be one of numbers, and the others can."""
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    file = tmp_path / "t.parquet"
    columns = {
        "x": [1.5, None, 2.0],
        "power": ["46", "?", "139"],
        "embedding": [[1.0, 2.0], [3.0], []],
        "city": pyarrow.array(["u", "v", None]).dictionary_encode(),
        "day": [datetime.date(2024, 1, 1), None, datetime.date(2024, 1, 3)],
    }
    parquet.write_table(pyarrow.table(columns), file)
    assert titles_of(file) == list(columns)
    table = read_table(file, ["power", "x"])
    assert table.names == ["power", "x"]
    assert table.kinds == ["number", "number"]
    assert table.missing.tolist() == [False, True, False]
    with pytest.raises(InputError, match="column x: missing value in row 1, counted from 0"):
        read_table(file, ["x", "day"]).checked()
    whole = read_table(file)
    assert whole.column("day").values[2] - whole.column("day").values[0] == 2
    assert whole.column("city").names == ("u", "v")
    with pytest.raises(InputError, match=r"column embedding: holds ndarray values"):
        whole.chosen(["city", "embedding"]).checked(missing=True)
    file.write_bytes(b"PAR1")
    with pytest.raises(InputError, match=r"save it as \.csv"):
        read_table(file)


def test_matrix_and_label(tmp_path: Path) -> None:
    table = of(tmp_path, "n,two,three,day,code\n1.5,a,x,2024-01-01,3\n2,b,y,2024-01-02,7\n3,a,z,2024-01-03,3\n")
    assert table.matrix_names() == ["n", "two", "three=x", "three=y", "three=z", "day", "code"]
    matrix = table.matrix()
    assert matrix.dtype == np.float32
    assert matrix[1].tolist() == [2.0, 1.0, 0.0, 1.0, 0.0, 19724.0, 7.0]
    codes, names = table.label("code")
    assert (codes.tolist(), names) == ([0, 1, 0], ("3", "7"))
    with pytest.raises(InputError, match="fractions, which are no classes"):
        table.label("n")
    assert table.take(np.array([2, 0])).matrix(["n"]).ravel().tolist() == [3.0, 1.5]
