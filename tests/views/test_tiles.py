"""Tiles: where they are cut, how far apart, and what each counter-measure does to them."""

import pytest
import torch
from torch import Generator

from mutua.types import InputError
from mutua.views import GEOMETRIES, Tiles, laid
from mutua.views.image.resample import resample, resize_matrix


def numbered(n, height, width):
    """Images whose pixels say which image, row and column they are: three channels, float64."""
    image, row, column = torch.meshgrid(*(torch.arange(float(k)) for k in (n, height, width)), indexing="ij")
    return torch.stack([image, row, column], 1).double()


def cut(tiles, images, seed=0):
    drawn = tiles.draw(len(images), tuple(images.shape[1:]), Generator().manual_seed(seed))
    return tiles.apply(images, drawn), drawn


@pytest.mark.parametrize("geometry", GEOMETRIES)
@pytest.mark.parametrize("side", [2, 3])
def test_tiles_are_disjoint_and_the_gaps_are_as_stated(geometry, side):
    tiles = laid((3, 100, 130), grid=side, geometry=geometry)
    found, _ = cut(tiles, numbered(150, 100, 130))
    assert found.shape == (150, side**2, 3, tiles.tile, tiles.tile)
    assert torch.equal(found[:, :, 0], torch.arange(150.0).double()[:, None, None, None].expand_as(found[:, :, 0]))
    top, left = found[:, :, 1, 0, 0].view(-1, side, side), found[:, :, 2, 0, 0].view(-1, side, side)
    assert torch.equal(found[..., 1, :, 0], top.flatten(1)[..., None] + torch.arange(tiles.tile))
    assert torch.equal(found[..., 2, 0, :], left.flatten(1)[..., None] + torch.arange(tiles.tile))
    gaps = torch.cat([(top.diff(dim=1) - tiles.tile).flatten(), (left.diff(dim=2) - tiles.tile).flatten()])
    low, high = tiles.gap
    assert gaps.min() >= max(low, 0)
    assert gaps.max() <= high
    if tiles.jitter:  # the range is used, and the middle is the geometry's
        assert gaps.min() <= low + 0.3 * tiles.jitter
        assert gaps.max() >= high - 0.3 * tiles.jitter
        assert gaps.mean() == pytest.approx((low + high) / 2, abs=0.3 * tiles.jitter)
    for one in range(5):  # no pixel twice
        pixels = [(int(r), int(c)) for tile in found[one] for r, c in tile[1:].flatten(1).T]
        assert len(set(pixels)) == len(pixels)


def test_published_geometries():
    v1, v3 = laid((3, 225, 225), grid=3, geometry="v1"), laid((3, 255, 255), grid=3, geometry="v3")
    assert (v1.cell, v1.tile, v1.gap) == (75, 64, (0, 22))
    assert (v3.cell, v3.tile, v3.gap) == (85, 64, (0, 42))
    doersch = laid((3, 432, 432), grid=3, geometry="doersch")
    assert (doersch.cell, doersch.tile, doersch.gap) == (144, 96, (34, 62))  # 48, each moved by up to 7
    assert laid((3, 255, 255), grid=3, shift=-1).shift == 2


def test_every_place_of_the_window_is_drawn():
    tiles = laid((1, 10, 14), grid=2, geometry="contiguous")
    found, _ = cut(tiles, numbered(400, 10, 14))
    corners = {(int(r), int(c)) for r, c in found[:, 0, 1:, 0, 0]}
    assert corners == {(0, c) for c in range(5)}


def test_channels_are_moved_within_the_cell():
    tiles = Tiles(2, 10, 6, jitter=4, source=(20, 20), shift=2)
    images = numbered(300, 20, 20)[:, 1:].sum(1, keepdim=True).expand(-1, 3, -1, -1)
    found, drawn = cut(tiles, images)
    moved = found[..., 0, 0] - found[:, :, :1, 0, 0]
    assert set(moved.unique().int().tolist()) == {-4, -3, -2, -1, 0, 1, 2, 3, 4}  # two axes of up to 2
    place = drawn["place"] % 10
    assert place.min() == 0
    assert place.max() == 4
    assert (place.amax(2) - place.amin(2)).max() == 2


def test_the_source_is_enlarged_to_the_window():
    tiles = laid((3, 24, 24), grid=2, geometry="contiguous", smallest_crop=0.25)
    assert tiles.source == (12, 24)
    images = torch.rand(40, 3, 24, 24, generator=Generator().manual_seed(1))
    found, drawn = cut(tiles, images)
    assert set(drawn["side"].tolist()) <= set(range(12, 25))
    assert drawn["side"].double().square().mean() == pytest.approx((12**2 + 24**2) / 2, rel=0.15)
    for k in range(5):
        top, left = drawn["corner"][k : k + 1].unbind(1)
        side = drawn["side"][k : k + 1]
        whole = resample(images[k : k + 1], resize_matrix(top, side, 24, 24), resize_matrix(left, side, 24, 24))
        assert torch.allclose(found[k, 3], whole[0, :, 12:, 12:], atol=1e-6)
    enlarged = laid((3, 24, 24), grid=3, scale_to=48)
    assert (enlarged.cell, enlarged.source) == (16, (24, 24))
    assert laid((3, 24, 24), grid=3, scale_to=24).source == (24, 24)


