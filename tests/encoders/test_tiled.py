"""A network of tiles on whole images: the mean over a fixed grid, and tiles standardised."""

import pytest
import torch
from torch import Generator, nn

from mutua.encoders import Tiled, Wrapped, dim32, image_spec
from mutua.encoders.inputs import pixels
from mutua.encoders.tiled import standardised
from mutua.types import InputError, Spec


def small(tile=8, channels=3):
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(channels, 4, 3, 2, 1), nn.ReLU(), nn.Flatten(), nn.LazyLinear(5))
    net(torch.zeros(1, channels, tile, tile))
    return Wrapped(net, image_spec(channels, tile), depths={"conv": "1"})


@pytest.mark.parametrize("standardise", [True, False])
def test_whole_images_are_the_mean_over_tiles_that_cover_them(standardise):
    encoder = Tiled(small(), Spec("image", (3, 20, 9), "uint8"), standardise=standardise).eval()
    images = torch.randint(0, 256, (3, 3, 20, 9), dtype=torch.uint8, generator=Generator().manual_seed(1))
    tiles = [images[:, :, a : a + 8, b : b + 8] for a in (0, 6, 12) for b in (0, 1)]
    assert torch.equal(encoder.cut(images), torch.stack(tiles, 1))
    with torch.no_grad():
        found = encoder.read(images, encoder.depths)
        for depth in encoder.depths:
            given = [standardised(tile) if standardise else tile for tile in tiles]
            want = torch.stack([encoder.encoder.read(tile, (depth,))[depth] for tile in given]).mean(0)
            assert torch.allclose(found[depth], want, atol=1e-6)
            assert tuple(found[depth].shape[1:]) == encoder.shapes[depth]
        assert torch.equal(found["output"], encoder(images))
        assert torch.allclose(encoder(images), encoder(images / 255), atol=1e-5)
        encoder.train()
        assert torch.allclose(encoder(images), found["output"], atol=1e-5)  # no batch norm in it
        pieces = encoder(torch.stack(tiles, 1))  # image by image
        assert torch.allclose(pieces.unflatten(0, (3, 6)).mean(1), found["output"], atol=1e-5)


def test_tiles_are_standardised_as_a_network_sees_them():
    tiles = (
        torch.rand(5, 3, 8, 8, generator=Generator().manual_seed(1)) * torch.tensor([1.0, 0.3, 0.0])[:, None, None]
    )
    seen = pixels(standardised(tiles))
    assert torch.allclose(seen.mean((2, 3)), torch.zeros(5, 3), atol=1e-5)
    assert torch.allclose(seen.std((2, 3), correction=0)[:, :2], torch.ones(5, 2), atol=1e-4)
    assert not seen[:, 2].any()  # a flat tile stays flat
    brighter = standardised(tiles * 0.5 + 0.3)
    assert torch.allclose(brighter, standardised(tiles), atol=1e-4)


def test_images_are_scaled_before_they_are_cut():
    encoder = Tiled(small(12), Spec("image", (3, 8, 16), "uint8"), scale_to=24)
    images = torch.rand(2, 3, 8, 16, generator=Generator().manual_seed(1))
    assert encoder.cut(images).shape == (2, 8, 3, 12, 12)
    want = torch.nn.functional.interpolate(images, (24, 48), mode="bilinear")
    assert torch.allclose(encoder.cut(images)[:, 0], want[:, :, :12, :12])
    shrunk = Tiled(small(8), image_spec(3, 64), scale_to=16).cut(torch.rand(1, 3, 64, 64))
    assert shrunk.shape == (1, 4, 3, 8, 8)
    assert shrunk.std() < 0.15  # each pixel is a mean of sixteen


def test_what_does_not_fit_is_refused():
    with pytest.raises(
        InputError, match=r"images of 3 x 6 x 9 px, smaller than a tile of 8 px; give images of 8 px"
    ):
        Tiled(small(), Spec("image", (3, 6, 9), "uint8"))
    with pytest.raises(InputError, match="give one of square tiles of the images"):
        Tiled(small(), image_spec(1, 32))
    encoder = Tiled(dim32(1, 8), image_spec(1, 16))
    with pytest.raises(InputError, match="a side of 7 px, smaller than a tile of 8"):
        encoder(torch.rand(2, 1, 7, 9))
    with pytest.raises(InputError, match=r"image .* is meant"):
        encoder(torch.rand(2, 3, 16, 16))
