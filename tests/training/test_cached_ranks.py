import subprocess
import sys

import pytest
import torch

from mutua.training import fit
from training import cut_workers
from training.cut_toys import contrastive


@pytest.mark.parametrize("encoder", cut_workers.KINDS)
def test_two_devices_in_chunks_are_one_without(encoder, tmp_path):
    command = [sys.executable, cut_workers.__file__, encoder, str(tmp_path)]
    done = subprocess.run(command, stderr=subprocess.PIPE, check=False)
    assert done.returncode == 0, done.stderr.decode()
    found = torch.load(tmp_path / "found.pt", weights_only=True)
    method, start = contrastive(encoder), contrastive(encoder)
    rows = fit(method, cut_workers.Twenty(), cut_workers.plan(encoder, 1, 0))
    assert [row["loss"] for row in found["rows"]] == pytest.approx([row["loss"] for row in rows], rel=1e-6)
    for name, value in method.state_dict().items():
        torch.testing.assert_close(found["weights"][name], value, rtol=1e-8, atol=1e-9, msg=name)
    moved = torch.cat([(a - b).flatten() for a, b in zip(method.parameters(), start.parameters(), strict=True)])
    assert moved.abs().max() > 1e-3
