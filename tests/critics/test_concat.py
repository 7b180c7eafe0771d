"""The concatenating MLP."""

from __future__ import annotations

import torch

from mutua.critics import Concat


def test_it_is_an_mlp_of_the_concatenated_pair() -> None:
    critic = Concat(3, 4, (8, 6)).double()
    x, y = torch.randn(9, 3, dtype=torch.float64), torch.randn(9, 4, dtype=torch.float64)
    assert torch.allclose(critic(x, y), critic.rest(critic.first(torch.cat([x, y], -1)))[:, 0], atol=1e-12)


def test_the_lectures_sizes_are_the_default() -> None:
    critic = Concat(3, 4)
    assert [tuple(p.shape) for p in critic.parameters()] == [
        (512, 7),
        (512,),
        (512, 512),
        (512,),
        (1, 512),
        (1,),
    ]
    assert [type(layer).__name__ for layer in critic.rest] == ["ReLU", "Linear", "ReLU", "Linear"]
    assert "dx=3, dy=4" in repr(critic)
