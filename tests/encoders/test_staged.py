"""Networks made of named stages."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from mutua.encoders import Staged, pixels
from mutua.types import InputError


class Counting(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.calls = 0

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        return x


def test_pixels_go_from_minus_one_to_one() -> None:
    assert pixels(torch.tensor([0, 255], dtype=torch.uint8)).tolist() == [-1, 1]
    assert pixels(torch.tensor([0.0, 0.25, 1.0])).tolist() == [-1, -0.5, 1]
    every = torch.arange(256).to(torch.uint8)
    assert torch.allclose(pixels(every), pixels(every / 255), atol=1e-6)


def test_a_stage_that_works_in_place_does_not_spoil_the_depth_before_it() -> None:
    encoder = Staged({"conv": nn.Conv2d(3, 4, 3), "relu": nn.ReLU(inplace=True)}, 3, 8)
    x = torch.rand(2, 3, 8, 8)
    together = encoder.read(x, ("conv", "relu"))
    assert torch.equal(together["conv"], encoder.read(x, ("conv",))["conv"])
    assert (together["conv"] < 0).any()
    assert torch.equal(together["relu"], together["conv"].relu())
    together["conv"].sum().backward()  # and autograd does not mind


def test_reading_goes_no_deeper_than_it_must() -> None:
    first, second = Counting(), Counting()
    encoder = Staged({"first": first, "second": second}, 3, 8)
    first.calls = second.calls = 0
    encoder.read(torch.zeros(1, 3, 8, 8), ("first",))
    assert (first.calls, second.calls) == (1, 0)
    encoder.read(torch.zeros(1, 3, 8, 8), ("second", "first"))
    assert (first.calls, second.calls) == (2, 1)


def test_the_dry_run_leaves_modes_and_statistics_alone() -> None:
    frozen, free = nn.BatchNorm2d(3).eval(), nn.BatchNorm2d(3)
    encoder = Staged({"frozen": frozen, "free": free}, 3, 8)
    assert (encoder.training, frozen.training, free.training) == (True, False, True)
    assert free.running_mean is not None
    assert (free.running_mean == 0).all()


def test_images_that_do_not_pass_are_refused_in_one_line() -> None:
    with pytest.raises(
        InputError, match=r"size: images of 3 x 4 x 4 px do not pass .*Kernel size.*; give"
    ) as caught:
        Staged({"conv": nn.Conv2d(3, 4, 5)}, 3, 4)
    assert "\n" not in str(caught.value)


def test_errors_at_the_right_size_are_not_disguised() -> None:
    encoder = Staged({"conv": nn.Conv2d(3, 4, 5)}, 3, 8)
    with pytest.raises(RuntimeError, match=r"type"):
        encoder(torch.rand(1, 3, 8, 8, dtype=torch.float64))
