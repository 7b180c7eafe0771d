"""Kernels in Triton compile for devices that aren't here, into the memory and the registers they have."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("triton", reason="Triton is not installed")

SCRIPT = Path(__file__).parents[1] / "ahead_of_time.py"
ROOM = {80: 163, 89: 99, 90: 227, 120: 99}  # KiB of shared memory a block


@pytest.mark.parametrize("capability", ROOM)
@pytest.mark.parametrize("which", ["contrast", "views"])
def test_kernels_fit_the_device(which, capability):
    # Where Triton interprets, it can't compile: that is decided when it is imported.
    environment = {name: value for name, value in os.environ.items() if name != "TRITON_INTERPRET"}
    command = [sys.executable, str(SCRIPT), which, str(capability)]
    found = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr[-2000:]
    kernels = [json.loads(line) for line in found.stdout.splitlines()]
    assert len(kernels) == {"contrast": 12, "views": 40}[which]
    for name, shared, spilled in kernels:
        assert shared <= ROOM[capability] << 10, name
        assert spilled <= 128, name  # 32 of its 255 registers
