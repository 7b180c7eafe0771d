import errno
import os
import pickle
import signal
import threading
import warnings
from dataclasses import replace

import pytest
import torch
from lightning_fabric.utilities.exceptions import MisconfigurationException
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from mutua.training import Diverged, Interrupted, Plan, fit
from mutua.training import checkpoint as checkpoints
from mutua.training import trainer as trainers
from mutua.training.metrics import read
from mutua.training.plan import learning_rate
from mutua.training.trainer import Trainer
from mutua.types import Embedding, InputError, Step
from training.toys import Numbers, Regression, Toy, same

PLAN = Plan(epochs=3, batch=8, lr=1e-2, accelerator="cpu", save_every=0.0, log_every=1)
VARIANTS = {
    "adamw": PLAN,
    "adam": replace(PLAN, optimizer="adam", clip=0.5),
    "sgd": replace(PLAN, optimizer="sgd"),
    "lars": replace(PLAN, optimizer="lars", lr=1.0),
    "averaged": replace(PLAN, ema=0.9),
    "accumulated": replace(PLAN, accumulate=2, epochs=4),
    "bfloat16": replace(PLAN, precision="bf16-mixed"),
}


class Stumbling(Toy):
    """Raises at a step, as a power cut would."""

    def __init__(self, at: int, error: BaseException) -> None:
        super().__init__()
        self.left, self.error = at, error

    def step(self, batch, generator):
        if self.left == 0:
            raise self.error
        self.left -= 1
        return super().step(batch, generator)


def test_lowers_the_loss_and_says_so(tmp_path):
    method = Regression()
    rows = fit(method, Numbers(), replace(PLAN, epochs=40, lr=0.05), folder=tmp_path)
    assert rows[-1]["loss"] < 0.05 * rows[0]["loss"]
    assert [int(row["step"]) for row in read(tmp_path / "metrics.csv")] == list(range(200))
    assert rows[-1]["epoch"] == 40
    assert not method.training


def test_is_a_function_of_the_seed():
    found = []
    for seed in (1, 1, 2):
        method = Toy()
        torch.rand(seed + len(found))  # the state of torch's own generator has no part in it
        fit(method, Numbers(), replace(PLAN, seed=seed))
        found.append(method)
    assert same(found[0], found[1])
    assert not same(found[0], found[2])


def test_leaves_the_global_generator_alone():
    torch.manual_seed(7)
    want = torch.rand(3)
    torch.manual_seed(7)
    fit(Toy(), Numbers(), PLAN)
    assert torch.equal(torch.rand(3), want)


@pytest.mark.parametrize("plan", VARIANTS.values(), ids=VARIANTS.keys())
@pytest.mark.parametrize("at", [1, 7, 13])
def test_resumes_bit_for_bit(plan, at, tmp_path):
    whole = Toy()
    rows = fit(whole, Numbers(), plan, folder=tmp_path / "whole")
    stumbling = Stumbling(at, ZeroDivisionError())
    with pytest.raises(ZeroDivisionError):
        fit(stumbling, Numbers(), plan, folder=tmp_path / "broken")
    if plan.accumulate == 2 and at == 1:
        assert not (tmp_path / "broken" / checkpoints.NAME).exists()  # half an update is no state to save
        return
    again = Stumbling(-1, ZeroDivisionError())
    resumed = fit(again, Numbers(), plan, folder=tmp_path / "broken", resume=True)
    assert same(whole, again)
    assert [row["loss"] for row in resumed] == [row["loss"] for row in rows]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_after_the_step_and_the_rest_follows(number, tmp_path):
    class Interrupting(Stumbling):
        def step(self, batch, generator):
            self.left -= 1
            if self.left == 0:
                os.kill(os.getpid(), number)
            return Toy.step(self, batch, generator)

    before = signal.getsignal(number)
    plan = replace(PLAN, save_every=1e9)
    whole, stopped = Toy(), Interrupting(6, ValueError())
    fit(whole, Numbers(), plan)
    with pytest.raises(Interrupted, match="stopped after step 6 of 15") as caught:
        fit(stopped, Numbers(), plan, folder=tmp_path)
    assert caught.value.path == tmp_path / checkpoints.NAME
    assert signal.getsignal(number) is before
    again = Interrupting(-1, ValueError())
    fit(again, Numbers(), plan, folder=tmp_path, resume=True)
    assert same(whole, again)


