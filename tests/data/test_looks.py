"""What films hold, and windows without it."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch

from data.filming import HEIGHT, WIDTH, drawn, film, said, turned
from mutua.data import Reading, films, load
from mutua.data.video.clips import survey
from mutua.data.video.looks import look, look_at
from mutua.types import InputError


def starts(folder: Path, **reading) -> list[int]:
    """The number that the first frame of each window says."""
    examples = load(folder, "all", **reading)
    return [said(one.numpy()[None, 0])[0] for one in examples.take(torch.arange(len(examples)))]


def test_a_cut_is_between_scenes(tmp_path):
    film(tmp_path / "a.mp4", 40, numbers=[*range(20), *range(120, 140)])
    seen = look_at(survey(tmp_path / "a.mp4"))
    assert np.flatnonzero(seen.cuts).tolist() == [20]
    assert not seen.still.any()
    assert seen.times == pytest.approx(np.arange(40) / 10)
    # Windows of 4 from each frame on: those that begin at 17, 18, 19 have the cut among them.
    found = load(tmp_path, "all", frames=4, hop="1", without=("cuts",))
    assert [first for first in range(37) if first not in found.start] == [17, 18, 19]
    assert "of 37 windows 3 hold a cut and were left out" in found.source


@pytest.mark.parametrize("name", ["a.mp4", "a.avi"])
def test_a_key_frame_sets_a_clock(tmp_path, name):
    film(tmp_path / name, 30, keys=10, codec="libx264" if name == "a.mp4" else "mpeg4")
    found = load(tmp_path, "all", frames=4, hop="1", without=("keys",))
    assert found.start.tolist() == [
        first for first in range(27) if not {first + k for k in range(4)} & {0, 10, 20}
    ]


def test_every_frame_a_key_is_no_clock(tmp_path):
    film(tmp_path / "a.mov", 12, codec="mjpeg")
    assert len(load(tmp_path, "all", frames=4, hop="1", without=("keys",))) == 9


def test_frozen_frames_as_they_are_read(tmp_path):
    """Telecine: every frame shown twice. Read at half the rate nothing stands still."""
    film(tmp_path / "a.mkv", 40, numbers=[k // 2 for k in range(40)])
    assert look_at(survey(tmp_path / "a.mkv")).still.sum() == 20
    with pytest.raises(
        InputError, match=r"none of its 37 windows is left \(37 hold the same frame twice"
    ) as error:
        load(tmp_path, "all", frames=4, hop="1", without=("cuts", "frozen"))
    assert "\n" not in str(error.value)
    assert starts(tmp_path, frames=4, hop="1", rate=5, without=("frozen",)) == list(range(17))
    film(tmp_path / "a.mkv", 40, numbers=[*range(20), *[19] * 5, *range(20, 35)])
    found = load(tmp_path, "all", frames=4, hop="1", without=("frozen",))
    assert [first for first in range(37) if first not in found.start] == list(range(17, 24))


def test_labels_and_names_go_with_their_windows(tmp_path):
    for kind, numbers in (("left", range(12)), ("right", [*range(6), *range(106, 112)])):
        (tmp_path / kind).mkdir()
        film(tmp_path / kind / "a.mp4", 12, numbers=list(numbers))
    found = load(tmp_path, "all", frames=4, hop="4", without=("cuts",))
    assert found.names == (
        "left/a.mp4@0 s",
        "left/a.mp4@0.4 s",
        "left/a.mp4@0.8 s",
        "right/a.mp4@0 s",
        "right/a.mp4@0.8 s",
    )
    assert found.labels.tolist() == [0, 0, 0, 1, 1]
    assert found.groups["clip"].codes.tolist() == [0, 0, 0, 1, 1]


def test_bars_are_where_they_are_seen(tmp_path):
    path = tmp_path / "a.mov"
    film(path, 77, numbers=list(range(77)))
    above, below, left, right = look_at(survey(path)).bars
    # Squares lie from row 4 to 60 of 64, from column 4 to 92 of 96; a codec's blur is a pixel or two.
    assert [above * HEIGHT, below * HEIGHT, left * WIDTH, right * WIDTH] == pytest.approx([4, 4, 4, 4], abs=3)
    film(path, 11, numbers=list(range(11)))
    above, below, left, right = look_at(survey(turned(path, 90))).bars  # the row above is now right
    assert left > 0.7
    assert max(right, above, below) < 0.1


def test_arrays_are_seen_as_films_are():
    x = np.stack([[drawn(k) for k in [0, 1, 2, 2, 3, 4, 105, 106, 107, 108]], [drawn(k) for k in range(10)]])
    seen = look(np.moveaxis(x[0], 3, 1), 10.0)
    assert np.flatnonzero(seen.cuts).tolist() == [6]
    assert np.flatnonzero(seen.still).tolist() == [3]
    reading = Reading(frames=3, hop="1", rate=10.0, without=("cuts", "frozen", "keys"))
    found = films(x, reading=reading)
    assert found.start[found.of == 0].tolist() == [0, 3, 6, 7]
    assert (found.of == 1).sum() == 8
    assert Reading.of({"without": ["cuts"]}).without == ("cuts",)
    with pytest.raises(InputError, match="without: noise is none of cuts, frozen, keys"):
        films(x, reading=Reading(without=("noise",)))


@pytest.mark.data
def test_real_clips():
    folder = Path(os.environ["MUTUA_DATA"]) / "video"
    seen = {path.name: look_at(survey(path)) for path in sorted(folder.iterdir())}
    cuts = {name: np.flatnonzero(one.cuts).tolist() for name, one in seen.items()}
    assert cuts == {
        "bbb_0_30.webm": [283, 376, 551],
        "bbb_2s.mp4": [],
        "bikes_silent.mp4": [30, 76, 137, 187, 242],
        "chaplin.mp4": [],
        "sintel_2s.mp4": [],
    }
    still = {name: int(one.still.sum()) for name, one in seen.items()}
    assert (still["chaplin.mp4"], still["bbb_0_30.webm"]) == (75, 145)
    assert seen["chaplin.mp4"].bars[2] > 0.1 < seen["chaplin.mp4"].bars[3]
    assert seen["sintel_2s.mp4"].bars[0] > 0.1 < seen["sintel_2s.mp4"].bars[1]
