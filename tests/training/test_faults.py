"""What goes wrong while training: one line that names it, and a checkpoint from before that still loads."""

import errno
import os
import signal
import warnings
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from mutua.training import Diverged, Plan, fit
from mutua.training import checkpoint as checkpoints
from mutua.types import InputError, Step
from training.toys import Numbers, Regression, Toy, same

PLAN = Plan(epochs=2, batch=8, lr=1e-2, accelerator="cpu", save_every=0.0, log_every=1)  # 10 steps


class SteepAtZero(Regression):
    """At a step its loss is finite and its gradient is not: the root of 0."""

    def __init__(self, at: int) -> None:
        super().__init__()
        self.left = at

    def step(self, batch, generator):
        step = super().step(batch, generator)
        self.left -= 1
        return Step(step.loss + (0 * self.linear.weight).square().sum().sqrt()) if self.left == -1 else step


def full(*_args, **_settings):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("at", [4, 9])  # the last step has none after it that could see it in a loss
def test_weights_that_are_not_finite_are_never_kept(at, tmp_path):
    with pytest.raises(
        Diverged, match=rf"weights: not finite at step {at}; the last good checkpoint is .*\.pt"
    ) as caught:
        fit(SteepAtZero(at), Numbers(), PLAN, folder=tmp_path)
    assert caught.value.step == at
    kept = torch.load(tmp_path / checkpoints.NAME, weights_only=True)
    assert kept["step"] == at
    assert all(value.isfinite().all() for value in kept["method"].values())
    resumed = SteepAtZero(-5)
    fit(resumed, Numbers(), PLAN, folder=tmp_path, resume=True)
    whole = Regression()
    fit(whole, Numbers(), PLAN)
    assert same(whole, resumed)


def test_weights_that_are_not_finite_end_a_training_without_a_folder():
    with pytest.raises(Diverged, match="weights: not finite at step 9; no checkpoint was made before"):
        fit(SteepAtZero(9), Numbers(), PLAN)


def test_an_infinite_loss_is_not_finite_either():
    class Infinite(Regression):
        def step(self, batch, generator):
            return Step(super().step(batch, generator).loss * float("inf"))

    with pytest.raises(Diverged, match="loss: not finite at step 0"):
        fit(Infinite(), Numbers(), PLAN)


def test_a_plan_without_a_single_update_is_refused(tmp_path):
    with pytest.raises(InputError, match="accumulate: 11 batches a step, and all epochs together have 10"):
        fit(Toy(), Numbers(), replace(PLAN, accumulate=11), folder=tmp_path)
    assert not list(tmp_path.iterdir())
    fit(Toy(), Numbers(), replace(PLAN, accumulate=10), folder=tmp_path)


def test_more_devices_than_examples_are_refused():
    with pytest.raises(InputError, match="devices: 3 for 2 examples"):
        fit(Toy(), Numbers(2), replace(PLAN, batch=9, devices=3))


def test_an_accelerator_that_is_not_there_is_refused():
    with pytest.raises(InputError, match="accelerator, devices: abacus, 1: "):
        fit(Toy(), Numbers(), replace(PLAN, accelerator="abacus"))


class Torn(Numbers):
    """Its fifth batch can't be read."""

    reads = 0

    def take(self, index):
        self.reads += 1
        if self.reads == 5:
            raise InputError("photo.jpg: cannot be read")
        return super().take(index)


def test_an_error_of_the_data_ends_the_training_and_the_rest_follows(tmp_path):
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    method, whole = Toy(), Toy()
    with pytest.raises(InputError, match=r"photo\.jpg"):
        fit(method, Torn(), PLAN, folder=tmp_path)
    assert {number: signal.getsignal(number) for number in before} == before
    assert torch.load(tmp_path / checkpoints.NAME, weights_only=True)["step"] == 4  # all that were read
    fit(method, Numbers(), PLAN, folder=tmp_path, resume=True)
    fit(whole, Numbers(), PLAN)
    assert same(method, whole)


def test_a_second_interrupt_does_not_wait_for_the_step(tmp_path):
    class Stuck(Toy):
        def step(self, batch, generator):
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)
            raise AssertionError("not reached")

    # A shell starts what it puts in the background with the interrupt ignored: the usual handler is set here.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            fit(Stuck(), Numbers(), PLAN, folder=tmp_path)
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_disk_that_fills_while_training(tmp_path, monkeypatch):
    """The checkpoint's old copy stands, and once there is space the training ends as it would have."""
    write, saved = torch.save, []

    def filling(*args, **settings):
        saved.append(1)
        if len(saved) > 3:
            full()
        write(*args, **settings)

    whole, method = Toy(), Toy()
    fit(whole, Numbers(), PLAN)
    with monkeypatch.context() as patch:
        patch.setattr(torch, "save", filling)
        with pytest.raises(
            InputError, match=r"checkpoint\.pt: cannot be written \(No space left on device\); the"
        ):
            fit(method, Numbers(), PLAN, folder=tmp_path)
    assert torch.load(tmp_path / checkpoints.NAME, weights_only=True)["step"] == 3
    fit(method, Numbers(), PLAN, folder=tmp_path, resume=True)
    assert same(whole, method)