def test_works_outside_the_main_thread():
    methods = [Toy(), Toy()]
    fit(methods[0], Numbers(), PLAN)
    thread = threading.Thread(target=fit, args=(methods[1], Numbers(), PLAN))
    thread.start()
    thread.join()
    assert same(*methods)


def test_what_is_logged_and_saved_changes_nothing(tmp_path):
    a, b = Toy(), Toy()
    fit(a, Numbers(), PLAN, folder=tmp_path)
    fit(b, Numbers(), replace(PLAN, log_every=100, save_every=1e9))
    assert same(a, b)


def test_a_loss_that_is_not_finite_stops_and_leaves_the_checkpoint_from_before(tmp_path):
    class Exploding(Toy):
        def step(self, batch, generator):
            step = super().step(batch, generator)
            self.count = getattr(self, "count", 0) + 1
            return Step(step.loss * float("nan"), step.logs) if self.count == 5 else step

    with pytest.raises(Diverged, match=r"not finite at step 4; the last good checkpoint is .*checkpoint\.pt"):
        fit(Exploding(), Numbers(), PLAN, folder=tmp_path)
    kept = torch.load(tmp_path / checkpoints.NAME, weights_only=True)
    assert kept["step"] == 4
    assert all(torch.isfinite(value).all() for value in kept["method"].values())
    with pytest.raises(Diverged, match="no checkpoint was made"):
        fit(Exploding(), Numbers(), PLAN)


def test_bad_input(tmp_path):
    with pytest.raises(InputError, match="data: 1 example; "):
        fit(Toy(), Numbers(1), PLAN)
    with pytest.raises((InputError, TypeError), match=r"take|Rows"):
        fit(Toy(), [1, 2, 3], PLAN)
    with pytest.raises(InputError, match="resume: needs the folder"):
        fit(Toy(), Numbers(), PLAN, resume=True)
    with pytest.raises(InputError, match="there is no checkpoint"):
        fit(Toy(), Numbers(), PLAN, folder=tmp_path / "none", resume=True)
    fit(Toy(), Numbers(), PLAN, folder=tmp_path)
    with pytest.raises(InputError, match="there is a checkpoint already"):
        fit(Toy(), Numbers(), PLAN, folder=tmp_path)
    with pytest.raises(InputError, match="method 'Toy', not 'Regression'"):
        fit(Regression(), Numbers(), PLAN, folder=tmp_path, resume=True)
    with pytest.raises(InputError, match="examples 40, not 30"):
        fit(Toy(), Numbers(30), PLAN, folder=tmp_path, resume=True)
    with pytest.raises(InputError, match=r"lr 0\.01, not 0\.02"):
        fit(Toy(), Numbers(), replace(PLAN, lr=0.02), folder=tmp_path, resume=True)
    other = Toy()
    other.encoder[4] = torch.nn.Linear(6, 5)
    with pytest.raises(InputError, match=r"encoder\.4\.weight has shape \(3, 6\) there and \(5, 6\) here"):
        fit(other, Numbers(), PLAN, folder=tmp_path, resume=True)


