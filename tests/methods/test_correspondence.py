"""Correspondence: what belongs together overlaps in time, what doesn't is cut by the same rule."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Generator

from data.test_sounding import sets
from mutua import runs
from mutua.data import KINDS, Reading, films
from mutua.data.examples import Grouped
from mutua.data.worlds import talking
from mutua.encoders import build, towers
from mutua.methods import correspondence
from mutua.training import Plan, fit
from mutua.types import InputError, Spec

SPEC = Spec("video", (20, 1, 8, 8), "uint8", 10.0, sound=1000.0)
HEADS = ("concatenated", "metric", "infonce")


def made(spec=SPEC, seed=0, **settings):
    torch.manual_seed(seed)
    return correspondence(towers(spec, 8, 4), **{"width": 8, "piece": 0.5, **settings})


def batch(spec=SPEC, n=8, seed=4):
    return KINDS["video"].sample(spec, n, Generator().manual_seed(seed))


@pytest.mark.parametrize("piece", [0.1, 0.33, 0.5, 1.0])
@pytest.mark.parametrize("spec", [SPEC, Spec("video", (25, 1, 8, 8), "uint8", 12.5, sound=441.0)])
def test_a_frame_is_shown_within_its_piece_of_sound_and_not_within_the_other(spec, piece):
    method = made(spec, negatives="same", piece=piece)
    drawn = method.pairs(5000, Generator().manual_seed(0))
    moment = drawn["frame"].double() / spec.rate  # seconds
    begin, other = drawn["start"].double() / spec.sound, drawn["other"].double() / spec.sound
    length = method.length / spec.sound
    assert ((begin < moment + 1 / spec.sound) & (moment < begin + length)).all()
    assert ((moment < other) | (other + length <= moment + 1 / spec.sound)).all()
    assert len(drawn["frame"].unique()) == spec.shape[0]
    for start in (drawn["start"], drawn["other"]):
        assert start.min() == 0
        assert start.max() == method.total - method.length


def test_both_are_cut_at_any_sample():
    """No grid of frames tells positives: starts are even within the time of a frame."""
    drawn = made(negatives="same").pairs(40_000, Generator().manual_seed(0))
    for start in (drawn["start"], drawn["other"]):
        counts = np.bincount(start.numpy() % 100, minlength=100)  # samples a frame
        assert np.abs(counts - 400).max() < 6 * 400**0.5
    starts = np.bincount(drawn["start"].numpy() // 100)[:15]
    assert np.abs(starts - 40_000 * 100 / 1501).max() < 6 * 2665**0.5


def overlap(world, frame, start, length):
    """Percent of frames that show something whose class sounds within the piece."""
    hits = [
        world.shown[i % len(world.shown), f] in world.heard[i % len(world.shown), s : s + length]
        for i, (f, s) in enumerate(zip(frame, start, strict=True))
        if world.shown[i % len(world.shown), f] >= 0
    ]
    return 100 * float(np.mean(hits))


def test_the_historical_bug_shows():
    """A start in samples taken for one in seconds made the frame the last one of the clip."""
    world = talking(*sets(400, classes=10, lengths=(150, 250)), n=40, seconds=4.0, rate=10.0, silence=(0.05, 0.2))
    method = made(world.clips.spec, negatives="same")
    drawn = {name: value.numpy() for name, value in method.pairs(4000, Generator().manual_seed(0)).items()}
    assert overlap(world, drawn["frame"], drawn["start"], method.length) == 100
    last = np.full(4000, world.shown.shape[1] - 1)
    planted = overlap(world, last, drawn["start"], method.length)
    # By chance: the classes that sound in a piece, of ten; and pieces that do hold the last frame.
    rng = np.random.default_rng(0)
    heard = [
        len(set(world.heard[i, s : s + method.length].tolist()) - {-1}) / 10
        for i, s in zip(rng.integers(40, size=4000), drawn["start"], strict=True)
    ]
    near = np.mean(drawn["start"] + method.length >= 3900)
    chance = 100 * (near + (1 - near) * np.mean(heard))
    assert planted == pytest.approx(chance, abs=8)
    assert planted < 60


def test_pieces_are_those_of_their_starts():
    method, sound = made(), torch.arange(2 * 2000.0).view(2, 1, 2000)
    found = method.pieces(sound, torch.tensor([0, 1500]))
    assert torch.equal(found[0, 0], torch.arange(500.0))
    assert torch.equal(found[1, 0], 2000 + torch.arange(1500.0, 2000.0))


def test_negatives_are_of_other_clips():
    method, groups = made(), torch.tensor([0, 0, 0, 1, 1, 2])
    apart = method._apart({"x": torch.zeros(6, 1), "group": groups})
    counts = torch.zeros(6, 6)
    for seed in range(400):
        row, there = method._partner(apart, Generator().manual_seed(seed))
        assert there.all()
        assert (groups[row] != groups).all()
        counts[torch.arange(6), row] += 1
    expected = 400 * apart / apart.sum(1, keepdim=True)
    assert (counts - expected).abs().max() < 6 * 10
    alone = method._partner(method._apart({"x": torch.zeros(2, 1), "group": torch.zeros(2).long()}), Generator())
    assert not alone[1].any()


def test_infonce_is_the_sum_written_out():
    method = made(head="infonce").double().eval()
    data = {**batch(), "group": torch.tensor([0, 0, 1, 1, 2, 3, 4, 5])}
    data = {**data, "x": data["x"].double() / 255, "sound": data["sound"].double()}
    with torch.no_grad():
        got = method.step(data, Generator().manual_seed(3)).loss.item()
        seen, own, _ = method._coded(data, method.pairs(8, Generator().manual_seed(3)))
    group, losses = data["group"].tolist(), []
    score = [[float((seen[i, 0] * own[j]).sum()) / 0.1 for j in range(8)] for i in range(8)]
    for i in range(8):
        for row in (score[i], [score[j][i] for j in range(8)]):
            among = [math.exp(row[j]) for j in range(8) if j == i or group[j] != group[i]]
            losses.append(-math.log(math.exp(row[i]) / sum(among)))
    assert got == pytest.approx(np.mean(losses), rel=1e-6)


def test_the_metric_head_sees_the_distance_alone():
    method = made(head="metric").eval()
    a, b = torch.nn.functional.normalize(torch.randn(2, 5, 8), dim=-1)
    logits = method.logits(a[:, None], b)
    distance = (a - b).norm(dim=1)
    weight, bias = method.head.weight[:, 0], method.head.bias
    assert torch.allclose(logits, distance[:, None] * weight + bias, atol=1e-4)


def test_the_best_place_counts():
    method = made(head="metric", where="map").eval()
    seen = torch.nn.functional.normalize(torch.randn(3, 6, 8), dim=-1)
    heard = seen[:, 2].clone()
    assert torch.equal((seen * heard[:, None]).sum(-1).argmax(1), torch.full((3,), 2))
    alone = method.logits(seen[:, 2:3], heard)
    assert torch.allclose(method.logits(seen, heard), alone, atol=1e-5)
    scores = method.located(batch())
    assert scores.shape == (8, 20, *method.encoder.grid)
    shown = method.shown(batch(), Generator())
    assert set(shown) == {"original", "where it sounds"}
    assert (shown["where it sounds"]["x"] <= shown["original"]["x"]).all()


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("negatives", ["others", "same"])
def test_each_head_learns_what_goes_together(head, negatives):
    """A bright or a dark frame with a high or a low tone, changing half-way: seconds of training tell them."""
    spec, n = Spec("video", (10, 1, 8, 8), "uint8", 10.0, sound=2000.0), 64
    generator, time = Generator().manual_seed(0), torch.arange(2000) / 2000
    first = torch.randint(2, (n,), generator=generator)
    light = torch.where(torch.arange(10) < 5, first[:, None], 1 - first[:, None])  # (n, 10)
    x = (60 + 140 * light)[..., None, None, None].expand(n, 10, 1, 8, 8).to(torch.uint8)
    pitch = torch.where(time < 0.5, first[:, None], 1 - first[:, None]) * 500.0 + 200
    data = films(
        x.numpy(),
        sound=torch.sin(6.283 * pitch * time).numpy() * 0.3,
        sound_rate=2000.0,
        reading=Reading(rate=10.0),
    )
    assert data.spec == spec
    method = made(spec, head=head, negatives=negatives, piece=0.3)
    fit(method, data, Plan(epochs=25, batch=32, optimizer="adam", lr=1e-2, weight_decay=0.0))
    method.eval()
    told = method.told(data.take(torch.arange(n)), Generator().manual_seed(1))
    # Of others half match by chance: 75 % at best. Of the same clip a piece may hold both tones.
    assert float(told.right.mean()) > (0.65 if negatives == "others" else 0.75)
    if negatives == "same":
        assert math.log(2) - float(told.losses.mean()) > 0.01
    if head != "concatenated":
        seen, heard = method.matched(data.take(torch.arange(4)))
        assert torch.allclose(seen.norm(dim=1), torch.ones(4), atol=0.5)
        assert heard.shape == seen.shape


def test_what_does_not_go_together_is_one_line():
    with pytest.raises(InputError, match=r"encoder: correspondence needs an eye and an ear, .*; use towers"):
        correspondence(build("dim32", 1, 28))
    with pytest.raises(InputError, match=r"negatives: windows of 2 s and pieces of 1.5 s leave no .*--frames 30"):
        made(negatives="same", piece=1.5)
    with pytest.raises(InputError, match=r"where: the concatenated head has no score of a place"):
        made(head="concatenated", where="map")
    with pytest.raises(InputError, match=r"sound: these films are read without it, .*--sound 16000"):
        runs.compose(runs.Recipe("correspondence", "towers", replace(SPEC, sound=None)))
    with pytest.raises(InputError, match=r"batch: frames alone where .* are meant; read the data with --sound"):
        made().encode(batch()["x"])
    data = films(
        np.zeros((4, 20, 8, 8, 1), np.uint8),
        sound=np.zeros((4, 2000)),
        sound_rate=1000.0,
        reading=Reading(rate=10.0),
    )
    one = Grouped(data, replace(data.groups["clip"], codes=np.zeros(4, np.int64)))
    with pytest.raises(InputError, match=r"data: all windows are of one clip, .*--negatives same"):
        fit(made(), one, Plan(epochs=1, batch=4))
