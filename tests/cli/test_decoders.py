"""Methods with a decoder or a second player, from the command line to the page."""

import json

import pytest

from mutua.cli import main

SMALL = ["--data", "digits", "--epochs", "1", "--batch", "128", "--accelerator", "cpu", "--width", "4"]


def run(capsys, *arguments):
    """Exit code, standard output, standard error."""
    try:
        code = main([str(argument) for argument in arguments])
    except SystemExit as error:
        code = error.code
    shown = capsys.readouterr()
    return code, shown.out, shown.err


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "vae"
    assert main(["train", "vae", *SMALL, "--scale", "0.5", "--out", str(folder)]) == 0
    return folder


def test_the_page_shows_reconstructions_of_the_trained_decoder(trained, capsys, tmp_path):
    assert json.loads((trained / "config.json").read_text())["recipe"]["settings"] == {"scale": 0.5, "width": 4}
    assert run(capsys, "report", trained, "--points", "40")[0] == 0
    page = (trained / "report.html").read_text()
    for word in ("what the decoder makes of codes", "reconstruction", "halfway to the next", "sample"):
        assert word in page
    (trained / "checkpoint.pt").rename(tmp_path / "away")  # the decoder's weights are in it
    assert run(capsys, "report", trained, "--points", "40")[0] == 0
    assert "reconstruction" not in (trained / "report.html").read_text()
    (tmp_path / "away").rename(trained / "checkpoint.pt")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["vae", *SMALL, "--latent", "0"], "latent: 0 numbers hold nothing"),
        (["beta_vae", *SMALL, "--beta", "-1"], "beta: -1.0"),
        (["beta_vae", *SMALL, "--beta", "inf"], "beta: inf"),
        (["ae", *SMALL, "--micro-batch", "8"], "micro_batch: a step of AE has no draw, embed and judge"),
    ],
)
def test_what_cannot_be_is_one_line(arguments, said, capsys, tmp_path):
    code, _, err = run(capsys, "train", *arguments, "--out", tmp_path / "x")
    assert code == 2
    line = err.strip().splitlines()[-1]
    assert said in line
    assert "Traceback" not in err
