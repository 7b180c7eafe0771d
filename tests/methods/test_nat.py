import itertools

import numpy as np
import pytest
import torch
from torch import Generator
from torch.nn.functional import normalize

from methods.small import Held
from mutua.encoders import dim32, mlp
from mutua.methods import NAT, nat
from mutua.methods.nat import _best, matching_alone
from mutua.training import Interrupted, Plan, fit
from mutua.types import InputError, Spec
from stopping_early import stop_after

PLAN = Plan(
    epochs=4, batch=4, optimizer="sgd", lr=0.5, weight_decay=0.0, momentum=0.0, accelerator="cpu", log_every=1
)
IMAGES = torch.randint(0, 256, (12, 1, 8, 8), dtype=torch.uint8, generator=Generator().manual_seed(1))


def made(seed=0, **settings):
    torch.manual_seed(seed)
    return nat(dim32(1, 8, width=3), **{"smallest_crop": 1.0, "flip": 0.0, **settings})


def test_the_matching_is_the_best_of_all():
    scores = np.random.RandomState(0).randn(5, 5)
    best = max(itertools.permutations(range(5)), key=lambda order: scores[range(5), order].sum())
    assert _best(scores).tolist() == list(best)


def test_matching_alone_is_the_known_value():
    assert matching_alone(64, 256) == pytest.approx(1.344, abs=0.02)
    assert matching_alone(16, 64) == pytest.approx(0.974, abs=0.04)


def test_a_step_exchanges_within_the_batch_and_keeps_it_once_taken():
    method = made().double()
    method.learns_from(12)
    before = method.targets.clone()
    rows = torch.tensor([3, 7, 1, 10])
    x = IMAGES[rows].double() / 255
    step = method.step({"x": x, "row": rows}, Generator())
    assert torch.equal(method.targets, before)  # computed, not taken
    method.stepped(0, 10)
    after = method.targets
    left = [row for row in range(12) if row not in rows.tolist()]
    assert torch.equal(after[left], before[left])
    assert sorted(map(tuple, after[rows].tolist())) == sorted(map(tuple, before[rows].tolist()))
    z = normalize(method.encoder(x), dim=1)
    losses = [
        ((z - before[rows][list(order)]) ** 2).sum(1).mean().item() for order in itertools.permutations(range(4))
    ]
    assert step.loss.item() == pytest.approx(min(losses), rel=1e-9)
    assert step.loss.item() == pytest.approx(((z - after[rows]) ** 2).sum(1).mean().item(), rel=1e-9)


def test_points_are_exchanged_in_every_third_epoch_and_stay_the_same_points():
    method, moved, first = made(every=3), [], {}

    def watched(step, steps, stepped=method.stepped):
        before = method.targets.clone()
        first.setdefault("targets", before)
        stepped(step, steps)
        moved.append(bool((method.targets != before).any()))

    method.stepped = watched
    fit(method, Held(IMAGES), PLAN)
    assert any(moved[:3])  # three batches an epoch
    assert not any(moved[3:9])
    assert any(moved[9:])
    assert sorted(map(tuple, method.targets.tolist())) == sorted(map(tuple, first["targets"].tolist()))
    assert torch.allclose(method.targets.norm(dim=1), torch.ones(12))


def test_resumed_it_owns_the_same_points(tmp_path, monkeypatch):
    whole = made()
    fit(whole, Held(IMAGES), PLAN)
    stop_after(monkeypatch, 5)
    with pytest.raises(Interrupted):
        fit(made(), Held(IMAGES), PLAN, folder=tmp_path)
    monkeypatch.undo()
    again = made(seed=9)  # whose own points would be others
    fit(again, Held(IMAGES), PLAN, folder=tmp_path, resume=True)
    assert all(
        torch.equal(a, b) for a, b in zip(whole.state_dict().values(), again.state_dict().values(), strict=True)
    )


def test_bad_input():
    with pytest.raises(InputError, match="batch: one example has nobody to exchange its target with"):
        made().step(IMAGES[:1], Generator())
    with pytest.raises(InputError, match=r"smallest_crop: 0\.0 is no share"):
        made(smallest_crop=0.0)
    with pytest.raises(InputError, match="every: 0 is too few"):
        made(every=0)
    with pytest.raises(InputError, match="takes table, and nat learns from images"):
        nat(mlp(Spec("table", (4,), "float32")))
    assert isinstance(nat(dim32(2, 8)), NAT)
