"""`mutua train correspondence` from films to a page, and films that can't be used."""

import json

import numpy as np
import pytest
from PIL import Image

from data.filming import film
from mutua.cli import main

TINY = (
    "--epochs",
    "1",
    "--batch",
    "4",
    "--frames",
    "6",
    "--size",
    "16",
    "--sound",
    "4000",
    "--hop",
    "6",
    "--where",
    "map",
)


def run(capsys, *args):
    code = main([str(one) for one in args])
    out, err = capsys.readouterr()
    return code, out, err


def test_from_films_to_a_page(tmp_path, capsys):
    clips, folder = tmp_path / "clips", tmp_path / "run"
    clips.mkdir()
    for k in range(5):
        film(clips / f"{k}.mkv", 20, sound="pcm_s16le", beep=0.3 * k, numbers=range(k, k + 20))
    film(clips / "silent.mkv", 20)
    code, _, err = run(capsys, "train", "correspondence", "--data", clips, *TINY, "--out", folder)
    assert code == 0
    assert "3 hold no track of sound and were left out" in err
    recorded = json.loads((folder / "config.json").read_text())["data"]["reading"]
    assert recorded["without"] == ["silent"]
    assert recorded["group"] == "clip"
    code, out, _ = run(capsys, "evaluate", folder, "--json")
    assert code == 0
    assert {"Nats learned", "Retrieval"} <= {table["title"] for table in json.loads(out)}
    code, out, _ = run(capsys, "embed", folder, "--depth", "ear", "--out", tmp_path / "f.npz")
    assert code == 0
    assert np.load(tmp_path / "f.npz")["features"].shape == (15, 128)
    code, _, _ = run(capsys, "report", folder, "--split", "all")
    assert code == 0
    html = (folder / "report.html").read_text()
    assert "where it sounds" in html
    assert "data:audio/" in html
    code, out, _ = run(capsys, "data", "show", clips, "--json")
    assert [row[-1] for row in json.loads(out)["rows"]] == ["48,000 Hz x 1"] * 5 + ["none"]


def silent(place):
    for k in range(2):
        film(place / f"{k}.mkv", 20)


def alone(place):
    film(place / "a.mkv", 20, sound="pcm_s16le")


def rates(place):
    film(place / "a.mkv", 20, sound="pcm_s16le")
    film(place / "b.mkv", 20, rate=20, sound="pcm_s16le")


def text(place):
    alone(place)
    (place / "b.mp4").write_text("no film\n" * 99)


def short(place):
    alone(place)
    film(place / "b.mkv", 3, sound="pcm_s16le")


def pictures(place):
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(place / "a.png")


BAD = {
    "silent": (silent, "none of its films has a track of sound; give films that have one"),
    "one clip": (alone, "all windows are of one clip, and negatives come from others"),
    "rates": (rates, "films of different frames a second"),
    "text": (text, "b.mp4: cannot be read as a film"),
    "short": (short, "b.mkv: 3 frames at 10 a second where windows have 6"),
    "pictures": (pictures, "correspondence takes video, and the data are image|takes video|image"),
}


@pytest.mark.parametrize("what", BAD)
def test_what_cannot_be_used_is_one_line(tmp_path, capsys, what):
    make, message = BAD[what]
    clips = tmp_path / "clips"
    clips.mkdir()
    make(clips)
    options = TINY if what != "pictures" else ("--epochs", "1")
    code, _, err = run(
        capsys, "train", "correspondence", "--data", clips, "--split", "all", *options, "--out", tmp_path / "run"
    )
    assert code == 2
    last = err.strip().splitlines()[-1]
    assert last.startswith("mutua: ")
    assert any(part in last for part in message.split("|"))


def test_two_clips_are_enough(tmp_path, capsys):
    for k in range(2):
        film(tmp_path / f"{k}.mkv", 20, sound="pcm_s16le")
    args = ("train", "correspondence", "--data", tmp_path, "--split", "all", *TINY, "--out", tmp_path / "run")
    assert run(capsys, *args)[0] == 0
