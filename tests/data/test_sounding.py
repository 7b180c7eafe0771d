"""Worlds of sound and picture: what is shared is what was said, and its information is what the formula gives."""

import math

import numpy as np
import pytest
import torch

from mutua.data import Images, Labels, Reading
from mutua.data.windows import Ragged, windowed
from mutua.data.worlds import best_accuracy, best_infonce, sounding, talking
from mutua.data.worlds.sounding import TINTS
from mutua.types import InputError


def sets(n=240, classes=4, lengths=(300, 500)):
    """Pictures of one level a class, tones of one amplitude a class and a sign a speaker, so that both can be
    read."""
    rng = np.random.default_rng(0)
    y = np.arange(n) % classes
    pictures = Images(np.broadcast_to((40 + 20 * y)[:, None, None, None], (n, 1, 6, 6)).astype(np.uint8), y)
    speaker = rng.integers(2, size=n)
    waves = [
        np.full(rng.integers(*lengths), (0.1 + 0.1 * k) * (2 * s - 1), np.float32)
        for k, s in zip(y, speaker, strict=True)
    ]
    offsets = np.concatenate([[0], np.cumsum([len(wave) for wave in waves])])
    targets = {"class": Labels(y, ()), "speaker": Labels(speaker, ())}
    data = Ragged(np.concatenate(waves)[:, None], offsets)
    return pictures, windowed(
        "sound", data, Reading(length="500"), rate=1000.0, rows=np.arange(n), targets=targets
    )


def test_pairs_share_their_class_alone():
    world = sounding(*sets(), n=4000)
    batch = world.take(torch.arange(4000))
    seen = (batch["x"][:, 0, 0, 0, 0].numpy().astype(int) - 40) // 20
    heard = np.rint(batch["sound"][:, 0].abs().amax(1).numpy() * 10 - 1).astype(int)
    assert (seen == heard).all()
    assert (seen == world.labels).all()
    assert np.bincount(seen) / 4000 == pytest.approx([0.25] * 4, abs=0.03)
    assert world.information == math.log(4)
    assert world.share == 0.25
    # Given the class, which picture and which recording are drawn apart.
    assert np.corrcoef(world.of, world.by)[0, 1] == pytest.approx(0, abs=0.1)
    assert world.spec.example(2)["sound"].shape == batch["sound"][:2].shape
    assert len(world.subset([3, 1]).take(torch.tensor([1]))["x"]) == 1
    assert torch.equal(world.subset([3, 1]).take(torch.tensor([1]))["x"][0], batch["x"][1])


def test_a_second_factor_is_the_colour():
    world = sounding(*sets(), n=2000, tint="speaker")
    batch = world.take(torch.arange(2000))
    speaker = (batch["sound"][:, 0].sum(1) > 0).long().numpy()
    level = 40 + 20 * world.labels
    assert (batch["x"][:, 0, :, 0, 0].numpy() == np.rint(TINTS[speaker] * level[:, None] / 255)).all()
    assert (world.targets["speaker"].codes == speaker).all()
    assert world.information == pytest.approx(math.log(8))
    both = np.bincount(world.labels * 2 + speaker) / 2000
    assert both == pytest.approx([1 / 8] * 8, abs=0.03)


def test_what_can_be_known():
    assert best_accuracy(1 / 10) == 95.0
    assert best_infonce(2, 0.5) == pytest.approx(math.log(2) - 0.5 * math.log(2))
    rng = np.random.default_rng(0)
    for k, share in ((128, 0.1), (16, 0.25), (64, 1 / 60)):
        drawn = math.log(k) - np.log1p(rng.binomial(k - 1, share, 200_000)).mean()
        assert best_infonce(k, share) == pytest.approx(drawn, abs=0.01)
    assert best_infonce(100_000, 0.1) == pytest.approx(math.log(10), abs=1e-3)


def test_the_best_classifier_is_no_better():
    """Told by equal classes, which is the Bayes rule, of half joint and half independent pairs."""
    rng = np.random.default_rng(0)
    a, b = rng.integers(10, size=(2, 200_000))
    right = (np.ones(200_000).sum() + (a != b).sum()) / 400_000
    assert 100 * right == pytest.approx(best_accuracy(0.1), abs=0.1)


def test_a_clip_shows_what_sounds():
    world = talking(*sets(), n=6, seconds=4.0, rate=10.0)
    batch = world.clips.take(torch.arange(6))
    assert batch["x"].shape == (6, 40, 1, 6, 6)
    assert batch["sound"].shape == (6, 1, 4000)
    level = batch["x"][:, :, 0, 0, 0].numpy().astype(int)
    assert np.array_equal(np.where(level > 0, (level - 40) // 20, -1), world.shown)
    wave = batch["sound"][:, 0].abs().numpy()
    assert np.array_equal(np.where(wave > 0.05, np.rint(wave * 10 - 1).astype(int), -1), world.heard)
    assert np.array_equal(world.heard[:, np.arange(40) * 100], world.shown)
    assert 0.3 < (world.shown >= 0).mean() < 0.9
    silent = (world.heard < 0).sum(1) / 1000
    assert ((silent > 0.3) & (silent < 3)).all()


@pytest.mark.parametrize("make", [sounding, talking])
def test_what_makes_no_world(make):
    pictures, heard = sets()
    with pytest.raises(InputError, match="pictures: sound where image is meant"):
        make(heard, heard)
    with pytest.raises(InputError, match="recordings: image where sound is meant"):
        make(pictures, pictures)
    with pytest.raises(InputError, match="pictures: have no labels"):
        make(Images(np.zeros((3, 1, 4, 4), np.uint8)), heard)
    with pytest.raises(InputError, match="no class in common"):
        make(Images(np.zeros((3, 1, 4, 4), np.uint8), np.array([7, 8, 9])), heard)
    with pytest.raises(InputError, match="tint: 'voice', but the recordings have class, speaker"):
        sounding(pictures, heard, tint="voice")
