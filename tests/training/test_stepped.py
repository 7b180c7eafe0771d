"""The hook after the optimizer's step: how often it comes, in which order, and that a resumed training goes on."""

from dataclasses import replace

import pytest
import torch

from methods.small import SPECS, composed, sample
from mutua.training import Plan, fit
from training.cut_toys import contrastive
from training.test_cached import Pictures
from training.test_resuming import in_pieces
from training.toys import Numbers, Regression, same

PLAN = Plan(epochs=3, batch=8, lr=1e-2, accelerator="cpu", save_every=1e9, log_every=1)  # 5 batches an epoch


class Told(Regression):
    """Remembers what it was told, and its weight then."""

    def __init__(self):
        super().__init__()
        self.told = []

    def stepped(self, step, steps):
        assert not torch.is_grad_enabled()
        self.told.append((step, steps, self.linear.bias.item()))


@pytest.mark.parametrize(("accumulate", "steps"), [(1, 15), (2, 7), (4, 3)])
def test_it_comes_after_each_step_of_the_optimizer(accumulate, steps):
    method = Told()
    fit(method, Numbers(), replace(PLAN, accumulate=accumulate))
    assert [(step, of) for step, of, _ in method.told] == [(k, steps) for k in range(steps)]
    biases = [bias for _, _, bias in method.told]
    assert len({0.1, *biases}) == steps + 1  # the weights have moved each time
    assert biases[-1] == method.linear.bias.item()


def test_it_comes_in_chunks_too():
    found = []
    for micro_batch in (0, 3):
        method = contrastive()
        method.stepped = lambda step, steps, found=found: found.append((step, steps))
        fit(method, Pictures(), replace(PLAN, batch=10, accumulate=2, micro_batch=micro_batch))
    assert found == 2 * [(k, 3) for k in range(3)]


class Few:
    """Small images."""

    def __len__(self):
        return 16

    def take(self, index):
        return sample(SPECS["image"], 16)[index]


@pytest.mark.parametrize("name", ["byol", "moco"])
def test_targets_and_queues_in_pieces_are_those_in_one(name, tmp_path, monkeypatch):
    plan = replace(PLAN, epochs=8, ema=0.5, accumulate=2)
    whole = composed(name)
    fit(whole, Few(), plan)
    from training import test_resuming

    monkeypatch.setattr(test_resuming, "Numbers", Few)
    method, _, pieces = in_pieces(
        lambda: composed(name, seed=9 if (tmp_path / "checkpoint.pt").exists() else 0), plan, tmp_path, monkeypatch
    )
    assert pieces > 2
    assert same(whole, method)  # queue, target and all, bit for bit
    start = composed(name).state_dict()
    moved = [key for key, value in whole.state_dict().items() if "target" in key or "queue" in key]
    assert any(not torch.equal(whole.state_dict()[key], start[key]) for key in moved)


def test_a_step_of_two_batches_queues_what_one_of_twice_the_size_does():
    """Batches that are accumulated meet the same queue and target, so it is no matter how a step is cut."""
    found = []
    for cut in (1, 2):
        torch.manual_seed(0)
        method = composed("moco").double().eval()  # no batch norm between examples
        method.queue.train()
        images = sample(SPECS["image"], 8).double() / 255
        drawn = method.draw(images, torch.Generator().manual_seed(2))
        z = method.embed(images, drawn)
        loss = sum(method.judge(part).loss / cut for part in z.chunk(cut))
        loss.backward()
        with torch.no_grad():
            for p in method.parameters():
                if p.grad is not None:
                    p.sub_(0.1 * p.grad)
            method.stepped(0, 10)
        found.append(method.state_dict())
    for key, value in found[0].items():
        assert torch.allclose(value, found[1][key], atol=1e-10), key
