import torch
from torch import Generator

from mutua.critics import Cosine
from mutua.encoders import dim32
from mutua.methods import rotation, simclr
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
