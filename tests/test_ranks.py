import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

import rank_workers
from methods.small import PAIRS
from mutua import ranks
from mutua.training import fit


@pytest.fixture(scope="module")
def together(tmp_path_factory) -> Path:
    """The folder of what two processes found."""
    folder = tmp_path_factory.mktemp("together")
    command = [sys.executable, rank_workers.__file__, "everything"]
    both = [subprocess.Popen([*command, str(rank), str(folder)], stderr=subprocess.PIPE) for rank in range(2)]
    for process in both:
        _, errors = process.communicate()
        assert process.returncode == 0, errors.decode()
    return folder


@pytest.mark.parametrize(("name", "kind"), PAIRS)
def test_two_ranks_take_the_step_of_one(name, kind, together):
    found = torch.load(together / f"{name}-{kind}.pt", weights_only=True)
    whole = rank_workers.measured(rank_workers.build(name, kind), rank_workers.examples(name, kind))
    assert found.keys() == whole.keys()
    assert any(value.abs().max() > 1e-3 for key, value in whole.items() if key.startswith("gradient of encoder"))
    for key, value in whole.items():
        torch.testing.assert_close(
            found[key], value, rtol=1e-6, atol=1e-9, msg=lambda text, key=key: f"{key}: {text}"
        )


def test_collectives_have_their_adjoints(together):
    zero, one = (torch.load(together / f"adjoints{rank}.pt", weights_only=True) for rank in range(2))
    for found in (zero, one):
        for name in ("gather", "total"):
            left, right = found[name]["sides"]
            assert left == pytest.approx(right.item(), rel=1e-12)
        assert torch.equal(found["gather"]["out"], found["gather"]["x"])
        assert torch.allclose(found["total"]["out"], sum(found["total"]["x"].chunk(2)))
    assert zero["mine"]["a"].tolist() == [0, 1, 2]
    assert one["mine"]["a"].tolist() == [3, 4, 5]
    assert one["mine"]["b"]["c"].tolist() == [2, 3]
    assert one["mine"]["d"] == 3
    assert one["mine"]["e"] == 5
    for rank, found in enumerate((zero, one)):
        both = 2 * torch.arange(12, dtype=torch.float64).reshape(6, 2) + 1  # the weights of rank 0 and of rank 1
        for side in ("x", "y"):
            assert torch.equal(found["sum"][side], both.chunk(2)[rank])


def test_batch_norm_of_two_ranks_is_that_of_one(together):
    found = torch.load(together / "norms.pt", weights_only=True)
    for name, (_, inputs) in rank_workers.NORMS.items():
        out, grad, buffers = rank_workers.normed(rank_workers.norm(name), inputs)
        want = {"out": out, "grad": grad, **buffers}
        assert found[name].keys() == want.keys()
        for key, value in want.items():
            torch.testing.assert_close(found[name][key], value, rtol=1e-9, atol=1e-9)


def by_itself(folder: Path, worker: str, number: int) -> None:
    """Run a worker whose `fit` starts the other processes."""
    command = [sys.executable, rank_workers.__file__, worker, str(number), str(folder)]
    done = subprocess.run(command, stderr=subprocess.PIPE, check=False)
    assert done.returncode == 0, done.stderr.decode()


def test_fit_on_two_devices_is_fit_on_one_in_double_precision(tmp_path):
    by_itself(tmp_path, "trained", 2)
    found = torch.load(tmp_path / "found.pt", weights_only=True)
    method = rank_workers.Pairs()
    rows = fit(method, rank_workers.Counted(), rank_workers.plan(1))
    assert [row["step"] for row in found["rows"]] == [row["step"] for row in rows]
    assert [row["loss"] for row in found["rows"]] == pytest.approx([row["loss"] for row in rows], rel=1e-6)
    start, want = rank_workers.Pairs().state_dict(), method.state_dict()
    assert found["weights"].keys() == want.keys()
    for name, value in want.items():
        torch.testing.assert_close(found["weights"][name], value, rtol=1e-9, atol=1e-9)
    assert (want["encoder.0.weight"] - start["encoder.0.weight"]).abs().max() > 1e-3
    # And what two devices began one can end.
    again = rank_workers.Pairs()
    fit(again, rank_workers.Counted(), rank_workers.plan(1), folder=tmp_path / "run", resume=True)
    assert all(torch.equal(value, found["weights"][name]) for name, value in again.state_dict().items())


@pytest.mark.slow
@pytest.mark.parametrize("rank", [0, 1])
def test_a_loss_that_is_not_finite_on_one_rank_stops_both(rank, tmp_path):
    by_itself(tmp_path, "spoiled", rank)
    for each in range(2):
        assert "loss: not finite at step 0; " in (tmp_path / f"said{each}.txt").read_text()


@pytest.mark.slow
def test_a_checkpoint_that_rank_0_cannot_write_stops_both(tmp_path):
    by_itself(tmp_path, "full", 0)
    for each in range(2):
        assert "checkpoint.pt: cannot be written" in (tmp_path / f"said{each}.txt").read_text()


def test_one_process_is_the_special_case():
    x = torch.rand(3)
    assert ranks.world() == 1
    assert ranks.rank() == 0
    assert ranks.gather(x) is x
    assert ranks.total(x) is x
    assert ranks.mine(x) is x


@pytest.mark.slow
def test_two_devices_train_as_one_does(tmp_path):
    arguments = "--data digits --encoder dim32 --epochs 1 --batch 64 --accelerator cpu --optimizer sgd --lr 1e-3"
    files = []
    for devices in ("1", "2"):
        run = tmp_path / devices
        command = [sys.executable, "-m", "mutua", "train", "simclr", *arguments.split()]
        subprocess.run([*command, "--devices", devices, "--out", str(run)], check=True)
        files.append(load_file(run / "encoder.safetensors"))
    # Rounding differs and training amplifies it; a gradient off by the number of devices would differ by 100 %.
    one, two = (torch.cat([f[name] for name in sorted(f) if name.endswith("1.bias")]) for f in files)
    assert one.abs().max() > 1e-5  # they began at zero
    assert (one - two).norm() < 0.2 * one.norm()
