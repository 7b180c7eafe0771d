import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

import rank_workers
from mutua import ranks
from mutua.methods import METHODS


def together(folder: Path, *arguments: str) -> None:
    """Run the worker as two processes."""
    command = [sys.executable, rank_workers.__file__]
    both = [
        subprocess.Popen([*command, arguments[0], str(rank), str(folder), *arguments[1:]], stderr=subprocess.PIPE)
        for rank in range(2)
    ]
    for process in both:
        _, errors = process.communicate(timeout=300)
        assert process.returncode == 0, errors.decode()


@pytest.mark.parametrize("name", METHODS)
def test_two_ranks_give_the_loss_and_gradients_of_one(name, tmp_path):
    together(tmp_path, "step_of_two", name)
    found = torch.load(tmp_path / "found.pt", weights_only=True)
    whole = rank_workers.measured(rank_workers.build(name), rank_workers.images())
    assert found.keys() == whole.keys()
    assert any(value.abs().max() > 1e-3 for key, value in whole.items() if key.startswith("gradient of encoder"))
    for key, value in whole.items():
        torch.testing.assert_close(
            found[key], value, rtol=1e-6, atol=1e-9, msg=lambda text, key=key: f"{key}: {text}"
        )


def test_collectives_have_their_adjoints(tmp_path):
    together(tmp_path, "adjoints")
    zero, one = (torch.load(tmp_path / f"found{rank}.pt", weights_only=True) for rank in range(2))
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
        subprocess.run([*command, "--devices", devices, "--out", str(run)], check=True, timeout=300)
        files.append(load_file(run / "encoder.safetensors"))
    # Rounding differs and training amplifies it; a gradient off by the number of devices would differ by 100 %.
    one, two = (torch.cat([f[name] for name in sorted(f) if name.endswith("1.bias")]) for f in files)
    assert one.abs().max() > 1e-5  # they began at zero
    assert (one - two).norm() < 0.2 * one.norm()
