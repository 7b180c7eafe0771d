"""Colours told from lightness: targets, weights, temperatures, grey images."""

import math

import pytest
import torch
from torch import Generator, nn

from mutua.encoders import Wrapped, build
from mutua.encoders.lab import from_lab
from mutua.methods import colorization
from mutua.methods.colour_bins import ColourBins, recoloured
from mutua.types import InputError, Spec


def seeded(seed=0):
    return Generator().manual_seed(seed)


def of_lab(*colours, size=8):
    """An image of each colour (L, a, b)."""
    lab = torch.tensor(colours, dtype=torch.float32)[:, :, None, None].expand(-1, -1, size, size)
    return from_lab(lab)


class Held:
    def __init__(self, images):
        self.images = images

    def __len__(self):
        return len(self.images)

    def take(self, index):
        return self.images[index]


def test_a_colour_is_shared_among_its_nearest_bins():
    bins = ColourBins((1, 1), neighbours=3)
    ab = torch.tensor([12.0, -1.0]).view(1, 2, 1, 1)
    near, share = bins.shared(ab)
    at = bins.centres[near[0, :, 0, 0]]
    assert at.tolist() == [[10, 0], [20, 0], [10, -10]]
    want = [math.exp(-((12 - a) ** 2 + (-1 - b) ** 2) / 50) for a, b in at.tolist()]
    assert share[0, :, 0, 0].tolist() == pytest.approx([w / sum(want) for w in want], rel=1e-4)
    # Every place by itself.
    many = torch.rand(2, 2, 3, 4, generator=seeded()) * 60 - 30
    near, share = bins.shared(many)
    assert torch.equal(bins.shared(many[1:, :, 2:, 1:2])[0], near[1:, :, 2:, 1:2])
    torch.testing.assert_close(share.sum(1), torch.ones(2, 3, 4))


def test_rare_colours_weigh_more_and_the_mean_weight_is_1():
    for mix, spread in ((0.5, 1.5), (1.0, 1.0)):
        bins = ColourBins((1, 1), mix)
        share = torch.zeros(len(bins.centres))
        share[100], share[20] = 0.9, 0.1
        bins.settle(share)
        assert (bins.prior * bins.weight).sum() == pytest.approx(1, abs=1e-5)
        assert bins.prior.sum() == pytest.approx(1, abs=1e-5)
        assert bins.weight[20] / bins.weight[100] >= spread
        want = 1 / ((1 - mix) * bins.prior + mix / len(bins.prior))
        torch.testing.assert_close(bins.weight, want / (bins.prior * want).sum())


def test_bins_are_counted_in_coloured_images_once_and_grey_data_are_refused():
    bins = ColourBins((2, 2))
    red, grey = of_lab((60.0, 40.0, 20.0)), of_lab((60.0, 0.0, 0.0))
    bins.calibrate(Held(torch.cat([red, grey, grey])))
    at = (bins.centres == torch.tensor([40.0, 20.0])).all(1)
    assert bins.prior.argmax() == at.nonzero()[0, 0]
    before = bins.prior.clone()
    bins.calibrate(Held(of_lab((60.0, -40.0, 20.0))))
    assert torch.equal(bins.prior, before)
    with pytest.raises(InputError, match="none of 3 images has colours") as caught:
        ColourBins((2, 2)).calibrate(Held(grey.expand(3, -1, -1, -1)))
    assert "\n" not in str(caught.value)


def test_temperature_goes_from_the_mean_to_the_mode():
    bins = ColourBins((1, 1))
    logits = torch.full((1, len(bins.centres), 1, 1), -30.0)
    logits[0, 3], logits[0, 200] = math.log(0.6), math.log(0.4)
    one, two = bins.centres[3], bins.centres[200]
    torch.testing.assert_close(bins.annealed(logits, 1.0)[0, :, 0, 0], 0.6 * one + 0.4 * two)
    torch.testing.assert_close(bins.annealed(logits, 0.0)[0, :, 0, 0], one)
    share = 0.6 ** (1 / 0.38) / (0.6 ** (1 / 0.38) + 0.4 ** (1 / 0.38))
    torch.testing.assert_close(bins.annealed(logits, 0.38)[0, :, 0, 0], share * one + (1 - share) * two)


def made(**settings):
    torch.manual_seed(0)
    return colorization(build("dim32-lightness", 3, 16), **settings)


