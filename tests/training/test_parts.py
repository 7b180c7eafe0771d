from typing import get_args

import numpy as np
import pytest
import torch
from torch import nn

from mutua.training import LARS, OPTIMIZERS, SCALINGS, SCHEDULES, Plan
from mutua.training.metrics import Csv, read
from mutua.training.norm import SyncedBatchNorm, synchronised
from mutua.training.optimizers import optimizer
from mutua.training.plan import OptimizerName, ScalingName, ScheduleName
from mutua.types import InputError
from training.toys import Regression


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_biases_and_norms_are_not_decayed(name):
    module = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
    made = optimizer(module, Plan(optimizer=name, weight_decay=0.3))
    decays = {id(p): group["weight_decay"] for group in made.param_groups for p in group["params"]}
    assert {n: decays[id(p)] for n, p in module.named_parameters()} == {
        "0.weight": 0.3,
        "0.bias": 0.0,
        "1.weight": 0.0,
        "1.bias": 0.0,
    }


def test_every_name_of_a_plan_is_in_its_catalogue():
    assert set(get_args(OptimizerName)) == set(OPTIMIZERS)
    assert set(get_args(ScheduleName)) == set(SCHEDULES)
    assert set(get_args(ScalingName)) == set(SCALINGS)


def test_nothing_to_train_is_refused():
    method = Regression().requires_grad_(False)
    with pytest.raises(InputError, match="Regression has no parameter to train"):
        optimizer(method, Plan())


def test_lars_against_a_slow_twin():
    rng = np.random.default_rng(0)
    w, b = rng.normal(size=(3, 2)), rng.normal(size=3)
    layer = nn.Linear(2, 3).double()
    layer.weight.data, layer.bias.data = torch.tensor(w), torch.tensor(b)
    made = optimizer(layer, Plan(optimizer="lars", lr=0.7, momentum=0.8, weight_decay=0.1))
    assert isinstance(made, LARS)
    vw, vb = np.zeros_like(w), np.zeros_like(b)
    for rate in (0.7, 0.7, 0.2, 0.05):  # a change of the rate leaves the velocity as it is
        for group in made.param_groups:
            group["lr"] = rate
        gw, gb = rng.normal(size=w.shape), rng.normal(size=b.shape)
        layer.weight.grad, layer.bias.grad = torch.tensor(gw), torch.tensor(gb)
        made.step()
        u = gw + 0.1 * w
        vw = 0.8 * vw + rate * 1e-3 * np.linalg.norm(w) / np.linalg.norm(u) * u
        vb = 0.8 * vb + rate * gb
        w, b = w - vw, b - vb
    np.testing.assert_allclose(layer.weight.detach(), w, rtol=1e-12)
    np.testing.assert_allclose(layer.bias.detach(), b, rtol=1e-12)


def test_a_step_of_lars_by_hand():
    """|w| = 5, |u| = 10, eta = 0.1: the trust ratio is 0.05 and the step 0.5 x 0.05 x u."""
    w = nn.Parameter(torch.tensor([[3.0, 4.0]]))
    made = LARS([w], lr=0.5, momentum=0.9, weight_decay=1.0, eta=0.1)
    w.grad = torch.tensor([[3.0, 4.0]])  # u = g + w = (6, 8)
    made.step()
    assert torch.allclose(w.data, torch.tensor([[2.85, 3.8]]))


def test_lars_where_a_norm_is_zero_takes_a_plain_step():
    w = nn.Parameter(torch.zeros(2, 2))
    made = LARS([w], lr=0.5)
    w.grad = torch.ones(2, 2)
    made.step()
    assert torch.equal(w.data, torch.full((2, 2), -0.5))
    w.grad = None
    made.step()
    assert torch.equal(w.data, torch.full((2, 2), -0.5))


def test_metrics_are_cut_back_to_where_a_run_resumes(tmp_path):
    path = tmp_path / "metrics.csv"
    log = Csv(path)
    for step in range(5):
        log.log_metrics({"loss": step / 2}, step)
    with path.open("a") as file:
        file.write("5,2.")  # killed while writing
    assert [row["loss"] for row in read(path)] == ["0.0", "0.5", "1.0", "1.5", "2.0"]
    log = Csv(path, keep=3)
    log.log_metrics({"loss": 9.0}, 3)
    log.log_metrics({"loss": 8.0, "extra": 1.0}, 4)
    rows = read(path)
    assert [row["step"] for row in rows] == ["0", "1", "2", "3", "4"]
    assert [row["extra"] for row in rows] == ["", "", "", "", "1.0"]
    assert rows[3]["loss"] == "9.0"
    path.write_text("a,b\n1,2\n")
    with pytest.raises(InputError, match=r"metrics\.csv: holds no metrics of mutua"):
        Csv(path, keep=3)


@pytest.mark.parametrize("shape", [(8, 3), (4, 3, 5, 5)])
def test_synchronised_batch_norm_of_one_process_is_batch_norm(shape):
    plain = nn.Sequential(nn.BatchNorm1d(3) if len(shape) == 2 else nn.BatchNorm2d(3)).double()
    x = torch.randn(*shape, dtype=torch.float64)
    keys = list(plain.state_dict())
    want = plain(x)
    running = plain[0].running_var.clone()
    plain[0].reset_running_stats()
    synced = synchronised(plain)
    assert isinstance(synced[0], SyncedBatchNorm)
    assert list(synced.state_dict()) == keys
    assert torch.allclose(synced(x), want)
    assert torch.allclose(synced[0].running_var, running)


@pytest.mark.parametrize("name", ["adam", "adamw"])
def test_where_fp16_is_clipped_the_step_does_not_unscale(name):
    # Fabric refuses to clip otherwise, at the first step.
    def unscales(**settings):
        return getattr(
            optimizer(Regression(), Plan(optimizer=name, **settings)), "_step_supports_amp_scaling", False
        )

    assert not unscales(precision="16-mixed", clip=1.0)
    assert unscales(precision="16-mixed")
    assert unscales(clip=1.0)
