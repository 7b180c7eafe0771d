"""Relative position and jigsaw: labels against pixels that say where they are from, and laws of tile methods."""

import math

import pytest
import torch
from torch import Generator, nn

from methods.small import composed, sample
from mutua import runs
from mutua.encoders import Tiled, Wrapped, dim32, image_spec
from mutua.methods import METHODS, jigsaw, relative_position
from mutua.methods.relative_position import DIRECTIONS
from mutua.types import InputError, Spec

TILES = [name for name, published in METHODS.items() if published.within is not None]


def coordinates(n, size):
    """Images whose pixels are their image, row and column."""
    image, row, column = torch.meshgrid(*(torch.arange(float(k)) for k in (n, size, size)), indexing="ij")
    return torch.stack([image, row, column], 1)


def bare(size, tile, channels=3):
    """A network that hands back its tile's pixels."""
    net = Wrapped(nn.Sequential(nn.Flatten(), nn.Linear(channels * tile**2, 4)), image_spec(channels, tile))
    return Tiled(net, image_spec(channels, size))


@pytest.mark.parametrize(
    ("grid", "pairs", "each"), [(3, "all", 40), (2, "all", 12), (3, "centre", 8), (5, "centre", 8)]
)
def test_labels_are_where_the_second_tile_lies(grid, pairs, each):
    settings = {
        "grid": grid,
        "pairs": pairs,
        "geometry": "contiguous",
        "smallest_crop": 1.0,
        "drop": 0.0,
        "shrink": 0,
    }
    method = relative_position(bare(8 * grid, 8), **settings)
    tiles, labels, parts = method.puzzle(coordinates(4, 8 * grid), Generator().manual_seed(0))
    assert tiles.shape == (4, grid**2, 3, 8, 8)
    assert len(labels) == 4 * each
    corner = tiles.flatten(0, 1)[:, :, 0, 0]  # (image, row, column) of each tile's first pixel
    for row, (label, (first, second)) in enumerate(zip(labels.tolist(), parts.tolist(), strict=True)):
        assert corner[first, 0] == corner[second, 0] == row % 4
        assert tuple(((corner[second] - corner[first])[1:] / 8).tolist()) == DIRECTIONS[label]
    shares = labels.bincount(minlength=8) / len(labels)
    assert method.puzzle.entropy == pytest.approx(-sum(p * math.log(p) for p in shares.tolist()))
    assert (method.puzzle.entropy == pytest.approx(math.log(8))) == (pairs == "centre")


@pytest.mark.parametrize(
    ("grid", "settings"), [(2, {}), (3, {"permutations": 504}), (3, {"choice": "greedy", "permutations": 7})]
)
def test_a_puzzle_solved_is_the_picture(grid, settings):
    method = jigsaw(bare(8 * grid, 8), grid=grid, geometry="contiguous", grey=0.0, each=3, **settings)
    images = coordinates(5, 8 * grid)
    tiles, labels, parts = method.puzzle(images, Generator().manual_seed(0))
    laid_out = tiles.flatten(0, 1)[parts]  # (5 * 3, places, c, 8, 8)
    back = method.puzzle.orders[labels].argsort(1)
    solved = laid_out[torch.arange(15)[:, None], back]
    pictures = solved.unflatten(1, (grid, grid)).permute(0, 3, 1, 4, 2, 5).reshape(15, 3, 8 * grid, 8 * grid)
    assert torch.equal(pictures, images.repeat(3, 1, 1, 1))
    orders = method.puzzle.orders
    for place in range(grid**2):  # entry i is the tile at place i
        assert torch.equal(parts[:, place] % grid**2, orders[labels][:, place])
    assert method.puzzle.entropy == pytest.approx(math.log(len(orders)))
    many = method.puzzle.arranged(4000, Generator().manual_seed(1))[0].flatten().bincount(minlength=len(orders))
    assert many.min() > 12000 / len(orders) * 0.3  # all are drawn, alike


def test_published_settings_arrive():
    spec = image_spec(3, 255)
    encoder = Tiled(dim32(3, 64), spec)
    method = jigsaw(encoder)
    tiles = method.puzzle.tiles
    assert (tiles.cell, tiles.tile, tiles.jitter, tiles.shift, tiles.grey, tiles.source) == (
        85,
        64,
        21,
        2,
        0.3,
        (255, 255),
    )
    assert method.puzzle.orders.shape == (72, 9)
    assert [(layer.in_features, layer.out_features) for layer in method.head if isinstance(layer, nn.Linear)] == [
        (9 * 64, 4096),
        (4096, 72),
    ]
    place = relative_position(Tiled(dim32(3, 57), spec))
    tiles = place.puzzle.tiles
    assert (tiles.cell, tiles.tile, tiles.drop, tiles.shrink, tiles.grey, tiles.shift) == (
        85,
        57,
        1.0,
        0.33,
        0.0,
        0,
    )
    assert tiles.source == (146, 255)
    assert METHODS["jigsaw"].encoder == METHODS["relative_position"].encoder == {"image": "resnet18-groupnorm"}


