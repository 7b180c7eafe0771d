"""The study of Deep InfoMax's table at its smallest, on digits."""

import json
from dataclasses import replace

import pytest

from mutua.studies import dim_table
from mutua.studies.dim_table import PRESETS, rows, run
from mutua.studies.dim_table.published import MLP, SVM
from mutua.types import InputError


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A few rows of every sort, and what the study said of them."""
    folder = tmp_path_factory.mktemp("table")
    config = replace(
        PRESETS["smoke"],
        folder=str(folder),
        rows=("pixels", "random", "vae", "nat"),
        examples=96,
        tests=48,
        depths=("Y",),
        probes=("hinge", "knn"),
    )
    return config, run(config), folder


def test_the_page_has_ours_beside_the_published(small):
    config, result, _ = small
    svm = result.tables[0].records()
    assert [row["row"] for row in svm] == [rows.ROWS[name].title for name in config.rows]
    assert all(5 <= row["Y"] <= 100 for row in svm)
    titles = [table.title for table in result.tables]
    assert titles == [
        "digits: linear SVM, simple hinge, converged",
        "digits: k-NN",
        "digits: measures without labels",
    ]
    assert [row["row"] for row in result.tables[-1].records()] == [
        rows.ROWS[name].title for name in config.rows[1:]
    ]
    assert len(result.figures) == 2
    said = " ".join(result.words)
    for word in (
        "random weights read",
        "exchanging targets without learning gives 1.",
        "repeats a figure",
        "caption",
    ):
        assert word in said


def test_rows_are_kept_and_not_measured_again(small, monkeypatch):
    config, result, folder = small

    def never(*_args):
        raise AssertionError("trained again")

    monkeypatch.setattr(dim_table, "trained", never)
    again = run(config)
    assert again.tables == result.tables
    with pytest.raises(AssertionError, match="trained again"):
        run(replace(config, epochs=2))  # another training is another row
    # Another reading takes the encoder that is there.
    monkeypatch.undo()
    monkeypatch.setattr(rows.runs, "train", never)
    only = run(replace(config, rows=("vae",), probes=("knn",)))
    assert [table.title for table in only.tables] == ["digits: k-NN", "digits: measures without labels"]
    assert len(list(folder.glob("*/vae-0/measured-*.json"))) == 2
    assert all(json.loads(path.read_text())["probes"] for path in folder.glob("*/vae-0/measured-*.json"))


@pytest.mark.slow
def test_the_smoke_preset_has_every_row(tmp_path):
    result = run(replace(PRESETS["smoke"], folder=str(tmp_path)))
    mlp = result.tables[0].records()
    assert [row["row"] for row in mlp] == [row.title for row in rows.ROWS.values()]
    assert all(row[depth] is not None for row in mlp[1:] for depth in ("conv", "fc", "Y"))
    assert mlp[0]["fc"] is None
    assert any("simple hinge, converged" in table.title for table in result.tables)


def test_a_row_whose_training_fails_is_said_and_the_rest_goes_on(tmp_path, monkeypatch):
    def lost(row, *args, trained=dim_table.trained):
        if row.method:
            raise InputError("discriminator: has won by step 7")
        return trained(row, *args)

    monkeypatch.setattr(dim_table, "trained", lost)
    config = replace(
        PRESETS["smoke"], folder=str(tmp_path), rows=("pixels", "bigan"), depths=("Y",), probes=("knn",)
    )
    result = run(config)
    assert "digits, BiGAN: discriminator: has won by step 7." in result.words
    assert result.tables[0].records()[1] == {"row": "BiGAN", "Y": None}
    assert not list(tmp_path.glob("*/bigan-0/*.json"))


def test_published_figures_beside_ours_where_there_are_some():
    assert MLP["cifar10"]["dim_infonce"] == (75.21, 75.57, 69.13)
    assert set(MLP["cifar10"]) == set(MLP["cifar100"]) <= set(rows.ROWS)
    assert SVM["cifar10"]["vae"][2] == SVM["cifar10"]["nat"][2]  # the copy that the page tells of
    config = replace(PRESETS["smoke"], depths=("conv", "fc", "Y"))
    record = {"probes": {depth: {"mlp": 50.0} for depth in config.depths}, "curve": [], "measures": {}}
    (table, _) = dim_table.tables(config, {"cifar10": {"vae": [record, record]}})
    assert table.records()[0]["published, Y"] == 54.61
    assert table.records()[0]["Y"] == "50.00 ± 0.00"


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"rows": ("gan",)}, "rows: gan is none of aae"),
        ({"probes": ("tree",)}, "probes: tree is none of hinge"),
        ({"depths": ("top",)}, "depths: 'top' is none of dim32's conv1"),
        ({"seeds": ()}, "seeds, depths"),
        ({"epochs": 0}, "epochs: 0 is too few"),
        ({"tests": 10}, "tests: 10 is too few"),
        ({"rate": -1.0}, "lr: -1.0"),
        ({"data": ()}, "data: none is not on this machine"),
    ],
)
def test_settings_that_cannot_be(changed, said, tmp_path):
    with pytest.raises(InputError, match=said):
        run(replace(PRESETS["smoke"], folder=str(tmp_path), **changed))
    assert not list(tmp_path.iterdir())
