import pytest
import torch

from mutua.types import InputError
from mutua.views import PaddedCrop


def test_equals_a_slow_loop(generator):
    images = torch.randint(1, 256, (6, 3, 5, 7), dtype=torch.uint8, generator=generator)
    view = PaddedCrop(2)
    drawn = view.draw(6, (3, 5, 7), generator)
    got = view.apply(images, drawn)
    for k in range(6):
        down, right = drawn["shift"][k].tolist()
        for i in range(5):
            for j in range(7):
                row, column = i + down - 2, j + right - 2
                inside = 0 <= row < 5 and 0 <= column < 7
                want = images[k, :, row, column] if inside else torch.zeros(3, dtype=torch.uint8)
                assert torch.equal(got[k, :, i, j], want)


def test_without_padding_nothing_changes(generator):
    images = torch.rand(3, 1, 4, 4)
    assert torch.equal(PaddedCrop(0)(images, generator), images)


def test_every_place_is_as_likely(generator):
    shift = PaddedCrop(1).draw(9000, (3, 8, 8), generator)["shift"]
    counts = torch.bincount(shift[:, 0] * 3 + shift[:, 1], minlength=9)
    assert counts.sum() == 9000
    assert (counts - 1000).abs().max() < 4.5 * 1000**0.5


def test_negative_padding_is_refused():
    with pytest.raises(InputError, match="padding"):
        PaddedCrop(-1)


def test_floats_are_kept_exactly_and_rows_stand_alone(generator):
    images = torch.rand(5, 2, 6, 6)
    view = PaddedCrop(3)
    drawn = view.draw(5, (3, 6, 6), generator)
    got = view.apply(images, drawn)
    assert set(got.flatten().tolist()) <= {0.0, *images.flatten().tolist()}
    for k in range(5):
        assert torch.equal(view.apply(images[k : k + 1], {"shift": drawn["shift"][k : k + 1]}), got[k : k + 1])