def test_broken_checkpoints_are_refused_and_never_unpickled(tmp_path):
    path = tmp_path / checkpoints.NAME
    fit(Toy(), Numbers(), PLAN, folder=tmp_path)
    whole = path.read_bytes()
    mark = tmp_path / "executed"

    class Malice:
        def __reduce__(self):
            return os.mkdir, (str(mark),)

    for broken in (b"", b"nonsense", whole[: len(whole) // 2], pickle.dumps(Malice())):
        path.write_bytes(broken)
        with pytest.raises(InputError, match="is no checkpoint of mutua"):
            fit(Toy(), Numbers(), PLAN, folder=tmp_path, resume=True)
    torch.save({"format": 1, "step": Malice()}, path)
    with pytest.raises(InputError, match="is no checkpoint of mutua"):
        fit(Toy(), Numbers(), PLAN, folder=tmp_path, resume=True)
    assert not mark.exists()


@pytest.mark.parametrize("where", ["torch.save", "os.replace"])
def test_a_full_disk_leaves_the_old_checkpoint(where, tmp_path, monkeypatch):
    fit(Toy(), Numbers(), PLAN, folder=tmp_path)
    old = (tmp_path / checkpoints.NAME).read_bytes()

    def full(*_args, **_settings):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    method = Toy()
    trainer = Trainer(method, PLAN, 5, {})
    monkeypatch.setattr(where, full)
    with pytest.raises(InputError, match=r"checkpoint\.pt: cannot be written \(No space left on device\)"):
        trainer.save(tmp_path / checkpoints.NAME)
    monkeypatch.undo()
    assert (tmp_path / checkpoints.NAME).read_bytes() == old
    assert {path.name for path in tmp_path.iterdir()} == {checkpoints.NAME, "metrics.csv"}


def test_a_batch_larger_than_the_data_is_all_of_them():
    rows = fit(Regression(), Numbers(10), replace(PLAN, batch=64, epochs=2))
    assert len(rows) == 2


def test_accumulation_is_the_mean_gradient():
    data = Numbers(16)
    plan = replace(
        PLAN, epochs=1, batch=4, accumulate=4, optimizer="sgd", momentum=0.0, lr=0.1, schedule="constant"
    )
    plan = replace(plan, weight_decay=0.0)
    method = Regression()
    fit(method, data, plan)
    twin = Regression()
    twin.step(data.values, torch.Generator()).loss.backward()  # equal batches: the mean of means is the mean
    for name, p in twin.named_parameters():
        assert torch.allclose(method.get_parameter(name), p - 0.1 * p.grad, atol=1e-6)


def test_clipping_bounds_the_step():
    plan = replace(PLAN, epochs=1, batch=40, optimizer="sgd", momentum=0.0, lr=1.0, clip=1e-3, weight_decay=0.0)
    method, start = Regression(), Regression()
    fit(method, Numbers(), replace(plan, schedule="constant"))
    moved = torch.cat([(a - b).flatten() for a, b in zip(method.parameters(), start.parameters(), strict=True)])
    assert moved.norm().item() == pytest.approx(1e-3, rel=1e-3)


class Asked(TorchDispatchMode):
    """Counts what makes the host wait for a device: numbers read, shapes that depend on values."""

    def __init__(self):
        super().__init__()
        self.times = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.times += any(
            name in str(func) for name in ("_local_scalar_dense", "nonzero", "unique", "equal.default")
        )
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("plan", VARIANTS.values(), ids=VARIANTS.keys())
def test_a_step_asks_the_device_for_nothing(plan):
    trainer = Trainer(Toy(), replace(plan, clip=1.0), 5, {"batch": 8})
    with Asked() as asked:
        for _ in range(2):
            trainer.train(Numbers().values[:8])
    assert asked.times == 0
    with Asked() as asked:
        trainer.check(None)
    assert asked.times > 0  # the control


def test_the_average_is_what_a_loop_gives():
    seen = []

    class Watched(Regression):
        def step(self, batch, generator):
            seen.append({name: p.detach().clone() for name, p in self.named_parameters()})
            return super().step(batch, generator)

    plan = replace(PLAN, epochs=2, ema=0.8)
    averaged, plain = Watched(), Regression()
    fit(averaged, Numbers(), plan)
    fit(plain, Numbers(), replace(plan, ema=0.0))
    for name, p in averaged.named_parameters():
        want = seen[0][name]
        for now in [*(weights[name] for weights in seen[1:]), plain.get_parameter(name).detach()]:
            want = 0.8 * want + 0.2 * now
        assert torch.allclose(p, want, atol=1e-6)


def test_progress_goes_to_standard_error_when_asked(capsys):
    fit(Toy(), Numbers(), PLAN)
    assert capsys.readouterr().err.count("Toy: step") == 0
    fit(Toy(), Numbers(), PLAN, progress=True)
    shown = capsys.readouterr()
    assert "Toy: step 15 of 15, loss" in shown.err
    assert shown.out == ""


def test_learning_rates_by_hand():
    plan = Plan(epochs=10, lr=1.0, warmup=2, batch=2)
    rates = [learning_rate(plan, step, 5) for step in range(50)]
    assert rates[:10] == pytest.approx([(k + 1) / 10 for k in range(10)])
    assert rates[10] == 1.0
    assert rates[30] == pytest.approx(0.5)
    assert rates[49] == pytest.approx(0.0, abs=2e-3)
    stepped = [learning_rate(replace(plan, warmup=0, schedule="steps"), step, 5) for step in (0, 14, 15, 30, 40)]
    assert stepped == pytest.approx([1, 1, 0.2, 0.04, 0.008])
    assert learning_rate(replace(plan, schedule="constant"), 49, 5) == 1.0
    doubled = replace(plan, batch=512, accumulate=2, warmup=0, schedule="constant")
    assert learning_rate(replace(doubled, scaling="linear"), 0, 5) == pytest.approx(4.0)
    assert learning_rate(replace(doubled, scaling="sqrt"), 0, 5) == pytest.approx(2.0)
    assert learning_rate(replace(doubled, scaling="linear"), 0, 5, 128) == pytest.approx(1.0)  # few data
    assert learning_rate(doubled, 0, 5) == 1.0
    longer = replace(plan, warmup=100)  # longer than the training: it rises to its end
    assert learning_rate(longer, 49, 5) == 1.0  # however long the warm-up


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("epochs", 0),
        ("batch", 1),
        ("micro_batch", -1),
        ("batch_norm", "frozen"),
        ("scaling", "cubic"),
        ("accumulate", 0),
        ("devices", 0),
        ("log_every", 0),
        ("lr", float("nan")),
        ("lr", -1.0),
        ("weight_decay", float("inf")),
        ("clip", -0.1),
        ("ema", 1.0),
        ("momentum", -0.1),
        ("schedule", "linear"),
        ("optimizer", "adamx"),
        ("precision", "8-bit"),
    ],
)
def test_plans_that_cannot_be(name, value):
    plan = replace(PLAN)
    object.__setattr__(plan, name, value)  # past the type checker of the tests, which users don't have
    with pytest.raises(InputError, match=rf"^{name}: "):
        plan.__post_init__()