@pytest.mark.parametrize("name", TILES)
@pytest.mark.parametrize("norm", ["group", "batch"])
def test_batch_mates_do_not_move_a_tile_unless_there_is_batch_norm(name, norm):
    spec = image_spec(3, 36)
    network = {"group": METHODS[name].encoder["image"], "batch": "dim32"}[norm]
    method = runs.compose(runs.Recipe(name, network, spec, {**METHODS[name].small, "scale_to": 0})).train()
    images = sample(spec, 4)
    tiles = method.puzzle.cut(images, Generator().manual_seed(0))
    other = torch.cat([tiles[:1], tiles[1:].flip(0).flip(-1)])
    with torch.no_grad():
        before, after = (method.encoder(each).unflatten(0, tiles.shape[:2])[0] for each in (tiles, other))
    assert torch.allclose(before, after, atol=1e-5) == (norm == "group")


@pytest.mark.parametrize("name", TILES)
def test_images_that_are_not_square(name):
    spec = Spec("image", (1, 60, 37), "uint8")
    method = composed(name, spec=spec)
    images = sample(spec, 3)
    assert torch.isfinite(method.step(images, Generator().manual_seed(0)).loss)
    method.eval()
    with torch.no_grad():
        assert method.encode(images).shape == (3, method.encoder.width)
    shown = method.shown(images, Generator().manual_seed(0))
    assert set(shown) >= {"original", "tiles"}
    assert all(len(column) == 3 and column.shape[1] == 1 for column in shown.values())


@pytest.mark.parametrize("name", TILES)
def test_images_too_small_are_told_the_smallest_that_go(name):
    least = {}
    for side in (8, 20):
        with pytest.raises(
            InputError, match=r"the smallest that go are \d+ px; or enlarge them with scale_to="
        ) as caught:
            runs.compose(runs.Recipe(name, "dim32", image_spec(3, side), {"hidden": 4}))
        assert "\n" not in str(caught.value)
        least[side] = int(str(caught.value).split("scale_to=")[1])
    (one,) = set(least.values())
    runs.compose(runs.Recipe(name, "dim32", image_spec(3, one), {"hidden": 4}))
    runs.compose(runs.Recipe(name, "dim32", image_spec(3, 8), {"hidden": 4, "scale_to": one}))
    with pytest.raises(InputError, match="the smallest that go"):
        runs.compose(runs.Recipe(name, "dim32", image_spec(3, one - 1), {"hidden": 4}))
    with pytest.raises(
        InputError, match="size: dim32 takes images of 8 px or more, got 6"
    ):  # no matter of the images
        runs.compose(runs.Recipe(name, "dim32", image_spec(3, 32), {"hidden": 4, "tile": 6, "cell": 8}))


@pytest.mark.parametrize(
    ("compose", "settings", "message"),
    [
        (relative_position, {"pairs": "some"}, "pairs: 'some' with a grid of 3; give one of all, centre"),
        (relative_position, {"pairs": "centre", "grid": 2}, "centre with an odd grid"),
        (relative_position, {"hidden": 0}, "width: 0 is too few"),
        (relative_position, {"drop": -1.0}, "drop: -1.0 is no probability"),
        (jigsaw, {"permutations": 100}, "permutations: 100 of 9 tiles; algebra gives 72 or 504"),
        (jigsaw, {"each": 0}, "each: 0 is too few; give 1 or more"),
        (jigsaw, {"grid": 4}, "permutations: none are known of 16 tiles; use a grid of 2 or 3"),
        (
            jigsaw,
            {"standardise": False},
            "standardise: False, and the encoder's is True; build Tiled with the same",
        ),
        (jigsaw, {"tile": 9, "cell": 10}, "tile: 9, and the encoder's is 8; build Tiled with the same"),
        (jigsaw, {"scale_to": 60}, "tile: 15, and the encoder's is 8"),
    ],
)
def test_bad_settings_are_refused(compose, settings, message):
    geometry = {"geometry": "v3"}
    with pytest.raises(InputError, match=message):
        compose(bare(30, 8), **{**geometry, **settings})
