"""Tasks whose target is a picture or a row, from the command line: trained, shown, refused in a line."""

import json

import numpy as np
import pytest
import torch
from PIL import Image

from cli.test_cli import TINY, refused, run
from mutua import runs


@pytest.fixture
def pictures(tmp_path):
    """Twelve coloured pictures."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for k in range(12):
        Image.fromarray(rng.integers(0, 256, (16, 16, 3), np.uint8)).save(folder / f"{k}.png")
    return folder


def test_a_hole_is_filled_by_the_network_that_learned_to(pictures, tmp_path, capsys):
    out = tmp_path / "run"
    made = ("train", "inpainting", "--data", pictures, "--split", "all", "--width", "4", "--out", out)
    assert run(capsys, *made, *TINY)[0] == 0
    assert run(capsys, "report", out, "--split", "all")[0] == 0
    page = (out / "report.html").read_text()
    assert "What was hidden or spoiled, and what was made of it" in page
    assert all(f'<th scope="col">{name}</th>' in page for name in ("original", "hole", "filling"))
    assert "The encoder has batch norm" in page
    learned, fresh = runs.method_of(out, 12), runs.compose(runs.recipe_of(out))
    assert not torch.equal(learned.decoder[-2].bias, fresh.decoder[-2].bias)
    assert "explained" in (out / "metrics.csv").read_text().splitlines()[0]


def test_rows_of_a_table_are_restored(tmp_path, capsys):
    table, out = tmp_path / "rows.csv", tmp_path / "run"
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(40, 3)).round(3)
    table.write_text("a,b,c\n" + "\n".join(",".join(map(str, row)) for row in rows) + "\n")
    made = ("train", "denoising", "--noise", "gaussian", "--data", table, "--split", "all", "--out", out)
    assert run(capsys, *made, "--epochs", "1", "--batch", "16", "--accelerator", "cpu")[0] == 0
    assert runs.method_of(out, 40).score(torch.zeros(2, 3)).shape == (2, 3)
    assert json.loads((out / "config.json").read_text())["recipe"]["settings"] == {"noise": "gaussian"}


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("colorization", "--data", "digits"), "learning colours needs RGB, 3 channels, and they have 1"),
        (("masked", "--share", "0.999"), "hides all of 16 x 16 px"),
    ],
)
def test_what_can_not_be_learned_from_is_one_line(arguments, line, pictures, tmp_path, capsys):
    data = () if "--data" in arguments else ("--data", pictures, "--split", "all")
    assert line in refused(capsys, "train", *arguments, *data, "--out", tmp_path / "x")
    assert not (tmp_path / "x").exists()


def test_grey_pictures_in_colour_files_are_said_before_training(tmp_path, capsys):
    folder = tmp_path / "grey"
    folder.mkdir()
    for k in range(4):
        Image.new("RGB", (16, 16), (40 * k,) * 3).save(folder / f"{k}.png")
    said = refused(capsys, "train", "colorization", "--data", folder, "--split", "all", "--out", tmp_path / "x")
    assert "none of 4 images has colours" in said
