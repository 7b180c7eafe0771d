import math

import pytest
import torch
from torch import Generator, nn

from methods.small import Held
from mutua.encoders import dim32
from mutua.methods import aae, bigan
from mutua.methods.bigan import PairDiscriminator
from mutua.training import Interrupted, Plan, fit
from mutua.types import InputError
from stopping_early import stop_after

PLAN = Plan(epochs=3, batch=4, optimizer="adam", lr=1e-3, weight_decay=0.0, accelerator="cpu", log_every=1)
IMAGES = torch.randint(0, 256, (12, 1, 8, 8), dtype=torch.uint8, generator=Generator().manual_seed(1))


def test_the_balance_is_the_ratio_of_gradients_at_the_codes():
    torch.manual_seed(0)
    method = aae(dim32(1, 8), balance=0.25, width=4, units=8).double().eval()
    x = IMAGES[:4].double() / 255
    codes = method.codes(x).detach().requires_grad_()
    method.codes = lambda batch: codes
    step = method.step(x, Generator().manual_seed(0))
    (got,) = torch.autograd.grad(step.loss, codes)
    error = (method.images(x) - method.pixels.mean(method.decoder(codes))).square().sum() / 4
    (first,) = torch.autograd.grad(error, codes)
    assert (got - first).norm().item() == pytest.approx(0.25 * first.norm().item(), rel=1e-6)
    fooled = -nn.functional.logsigmoid(method.prior_player.discriminator(codes)).mean()
    (second,) = torch.autograd.grad(fooled, codes)
    assert torch.allclose((got - first) / (got - first).norm(), second / second.norm())


def test_codes_come_to_look_like_the_prior():
    torch.manual_seed(0)
    method = aae(dim32(1, 8, width=2), balance=100.0, width=4, units=32)
    trained = torch.optim.Adam(method.parameters(), lr=3e-3, betas=(0.5, 0.999))
    with torch.no_grad():
        method.encoder.stages["Y"].bias += 5
    found = []
    x = IMAGES.repeat(4, 1, 1, 1)
    for step in range(80):
        trained.zero_grad()
        took = method.step(x, Generator().manual_seed(step))
        took.loss.backward()
        trained.step()
        found.append(float(took.logs["mismatch"]))
    assert found[0] > 0.5
    assert found[-1] < 0.4 * found[0]


def test_a_pair_discriminator_reads_both_and_any_size():
    for shape in ((3, 32, 32), (1, 20, 9), (2, 3, 3)):
        d = PairDiscriminator(shape, 5, 4)
        x, z = torch.randn(2, *shape, requires_grad=True), torch.randn(2, 5, requires_grad=True)
        for grad in torch.autograd.grad(d(x, z).sum(), (x, z)):
            assert grad.any()


@pytest.mark.parametrize("player", ["discriminator", "fooling"])
def test_each_player_of_bigan_lowers_its_loss_where_the_other_rests(player):
    torch.manual_seed(0)
    method = bigan(dim32(1, 8), width=4)
    mine = [
        p
        for name, p in method.named_parameters()
        if p.requires_grad and name.startswith("adversary") == (player == "discriminator")
    ]
    trained = torch.optim.Adam(mine, lr=2e-3)
    losses = []
    for _ in range(20):
        step = method.step(IMAGES, Generator().manual_seed(0))
        method.zero_grad()
        step.loss.backward()
        trained.step()
        losses.append(step.logs[player].item())
    assert losses[-1] < losses[0] - 0.1


def test_the_ratio_is_one_where_codes_say_nothing():
    method = bigan(dim32(1, 8), width=4).eval()
    x = IMAGES[:6]
    images, codes = method.images(x), method.codes(x)
    assert float(method._ratio(images, torch.zeros_like(codes))) == pytest.approx(1)
    again = method.pixels.mean(method.decoder(codes))
    want = (images - again).abs().mean() / (images - again[[5, 0, 1, 2, 3, 4]]).abs().mean()
    assert float(method._ratio(images, codes)) == pytest.approx(want.item(), rel=1e-5)


@pytest.mark.parametrize("make", [aae, bigan])
def test_resumed_it_ends_the_same(make, tmp_path, monkeypatch):
    def fresh(seed=0):
        torch.manual_seed(seed)
        return make(dim32(1, 8), width=4)

    whole = fresh()
    rows = fit(whole, Held(IMAGES), PLAN)
    stop_after(monkeypatch, 4)
    with pytest.raises(Interrupted):
        fit(fresh(), Held(IMAGES), PLAN, folder=tmp_path)
    monkeypatch.undo()
    again = fresh(seed=9)
    assert [row["loss"] for row in fit(again, Held(IMAGES), PLAN, folder=tmp_path, resume=True)] == [
        row["loss"] for row in rows
    ]
    assert all(
        torch.equal(a, b) for a, b in zip(whole.state_dict().values(), again.state_dict().values(), strict=True)
    )


def test_bigan_ends_with_its_best_part():
    torch.manual_seed(0)
    method = bigan(dim32(1, 8), width=4, parts=3)
    method._ratio = iter([torch.tensor(ratio) for ratio in (0.9, 0.9, 0.9, 0.5, 0.5, 0.5, 0.8, 0.8, 0.8)]).__next__
    ratios = method._ratio
    method._ratio = lambda x, codes: ratios()
    kept = []

    def watched(step, steps, stepped=method.stepped):
        if step == 5:
            kept.append({name: value.clone() for name, value in method.encoder.state_dict().items()})
        stepped(step, steps)

    method.stepped = watched
    fit(method, Held(IMAGES), PLAN)
    assert all(torch.equal(value, kept[0][name]) for name, value in method.encoder.state_dict().items())


def test_a_discriminator_that_has_won_stops_training():
    method = bigan(dim32(1, 8), width=4)
    method.watch.every = 2
    method.watch.average.fill_(1e-3)
    method.adversary.play = lambda real, made, play=method.adversary.play: play(real, made)._replace(
        telling=0 * play(real, made).telling
    )
    with pytest.raises(InputError, match="discriminator: has won by step 1"):
        fit(method, Held(IMAGES), PLAN)


@pytest.mark.parametrize(
    ("make", "settings", "said"),
    [
        (aae, {"balance": 0.0}, "balance: 0.0; give the prior"),
        (aae, {"balance": math.inf}, "balance: inf"),
        (aae, {"units": 0}, "units: 0 is too few"),
        (aae, {"latent": 0}, "latent: 0"),
        (bigan, {"parts": 0}, "parts: 0 is too few"),
        (bigan, {"low": 2.0}, "low, high: 2.0 and 1.0"),
    ],
)
def test_bad_settings(make, settings, said):
    with pytest.raises(InputError, match=said):
        make(dim32(1, 8), **settings)
