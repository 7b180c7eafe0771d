"""order, arrow, next_frame and cpc on films: what is special to them, and what they refuse."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
from torch import Generator

from mutua import runs
from mutua.data import Reading, as_examples, load
from mutua.data.worlds import Box, as_films
from mutua.encoders import build
from mutua.methods import METHODS, arrow, cpc, next_frame, order
from mutua.objectives.frame_orders import orders_of
from mutua.objectives.motion import carried_on, displaced, displacement
from mutua.training import fit
from mutua.types import InputError, Spec

GREY = Spec("video", (8, 1, 32, 32), "uint8")
COLOUR = Spec("video", (8, 3, 32, 32), "uint8")


def counted(n, f, c=1):
    """Clips whose frame t is all of brightness 10 t + the clip's number."""
    values = 10 * torch.arange(f) + torch.arange(n)[:, None]
    return values[:, :, None, None, None].expand(n, f, c, 32, 32).to(torch.uint8)


@pytest.mark.parametrize(
    ("frames", "told", "classes"),
    [
        (3, "reversal", 3),
        (4, "reversal", 12),
        (5, "reversal", 60),
        (3, "all", 6),
        (2, "all", 2),
        (3, "between", 2),
    ],
)
def test_classes_are_counted_by_the_algebra(frames, told, classes):
    _, labels = orders_of(frames, told)
    assert sorted(labels.unique().tolist()) == list(range(classes))
    assert len(labels.bincount().unique()) == 1  # as many orders each


def test_an_order_and_what_time_run_backwards_makes_of_it_are_one_class_and_no_others():
    orders, labels = orders_of(4, "reversal")
    label = {tuple(one): int(k) for one, k in zip(orders.tolist(), labels, strict=True)}
    for one, other in itertools.combinations(label, 2):
        backwards = tuple(3 - t for t in one)
        assert (label[one] == label[other]) == (other == backwards)


def test_order_shows_frames_as_the_label_says():
    method = order(build("frames", GREY), taken=3, gap=2, padding=0, flip=0.0)
    inputs, labels, parts = method.puzzle(counted(5, 8), Generator().manual_seed(0))
    orders, classes = orders_of(3, "reversal")
    level = inputs[:, 0, 0, 0, 0].long()
    for r, (rows, label) in enumerate(zip(parts, labels, strict=True)):
        shown = level[rows]
        assert (shown % 10 == r % 5).all()  # of example r mod n
        time = shown // 10
        assert sorted((time - time.min()).tolist()) == [0, 2, 4]
        known = (time - time.min()) // 2
        assert classes[(orders == known).all(1)].tolist() == [label]


def test_between_says_whether_the_middle_frame_was_between():
    method = order(build("frames", GREY), told="between", padding=0, flip=0.0)
    inputs, labels, parts = method.puzzle(counted(4, 8), Generator().manual_seed(0))
    time = inputs[:, 0, 0, 0, 0].long()[parts] // 10
    between = (time[:, 1] > time[:, 0]) & (time[:, 1] < time[:, 2])
    assert (between == (labels == 0)).all()
    assert 0 < int(labels.sum()) < len(labels)
    assert method.puzzle.entropy == pytest.approx(math.log(2))


def test_arrow_has_every_clip_both_ways_changed_alike():
    method = arrow(build("stacked", COLOUR), padding=2, blur=0.5, flip=0.5)
    clips = torch.randint(0, 256, (6, *COLOUR.shape), dtype=torch.uint8)
    both, labels = method.puzzle(clips, Generator().manual_seed(0))
    assert torch.equal(both[:6], both[6:].flip(1))
    assert labels.tolist() == [0] * 6 + [1] * 6
    assert not torch.equal(both[:6], clips)


def test_a_camera_that_pans_is_carried_on():
    rng = np.random.default_rng(0)
    base = torch.from_numpy(rng.normal(size=(4, 1, 16, 16)).astype(np.float32))
    wide = torch.nn.functional.interpolate(base, (48, 48), mode="bicubic")
    move = torch.tensor([[1.0, 2.0], [-2.0, 0.0], [0.0, 3.0], [2.0, -1.0]])
    clip = torch.stack([displaced(wide, k * move)[:, :, 8:40, 8:40] for k in range(4)], 1)
    assert (displacement(clip[:, 0], clip[:, 1]) - move).abs().max() < 0.3
    told = carried_on(clip[:, :2], 2)
    for k in range(2):
        still = (clip[:, 1] - clip[:, 2 + k])[:, :, 8:-8, 8:-8].square().mean()
        assert (told[:, k] - clip[:, 2 + k])[:, :, 8:-8, 8:-8].square().mean() < 0.2 * still