def test_phases_of_blocks_are_uniform_where_the_jitter_is_a_period():
    tiles = Tiles(2, 16, 9, jitter=7, source=(32, 32))
    found, _ = cut(tiles, numbered(4000, 32, 32))
    for place in range(4):
        counts = (found[:, place, 1, 0, 0].long() % 8).bincount(minlength=8)
        assert counts.min() > 400  # of 500


def test_grey_is_of_an_image():
    tiles = Tiles(2, 4, 4, jitter=0, source=(8, 8), grey=0.5)
    images = torch.randint(0, 256, (40, 3, 8, 8), dtype=torch.uint8, generator=Generator().manual_seed(1))
    found, drawn = cut(tiles, images)
    flat = (found.amax(2) - found.amin(2)).flatten(1).amax(1) < 1e-6
    assert torch.equal(flat, drawn["grey"])
    assert 5 < flat.sum() < 35
    red, green, blue = images[flat][:, :, :4, :4].float().unbind(1)
    assert torch.allclose(found[flat][:, 0, 0], (0.299 * red + 0.587 * green + 0.114 * blue) / 255, atol=1e-5)
    bands = torch.rand(3, 5, 8, 8)
    assert torch.allclose(cut(Tiles(2, 4, 4, 0, (8, 8), grey=1.0), bands)[0][:, 0, 4], bands.mean(1)[:, :4, :4])


def test_one_channel_is_kept_and_the_others_say_nothing():
    tiles = Tiles(2, 8, 8, jitter=0, source=(16, 16), drop=1.0)
    images = torch.rand(30, 3, 16, 16, generator=Generator().manual_seed(1))
    found, drawn = cut(tiles, images)
    plain, _ = cut(Tiles(2, 8, 8, jitter=0, source=(16, 16)), images)
    same = torch.isclose(found, plain).flatten(3).all(-1)  # (n, tiles, c)
    assert torch.equal(same.sum(2), torch.ones(30, 4, dtype=torch.long))
    assert torch.equal(same.int().argmax(2), drawn["kept"])
    assert set(drawn["kept"].flatten().tolist()) == {0, 1, 2}
    rest = (found - plain.mean((3, 4), keepdim=True))[~same]
    assert 0.4 / 255 < rest.abs().max() <= 0.5 / 255 + 1e-6


def test_a_shrunk_tile_is_that_of_two_resizes():
    tiles = Tiles(2, 12, 12, jitter=0, source=(24, 24), shrink=0.5)
    images = torch.rand(20, 2, 24, 24, generator=Generator().manual_seed(1))
    found, drawn = cut(tiles, images)
    plain, _ = cut(Tiles(2, 12, 12, jitter=0, source=(24, 24)), images)
    size = drawn["size"]
    assert torch.equal(found[size == 12], plain[size == 12])
    assert 20 < (size < 12).sum() < 60
    for image, place in (size < 12).nonzero()[:8].tolist():
        tile, small = plain[image, place], int(size[image, place])
        less = torch.nn.functional.interpolate(tile[None], (small, small), mode="bilinear", antialias=True)
        more = torch.nn.functional.interpolate(less, (12, 12), mode="bilinear")
        assert torch.allclose(found[image, place], more[0], atol=1e-5)


@pytest.mark.parametrize("channels", [1, 3, 13])
def test_an_image_alone_is_cut_as_in_company(channels):
    tiles = laid((channels, 30, 26), grid=3, smallest_crop=0.5, grey=0.5, drop=0.5, shrink=0.5)
    images = torch.randint(0, 256, (6, channels, 30, 26), dtype=torch.uint8, generator=Generator().manual_seed(1))
    found, drawn = cut(tiles, images)
    assert found.min() >= -0.01
    assert found.max() <= 1.01
    alone = [
        tiles.apply(images[k : k + 1], {name: value[k : k + 1] for name, value in drawn.items()}) for k in range(6)
    ]
    assert torch.allclose(torch.cat(alone), found, atol=1e-6)
    assert torch.equal(cut(tiles, images)[0], found)
    assert not torch.equal(cut(tiles, images, seed=1)[0], found)
    assert cut(laid((channels, 30, 26), grid=3), images)[0].dtype == torch.uint8  # only cut


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"grid": 1}, "give a grid of 2 or more"),
        ({"geometry": "v2"}, "geometry: 'v2' is none of contiguous, doersch, v1, v3"),
        (
            {"cell": 11},
            "images: 30 x 40 px are too small for 3 x 3 cells of 11 px; the smallest that go are 33 px",
        ),
        ({"tile": 32}, "too small for 3 x 3 cells of 42 px; the smallest that go are 126 px; or enlarge them"),
        ({"cell": 8, "tile": 9}, "tile: 9 px in a cell of 8; give 1 to 8"),
        ({"cell": 8, "tile": 6, "jitter": 3}, "jitter: 3 px where the cell leaves 2; give 0 to 2"),
        ({"cell": 8, "tile": 6, "shift": 3}, "shift: 3 px with a jitter of 2; give 0 to 2"),
        ({"smallest_crop": 0.0}, "smallest_crop: 0.0; give a share"),
        ({"grey": 2.0}, "grey: 2.0 is no probability"),
    ],
)
def test_what_cannot_be_cut_is_refused_in_one_line(settings, message):
    with pytest.raises(InputError, match=message) as caught:
        laid((3, 30, 40), **{"grid": 3, **settings})
    assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match="images: 8 x 9 px, and the grid is cut from squares of up to 30"):
        laid((3, 30, 40), grid=3).draw(2, (3, 8, 9), Generator())
