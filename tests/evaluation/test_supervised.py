from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from torch import nn

from mutua.data.image.images import Images
from mutua.data.splits import split_off
from mutua.encoders import Staged, Wrapped
from mutua.evaluation import Labelled, Supervised, features, finetune, supervised
from mutua.training import Plan
from mutua.types import InputError

PLAN = Plan(epochs=15, batch=16, lr=5e-3, accelerator="cpu")


def corners(n: int = 120) -> Images:
    """Two classes: the bright corner is top left or bottom right."""
    random = np.random.RandomState(0)
    labels = np.arange(n) % 2
    pixels = random.randint(0, 80, (n, 1, 6, 6))
    pixels[labels == 0, :, :2, :2] += 120
    pixels[labels == 1, :, 4:, 4:] += 120
    return Images(pixels.astype(np.uint8), labels)


def network() -> Staged:
    stages = {
        "map": nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU()),
        "out": nn.Sequential(nn.Flatten(), nn.Linear(144, 8)),
    }
    return Staged(stages, 1, 6)


def test_a_step_is_the_cross_entropy_of_the_head_on_the_last_depth(generator: torch.Generator) -> None:
    method = Supervised(network(), 2)
    images, labels = Labelled(corners()).take(torch.tensor([3, 0, 5]))
    assert labels.tolist() == [1, 0, 1]
    step = method.step((images, labels), generator)
    scores = method.head(method.encoder(images))
    by_hand = -torch.log_softmax(scores, 1)[torch.arange(3), labels].mean()
    # The batch norm's output in train mode is the same both times.
    torch.testing.assert_close(step.loss, by_hand)
    step.loss.backward()
    assert all(p.grad is not None for p in method.parameters())
    torch.testing.assert_close(method.encode(images), method.encoder(images))


def test_full_supervision_learns_repeats_and_can_stand_in_a_table() -> None:
    train, test = split_off(corners(), 0.4, 0)
    method, score = supervised(network, train, test, plan=PLAN)
    again = supervised(network, train, test, plan=PLAN)
    assert score.accuracy > 95
    assert again[1] == score
    assert all(
        torch.equal(a, b)
        for a, b in zip(method.state_dict().values(), again[0].state_dict().values(), strict=True)
    )
    assert features(method.encoder, test)["out"].shape == (48, 8)
    assert "15 epochs" in score.protocol


def test_fine_tuning_leaves_the_encoder_as_it_was_and_draws_few_labels() -> None:
    train, test = split_off(corners(), 0.4, 0)
    net = network().train()
    before = copy.deepcopy(net.state_dict())
    method, score = finetune(net, train, test, labels_per_class=4, plan=PLAN)
    assert all(torch.equal(a, b) for a, b in zip(net.state_dict().values(), before.values(), strict=True))
    assert net.training
    assert not torch.equal(method.encoder.stages["out"][1].weight, net.stages["out"][1].weight)
    assert score.accuracy > 80
    assert "4 labels a class" in score.protocol
    assert "8 labelled images" in score.protocol


def test_labels_of_test_change_only_the_score() -> None:
    train, test = split_off(corners(), 0.4, 0)
    assert test.labels is not None
    wrong = Images(test.pixels, 1 - test.labels)
    one, two = (finetune(seeded(), train, t, plan=PLAN) for t in (test, wrong))
    assert one[1].accuracy == pytest.approx(100 - two[1].accuracy)
    assert torch.equal(one[0].head.weight, two[0].head.weight)


def seeded() -> Staged:
    torch.manual_seed(0)
    return network()


def test_bad_input_is_named() -> None:
    train, test = split_off(corners(), 0.4, 0)
    with pytest.raises(InputError, match="no labels"):
        Labelled(Images(train.pixels))
    with pytest.raises(InputError, match="test: its examples have no labels"):
        finetune(network(), train, Images(test.pixels))
    with pytest.raises(InputError, match="labels_per_class: 100 where the smallest class has 36"):
        finetune(network(), train, test, labels_per_class=100)
    with pytest.raises(InputError, match="Sequential has no `width`"):
        Supervised(nn.Sequential(nn.Flatten()), 2)
    assert Supervised(Wrapped(nn.Flatten(), 1, 6), 2).head.in_features == 36
    with pytest.raises(InputError, match="at least two"):
        Supervised(network(), 1)
