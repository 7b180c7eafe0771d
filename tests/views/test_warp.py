"""Maps of the plane: where each pixel goes, and that the border is never seen."""

import pytest
import torch

from mutua.types import InputError
from mutua.views import Affine, ColourJitter, Projective, rows
from mutua.views.image.transformed import Transformed
from mutua.views.image.warp import warped


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


FAMILIES = {
    "affine": Affine(),
    "affine-narrow": Affine(30.0, 0.1, (0.8, 1.25), 0.0),
    "projective": Projective(),
    "projective-narrow": Projective(0.05, (1.0, 1.0), turns=False),
}
every_family = pytest.mark.parametrize("name", FAMILIES)


def matrix(*values):
    return torch.tensor([values], dtype=torch.float64).view(1, 3, 3)


def test_a_pixel_is_what_stood_at_the_map_of_its_place(generator):
    image = torch.rand(1, 2, 5, 7, generator=generator, dtype=torch.float64)
    one = matrix(1, 0, 0, 0, 1, 0, 0, 0, 1)
    torch.testing.assert_close(warped(image, one), image)
    right = warped(
        image, matrix(1, 0, 2 / 5 * 2, 0, 1, 0, 0, 0, 1)
    )  # two pixels; halves of the shorter side, 5 px
    torch.testing.assert_close(right[..., :-2], image[..., 2:])
    assert (right[..., -2:] == 0.5).all()
    square = image[..., :5]
    turned = warped(square, matrix(0, -1, 0, 1, 0, 0, 0, 0, 1))  # at (x, y) stands what was at (-y, x)
    torch.testing.assert_close(turned, torch.rot90(square, 1, (2, 3)))
    flipped = warped(image, matrix(-2, 0, 0, 0, 2, 0, 0, 0, 2))  # scale of the whole matrix is nothing
    torch.testing.assert_close(flipped, image.flip(3))


@every_family
@pytest.mark.parametrize("size", [(32, 32), (24, 40)])
def test_inside_nothing_of_the_outside_is_seen(name, size):
    # Of an image of one colour nothing can be told, if and only if its border is never seen.
    warp, images = FAMILIES[name], torch.full((400, 1, *size), 0.9)
    drawn = warp.draw(400, (1, *size), seeded(3))
    for seen in (warp.apply(images, drawn), warp.still(images, drawn)):
        torch.testing.assert_close(seen, images)
    grey = type(warp)(**{**vars(warp), "border": "grey"})
    assert ((grey.apply(images, drawn) - images).abs().flatten(1).amax(1) > 0.2).float().mean() > 0.7


@every_family
def test_the_entries_are_the_map(name):
    warp = FAMILIES[name]
    drawn = warp.draw(50, (3, 32, 32), seeded())
    entries = warp.entries(drawn["matrix"])
    assert entries.shape == (50, 6 if "affine" in name else 8)
    again = torch.cat([entries, torch.tensor([0.0, 0, 1]).expand(50, -1)[:, entries.shape[1] - 9 :]], 1).view(
        50, 3, 3
    )
    torch.testing.assert_close(again, drawn["matrix"])


def test_affine_ranges():
    found = Affine(20.0, 0.1, (0.5, 0.8), 0.0).maps(5000, seeded()).double()
    scale = torch.linalg.det(found[:, :2, :2]).sqrt()
    assert scale.min() == pytest.approx(0.5, abs=0.01)
    assert scale.max() == pytest.approx(0.8, abs=0.01)
    angle = torch.atan2(found[:, 1, 0], found[:, 0, 0]).rad2deg()
    assert angle.min() == pytest.approx(-20, abs=0.2)
    assert angle.max() == pytest.approx(20, abs=0.2)
    assert found[:, :2, 2].abs().max() == pytest.approx(0.2, abs=0.001)  # halves of the side


def test_projective_maps_take_corners_where_they_were_moved():
    warp = Projective(0.1, (1.0, 1.0), turns=False)
    found = warp.maps(200, seeded())
    for corner in ((1.0, 1.0), (1.0, -1.0), (-1.0, 1.0), (-1.0, -1.0)):
        to = found @ torch.tensor([*corner, 1.0])
        away = to[:, :2] / to[:, 2:] - torch.tensor(corner)
        assert away.abs().max() == pytest.approx(0.2, abs=0.01)
    turned = Projective(0.0, (1.0, 1.0)).maps(100, seeded())
    assert len(torch.unique(turned.round(decimals=4), dim=0)) == 4


def test_a_pair_and_its_parameters_are_of_one_image_each():
    pairs = Transformed(Affine(30.0, 0.1, (0.8, 1.25), 0.0), ColourJitter(0.4, 0.4, 0.4, 0.1, p=1.0))
    images = torch.rand(6, 3, 24, 24, generator=seeded(1))
    drawn = pairs.draw(6, (3, 24, 24), seeded())
    theta = pairs.parameters(drawn)
    assert theta.shape == (6, 10)
    torch.testing.assert_close(theta[:, 6], drawn["colour"]["brightness"].log())
    torch.testing.assert_close(theta[:, 9], drawn["colour"]["hue"])
    some = rows(drawn, slice(2, 4))
    torch.testing.assert_close(pairs.parameters(some), theta[2:4])
    for whole, part in zip(pairs.pair(images, drawn), pairs.pair(images[2:4], some), strict=True):
        torch.testing.assert_close(part, whole[2:4])


def test_the_control_s_noise_says_nothing_of_the_other():
    pairs = Transformed(Affine(0.0, 0.0, (1.0, 1.0), 0.0), content="noise")
    images = torch.rand(3, 2, 32, 32)
    drawn = pairs.draw(3, (2, 32, 32), seeded())
    before, after = pairs.pair(images, drawn)
    both = torch.stack([before.flatten(), after.flatten()])
    assert torch.corrcoef(both)[0, 1].abs() < 0.08
    other, _ = pairs.pair(images * 0, drawn)
    assert torch.equal(before, other)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Affine(rotation=200.0), "rotation: 200.0; give 0 to 180"),
        (lambda: Affine(scale=(0.0, 1.0)), "scale: "),
        (lambda: Affine(border="black"), "border: 'black' is none of inside, grey"),
        (lambda: Projective(corners=0.4), "corners: 0.4"),
        (lambda: Transformed(None, content="song"), "content: 'song' is none of images, noise"),
        (lambda: Affine().check_shape((3, 8, 8)), "border: inside 8 x 8 px these maps leave a window of 2"),
    ],
)
def test_bad_settings_are_refused(make, message):
    with pytest.raises(InputError, match=message) as caught:
        make()
    assert "\n" not in str(caught.value)