def test_what_stands_still_is_carried_on_as_it_is():
    clip = torch.rand(2, 3, 1, 16, 16)
    clip[:, 2] = clip[:, 1]
    assert torch.allclose(carried_on(clip)[:, 0], clip[:, 2], atol=1e-5)


def test_next_frame_sees_nothing_of_it():
    method = next_frame(build("stacked", GREY), ahead=2, width=4).eval()
    clips = torch.rand(3, *GREY.shape)
    other = clips.clone()
    other[:, -2:] = torch.rand(3, 2, *GREY.shape[1:])
    shown = [method.shown(one, Generator().manual_seed(0)) for one in (clips, other)]
    assert torch.equal(shown[0]["told"], shown[1]["told"])
    assert shown[0]["told"].shape == clips.shape
    assert torch.equal(shown[0]["told"][:, :-2], clips[:, :-2])


def test_its_logs_are_shares_of_the_error_of_copying():
    method = next_frame(build("stacked", GREY), width=4).eval()
    clips = as_films(
        Box("box", frames=8, speed=(1.0, 2.0)), [Box("box", frames=8, speed=(1.0, 2.0)).sample(40, 0)]
    )
    batch = clips.take(torch.arange(40))
    step = method.step(batch, Generator())
    scaled = batch.float() / 127.5 - 1
    copy = (scaled[:, -1] - scaled[:, -2]).square().mean()
    assert float(step.logs["explained"]) == pytest.approx(float(100 * (1 - step.loss / copy)), rel=1e-4)
    assert 60 < float(step.logs["constant_velocity"]) < 100


def test_cpc_of_films_predicts_three_ahead_of_frames_or_cells():
    assert cpc(build("frames-gru", GREY)).horizons == (1, 2, 3)
    dense = build("frames-dense", GREY)
    assert dense.ahead(counted(2, 8)).c.shape == (2, 16, 8, 64)


def still(n=6):
    return np.repeat(np.random.default_rng(0).integers(0, 256, (n, 1, 32, 32, 3), dtype=np.uint8), 8, 1)


@pytest.mark.parametrize("name", ["order", "arrow"])
def test_stills_are_refused_before_training(name):
    method = runs.compose(runs.Recipe(name, METHODS[name].encoder["video"], COLOUR, METHODS[name].small))
    with pytest.raises(InputError, match="data: nothing moves in any of 6 clips") as caught:
        fit(method, as_examples(still()), METHODS[name].plan)
    assert "\n" not in str(caught.value)


def _grey():
    return load("elastic-box", "test", frames=8)


ONE = Spec("video", (1, 3, 32, 32), "uint8")


@pytest.mark.parametrize(
    ("made", "match"),
    [
        (lambda: order(build("frames", ONE)), "frames: one frame alone a clip.*--frames 3"),
        (lambda: arrow(build("stacked", ONE)), "frames: one frame alone a clip.*--frames 2"),
        (lambda: next_frame(build("stacked", ONE)), "frames: one frame alone a clip.*--frames 3"),
        (lambda: cpc(build("frames-gru", ONE)), "horizons: 1 pieces ahead"),
        (lambda: order(build("frames", GREY), taken=4, gap=3), "frames: 8 frames a clip.*--frames 10"),
        (lambda: order(build("frames", GREY), taken=6), "taken: 6 frames"),
        (lambda: order(build("stacked", GREY)), "takes all frames of a clip at once"),
        (lambda: arrow(build("frames", GREY)), "reads frames in no order"),
        (lambda: arrow(build("dim32", 1, 32)), "encoder: takes image"),
        (lambda: as_examples(still(), reading=Reading(frames=9)), "films of 8 frames where windows have 9"),
        (lambda: runs.compose(runs.Recipe("arrow", "stacked", Spec("image", (3, 32, 32), "uint8"))),
         "method: arrow takes video, and the data are image"),
        (lambda: runs.check_fit(runs.Recipe("arrow", "stacked", COLOUR), _grey(), "a"),
         "a: .*read the data with .*--channels 3"),
    ],
)  # fmt: skip
def test_what_cannot_be_told_is_refused_in_one_line(made, match):
    with pytest.raises(InputError, match=match) as caught:
        made()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("spec", [GREY, COLOUR])
@pytest.mark.parametrize("name", ["order", "arrow", "next_frame", "cpc"])
def test_grey_and_colour(name, spec):
    method = runs.compose(runs.Recipe(name, METHODS[name].encoder["video"], spec, METHODS[name].small))
    batch = torch.randint(0, 256, (4, *spec.shape), dtype=torch.uint8)
    assert torch.isfinite(method.step(batch, Generator().manual_seed(0)).loss)
