"""`mutua mi`: files of all kinds, one line for what can't be used, words, JSON and pictures."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from mutua.cli import information, main
from mutua.cli.columns import read_columns
from mutua.data.table import columns_of
from mutua.information import (
    MutualInformationResult,
    conditional_mutual_information,
    mutual_information,
    pairwise,
)
from mutua.types import InputError

FAST = ("--estimator", "gaussian", "--permutations", "19")


def run(capsys: Any, *arguments: Any) -> tuple[int, str, str]:
    """Exit code, standard output, standard error."""
    try:
        code = main(["mi", *(str(argument) for argument in arguments)])
    except SystemExit as error:
        code = int(error.code or 0)
    shown = capsys.readouterr()
    return code, shown.out, shown.err


def refused(capsys: Any, *arguments: Any) -> str:
    """The one line of a refusal."""
    code, out, errors = run(capsys, *arguments)
    lines = [line for line in errors.splitlines() if line.startswith("mutua: ")]
    assert (code, out, len(lines)) == (2, "", 1), errors
    assert "Traceback" not in errors
    return lines[0]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("mi")
    rng = np.random.default_rng(0)
    n = 200
    x = rng.normal(size=(n, 2))
    y = x[:, 0] + rng.normal(size=n)
    np.save(path / "x.npy", x)
    np.save(path / "y.npy", y)
    np.save(path / "short.npy", y[:50])
    np.save(path / "nan.npy", np.where(np.arange(2 * n).reshape(n, 2) == 11, np.nan, x))
    np.save(path / "none.npy", np.zeros((0, 2)))
    np.save(path / "images.npy", np.zeros((20, 3, 4)))
    np.save(path / "objects.npy", np.array([{}, []], dtype=object), allow_pickle=True)
    np.savez(path / "two.npz", y=y, x=x)
    np.savez(path / "three.npz", a=x, b=y, c=y)
    (path / "broken.npz").write_bytes(b"PK no archive")
    (path / "empty.csv").write_text("")
    city = rng.choice(["Oslo", "Rome", "Lima"], n)
    age = rng.integers(20, 60, n)
    pay = age * 0.5 + 20 * (city == "Oslo") + 5 * rng.normal(size=n)
    frame = pd.DataFrame({"city": city, "age": age, "pay": pay.round(3), "name": [f"n{k}x" for k in range(n)]})
    frame.to_csv(path / "table.csv", index=False)
    frame.to_csv(path / "table.tsv", index=False, sep="\t")
    frame.to_csv(path / "semicolons.csv", index=False, sep=";")
    frame.assign(age=frame.age.where(frame.index != 6)).to_csv(path / "holes.csv", index=False)
    pd.DataFrame(x).to_csv(path / "bare.csv", index=False, header=False)
    return path


def test_two_arrays_are_those_of_python(folder: Path, capsys: Any) -> None:
    code, out, _ = run(capsys, folder / "x.npy", folder / "y.npy", *FAST, "--json")
    assert code == 0
    shown = json.loads(out)
    wanted = mutual_information(
        np.load(folder / "x.npy"), np.load(folder / "y.npy"), estimator="gaussian", permutations=19
    )
    assert shown["value"] == wanted.value
    assert shown["interval"] == list(wanted.interval)
    assert shown["unit"] == "nats"
    for files in ((folder / "two.npz",), (f"{folder}/two.npz:x", f"{folder}/two.npz:y")):
        assert json.loads(run(capsys, *files, *FAST, "--json")[1])["value"] == wanted.value
    named = run(capsys, folder / "three.npz", "--x", "a", "--y", "b", *FAST, "--json")
    assert json.loads(named[1])["value"] == wanted.value
    first = run(capsys, folder / "x.npy", folder / "y.npy", "--x", "0", *FAST, "--json")
    assert json.loads(first[1])["value"] != wanted.value


def test_the_default_shows_words_and_progress(folder: Path, capsys: Any) -> None:
    code, out, err = run(
        capsys, folder / "table.csv", "--x", "age,city", "--y", "pay", "--effort", "quick", "--permutations", "19"
    )
    assert code == 0
    for words in (
        "I(age, city; pay)",
        "95 % interval",
        "at least",
        "p against independence",
        "held out",
        "200 rows",
    ):
        assert words in out
    assert "ties of others" in " ".join(out.split()), "the diagnostics"
    assert "mi: step" in err
    assert "\x1b" not in out


def test_bits(folder: Path, capsys: Any) -> None:
    files = (folder / "x.npy", folder / "y.npy", *FAST, "--json")
    nats, bits = (json.loads(run(capsys, *files, *more)[1]) for more in ((), ("--bits",)))
    assert bits["unit"] == "bits"
    for key in ("value", "interval"):
        assert np.array(bits[key]) * math.log(2) == pytest.approx(np.array(nats[key]))
    assert bits["readings"]["gaussian"] * math.log(2) == pytest.approx(nats["readings"]["gaussian"])
    assert bits["bits"] == pytest.approx(bits["value"])
    assert "bits" in run(capsys, *files[:2], *FAST, "--bits")[1]


def test_pairwise(folder: Path, capsys: Any) -> None:
    code, out, _ = run(capsys, folder / "table.csv", "--pairwise", "--x", "city,age,pay")
    assert code == 0
    assert "Information between columns, nats" in " ".join(out.split())
    shown = json.loads(run(capsys, folder / "x.npy", "--pairwise", "--json")[1])
    assert shown["columns"] == ["0", "1"]
    assert shown["values"][0][1] == pytest.approx(pairwise(np.load(folder / "x.npy"))[0, 1])


def test_pairwise_leaves_out_what_it_cannot_read_and_lists_many_columns(tmp_path: Path, capsys: Any) -> None:
    rng = np.random.default_rng(0)
    a = rng.normal(size=80)
    frame = pd.DataFrame(
        {f"c{k}": rng.normal(size=80).round(2) for k in range(11)} | {"a": a, "b": a + 0.1, "same": 1}
    )
    frame["day"] = pd.date_range("2024-01-01", periods=80).strftime("%Y-%m-%d")
    frame["name"] = [f"n{k}x" for k in range(80)]
    frame["odd"] = [*["1.5", "2"] * 39, "118 hp", "3"]
    frame.loc[3, "c0"] = np.nan
    frame.to_csv(tmp_path / "t.csv", index=False)
    code, out, _ = run(capsys, tmp_path / "t.csv", "--pairwise")
    assert code == 0
    words = " ".join(out.split())
    assert "left out same: constant" in words
    assert "left out name: 80 categories" in words
    assert "left out odd: line 80 has '118 hp'" in words
    assert "of 13 pairs the rows with a missing value were left out" in words
    first = next(line for line in out.splitlines() if "inf" in line)
    assert {"a", "b"} <= set(first.split()), "the pair that says most comes first"
    shown = json.loads(run(capsys, tmp_path / "t.csv", "--pairwise", "--json")[1])
    at = {name: k for k, name in enumerate(shown["columns"])}
    assert shown["rows"][at["c0"]][at["a"]] == 79
    assert shown["values"][at["day"]][at["c1"]] is not None, "dates are a quantity"
    assert shown["values"][at["same"]][at["c1"]] is None


def test_every_column_against_one(tmp_path: Path, capsys: Any) -> None:
    rng = np.random.default_rng(0)
    n = 200
    y = rng.normal(size=n)
    frame = pd.DataFrame({f"noise {k}": rng.normal(size=n).round(1) for k in range(4)})
    frame["linear"] = y + rng.normal(size=n)
    frame["bent"] = y**2 + 0.2 * rng.normal(size=n)
    frame["sign"] = np.where(y > 0, "up", "down")
    frame["y"] = y
    frame.loc[5, "linear"] = np.nan
    frame.to_csv(tmp_path / "t.csv", index=False)
    plot = tmp_path / "t.svg"
    shown = json.loads(run(capsys, tmp_path / "t.csv", "--y", "y", "--json", "--plot", plot)[1])
    listed = {one["column"]: one for one in shown["columns"]}
    assert [one["column"] for one in shown["columns"]][:3] == ["bent", "sign", "linear"]
    assert list(listed)[-1].startswith("noise")
    for name in ("bent", "sign", "linear"):
        assert listed[name]["adjusted_p_value"] < 0.01
        assert listed[name]["interval"][0] > 0
    assert listed["sign"]["value"] == pytest.approx(np.log(2), abs=0.1)
    assert listed["linear"]["rows"] == n - 1
    for k in range(4):
        assert listed[f"noise {k}"]["value"] < 0.05
        assert listed[f"noise {k}"]["interval"][0] == 0
    assert "linear" in plot.read_text()
    code, out, err = run(capsys, tmp_path / "t.csv", "--y", "y")
    assert code == 0
    assert "What each column says of y" in out
    assert "columns: step" in err
    assert "no column 'z'" in refused(capsys, tmp_path / "t.csv", "--y", "z")
    assert "leave out --effort" in refused(capsys, tmp_path / "t.csv", "--y", "y", "--effort", "quick")


def test_missing_rows_are_dropped_where_that_is_said(folder: Path, capsys: Any) -> None:
    table = (folder / "holes.csv", "--x", "age", "--y", "pay", *FAST)
    assert "--drop-missing" in refused(capsys, *table)
    shown = json.loads(run(capsys, *table, "--drop-missing", "--json")[1])
    assert shown["n"] == 199
    assert "left out 1 of 200 rows" in shown["diagnostics"][0]


def test_given(folder: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[Any] = []

    def estimate(x: Any, y: Any, z: Any, **arguments: Any) -> MutualInformationResult:
        heard.extend([x.names, y.names, z.names, arguments])
        return MutualInformationResult(0.5, (0.4, 0.6), 0.0, math.nan, len(x), "said")

    monkeypatch.setattr("mutua.information.conditional_mutual_information", estimate)
    table = (folder / "table.csv", "--x", "city", "--y", "pay", "--given", "age", "--effort", "quick")
    code, out, _ = run(capsys, *table)
    assert code == 0
    assert heard[:3] == [["city"], ["pay"], ["age"]]
    assert heard[3] == {
        "discrete_x": None,
        "discrete_y": None,
        "discrete_z": None,
        "effort": "quick",
        "serial": None,
        "permutations": 999,
        "seed": 0,
    }
    assert "I(city; pay | age)" in out
    assert "p against" not in out
    assert json.loads(run(capsys, *table, "--json")[1])["given"] == ["age"]
    assert run(capsys, folder / "x.npy", folder / "y.npy", "--given", folder / "y.npy")[0] == 0
    assert heard[-2] == ["0"]


def test_given_takes_kinds_and_whether_rows_are_serial(
    folder: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[Any] = []

    def estimate(x: Any, y: Any, z: Any, **arguments: Any) -> MutualInformationResult:
        heard.append((arguments["discrete_z"], arguments["serial"]))
        return MutualInformationResult(0.5, (0.4, 0.6), 0.0, math.nan, len(x), "said")

    monkeypatch.setattr("mutua.information.conditional_mutual_information", estimate)
    table = (folder / "table.csv", "--x", "city", "--y", "pay", "--given", "age", "--serial")
    assert run(capsys, *table, "yes", "--discrete-given")[0] == 0
    assert run(capsys, *table, "no", "--continuous-given")[0] == 0
    assert run(capsys, *table, "auto")[0] == 0
    assert heard == [(True, True), (False, False), (None, None)]


def test_serial_is_that_of_python(folder: Path, tmp_path: Path, capsys: Any) -> None:
    walk = np.cumsum(np.random.default_rng(0).normal(size=(200, 2)), 0)
    for name, column in zip("xy", walk.T, strict=True):
        np.save(tmp_path / f"{name}.npy", column)
    for said, serial in (("auto", None), ("yes", True), ("no", False)):
        shown = json.loads(
            run(capsys, tmp_path / "x.npy", tmp_path / "y.npy", *FAST, "--serial", said, "--json")[1]
        )
        wanted = mutual_information(*walk.T, estimator="gaussian", permutations=19, serial=serial)
        assert shown["p_value"] == wanted.p_value
        assert shown["interval"] == list(wanted.interval)


def test_a_name_with_commas_is_taken_whole(tmp_path: Path, capsys: Any) -> None:
    path = tmp_path / "t.csv"
    pd.DataFrame({"a": [1, 2], "b, c": [3, 4], "c": [5, 6]}).to_csv(path, index=False)
    assert read_columns(str(path), "b, c").names == ["b, c"]
    assert read_columns(str(path), "a, b, c,c").names == ["a", "b, c", "c"]
    assert read_columns(str(path), "c,a").names == ["c", "a"]
    assert "no column 'b'" in refused(capsys, path, "--x", "a,b", "--y", "c")


def test_archives_that_are_damaged(tmp_path: Path, capsys: Any) -> None:
    path = tmp_path / "two.npz"
    numbers = np.random.default_rng(0).normal(size=200)
    np.save(tmp_path / "y.npy", numbers)
    for save in (np.savez, np.savez_compressed):
        save(path, x=numbers, y=numbers)
        whole = path.read_bytes()
        for start in (0, 40, 300, len(whole) - 60):
            path.write_bytes(whole[:start] + bytes(40) + whole[start + 40 :])
            assert "can't be read" in refused(capsys, path)
            if start < len(whole) - 60:
                refused(capsys, f"{path}:x", tmp_path / "y.npy")
    header = (tmp_path / "y.npy").read_bytes()
    (tmp_path / "y.npy").write_bytes(header.replace(b"}", b"(", 1))
    assert "can't be read" in refused(capsys, tmp_path / "y.npy", tmp_path / "y.npy")
    np.savez(path)
    for files in ((path,), (path, tmp_path / "y.npy"), (f"{path}:x", tmp_path / "y.npy")):
        assert "holds no arrays" in refused(capsys, *files)


@pytest.mark.slow
def test_given_is_that_of_a_data_frame(folder: Path) -> None:
    x, y, z = (read_columns(str(folder / "table.csv"), [name]) for name in ("city", "pay", "age"))
    frame = pd.read_csv(folder / "table.csv").astype({"city": "category"})
    wanted = conditional_mutual_information(frame[["city"]], frame[["pay"]], frame[["age"]], effort="quick")
    assert conditional_mutual_information(x, y, z, effort="quick") == wanted


def test_kinds(folder: Path, capsys: Any) -> None:
    table = (folder / "table.csv", "--x", "city", "--y", "age", "--permutations", "19", "--json")
    counted = json.loads(run(capsys, *table, "--discrete-y", "--estimator", "histogram")[1])
    binned = json.loads(run(capsys, *table, "--continuous-y", "--estimator", "histogram")[1])
    assert counted["value"] > binned["value"], "forty values against a few bins"
    assert "no order" in refused(capsys, *table, "--continuous-x")


def test_plots(folder: Path, tmp_path: Path, capsys: Any) -> None:
    out = tmp_path / "new" / "mi.png"
    code, words, _ = run(capsys, folder / "x.npy", folder / "y.npy", *FAST, "--plot", out)
    assert code == 0
    assert str(out) in words
    picture = np.asarray(Image.open(out).convert("RGB"))
    assert picture.shape[1] == 1500
    assert (picture[0, 0] == 255).all(), "white ground"
    assert (picture < 200).any(-1).mean() > 0.01
    svg = tmp_path / "mi.svg"
    assert (
        run(capsys, folder / "table.csv", "--x", "city", "--y", "pay", "--estimator", "ksg_mixed", "--plot", svg)[
            0
        ]
        == 0
    )
    assert "ksg_mixed" in svg.read_text()
    same = tmp_path / "same.svg"
    assert run(capsys, folder / "y.npy", folder / "y.npy", "--plot", same)[0] == 0
    assert "infinite" in same.read_text()
    assert {path.name for path in tmp_path.iterdir()} == {"new", "mi.svg", "same.svg"}, "nothing left aside"


def test_checks(folder: Path, capsys: Any) -> None:
    code, out, err = run(capsys, folder / "x.npy", folder / "y.npy", "--effort", "quick", "--checks", "--json")
    assert code == 0
    assert [row["check"] for row in json.loads(out)["checks"]] == [
        "extrapolation",
        "data processing",
        "additivity",
    ]
    assert "checks: halves side by side" in err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nothing.npy", "y.npy"], "no such file"),
        (["x.npy", "short.npy"], "has 200 rows and .*short.npy has 50"),
        (["images.npy", "y.npy"], r"shape \(20, 3, 4\)"),
        (["objects.npy", "y.npy"], "can't be read"),
        (["broken.npz", "y.npy"], "can't be read"),
        (["broken.npz"], "can't be read"),
        (["three.npz"], "it has a, b, c"),
        (["three.npz", "y.npy"], "holds a, b, c"),
        (["two.npz:z", "y.npy"], "has no array 'z'; it has y, x"),
        (["empty.csv", "y.npy"], "is empty"),
        (["table.csv"], "it has city, age, pay, name"),
        (["table.csv", "--x", "wage", "--y", "pay"], "no column 'wage'; it has city, age, pay, name"),
        (["table.csv", "--x", "age,,", "--y", "pay"], "empty name"),
        (["table.csv", "--x", "age,age", "--y", "pay"], "twice"),
        (["table.csv", "--x", "age", "--y", "age,pay"], "'age' is in both"),
        (["table.csv", "--x", "name", "--y", "pay"], "column name: 200 categories in 200 rows, such as 'n0x'"),
        (["holes.csv", "--x", "age", "--y", "pay"], "holes.csv, column age: missing value in line 8"),
        (["nan.npy", "y.npy"], "nan.npy, column 1: missing value in row 5, counted from 0"),
        (["none.npy", "y.npy"], "holds no values"),
        (["y.npy"], "one column, which is x or y; give the other as a second file"),
        (["x.npy"], "give y as a second file; it has 0, 1"),
        (["table.csv", "--x", "age", "--y", "pay", "--given", "city,age"], "x and given: column 'age'"),
        (["table.csv", "--x", "age", "--y", "pay", "--given", "pay"], "y and given: column 'pay'"),
        (["x.npy", "y.npy", "--discrete-given"], "given: nothing is"),
        (["x.npy", "y.npy", "--checks", "--serial", "no"], "serial"),
        (["x.npy", "y.npy", "--seed", "-1"], "seed: -1"),
        (["x.npy", "y.npy", "--seed", str(2**32)], "seed: 4294967296"),
        (["x.npy", "--pairwise", "--discrete-x"], "leave out --discrete-x"),
        (["x.npy", "--pairwise", "--continuous-y", "--effort", "quick"], "leave out --effort, --continuous-y"),
        (["x.npy", "--pairwise", "--permutations", "99"], "leave out --permutations"),
        (["x.npy", "--pairwise", "--seed", "-1"], "seed: -1"),
        (["x.npy", "y.npy", "x.npy"], "3 given"),
        (["x.npy", "--pairwise", "--y", "0"], "not for --pairwise"),
        (["x.npy", "y.npy", "--pairwise"], "one table"),
        (["x.npy", "y.npy", "--estimator", "best"], "'best' is none of"),
        (["x.npy", "y.npy", "--estimator", "ksg", "--critic", "concat"], "'ksg' has none"),
        (["x.npy", "y.npy", "--effort", "much"], "'much' is none of"),
        (["x.npy", "y.npy", "--plot", "out.pdf"], ".png or .svg"),
        (["x.npy", "y.npy", "--permutations", "3"], "at least 19"),
        (["x.npy", "y.npy", "--discrete-x", "--continuous-x"], "exclude each other"),
        (["table.csv", "--x", "age", "--y", "pay", "--given", "city", "--estimator", "ksg"], "given"),
        (["table.csv", "--x", "age", "--y", "pay", "--given", "city", "--checks"], "given"),
        (["table.xlsx", "--x", "a", "--y", "b"], "no such file"),
    ],
)
def test_one_line_for_what_cannot_be_used(arguments: list[str], said: str, folder: Path, capsys: Any) -> None:
    files = [str(folder / one) if "." in one and "-" not in one else one for one in arguments]
    assert re.search(said, refused(capsys, *files))


def test_a_picture_that_cannot_be_written_is_refused_before_the_work(
    folder: Path, tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(information, "read_columns", None)
    (tmp_path / "file").write_text("")
    for place, words in (
        (tmp_path / "file" / "mi.png", "is no folder"),
        (tmp_path / "mi.pdf", r"\.png or \.svg"),
        (Path("/proc/mi.png"), "written"),
    ):
        assert re.search(words, refused(capsys, folder / "y.npy", folder / "y.npy", "--plot", place))
    (tmp_path / "folder.png").mkdir()
    assert "is a folder" in refused(capsys, folder / "y.npy", folder / "y.npy", "--plot", tmp_path / "folder.png")


def test_a_folder_is_said_to_be_one(folder: Path, tmp_path: Path, capsys: Any) -> None:
    for name in ("t.csv", "t.npz"):
        (tmp_path / name).mkdir()
        assert "is a folder" in refused(capsys, tmp_path / name, "--x", "a", "--y", "b")
    assert "is a folder" in refused(capsys, tmp_path, folder / "y.npy")


def test_columns_by_type(folder: Path) -> None:
    for name in ("table.csv", "table.tsv", "semicolons.csv"):
        table = read_columns(str(folder / name), without=("name",))
        assert table.names == ["city", "age", "pay"]
        assert [column.values.dtype.kind for column in table] == ["i", "i", "f"]
        assert table.discrete == [True, None, None]
        assert table.label("city")[1] == ("Lima", "Oslo", "Rome")
    assert len(read_columns(str(folder / "holes.csv"), ["pay"])) == 200, "other columns may have holes"
    bare = read_columns(str(folder / "bare.csv"))
    assert bare.names == ["0", "1"]
    assert np.array_equal(bare.column("1").values, np.load(folder / "x.npy")[:, 1])


def test_columns_are_read_as_a_data_frame_is() -> None:
    rng = np.random.default_rng(0)
    codes, x, y = rng.integers(0, 3, 60), rng.normal(size=60), rng.normal(size=60)
    ours = columns_of({"kind": codes.astype("U"), "size": x})
    theirs = pd.DataFrame({"kind": pd.Categorical(codes), "size": x})
    wanted = mutual_information(theirs, y, estimator="ksg_mixed", permutations=19)
    found = mutual_information(ours, y, estimator="ksg_mixed", permutations=19)
    # Of text that reads as whole numbers a sentence says that they are taken as categories.
    assert replace(found, diagnostics=()) == replace(wanted, diagnostics=())
    assert len(ours) == 60
    assert np.array_equal(pairwise(ours), pairwise(theirs), equal_nan=True)


def test_a_mapping_of_columns() -> None:
    rng = np.random.default_rng(0)
    x = {"a": rng.normal(size=60), "b": rng.integers(0, 3, 60).tolist()}
    stacked = mutual_information(np.stack([x["a"], x["b"]], 1), x["a"] + 1, estimator="gaussian", permutations=19)
    assert mutual_information(x, x["a"] + 1, estimator="gaussian", permutations=19).value == stacked.value
    with pytest.raises(InputError, match=r"x: columns of shapes a \(60,\), b \(2,\); give each as \(rows,\)"):
        mutual_information({"a": x["a"], "b": [1, 2]}, x["a"])
    with pytest.raises(InputError, match="x has 0 rows and y has 60"):
        mutual_information({}, x["a"])
    with pytest.raises(InputError, match="x, column b: missing value in row 3"):
        mutual_information({"a": x["a"], "b": np.where(np.arange(60) == 3, np.nan, 1.0)}, x["a"])