def test_simclrs_rates_are_a_scaling():
    """Appendix B.1 of the paper: 0.3 B / 256, and 0.075 sqrt(B)."""
    for batch in (256, 512, 4096):
        plan = replace(PLAN, batch=batch, schedule="constant", optimizer="lars")
        linear, root = replace(plan, lr=0.3, scaling="linear"), replace(plan, lr=1.2, scaling="sqrt")
        assert learning_rate(linear, 0, 9) == pytest.approx(0.3 * batch / 256)
        assert learning_rate(root, 0, 9) == pytest.approx(0.075 * batch**0.5)


def test_the_rate_that_is_logged_is_scaled_by_what_a_step_sees():
    plan = replace(PLAN, batch=512, lr=0.256, scaling="linear", schedule="constant")
    assert fit(Regression(), Numbers(64), plan)[0]["lr"] == pytest.approx(0.064)


def test_a_batch_must_divide_among_devices():
    with pytest.raises(InputError, match="batch: 9 does not divide among 2 devices"):
        replace(PLAN, batch=9, devices=2)


@pytest.mark.parametrize("micro_batch", [0, 4])
def test_mixed_precision_does_not_round_the_examples(micro_batch):
    class Seen(Embedding):
        def __init__(self):
            super().__init__()
            self.linear = nn.Linear(4, 1)

        def draw(self, batch, generator):
            seen.append(batch)
            return {}

        def embed(self, batch, drawn):
            return self.linear(batch)[:, None]  # (n, 1, 1)

        def judge(self, z):
            return Step(z.float().square().mean())

    seen, data = [], Numbers()
    plan = Plan(epochs=1, batch=8, precision="bf16-mixed", accelerator="cpu", micro_batch=micro_batch)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # slow on many a processor
        fit(Seen(), data, plan)
    assert {batch.dtype for batch in seen} == {torch.float32}
    assert torch.equal(torch.cat(seen).sort(0).values, data.values.sort(0).values)


def test_more_devices_than_there_are_is_one_line(monkeypatch):
    def refuses(*_, **__):
        raise MisconfigurationException("You requested gpu: [0, 1]\n But your machine only has: [0]")

    monkeypatch.setattr(trainers, "Fabric", refuses)
    with pytest.raises(InputError, match=r"devices: cpu, 2: You requested gpu: \[0, 1\] But your machine"):
        fit(Regression(), Numbers(), Plan(accelerator="cpu", devices=2, batch=8))
