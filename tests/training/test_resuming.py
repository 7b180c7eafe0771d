"""A training in pieces is the training in one."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from mutua.training import Interrupted, Plan, fit
from mutua.training import checkpoint as checkpoints
from mutua.training.metrics import read
from mutua.types import Step
from stopping_early import stop_after
from training.toys import Numbers, Regression, Toy, same

PLAN = Plan(epochs=3, batch=8, lr=1e-2, accelerator="cpu", save_every=1e9, log_every=1)  # 15 steps


def in_pieces(make, plan, folder, monkeypatch, steps=2):
    """Train until asked to stop after `steps` steps, and again with all built anew, to the end."""
    stop_after(monkeypatch, steps)
    for piece in range(100):
        method = make()
        try:
            rows = fit(method, Numbers(), plan, folder=folder, resume=piece > 0)
        except Interrupted:
            continue
        return method, rows, piece + 1
    raise AssertionError("a training that does not end")


@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
def test_many_pieces(precision, tmp_path, monkeypatch):
    plan = replace(PLAN, ema=0.7, clip=0.1, warmup=1, precision=precision)
    whole = Toy()
    want = fit(whole, Numbers(), plan, folder=tmp_path / "whole")
    method, rows, pieces = in_pieces(Toy, plan, tmp_path / "pieces", monkeypatch)
    assert pieces == 8
    assert same(whole, method)
    assert [(row["step"], row["loss"], row["lr"]) for row in rows] == [
        (row["step"], row["loss"], row["lr"]) for row in want
    ]
    assert [int(row["step"]) for row in read(tmp_path / "pieces" / "metrics.csv")] == list(range(15))


def test_a_finished_training_resumed_is_as_it_was(tmp_path):
    plan = replace(PLAN, ema=0.7)
    method, again = Toy(), Toy(seed=9)
    rows = fit(method, Numbers(), plan, folder=tmp_path)
    kept = (tmp_path / checkpoints.NAME).read_bytes()
    assert fit(again, Numbers(), plan, folder=tmp_path, resume=True) == rows
    assert same(method, again)
    assert not again.training
    assert (tmp_path / checkpoints.NAME).read_bytes() == kept


def test_how_often_it_logs_and_saves_may_change_on_the_way(tmp_path, monkeypatch):
    stop_after(monkeypatch, 4)
    whole, method = Toy(), Toy()
    with pytest.raises(Interrupted):
        fit(method, Numbers(), PLAN, folder=tmp_path)
    monkeypatch.undo()
    fit(method, Numbers(), replace(PLAN, log_every=7, save_every=0.0), folder=tmp_path, resume=True)
    fit(whole, Numbers(), PLAN)
    assert same(whole, method)


def test_rows_after_the_checkpoint_come_once(tmp_path, monkeypatch):
    """Killed after rows that no checkpoint holds: they are cut off and come again, as does half a row."""
    stop_after(monkeypatch, 4)
    with pytest.raises(Interrupted):
        fit(Toy(), Numbers(), PLAN, folder=tmp_path)
    monkeypatch.undo()
    path = tmp_path / "metrics.csv"
    with path.open("a") as file:
        file.write(path.read_text().splitlines()[-1].replace("3,", "4,", 1) + "\n5,1.0,0.2")
    rows = fit(Toy(), Numbers(), PLAN, folder=tmp_path, resume=True)
    assert [row["step"] for row in rows] == list(range(15))
    assert [int(row["step"]) for row in read(path)] == list(range(15))
    assert rows[4]["loss"] != rows[3]["loss"]


def test_numbers_of_numpy_in_a_plan_leave_a_checkpoint_that_loads(tmp_path):
    plan = replace(PLAN, lr=np.float64(1e-2))
    object.__setattr__(plan, "seed", np.int64(3))  # past the type checker of the tests, which users don't have
    plan.__post_init__()
    assert type(plan.lr) is float
    assert type(plan.seed) is int
    method, again = Toy(), Toy()
    fit(method, Numbers(), plan, folder=tmp_path)
    fit(again, Numbers(), plan, folder=tmp_path, resume=True)
    assert same(method, again)


def test_convolutions_of_lines_images_and_volumes_train_and_resume(tmp_path, monkeypatch):
    class Volumes(Regression):
        def __init__(self):
            super().__init__()
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(0)
                kinds = ((nn.Conv1d, 1), (nn.Conv2d, 2), (nn.Conv3d, 3))
                self.convolutions = nn.ModuleList(
                    nn.Sequential(nn.Unflatten(1, (1,) * axes + (4,)), kind(1, 2, 3, padding=1), nn.Flatten())
                    for kind, axes in kinds
                )

        def step(self, batch, generator):
            found = torch.cat([part(batch) for part in self.convolutions], 1)
            return Step(super().step(batch, generator).loss + (found - 1).square().mean())

    whole = Volumes()
    fit(whole, Numbers(), PLAN)
    method, _, _ = in_pieces(Volumes, PLAN, tmp_path, monkeypatch, steps=6)
    assert same(whole, method)
