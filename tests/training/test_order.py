"""Which examples a step sees."""

from contextlib import nullcontext
from typing import NamedTuple

import pytest
import torch
from torch import Tensor

from mutua.training.order import Numbered, batches, seeded
from mutua.types import InputError
from training.toys import Numbers

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


def test_an_epoch_visits_each_row_once_in_an_order_of_its_own():
    class Indices:
        def __len__(self):
            return 23

        def take(self, index):
            return index

    found = list(batches(Indices(), 5, 0, 0, 12))
    epochs = [torch.cat(found[4 * k : 4 * k + 4]) for k in range(3)]
    assert all(len(epoch.unique()) == 20 for epoch in epochs)
    assert len({tuple(epoch.tolist()) for epoch in epochs}) == 3
    assert all(torch.equal(a, b) for a, b in zip(found[6:], batches(Indices(), 5, 0, 6, 12), strict=True))


def test_an_error_of_the_data_comes_through():
    class Broken(Numbers):
        def take(self, index):
            raise InputError("photo.jpg: cannot be read")

    with pytest.raises(InputError, match="photo"):
        next(batches(Broken(), 4, 0, 0, 3))


def test_generators_are_functions_of_their_parts():
    assert seeded(1, "a", 2).initial_seed() == seeded(1, "a", 2).initial_seed()
    assert len({seeded(*parts).initial_seed() for parts in [(1, 2), (12,), (1, "2"), (2, 1)]}) == 4


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


def test_numbered_rows_say_which_they_are():
    class Squares:
        def __len__(self):
            return 5

        def take(self, index):
            return index**2

    class Named(Squares):
        def take(self, index):
            return {"x": index**2, "mask": index > 0}

    index = torch.tensor([3, 0])
    assert {k: v.tolist() for k, v in Numbered(Squares()).take(index).items()} == {"x": [9, 0], "row": [3, 0]}
    assert list(Numbered(Named()).take(index)) == ["x", "mask", "row"]
    seen = list(batches(Numbered(Squares()), 2, seed=0, start=0, stop=2))
    assert all(torch.equal(batch["x"], batch["row"] ** 2) for batch in seen)
    assert len({int(row) for batch in seen for row in batch["row"]}) == 4