def test_grey_images_count_for_nothing():
    method = made(flip=0.0).eval()
    coloured = torch.randint(0, 256, (3, 3, 16, 16), dtype=torch.uint8, generator=seeded())
    grey = coloured[:, :1].expand(-1, 3, -1, -1)
    alone = method.step(coloured, seeded())
    beside = method.step(torch.cat([coloured, grey]), seeded())
    assert beside.loss.item() == pytest.approx(alone.loss.item(), rel=1e-5)
    assert beside.logs["nats"].item() == pytest.approx(alone.logs["nats"].item(), rel=1e-4)
    assert len(method.told(torch.cat([grey, coloured]), seeded()).losses) == 3
    nothing = method.step(grey, seeded())
    nothing.loss.backward()
    assert nothing.loss == 0


def test_nats_are_the_information_of_a_posterior_that_is_known():
    # Bright images are red, or a third as often green, dark ones blue: lightness leaves the first open.
    red, green, blue = (70.0, 40.0, 30.0), (70.0, -40.0, 30.0), (30.0, 20.0, -40.0)
    images = of_lab(*[red] * 3, green, *[blue] * 4, size=4)
    left = -0.5 * (0.75 * math.log(0.75) + 0.25 * math.log(0.25))
    for mix in (1.0, 0.0):  # weights change what is trained, not what is told
        torch.manual_seed(0)
        encoder = Wrapped(nn.Sequential(_Light(), nn.AvgPool2d(2)), Spec("image", (3, 4, 4), "uint8"))
        method = colorization(encoder, mix=mix, neighbours=1)
        method.bins.calibrate(Held(images))
        groups = [{"params": method.head.parameters(), "lr": 0.3}, {"params": method.regression.parameters()}]
        trained = torch.optim.Adam(groups, 0.05)
        for _ in range(70):
            step = method.step(images, seeded())
            trained.zero_grad()
            step.loss.backward()
            trained.step()
        told = method.told(images, seeded())
        assert told.losses.mean().item() == pytest.approx(left, abs=0.03)
        with torch.no_grad():
            mean = 100 * method.regression(*method._read(images)).mean((2, 3))  # the mean of what may be: it greys
        want = torch.tensor([[20.0, 30.0]] * 4 + [[20.0, -40.0]] * 4)
        assert (mean - want).abs().max() < 6
        assert sorted(told.labels[told.labels > 0].tolist()) == [4, 12, 16]


class _Light(nn.Module):
    """Lightness, near enough: two channels, so that a head of a convolution can tell bright from dark."""

    def forward(self, x):
        from mutua.encoders import Lightness

        light = Lightness()(x)
        return torch.cat([light, light.square()], 1)


def test_pictures_keep_their_lightness_and_a_page_shows_each_temperature():
    method = made()
    images = torch.randint(40, 216, (2, 3, 16, 16), dtype=torch.uint8, generator=seeded())
    shown = method.train().shown(images, seeded())
    assert method.training
    assert list(shown) == ["original", "grey", "T = 1", "T = 0.38", "T = 0", "regression"]
    assert all(part.shape == images.shape and part.dtype == torch.uint8 for part in shown.values())
    assert torch.equal(*(shown["grey"][:, k] for k in (0, 2)))
    same = recoloured(images, torch.zeros(2, 2, 4, 4))
    assert torch.equal(same, shown["grey"])
    # The likeliest bin is as colourful as bins are, the mean of many is dull.
    assert shown["T = 1"].float().std(1).mean() < 0.7 * shown["T = 0"].float().std(1).mean()


@pytest.mark.parametrize(
    ("encoder", "settings", "message"),
    [
        (("dim32-lightness", 1, 16), {}, "data: learning colours needs RGB, 3 channels, and they have 1"),
        (("dim32-lightness", 13, 16), {}, "they have 13"),
        (("dim32", 3, 16), {}, "encoder: sees the colours that it is to tell; use dim32-lightness"),
        (("dim32-lightness", 3, 16), {"mix": 1.5}, "mix: 1.5; give a number from 0 to 1"),
        (("dim32-lightness", 3, 16), {"temperature": -1.0}, "temperature: -1.0"),
        (("dim32-lightness", 3, 16), {"neighbours": 0}, "neighbours: 0; give 1 to 50"),
        (("dim32-lightness", 3, 16), {"flip": 2.0}, "no probability"),
    ],
)
def test_bad_settings_are_refused(encoder, settings, message):
    with pytest.raises(InputError, match=message) as caught:
        colorization(build(*encoder), **settings)
    assert "\n" not in str(caught.value)
    flat = nn.Sequential(_Light(), nn.Flatten())
    with pytest.raises(InputError, match="has no depth with a map"):
        colorization(Wrapped(flat, Spec("image", (3, 8, 8), "uint8")))
