"""The published composition, setting by setting."""

import pytest

from mutua.views import ColourJitter, GaussianBlur, Greyscale, HorizontalFlip, RandomResizedCrop, simclr


def test_simclr_for_cifar():
    assert simclr(3, 32).views == (
        RandomResizedCrop((32, 32), (0.08, 1.0), (3 / 4, 4 / 3)),
        HorizontalFlip(0.5),
        ColourJitter(0.4, 0.4, 0.4, 0.1, p=0.8),
        Greyscale(0.2),
    )


def test_simclr_for_imagenet():
    views = simclr(3, 224, strength=1.0).views
    assert views[2] == ColourJitter(0.8, 0.8, 0.8, 0.2, p=0.8)
    assert views[4] == GaussianBlur((0.1, 2.0), 0.5)


@pytest.mark.parametrize("channels", [1, 13])
def test_simclr_without_rgb_leaves_out_what_needs_it(channels):
    assert simclr(channels, 28, flip=0).views == (
        RandomResizedCrop((28, 28)),
        ColourJitter(0.4, 0.4, 0.0, 0.0, p=0.8),
    )


def test_simclr_settings():
    assert not any(isinstance(view, ColourJitter) for view in simclr(3, 32, strength=0).views)
    assert simclr(3, (64, 48), blur=0.0, scale=(0.2, 1.0)).views[0] == RandomResizedCrop((64, 48), (0.2, 1.0))
    assert not any(isinstance(view, GaussianBlur) for view in simclr(3, (64, 48), blur=0.0).views)
    assert simclr(3, 32, strength=5.0).views[2].hue == 0.5
