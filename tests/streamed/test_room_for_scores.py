import pytest
import torch
from torch import nn

from mutua.critics import Concat
from mutua.scores import paired
from mutua.streamed import choice
from mutua.types import Critic, InputError


def test_a_critic_that_needs_too_much_memory_is_refused_before_it_asks_for_it(monkeypatch):
    monkeypatch.setattr(choice, "available", lambda device: 2**30)
    critic = Concat(4, 4, (512, 512))
    x = torch.zeros(50_000, 4)
    with pytest.raises(InputError, match=r"critic: Concat scores each of 50,000 x 50,000 pairs") as caught:
        paired(critic, x, x)
    message = str(caught.value)
    assert "\n" not in message
    assert "1.0 GiB are available; use a critic that factorises" in message
    # Two layers of 512 are kept for each pair, and the score.
    gib = float(message.split("which takes ", 1)[1].split(" ", 1)[0])
    assert 1.0 <= gib / (50_000**2 * (2 * 512 + 1) * 4 / 2**30) < 1.6


def test_it_is_the_same_critic_afterwards(monkeypatch):
    monkeypatch.setattr(choice, "available", lambda device: 2**60)
    monkeypatch.setattr(choice, "_SMALL", 0)
    critic = nn.Sequential(Concat(4, 4, (8,)), nn.Dropout(), nn.BatchNorm1d(3))
    critic[1].eval()

    class Wrapped(Concat):
        def __init__(self):
            super().__init__(4, 4, (8,))
            self.rest.append(nn.Dropout(0.5))
            self.still = nn.Dropout(0.5).eval()

    made = Wrapped()
    x = torch.randn(6, 4)
    before = torch.get_rng_state()
    choice.room(made, x, x)
    assert torch.equal(torch.get_rng_state(), before)
    assert made.training
    assert made.rest.training
    assert not made.still.training
    assert all(p.grad is None for p in made.parameters())


def test_memory_that_can_be_had():
    found = choice.available(torch.device("cpu"))
    assert found is None or 2**20 < found < 2**50


def test_what_torch_holds_and_has_freed_is_to_be_had(monkeypatch):
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (6, 24))
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda device: 17)
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda device: 2)
    assert choice.available(torch.device("cuda")) == 6 + 17 - 2


class Squares(Critic):
    """Nothing to learn: what its gradient keeps is kept for the vectors that it scores."""

    def forward(self, x, y):
        return -(x - y).square().sum(-1)


@pytest.mark.parametrize("grad", [True, False])
def test_what_a_critic_without_parameters_takes_is_seen(grad, monkeypatch):
    x = torch.zeros(6000, 64, requires_grad=grad)
    monkeypatch.setattr(choice, "available", lambda device: 2**20)
    with pytest.raises(InputError, match="Squares scores each of 6,000 x 6,000 pairs") as caught:
        paired(Squares(), x, x)
    taken = float(str(caught.value).split("which takes ", 1)[1].split(" ", 1)[0]) * 2**30
    # Differences and squares of 64 numbers a pair; backward the differences and three more, as the process's
    # memory rose by at 2,100 examples.
    assert taken == pytest.approx(6000 * 6000 * 64 * 4 * (4 if grad else 2), rel=0.15)


def test_parameters_have_no_gradient_of_it(monkeypatch):
    monkeypatch.setattr(choice, "available", lambda device: 2**60)
    critic = Concat(4, 4, (8,))
    x = torch.zeros(600, 4, requires_grad=True)
    choice.room(critic, x, x)
    assert x.grad is None
    assert all(p.grad is None for p in critic.parameters())


@pytest.mark.parametrize(
    ("shape", "streams"),
    [
        ((2048, 32), True),
        ((2048, 1024), False),
        ((8192, 1024), True),
        ((40, 1500, 32), True),
        ((40, 64, 64), False),
    ],
)
def test_no_large_matrix_is_held(shape, streams):
    left = torch.empty(shape, device="meta")
    assert choice.streams(left, torch.empty(shape, device="meta")) == streams


def test_what_a_pair_takes_is_found_once(monkeypatch):
    found = []
    inner = choice._bytes_a_pair
    monkeypatch.setattr(choice, "available", lambda device: 2**60)
    monkeypatch.setattr(choice, "_bytes_a_pair", lambda *given: found.append(1) or inner(*given))
    critic, x = Concat(4, 4, (8,)), torch.zeros(600, 4)
    for _ in range(3):
        choice.room(critic, x, x)
    assert len(found) == 1
    choice.room(critic, x.requires_grad_(), x)
    critic.requires_grad_(False)
    choice.room(critic, x, x)
    choice.room(Concat(4, 4, (8,)), x, x)
    assert len(found) == 4
