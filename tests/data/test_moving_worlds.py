"""Films of known physics: exact flight, reversible where it must be, and what is known of each."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from mutua.data import load
from mutua.data.worlds import BOXES, Box, as_films
from mutua.data.worlds.flight import bouncing, gliding
from mutua.types import InputError


def stepped(p, v, frames, room, gravity, restitution, friction, parts=4000):
    """The slow twin: many small steps of time."""
    dt, places = 1 / parts, [p.copy()]
    p, v = p.copy(), v.copy()
    for _ in range(frames - 1):
        for _ in range(parts):
            v[:, 0] += gravity * dt
            v *= np.exp(-friction * dt)
            p += v * dt
            for wall, out in ((0.0, p < 0), (room, p > room)):
                p = np.where(out, 2 * wall - p, p)
                v = np.where(out, -restitution * v, v)
        places.append(p.copy())
    return np.stack(places, 1)


@pytest.mark.parametrize(
    ("gravity", "restitution", "friction"), [(0, 1, 0), (0, 1, 0.2), (0.6, 0.6, 0), (0, 0.5, 0)]
)
def test_flight_is_what_small_steps_of_time_give(gravity, restitution, friction):
    rng = np.random.default_rng(0)
    p, v = rng.uniform(0, 18, (12, 2)), rng.normal(0, 2.5, (12, 2))
    want = stepped(p, v, 5, 18.0, gravity, restitution, friction)
    if gravity or restitution < 1:
        got = bouncing(p, v, 5, 18.0, gravity, restitution)
    else:
        got = gliding(p, v, 5, 18.0, friction)
    assert np.abs(got.place - want).max() < 0.02
    assert got.bounces.sum() > 0
    assert (got.place >= 0).all()
    assert (got.place <= 18).all()


def test_both_ways_to_fly_agree_and_an_elastic_flight_runs_backwards_to_where_it_began():
    rng = np.random.default_rng(1)
    p, v = rng.uniform(0, 18, (200, 2)), rng.normal(0, 3, (200, 2))
    there = gliding(p, v, 9, 18.0, 0.0)
    other = bouncing(p, v, 9, 18.0, 0.0, 1.0)
    assert np.allclose(there.place, other.place)
    assert np.array_equal(there.bounces, other.bounces)
    back = gliding(there.place[:, -1], -there.velocity[:, -1], 9, 18.0, 0.0)
    assert np.allclose(back.place, there.place[:, ::-1])
    assert np.allclose(back.velocity, -there.velocity[:, ::-1])


def test_a_ball_comes_to_rest_on_the_floor_and_slides_on():
    found = bouncing(np.array([[17.9, 1.0]]), np.array([[0.0, 0.5]]), 20, 18.0, 0.6, 0.3)
    assert np.allclose(found.place[0, -1], [18.0, 1.0 + 0.5 * 19])
    assert np.allclose(found.velocity[0, -1], [0.0, 0.5])


@pytest.mark.parametrize("name", BOXES)
def test_the_law_of_a_box_is_the_same_backwards_where_nothing_irreversible_happens(name):
    # Of clips without a bounce, and of all in an elastic box, numbers that time turns around have a mean of 0.
    box = BOXES[name]
    clips = Box(**{**vars(box), "share": 1}).sample(3000, 0)
    kept = np.ones(3000, bool) if box.restitution == 1 else clips.bounces == 0
    speed = np.linalg.norm(clips.velocity, axis=3)[kept, :, 0]
    turned = {
        "faster": speed[:, -1] - speed[:, 0],
        "lower": (clips.place[kept, -1, 0] - clips.place[kept, 0, 0])[:, 0],
        "apart": np.abs(np.diff(clips.place[kept, :, 0], axis=1)).sum(2) @ np.linspace(-1, 1, box.frames - 1),
    }
    for what, values in turned.items():
        error = values.std() / len(values) ** 0.5 + 1e-9
        assert (abs(values.mean()) < 4 * error) == (not box.friction or what == "lower"), what
    assert clips.frames.shape == (3000, 12, 1, 32, 32)


def test_pixels_show_the_picture_where_it_is_said_to_be():
    pictures = load("digits", "test").subset(np.arange(3))
    clips = Box("box", objects=1, frames=3).sample(5, 2, pictures)
    ink = clips.frames[:, :, 0].astype(float)
    at = np.arange(32)
    total = ink.sum((2, 3))
    centre = np.stack([(ink.sum(3) * at).sum(2) / total, (ink.sum(2) * at).sum(2) / total], 2)
    moved = np.diff(centre, axis=1)
    assert np.abs(moved - np.diff(clips.place[:, :, 0], axis=1)).max() < 0.03  # by parts of a pixel
    assert np.array_equal(clips.digit[:, 0], pictures.labels[clips.sprite[:, 0]])


def test_a_ceiling_is_of_the_bounces():
    bounces = np.array([0, 0, 1, 3])
    assert BOXES["elastic-box"].arrow_ceiling(bounces) == 50
    assert BOXES["gravity-box"].arrow_ceiling(bounces) == 75
    assert BOXES["friction-box"].arrow_ceiling(bounces) == 100


def test_two_fly_and_clips_share_a_path():
    box = Box("two", objects=2, share=4, frames=4)
    clips = box.sample(10, 0)
    assert clips.digit.shape == (10, 2)
    assert clips.path.tolist() == [0] * 4 + [1] * 4 + [2] * 2
    assert np.array_equal(clips.place[0], clips.place[3])
    assert not np.array_equal(clips.frames[0], clips.frames[3])
    assert np.array_equal(clips.frames, box.sample(10, 0).frames)
    assert set(as_films(box, [clips]).targets) == {"digit", "place", "heading", "path"}


def test_data_sets_by_name():
    test = load("gravity-box", "test", frames=8)
    assert len(test) == 1000
    assert test.spec.shape == (8, 1, 32, 32)
    assert len(load("shared-paths", "test", group="path").take(torch.arange(3))["group"].unique()) == 1
    assert load("elastic-box", "test", target="heading").classes[0] == "east"


@pytest.mark.parametrize(
    ("made", "match"),
    [
        (lambda: Box("a", friction=0.1, gravity=1.0), "friction: goes with elastic walls"),
        (lambda: Box("a", restitution=1.2), "restitution 1.2"),
        (lambda: Box("a", side=40), "pictures of 40 px in 32 px"),
        (lambda: Box("a").sample(0), "n: 0 clips"),
        (lambda: load("elastic-box", frames=20), "films of 12 frames where windows have 20"),
        (lambda: load("elastic-box", sound=16000.0), "sound"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(made, match):
    with pytest.raises(InputError, match=match) as caught:
        made()
    assert "\n" not in str(caught.value)
