"""SimCLR's views: boxes of crops, histograms, the matcher and its controls, and the page's parts."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Generator

from mutua.data import KINDS
from mutua.studies.simclr_views import PRESETS, Config, run
from mutua.studies.simclr_views.boxes import adjacent, drawn_pairs, global_and_local, kinds_of_pairs
from mutua.studies.simclr_views.matching import Nearest, histograms, nearest, read, trained
from mutua.types import InputError, Spec
from mutua.views import Compose, RandomResizedCrop


def pixels_of(box):
    top, left, height, width = box
    return {(y, x) for y in range(top, top + height) for x in range(left, left + width)}


def test_kinds_of_pairs_by_counting_pixels():
    a, b = drawn_pairs((9, 12), (0.08, 1.0), Generator().manual_seed(0), 300)
    counts = {"one inside the other": 0, "overlapping in part": 0, "no pixel in common": 0}
    for one, other in zip(a.tolist(), b.tolist(), strict=True):
        first, second = pixels_of(one), pixels_of(other)
        inside = first <= second or second <= first
        counts[list(counts)[0 if inside else 1 if first & second else 2]] += 1
    assert kinds_of_pairs(a, b) == pytest.approx({name: count / 300 for name, count in counts.items()})
    assert min(counts.values()) > 0


def test_the_pairs_drawn_are_what_they_are_called():
    a, b = drawn_pairs((32, 32), (0.08, 1.0), Generator().manual_seed(0))
    large, small = (pixels_of(box) for box in global_and_local(a, b))
    assert small < large
    assert len(large) >= 4 * len(small)
    one, other = adjacent(a, b)
    assert not pixels_of(one) & pixels_of(other)
    near = {(y + dy, x + dx) for y, x in pixels_of(one) for dy in range(-3, 4) for dx in range(-3, 4)}
    assert near & pixels_of(other)
    assert global_and_local(a[:0], b[:0]) is None


def test_histograms_by_counting():
    images = torch.randint(0, 256, (3, 2, 5, 7), dtype=torch.uint8, generator=Generator().manual_seed(0))
    found = histograms(images, 4).square()
    for image, row in zip(images.numpy(), found.numpy(), strict=True):
        counts = [np.histogram(channel, [0, 64, 128, 192, 256])[0] for channel in image]
        assert row == pytest.approx(np.concatenate(counts) / (2 * 35))


def test_reading_of_known_scores():
    """Of equal histograms mates are found always; a critic that says nothing is at chance and at 0 nats."""
    eye = torch.eye(8).repeat(2, 1)
    best = read(Nearest(0.01), eye, eye, 8)
    assert (best.top1, best.batches, best.top1_half) == (1.0, 2, 0.0)
    assert best.nats == pytest.approx(np.log(8), abs=1e-4)
    none = read(Nearest(1.0), torch.ones(16, 8), torch.ones(16, 8), 8)
    assert none.top1 == pytest.approx(1 / 8)
    assert none.nats == pytest.approx(0, abs=1e-6)
    # The first view's mate is another's double: three of four in the first batch, four of four in the second.
    a, b = torch.eye(4).repeat(2, 1), torch.eye(4).repeat(2, 1)
    b[0] = 0
    b[1] = torch.tensor([1.0, 1.0, 0.0, 0.0])
    found = read(Nearest(0.1), a, b, 4)
    assert found.top1 == pytest.approx((3 / 4 + 1) / 2)
    assert found.top1_half == pytest.approx(12.7062 * np.std([3 / 4, 1], ddof=1) / 2**0.5, rel=1e-4)


def test_the_temperature_is_the_best_of_others():
    generator = Generator().manual_seed(0)
    images = KINDS["image"].sample(Spec("image", (3, 16, 16), "uint8"), 64, generator)
    crop = Compose((RandomResizedCrop(16, (0.5, 1.0)),))
    a, b = (histograms(crop(images, generator), 8) for _ in range(2))
    chosen = nearest(a, b, 32)
    for factor in (0.5, 2.0):
        assert read(chosen, a, b, 32).nats >= read(Nearest(chosen.temperature * factor), a, b, 32).nats - 0.02


def test_a_trained_critic_finds_colours():
    """Uniform images of a random grey: their histograms say all, and a critic learns to read them."""
    levels = torch.randint(0, 256, (512, 1, 1, 1), generator=Generator().manual_seed(0))
    images = levels.expand(-1, 3, 4, 4).to(torch.uint8).contiguous()
    critic = trained(Nearest(1.0), images, Compose(()), 8, 64, 150, 3e-3, 0)
    x = histograms(images[:256], 8)
    assert read(Nearest(1.0), x, x, 64).nats < 1.0
    assert read(critic, x, x, 64).nats == pytest.approx(np.log(8), abs=0.35)  # eight grey levels are told apart


@pytest.fixture(scope="module")
def result():
    return run(PRESETS["smoke"])


def test_colour_distortion_hides_mates(result):
    rows = [row for row in result.tables[0].records() if row["matcher"] == "nearest histogram" and row["K"] == 32]
    without, distorted = rows
    assert without["views"] == "without colour distortion"
    assert without["top-1, %"] - without["+- %"] > distorted["top-1, %"]
    assert without["top-1, %"] > 5 * without["chance, %"]
    assert all(row["nats"] <= np.log(row["K"]) for row in result.tables[0].records())


def test_the_page_has_the_crops_the_histograms_and_the_numbers(result):
    captions = list(result.figures)
    assert len(captions) == 4
    assert all(figure.startswith("<svg") for figure in result.figures.values())
    assert sum(row["share of pairs"] for row in result.tables[1].records()) == pytest.approx(1)
    assert "generated spots of light" in result.words[0]


def test_a_picture_of_ones_own(tmp_path):
    Image.fromarray(np.random.RandomState(0).randint(0, 256, (40, 60, 3)).astype(np.uint8)).save(
        tmp_path / "own.png"
    )
    config = replace(PRESETS["smoke"], image=str(tmp_path / "own.png"), steps=1, images=64, sizes=(8,))
    assert "image/png" in next(iter(run(config).figures.values()))
    with pytest.raises(InputError, match=r"none\.png: cannot be read"):
        run(replace(config, image=str(tmp_path / "none.png")))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"sizes": (64, 16)}, "rising"),
        ({"sizes": (1,)}, "2 or more"),
        ({"images": 40}, "give 64 or more"),
    ],
)
def test_settings_that_cannot_be(changed, message):
    with pytest.raises(InputError, match=message):
        run(replace(PRESETS["smoke"], **changed))
    assert Config().sizes == (16, 64, 256)
