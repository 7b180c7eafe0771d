import pytest
import torch
from torch import Generator

from mutua.critics import Cosine
from mutua.encoders import dim32
from mutua.methods import rotation, simclr
from mutua.types import InputError
from mutua.views import ColourJitter, Greyscale, HorizontalFlip, RandomResizedCrop


def test_labels_count_the_quarter_turns():
    method = rotation(dim32(1, 8), padding=0, flip=0.0)
    images = torch.arange(2 * 64, dtype=torch.uint8).reshape(2, 1, 8, 8)
    inputs, labels = method.puzzle(images, Generator())
    assert labels.tolist() == [0, 0, 1, 1, 2, 2, 3, 3]
    for row, turns in enumerate(labels.tolist()):
        assert torch.equal(inputs[row], torch.rot90(images[row % 2], turns, (1, 2)))


def test_an_eighth_of_the_side_is_the_shift_by_default():
    views = rotation(dim32(3, 32)).puzzle.view.views
    assert views[0].padding == 4
    assert views[1] == HorizontalFlip(0.5)


def test_simclr_settings_arrive():
    encoder = dim32(3, 32)
    method = simclr(
        encoder, temperature=0.1, width=7, hidden=9, views=3, strength=1.0, smallest_crop=0.3, flip=0.0
    )
    assert isinstance(method.critic, Cosine)
    assert torch.isclose(method.critic.log_temperature.exp(), torch.tensor(0.1))
    assert (method.head[0].out_features, method.head[3].out_features) == (9, 7)
    assert method.views == 3
    crop, jitter, grey = method.view.views
    assert isinstance(crop, RandomResizedCrop)
    assert crop.scale == (0.3, 1.0)
    assert isinstance(jitter, ColourJitter)
    assert (jitter.brightness, jitter.contrast, jitter.saturation, jitter.hue) == (0.8, 0.8, 0.8, 0.2)
    assert isinstance(grey, Greyscale)
    assert simclr(dim32(3, 32)).head[0].out_features == 64


def test_a_bright_top_turns_to_the_left():
    image = torch.zeros(1, 1, 8, 8)
    image[..., 0, :] = 1.0
    inputs, labels = rotation(dim32(1, 8), padding=0).puzzle(image, Generator())
    bright = [inputs[labels == k][0, 0] for k in range(4)]
    assert bright[0][0].all()
    assert bright[1][:, 0].all()
    assert bright[2][-1].all()
    assert bright[3][:, -1].all()
    assert [one.sum().item() for one in bright] == [8.0] * 4


def test_shift_and_mirror_image_come_before_the_turns(generator):
    images = torch.randint(1, 256, (5, 1, 8, 8), dtype=torch.uint8, generator=generator)
    inputs, _ = rotation(dim32(1, 8), padding=0, flip=1.0).puzzle(images, generator)
    assert torch.equal(inputs[:5], images.flip(3))
    inputs, _ = rotation(dim32(1, 8), padding=3, flip=0.0).puzzle(images, generator)
    assert (inputs == 0).any()
    for k in range(4):
        assert torch.equal(inputs[5 * k : 5 * k + 5], torch.rot90(inputs[:5], k, (2, 3)))


@pytest.mark.parametrize(
    ("compose", "settings", "message"),
    [
        (rotation, {"padding": -2}, "padding: -2 at 8 px; give 0 to 7"),
        (rotation, {"padding": 8}, "padding: 8 at 8 px"),
        (simclr, {"views": 1}, "views: 1 is too few; give 2 or more"),
        (simclr, {"width": 0}, "width: 0 is too few"),
        (simclr, {"hidden": -1}, "hidden: -1 is too few"),
        (simclr, {"temperature": 0.0}, "temperature: 0.0 must be positive"),
        (simclr, {"smallest_crop": 2.0}, "at most 1"),
        (simclr, {"flip": 2.0}, "no probability"),
        (simclr, {"strength": -1.0}, "strength: -1.0"),
    ],
)
def test_bad_settings_are_refused(compose, settings, message):
    with pytest.raises(InputError, match=message):
        compose(dim32(1, 8), **settings)