def test_a_first_checkpoint_that_cannot_be_written(tmp_path, monkeypatch):
    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(InputError, match="no checkpoint was made before it"):
        fit(Toy(), Numbers(), PLAN, folder=tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"metrics.csv"}


def test_metrics_that_cannot_be_written(tmp_path, monkeypatch):
    write = Path.open

    def filling(path, mode="r", *args, **settings):
        return full() if mode == "a" else write(path, mode, *args, **settings)

    monkeypatch.setattr(Path, "open", filling)
    with pytest.raises(InputError, match=r"metrics\.csv: cannot be written \(No space left on device\)"):
        fit(Toy(), Numbers(), PLAN, folder=tmp_path)


def test_a_file_in_the_place_of_the_folder(tmp_path):
    (tmp_path / "run").write_text("a file")
    with pytest.raises(InputError, match=r"run.*: cannot be written"):
        fit(Toy(), Numbers(), PLAN, folder=tmp_path / "run")


@pytest.mark.parametrize("text", ["step,loss\n0,abc\n", "step,loss\n0,1,2\n", "a,b\n1,2\n", "step\n\xff\n"])
def test_metrics_that_are_none(text, tmp_path):
    fit(Toy(), Numbers(), PLAN, folder=tmp_path)
    (tmp_path / "metrics.csv").write_bytes(text.encode("latin-1"))
    with pytest.raises(InputError, match=r"metrics\.csv: holds no metrics of mutua"):
        fit(Toy(), Numbers(), PLAN, folder=tmp_path, resume=True)


@pytest.mark.parametrize(
    "changed",
    [
        {"step": "7"},
        {"about": 3},
        {"method": [1]},
        {"optimizer": {}},
        {"average": {}},
        {"format": 2},
        {"extra": 1},
    ],
    ids=str,
)
def test_checkpoints_of_other_contents_are_refused(changed, tmp_path):
    plan = replace(PLAN, ema=0.5)
    fit(Toy(), Numbers(), plan, folder=tmp_path)
    path = tmp_path / checkpoints.NAME
    torch.save({**torch.load(path, weights_only=True), **changed}, path)
    with pytest.raises(InputError, match=r"checkpoint\.pt: ") as caught:
        fit(Toy(), Numbers(), plan, folder=tmp_path, resume=True)
    assert "\n" not in str(caught.value)


def test_a_method_frozen_elsewhere_is_another(tmp_path):
    fit(Toy(), Numbers(), PLAN, folder=tmp_path)
    method = Toy()
    method.encoder[0].requires_grad_(False)
    with pytest.raises(InputError, match="frozen where it was"):
        fit(method, Numbers(), PLAN, folder=tmp_path, resume=True)


@pytest.mark.parametrize(
    "other",
    [{"seed": 1}, {"epochs": 9}, {"batch": 4}, {"optimizer": "sgd"}, {"ema": 0.5}, {"precision": "bf16-mixed"}],
)
def test_another_plan_is_refused_by_name(other, tmp_path):
    fit(Toy(), Numbers(), PLAN, folder=tmp_path)
    with pytest.raises(InputError, match=rf"is of {next(iter(other))} .* resume with its settings"):
        fit(Toy(), Numbers(), replace(PLAN, **other), folder=tmp_path, resume=True)


@pytest.mark.parametrize(("processor", "warned"), [("AVX2", True), ("AVX512", False)])
def test_bfloat16_where_the_processor_has_none_is_warned_of(processor, warned, monkeypatch):
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: processor)
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        fit(Regression(), Numbers(), replace(PLAN, precision="bf16-mixed"))
        fit(Regression(), Numbers(), PLAN)
    said = [str(one.message) for one in heard if "bf16-mixed on a processor without AVX-512" in str(one.message)]
    assert len(said) == warned


def test_what_was_learned_before_a_broken_file_is_kept(tmp_path):
    plan = replace(PLAN, save_every=1e6)
    with pytest.raises(InputError, match=r"photo\.jpg"):
        fit(Toy(), Torn(), plan, folder=tmp_path)
    assert torch.load(tmp_path / checkpoints.NAME, weights_only=True)["step"] == 4
    method, whole = Toy(), Toy()
    fit(method, Numbers(), plan, folder=tmp_path, resume=True)
    fit(whole, Numbers(), plan)
    assert same(method, whole)
