import math

import pytest
import torch
from torch import nn
from torch.nn.functional import logsigmoid

from mutua.objectives.adversary import CHANCE, Adversary, Watch, balanced, energy_distance
from mutua.objectives.best_part import BestPart
from mutua.types import InputError


class Pair(nn.Module):
    """A discriminator of two things together."""

    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(5, 4), nn.Tanh(), nn.Linear(4, 1))

    def forward(self, x, z):
        return self.net(torch.cat([x, z], 1))


def test_both_losses_by_hand_and_each_player_its_own_gradient():
    torch.manual_seed(0)
    d = Pair()
    x, made = torch.randn(4, 3), torch.randn(4, 3, requires_grad=True)
    code, z = torch.randn(4, 2, requires_grad=True), torch.randn(4, 2)
    game = Adversary(d).play((x, code), (made, z))
    real, fake = d(x, code), d(made, z)
    telling = -(logsigmoid(real).mean() + logsigmoid(-fake).mean())
    swapped = -(logsigmoid(-real).mean() + logsigmoid(fake).mean())
    assert game.telling.item() == pytest.approx(telling.item(), rel=1e-6)
    assert game.fooling.item() == pytest.approx(swapped.item(), rel=1e-6)
    weights = list(d.parameters())
    grads = torch.autograd.grad(game.telling + game.fooling, [*weights, made, code])
    for got, want in zip(grads[:-2], torch.autograd.grad(telling, weights, retain_graph=True), strict=True):
        torch.testing.assert_close(got, want)
    for got, want in zip(grads[-2:], torch.autograd.grad(swapped, [made, code]), strict=True):
        torch.testing.assert_close(got, want)


def test_what_nobody_learns_is_not_fooled():
    d = nn.Linear(2, 1)
    real, made = torch.randn(6, 2), torch.randn(6, 2, requires_grad=True)
    game = Adversary(d).play(real, made)
    assert game.fooling.item() == pytest.approx(-logsigmoid(d(made)).mean().item(), rel=1e-6)


def test_a_discriminator_that_has_won_stops_with_a_sentence():
    watch = Watch(every=5)
    assert pytest.approx(2 * math.log(2)) == CHANCE
    for step in range(800):
        watch.note(torch.tensor(0.001))
        if watch.average * 0.99 + 0.00001 < watch.least and (step + 1) % 5 == 0:
            with pytest.raises(InputError, match=f"discriminator: has won by step {step}, its loss is 0.00"):
                watch.stepped(step)
            break
        watch.stepped(step)
    else:
        raise AssertionError("it never stopped")
    assert 450 < step < 700  # log(1.386 / .009) steps of a hundredth each
    fine = Watch(every=1)
    fine.note(torch.tensor(1.3))
    fine.stepped(0)
    assert float(fine.average) == pytest.approx(0.99 * CHANCE + 0.013)


def test_gradients_are_balanced():
    x = torch.randn(4, 3, requires_grad=True)
    a, b = balanced(x, 0.5)
    (grad,) = torch.autograd.grad((a**2).sum() + 1e6 * (3 * b).sum(), x)
    second = torch.full((4, 3), 1.0)
    want = 2 * x + 0.5 * second / second.norm() * (2 * x).norm()
    torch.testing.assert_close(grad, want.detach())


def test_energy_distance_by_loops_and_at_its_ends():
    generator = torch.Generator().manual_seed(0)
    x, y = torch.randn(5, 2, generator=generator), 3 + torch.randn(4, 2, generator=generator)
    across = sum((a - b).norm() for a in x for b in y) / 20
    within = [sum((a - b).norm() for a in z for b in z) / (len(z) * (len(z) - 1)) for z in (x, y)]
    want = (2 * across - sum(within)) / (2 * across)
    assert float(energy_distance(x, y)) == pytest.approx(float(want), rel=1e-5)
    many = torch.randn(2, 800, 3, generator=generator)
    assert abs(float(energy_distance(*many))) < 0.01
    assert float(energy_distance(x, x + 1000)) > 0.99


def played(figures, allowances, parts):
    """The weight at the end of a training whose weight is the number of steps done."""
    network = nn.Linear(1, 1, bias=False)
    kept = BestPart(network, parts)
    for step, (figure, allowance) in enumerate(zip(figures, allowances, strict=True)):
        with torch.no_grad():
            network.weight.fill_(step)
        kept.note(torch.tensor(figure), torch.tensor(allowance))
        kept.stepped(network, step, len(figures))
    return network.weight.item(), kept


def test_the_best_part_is_what_remains():
    figures = [0.9, 0.9, 0.5, 0.5, 0.2, 0.2, 0.7, 0.7]
    weight, kept = played(figures, [1.0] * 8, 4)
    assert weight == 5
    assert kept.best.tolist() == pytest.approx([0.2, 2])
    assert played(figures, [1.0] * 4 + [-1.0] * 2 + [1.0] * 2, 4)[0] == 3  # the best is not allowed
    assert played(figures, [-1.0] * 8, 4)[0] == 7  # none is: as it ended
    assert played(figures[:2], [1.0] * 2, 20)[0] == 0  # fewer steps than parts; of equals the first
