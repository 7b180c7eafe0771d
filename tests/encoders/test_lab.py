"""Lab against its definition, and networks that see no colour."""

import math

import pytest
import torch

from mutua.encoders import ENCODERS, build
from mutua.encoders.lab import Lightness, from_lab, gamut, to_lab
from mutua.types import Spec


def by_hand(rgb):
    """CIE Lab of one sRGB colour, number by number (IEC 61966-2-1 and CIE 15:2004)."""
    linear = [((v + 0.055) / 1.055) ** 2.4 if v > 0.04045 else v / 12.92 for v in rgb]
    matrix = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    xyz = [sum(m * v for m, v in zip(row, linear, strict=True)) / sum(row) for row in matrix]
    x, y, z = (t ** (1 / 3) if t > (6 / 29) ** 3 else t / (3 * (6 / 29) ** 2) + 4 / 29 for t in xyz)
    return [116 * y - 16, 500 * (x - y), 200 * (y - z)]


@pytest.mark.parametrize(
    ("rgb", "lab"),  # as tables have them, of a matrix of seven digits
    [
        ((1, 0, 0), (53.24, 80.09, 67.20)),
        ((0, 1, 0), (87.73, -86.18, 83.18)),
        ((0, 0, 1), (32.30, 79.19, -107.86)),
        ((1, 1, 1), (100, 0, 0)),
        ((0, 0, 0), (0, 0, 0)),
        ((0.5, 0.5, 0.5), (53.39, 0, 0)),
    ],
)
def test_known_colours(rgb, lab):
    found = to_lab(torch.tensor([rgb], dtype=torch.float64))[0]
    assert found.tolist() == pytest.approx(lab, abs=0.03)


def test_lab_is_its_definition_and_the_way_back_is_the_inverse(generator):
    colours = torch.rand(300, 3, generator=generator, dtype=torch.float64)
    colours[:100] *= 0.05  # the straight parts near black
    lab = to_lab(colours)
    for rgb, found in zip(colours.tolist(), lab.tolist(), strict=True):
        assert found == pytest.approx(by_hand(rgb), abs=1e-9)
    torch.testing.assert_close(from_lab(lab), colours, atol=1e-7, rtol=0)
    levels = torch.arange(256).float().div(255).expand(3, -1)[None]  # greys, as an image of one row
    assert to_lab(levels)[:, 1:].abs().max() < 1e-3
    assert torch.equal((from_lab(to_lab(levels)) * 255).round(), (levels * 255).round())


def test_every_byte_comes_back(generator):
    bytes_ = torch.randint(0, 256, (2, 3, 40, 50), generator=generator)
    assert torch.equal((from_lab(to_lab(bytes_ / 255)) * 255).round().long(), bytes_)


def test_gradients_are_finite_in_black_and_at_the_joints():
    x = torch.tensor([[0.0, 0.04045, 1.0]], requires_grad=True)
    to_lab(x).sum().backward()
    assert torch.isfinite(x.grad).all()


def test_the_gamut_s_bins_are_counted_not_quoted():
    bins = gamut(10.0)
    assert len(bins) == 261
    # The whole cube, not its faces alone, comes to no other bin.
    level = torch.linspace(0, 1, 40, dtype=torch.float64)
    cube = torch.stack(torch.meshgrid(level, level, level, indexing="ij")).flatten(1)[None]
    inside = torch.unique((to_lab(cube)[0, 1:].T / 10).round() * 10, dim=0)
    assert {tuple(p) for p in inside.tolist()} <= {tuple(p) for p in bins.tolist()}
    assert len(gamut(20.0)) < 100


@pytest.mark.parametrize("name", ["dim32-lightness", "resnet18-lightness"])
def test_networks_on_lightness_see_no_colour(name, generator):
    encoder = build(name, Spec("image", (3, 16, 16), "uint8")).eval()
    images = torch.rand(3, 3, 16, 16, generator=generator)
    lab = to_lab(images)
    other = from_lab(lab * torch.tensor([1.0, 0.3, 0.3])[:, None, None])  # duller, in gamut
    dark = from_lab(lab * torch.tensor([0.8, 1.0, 1.0])[:, None, None])
    with torch.no_grad():
        apart = [(encoder(x) - encoder(images)).abs().max().item() for x in (other, dark)]
    assert 50 * apart[0] < apart[1]
    assert ENCODERS[name].takes == {"image"}
    grey = build(name, Spec("image", (1, 16, 16), "uint8"))
    assert grey.read(torch.full((1, 1, 16, 16), 0.5), ("lightness",))["lightness"][0, 0, 0, 0] == pytest.approx(
        53.39 / 50 - 1, abs=1e-3
    )
    assert Lightness()(torch.zeros(2, 13, 4, 4)).shape == (2, 1, 4, 4)
    assert not math.isnan(Lightness()(torch.full((1, 3, 1, 1), -1.0)).item())
