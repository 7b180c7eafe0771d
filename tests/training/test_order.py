"""Which examples a step sees."""

from contextlib import nullcontext
from typing import NamedTuple

import pytest
import torch
from torch import Tensor

from mutua.training.order import batches

CUDA = torch.device("cuda", 0)


class Pair(NamedTuple):
    x: Tensor
    words: list[str]


class Twelve:
    """Rows that come in every kind of holder."""

    def __len__(self):
        return 12

    def take(self, index):
        return {"pair": Pair(index.float(), ["a"] * len(index)), "parts": (index, [index + 1]), "number": 3}


def test_every_epoch_has_its_own_order_and_leaves_out_what_fills_no_batch():
    seen = [batch["parts"][0] for batch in batches(Twelve(), 5, 0, 0, 6)]
    epochs = [torch.cat(seen[2 * k : 2 * k + 2]) for k in range(3)]
    assert all(len(set(epoch.tolist())) == 10 for epoch in epochs)
    assert len({tuple(epoch.tolist()) for epoch in epochs}) == 3
    later = list(batches(Twelve(), 5, 0, 3, 6))
    assert all(torch.equal(a["parts"][0], b) for a, b in zip(later, seen[3:], strict=True))


@pytest.fixture
def device(monkeypatch):
    """Devices that were entered."""
    entered = []
    monkeypatch.setattr(torch.cuda, "device", lambda device: entered.append(device) or nullcontext())
    return entered


def test_tensors_are_pinned_in_whatever_holds_them(monkeypatch, device):
    # Without a device torch can't pin: what would be is marked by its sign.
    monkeypatch.setattr(Tensor, "pin_memory", lambda x: -x)
    for pinned, plain in zip(batches(Twelve(), 4, 0, 0, 3, pin=CUDA), batches(Twelve(), 4, 0, 0, 3), strict=True):
        assert type(pinned["pair"]) is Pair
        assert torch.equal(pinned["pair"].x, -plain["pair"].x)
        assert pinned["pair"].words == plain["pair"].words
        assert torch.equal(pinned["parts"][0], -plain["parts"][0])
        assert torch.equal(pinned["parts"][1][0], -plain["parts"][1][0])
        assert pinned["number"] == 3
    assert device == [CUDA] * 3


def test_what_cannot_be_pinned_is_left_alone(monkeypatch, device):
    class Elsewhere(Twelve):
        def take(self, index):
            return index.to("meta"), index.float().to_sparse()

    monkeypatch.setattr(Tensor, "pin_memory", lambda x: pytest.fail("pinned"))
    assert len(list(batches(Elsewhere(), 4, 0, 0, 3, pin=CUDA))) == 3
