"""Undoing transformations: what is to be told, and that it can be told of images and not of noise."""

import pytest
import torch
from torch import Generator, nn

from methods.small import composed
from mutua.encoders import Wrapped, build
from mutua.methods import undo
from mutua.types import InputError, Spec


def test_the_parameters_told_are_standardised_and_1_is_chance():
    method = undo(build("dim32", 3, 32), colour=0.5)
    drawn = method.pairs.draw(2000, (3, 32, 32), Generator().manual_seed(9))
    theta = (method.pairs.parameters(drawn) - method.mean) / method.deviation
    assert theta.shape == (2000, 10)
    assert theta.mean(0).abs().max() < 0.1
    assert (theta.std(0) - 1).abs().max() < 0.1
    nn.init.zeros_(method.head[0].weight)
    nn.init.zeros_(method.head[0].bias)
    images = torch.randint(0, 256, (256, 3, 32, 32), dtype=torch.uint8)
    with torch.no_grad():
        step = method.step(images, Generator().manual_seed(1))
    assert step.loss.item() == pytest.approx(1, abs=0.1)
    assert step.logs["explained"].item() == pytest.approx(0, abs=10)


def test_what_never_varies_is_not_asked_for():
    method = undo(build("dim32", 1, 16), rotation=0.0, scale=(1.0, 1.0), shear=0.0, translation=0.1)
    assert method.varying == [2, 5]
    assert method.head[0].out_features == 2
    with pytest.raises(InputError, match="warp, colour: nothing is done to images"):
        undo(build("dim32", 1, 16), warp="none")
    grey = undo(build("dim32", 1, 16), warp="none", colour=0.5)
    assert len(grey.varying) == 2  # brightness and contrast
    assert len(undo(build("dim32", 3, 32), warp="projective", hidden=8).varying) == 8


class Outline(nn.Module):
    """How much of exact grey there is in each row and column: all that a border can say."""

    def forward(self, x):
        grey = (x.abs() < 1e-6).all(1).float()  # (n, h, w)
        return torch.cat([grey.mean(1), grey.mean(2)], 1)


@pytest.mark.parametrize(("border", "told"), [("grey", True), ("inside", False)])
def test_noise_tells_a_map_by_the_border_alone(border, told):
    settings = {"rotation": 0.0, "translation": 0.25, "scale": (0.8, 1.2), "shear": 0.0, "content": "noise"}
    method = undo(Wrapped(Outline(), 1, 16), border=border, **settings)
    images = torch.rand(600, 1, 16, 16)
    drawn = method.pairs.draw(600, (1, 16, 16), Generator().manual_seed(0))
    theta = method.pairs.parameters(drawn)[:, method.varying]
    codes = torch.cat([method.encoder(part) for part in method.pairs.pair(images, drawn)], 1)
    codes = torch.cat([codes, torch.ones(600, 1)], 1).double()
    fit = torch.linalg.lstsq(codes[:400], theta[:400].double(), driver="gelsd").solution
    left = (theta[400:] - codes[400:] @ fit).var(0) / theta[400:].var(0)
    assert (left < 0.65).all() if told else (left > 0.9).all(), left


def test_a_map_can_be_told_from_images_seen_inside():
    torch.manual_seed(0)
    # A bright spot in the middle of the image says by how much the window was moved.
    y, x = torch.meshgrid(torch.linspace(-1, 1, 24), torch.linspace(-1, 1, 24), indexing="ij")
    images = torch.exp(-8 * (x**2 + y**2)).expand(64, 1, 24, 24)
    spec = Spec("image", (1, 24, 24), "uint8")
    net = nn.Sequential(nn.AvgPool2d(3), nn.Flatten(), nn.Linear(64, 16))
    method = undo(Wrapped(net, spec), rotation=0.0, translation=0.15, scale=(1.0, 1.0), shear=0.0)
    trained = torch.optim.Adam(method.parameters(), 1e-2)
    for k in range(80):
        step = method.step(images, Generator().manual_seed(k))
        trained.zero_grad()
        step.loss.backward()
        trained.step()
    assert step.logs["explained"] > 80


def test_images_that_are_not_square_and_what_a_page_shows():
    spec = Spec("image", (13, 24, 40), "uint8")
    net = nn.Sequential(nn.Flatten(), nn.Linear(13 * 24 * 40, 4))
    images = torch.randint(0, 256, (3, *spec.shape), dtype=torch.uint8)
    for warp in ("affine", "projective"):
        method = undo(Wrapped(net, spec), warp=warp, colour=0.3)
        assert torch.isfinite(method.step(images, Generator()).loss)
        shown = method.shown(images, Generator())
        assert list(shown) == ["original", "window", "transformed"]
        assert shown["transformed"].shape == images.shape


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"warp": "bend"}, "warp: 'bend' is none of affine, none, projective"),
        ({"colour": 2.0}, "colour: 2.0; give a number from 0 to 1"),
        ({"colour": -1.0}, "colour: -1.0; give a number"),
        ({"content": "noise!"}, "content: "),
        ({"border": "mirror"}, "border: 'mirror' is none of inside, grey"),
    ],
)
def test_bad_settings_are_refused(settings, message):
    with pytest.raises(InputError, match=message):
        undo(build("dim32", 3, 32), **settings)
    assert composed("undo") is not None
