"""Shapes are checked while the tests run: every annotation of mutua is enforced by jaxtyping and beartype."""

import os
from pathlib import Path

# One thread, here and in the programs that tests start: what they compute is small, and two threads on busy cores
# wait for each other. Before torch is imported, which reads it then.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# A cache of compiled loops for each of several processes of tests: Numba's index of one can be overwritten by one
# that compiles the same function for other types at that moment, and would then name a file with the wrong code.
if worker := os.environ.get("PYTEST_XDIST_WORKER"):
    os.environ.setdefault("NUMBA_CACHE_DIR", str(Path(__file__).parents[1] / ".numba_cache" / worker))

import pytest
import torch
from jaxtyping import install_import_hook

# Before anything imports Triton: kernels are interpreted where there is no device for them.
if not torch.cuda.is_available():
    os.environ.setdefault("TRITON_INTERPRET", "1")

install_import_hook("mutua", "shape_checks.check")

torch.set_num_threads(1)


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real data sets that MUTUA_DATA names; the test skips where there is none."""
    folder = os.environ.get("MUTUA_DATA")
    if not folder or not Path(folder).is_dir():
        pytest.skip("MUTUA_DATA names no folder of real data sets")
    return Path(folder)


@pytest.fixture
def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)
